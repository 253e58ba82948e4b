#!/usr/bin/env python3
"""What the compose cluster is asked for besides the demo: an index made on a table that is written to, and expiry times.

  check.py index      a global index on the live demo table, made while somebody writes; its rows against the table's
  check.py expiry     items go when their time has come, those of tomorrow stay, and the index follows
"""
import argparse
import sys
import threading
import time

import boto3
import botocore.config

INDEX, TABLE = "by-version", "debian"
EXPIRY = "expiring"


def client(endpoint):
    config = botocore.config.Config(retries={"mode": "standard", "max_attempts": 12}, read_timeout=20, connect_timeout=5)
    return boto3.client("dynamodb", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="tercet",
                        aws_secret_access_key="tercet-local-secret", config=config)


def wait_for(what, seconds, check):
    """Seconds until check() is true."""
    since = time.time()
    while not check():
        if time.time() - since > seconds:
            sys.exit(f"after {seconds} s still not: {what}")
        time.sleep(0.1)
    return time.time() - since


class Writer(threading.Thread):
    """Puts and deletes items of the index's table until it is stopped."""

    def __init__(self, endpoint):
        super().__init__(daemon=True)
        self.db, self.stopped, self.count = client(endpoint), threading.Event(), 0

    def run(self):
        while not self.stopped.is_set():
            key = {"pk": {"S": f"written#{self.count % 50}"}, "sk": {"S": "while the index is made"}}
            if self.count % 7 == 6:
                self.db.delete_item(TableName=TABLE, Key=key)
            else:
                self.db.put_item(TableName=TABLE, Item={**key, "version": {"S": f"v{self.count % 5}"}})
            self.count += 1

    def stop(self):
        self.stopped.set()
        self.join(30)


def rows(db, index=None):
    """{(pk, sk): version} of all that has a version, in the table or its index."""
    where = {"IndexName": index} if index else {"ConsistentRead": True}
    pages = db.get_paginator("scan").paginate(TableName=TABLE, **where)
    return {(i["pk"]["S"], i["sk"]["S"]): i["version"]["S"] for page in pages for i in page["Items"] if "version" in i}


def index_status(db):
    found = [i["IndexStatus"] for i in db.describe_table(TableName=TABLE)["Table"].get("GlobalSecondaryIndexes", []) if i["IndexName"] == INDEX]
    return found[0] if found else None


def check_index(endpoint):
    db, writer = client(endpoint), Writer(endpoint)
    writer.start()
    create = {"IndexName": INDEX, "Projection": {"ProjectionType": "KEYS_ONLY"},
              "KeySchema": [{"AttributeName": "version", "KeyType": "HASH"}, {"AttributeName": "pk", "KeyType": "RANGE"}]}
    db.update_table(TableName=TABLE, GlobalSecondaryIndexUpdates=[{"Create": create}],
                    AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk", "version")])
    took = wait_for(f"{INDEX} ACTIVE", 120, lambda: index_status(db) == "ACTIVE")
    writer.stop()
    settled = wait_for("the index has what the table has", 60, lambda: rows(db) == rows(db, INDEX))
    table = rows(db)
    version = max(set(table.values()), key=list(table.values()).count)
    found = db.query(TableName=TABLE, IndexName=INDEX, KeyConditionExpression="version = :v", ExpressionAttributeValues={":v": {"S": version}},
                     Select="COUNT")["Count"]
    if found != sum(v == version for v in table.values()):
        sys.exit(f"the index has {found} items of version {version}, the table {sum(v == version for v in table.values())}")
    print(f"index {INDEX} ACTIVE after {took:.1f} s with {writer.count} writes meanwhile; {settled:.1f} s later its {len(table)} rows are the table's; "
          f"{found} packages of version {version}")


def check_expiry(endpoint):
    db = client(endpoint)
    db.create_table(TableName=EXPIRY, BillingMode="PAY_PER_REQUEST", AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "kind")],
                    KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                    GlobalSecondaryIndexes=[{"IndexName": "by-kind", "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
                                             "Projection": {"ProjectionType": "ALL"}}])
    wait_for(f"{EXPIRY} ACTIVE", 60, lambda: db.describe_table(TableName=EXPIRY)["Table"]["TableStatus"] == "ACTIVE")
    now = int(time.time())
    for n in range(60):  # a third is due soon, a third tomorrow, a third never
        until = [{"until": {"N": str(now + 5)}}, {"until": {"N": str(now + 86400)}}, {}][n % 3]
        db.put_item(TableName=EXPIRY, Item={"pk": {"S": str(n)}, "kind": {"S": "session"}, **until})
    db.update_time_to_live(TableName=EXPIRY, TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"})
    left = {str(n) for n in range(60) if n % 3}

    def keys(items):
        return {i["pk"]["S"] for i in items}
    took = wait_for("what is due is gone, and nothing else", 120, lambda: keys(db.scan(TableName=EXPIRY, ConsistentRead=True)["Items"]) == left)
    query = {"TableName": EXPIRY, "IndexName": "by-kind", "KeyConditionExpression": "kind = :k", "ExpressionAttributeValues": {":k": {"S": "session"}}}
    wait_for("the index follows", 30, lambda: keys(db.query(**query)["Items"]) == left)
    print(f"20 of 60 items were due 5 s after they were written; gone {took:.1f} s after expiry was enabled, from the index too")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["index", "expiry"])
    parser.add_argument("--endpoint", default="http://127.0.0.1:8000")
    args = parser.parse_args()
    {"index": check_index, "expiry": check_expiry}[args.what](args.endpoint)


if __name__ == "__main__":
    main()

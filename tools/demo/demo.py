#!/usr/bin/env python3
"""Loads this machine's Debian package index (apt-cache dumpavail) into Tercet and queries it.

  demo.py                 load everything, then show queries with timings
  demo.py load            load only (repeatable: the same items are written again)
  demo.py check           count and content checksum of what is stored, as a client sees it
  demo.py query           queries only

Table `debian`, keys pk (S) and sk (S):
  pk = package#NAME   sk = info      everything known of a package
  pk = section#NAME   sk = PACKAGE   version, size and first line, for listing a section
"""
import argparse
import hashlib
import json
import multiprocessing
import subprocess
import sys
import time

import boto3
import botocore.config

TABLE = "debian"
WORKERS = 3


def client(endpoint):
    config = botocore.config.Config(retries={"mode": "standard", "max_attempts": 12}, read_timeout=20, connect_timeout=5,
                                    max_pool_connections=4)
    return boto3.client("dynamodb", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="tercet",
                        aws_secret_access_key="tercet-local-secret", config=config)


def packages():
    """One dict of fields a package; the newest stanza of a name wins, as apt prints it first."""
    text = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, text=True, check=True).stdout
    seen = set()
    for stanza in text.split("\n\n"):
        fields, key = {}, None
        for line in stanza.split("\n"):
            if line[:1] in (" ", "\t") and key:
                fields[key] += "\n" + line.strip()
            elif ": " in line:
                key, value = line.split(": ", 1)
                fields[key] = value
        if fields.get("Package") and fields["Package"] not in seen:
            seen.add(fields["Package"])
            yield fields


def depends(fields):
    """Names of the first alternative of each dependency, without versions."""
    names = [d.split("|")[0].split("(")[0].split(":")[0].strip() for d in fields.get("Depends", "").split(",")]
    return sorted({n for n in names if n})


def items(fields):
    name, section = fields["Package"], fields.get("Section", "unknown")
    summary = (fields.get("Description") or fields.get("Description-en") or "-").split("\n")[0]
    info = {"pk": {"S": f"package#{name}"}, "sk": {"S": "info"}, "section": {"S": section}, "version": {"S": fields["Version"]},
            "size": {"N": fields.get("Size", "0")}, "installed_kb": {"N": fields.get("Installed-Size", "0")},
            "depends": {"L": [{"S": d} for d in depends(fields)]},
            "fields": {"M": {k: {"S": v} for k, v in fields.items() if k in ("Maintainer", "Homepage", "Priority", "Architecture")}},
            "description": {"S": fields.get("Description", summary)}, "essential": {"BOOL": fields.get("Essential") == "yes"}}
    tags = sorted({t.strip() for t in fields.get("Tag", "").replace("\n", " ").split(",") if t.strip()})
    if tags:
        info["tags"] = {"SS": tags}
    row = {"pk": {"S": f"section#{section}"}, "sk": {"S": name}, "version": info["version"], "size": info["size"],
           "summary": {"S": summary}}
    return [info, row]


def create(db):
    try:
        db.create_table(TableName=TABLE, BillingMode="PAY_PER_REQUEST",
                        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
                        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}])
    except db.exceptions.ResourceInUseException:
        return
    while db.describe_table(TableName=TABLE)["Table"]["TableStatus"] != "ACTIVE":
        time.sleep(0.05)


def write_batches(endpoint, queue, done):
    db = client(endpoint)
    while (batch := queue.get()) is not None:
        left = {TABLE: [{"PutRequest": {"Item": i}} for i in batch]}
        pause = 0.02
        while left:
            left = db.batch_write_item(RequestItems=left).get("UnprocessedItems") or {}
            if left:
                time.sleep(pause)
                pause = min(pause * 2, 1.0)
        with done.get_lock():
            done.value += len(batch)


def bar(done, total, started, width=40):
    part = done / max(total, 1)
    rate = done / max(time.time() - started, 1e-9)
    line = f"\r[{'#' * int(part * width):<{width}}] {done:>7}/{total} items  {rate:7.0f}/s"
    sys.stderr.write(line if sys.stderr.isatty() else "")
    sys.stderr.flush()


def load(endpoint, limit=None):
    create(client(endpoint))
    everything = [i for n, p in enumerate(packages()) if limit is None or n < limit for i in items(p)]
    queue, done = multiprocessing.Queue(64), multiprocessing.Value("L", 0)
    workers = [multiprocessing.Process(target=write_batches, args=(endpoint, queue, done)) for _ in range(WORKERS)]
    started = time.time()
    for w in workers:
        w.start()
    for at in range(0, len(everything), 25):
        queue.put(everything[at:at + 25])
        bar(done.value, len(everything), started)
    for _ in workers:
        queue.put(None)
    while any(w.is_alive() for w in workers):
        bar(done.value, len(everything), started)
        time.sleep(0.1)
    bar(done.value, len(everything), started)
    if done.value != len(everything):
        sys.exit(f"\nloaded only {done.value} of {len(everything)} items: a worker failed, see above")
    took = time.time() - started
    print(f"\nloaded {len(everything)} items ({len(everything) // 2} packages) in {took:.1f} s, {len(everything) / took:.0f} items/s")
    return expected(everything)


def item_hash(item):
    text = json.dumps(item, sort_keys=True, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def canonical(item):
    for value in item.values():
        if "SS" in value:
            value["SS"] = sorted(value["SS"])
    return item


def expected(everything):
    return len(everything), sum(item_hash(canonical(i)) for i in everything) & (2**64 - 1)


def scan_segment(args):
    endpoint, segment, segments, consistent = args
    db, count, total = client(endpoint), 0, 0
    for page in db.get_paginator("scan").paginate(TableName=TABLE, ConsistentRead=consistent, Segment=segment, TotalSegments=segments):
        for item in page["Items"]:
            count += 1
            total += item_hash(canonical(item))
    return count, total


def check(endpoint, consistent=True):
    """Count and order-independent checksum over every item, by parallel scan."""
    with multiprocessing.Pool(WORKERS) as pool:
        parts = pool.map(scan_segment, [(endpoint, i, WORKERS * 2, consistent) for i in range(WORKERS * 2)])
    return sum(c for c, _ in parts), sum(t for _, t in parts) & (2**64 - 1)


def timed(label, call):
    started = time.time()
    result = call()
    print(f"  {label:<58} {1000 * (time.time() - started):8.2f} ms  {result}")


def section_count(db, section):
    pages = db.get_paginator("query").paginate(TableName=TABLE, KeyConditionExpression="pk = :p", Select="COUNT",
                                               ExpressionAttributeValues={":p": {"S": f"section#{section}"}})
    return sum(p["Count"] for p in pages)


def query(endpoint):
    db = client(endpoint)
    db.list_tables()
    print("queries:")
    for section in ("database", "net", "python"):
        timed(f"packages in section {section}", lambda s=section: f"{section_count(db, s)} packages")
    timed("section math, names starting with 'lib'", lambda: "%d shown" % db.query(
        TableName=TABLE, KeyConditionExpression="pk = :p AND begins_with(sk, :s)", Limit=20,
        ExpressionAttributeValues={":p": {"S": "section#math"}, ":s": {"S": "lib"}})["Count"])
    timed("section games, larger than 100 MB (filter)", lambda: "%d found" % db.query(
        TableName=TABLE, KeyConditionExpression="pk = :p", FilterExpression="#s > :n", ProjectionExpression="sk", ExpressionAttributeNames={"#s": "size"},
        ExpressionAttributeValues={":p": {"S": "section#games"}, ":n": {"N": "100000000"}})["Count"])
    for name in ("curl", "gcc", "postgresql"):
        timed(f"dependencies of {name}", lambda n=name: ", ".join(
            d["S"] for d in db.get_item(TableName=TABLE, Key={"pk": {"S": f"package#{n}"}, "sk": {"S": "info"}},
                                        ProjectionExpression="depends").get("Item", {}).get("depends", {"L": []})["L"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=["all", "load", "check", "query"], default="all")
    parser.add_argument("--endpoint", default="http://127.0.0.1:8000")
    parser.add_argument("--limit", type=int, help="packages at most (default: all)")
    o = parser.parse_args()
    want = load(o.endpoint, o.limit) if o.what in ("all", "load") else None
    if o.what in ("all", "check"):
        started = time.time()
        got = check(o.endpoint)
        print(f"stored: {got[0]} items, content checksum {got[1]:016x} (read back in {time.time() - started:.1f} s)")
        if want and got != want:
            sys.exit(f"expected {want[0]} items, checksum {want[1]:016x}")
    if o.what in ("all", "query"):
        query(o.endpoint)


if __name__ == "__main__":
    main()

"""Secondary indexes on real daemons: local and global ones, made with the table, added to it under load, dropped, pushing back."""
import functools
import json
import random
import time

import pytest
from botocore.exceptions import ClientError

from conftest import make_table, wait_for
from workload import Crew

UNITS = {"ReadCapacityUnits": 1000, "WriteCapacityUnits": 1000}


def attributes(**types):
    return [{"AttributeName": n, "AttributeType": t} for n, t in types.items()]


def keys(*hashes, sort=()):
    return [{"AttributeName": n, "KeyType": "HASH"} for n in hashes] + [{"AttributeName": n, "KeyType": "RANGE"} for n in sort]


def index(name, schema, projection="ALL", include=None, **rest):
    kind = {"ProjectionType": projection, **({"NonKeyAttributes": include} if include else {})}
    return {"IndexName": name, "KeySchema": schema, "Projection": kind, **rest}


def describe(db, table):
    return db.describe_table(TableName=table)["Table"]


def active(db, table):
    d = describe(db, table)
    return d["TableStatus"] == "ACTIVE" and all(g["IndexStatus"] == "ACTIVE" for g in d.get("GlobalSecondaryIndexes", []))


def make(db, name, types, schema, billing="PAY_PER_REQUEST", **kwargs):
    db.create_table(TableName=name, AttributeDefinitions=attributes(**types), KeySchema=schema, BillingMode=billing, **kwargs)
    wait_for(f"{name} is ACTIVE", 20, lambda: active(db, name))
    return name


def everything(call, **kwargs):
    """Items of all pages."""
    items = []
    while True:
        page = call(**kwargs)
        items += page["Items"]
        if "LastEvaluatedKey" not in page:
            return items
        kwargs["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def refusal(call, **kwargs):
    with pytest.raises(ClientError) as e:
        call(**kwargs)
    return e.value.response["Error"]["Code"], e.value.response["Error"]["Message"]


def by_key(items):
    return sorted(json.dumps(i, sort_keys=True, default=str) for i in items)


@pytest.fixture(scope="module")
def threads(cluster):
    """A forum: threads by author and date, one local and two global indexes, one of these with keys of several attributes."""
    db = cluster.client()
    name = make(db, "ix-threads", {"forum": "S", "subject": "S", "posted": "N", "author": "S", "country": "S", "city": "S"}, keys("forum", sort=["subject"]),
                LocalSecondaryIndexes=[index("by-posted", keys("forum", sort=["posted"]), "INCLUDE", ["author"])],
                GlobalSecondaryIndexes=[index("by-author", keys("author", sort=["posted"])),
                                        index("by-place", keys("country", "city", sort=["author", "posted"]), "KEYS_ONLY")])
    items = []
    for n in range(60):
        item = {"forum": {"S": f"f{n % 3}"}, "subject": {"S": f"s{n:03}"}, "body": {"S": "b" * 50}}
        if n % 5:
            item["posted"] = {"N": str(1000 - n * 7 % 61)}
        if n % 4:
            item["author"] = {"S": f"a{n % 7}"}
        if n % 2:
            item["country"], item["city"] = {"S": "c"}, {"S": f"x{n % 5}"}
        db.put_item(TableName=name, Item=item)
        items.append(item)
    return name, items


def test_local_index_is_read_strongly_in_its_own_order(db, threads):
    name, items = threads
    ask = dict(TableName=name, IndexName="by-posted", KeyConditionExpression="forum = :f", ExpressionAttributeValues={":f": {"S": "f1"}}, ConsistentRead=True)
    mine = sorted((i for i in items if i["forum"]["S"] == "f1" and "posted" in i), key=lambda i: (int(i["posted"]["N"]), i["subject"]["S"]))
    projected = ["forum", "subject", "posted", "author"]
    got = everything(db.query, **ask, Limit=4)
    assert got == [{k: i[k] for k in projected if k in i} for i in mine]
    assert everything(db.query, **ask, ScanIndexForward=False, Limit=3) == got[::-1]
    whole = everything(db.query, **ask, Select="ALL_ATTRIBUTES", Limit=5)
    assert by_key(whole) == by_key(mine)
    assert db.query(**ask, ProjectionExpression="subject, body")["Items"] == [{"subject": i["subject"], "body": i["body"]} for i in mine]
    assert db.query(**ask, Select="COUNT")["Count"] == len(mine)
    only = db.query(**{**ask, "ExpressionAttributeValues": {":f": {"S": "f1"}, ":b": {"S": "b" * 50}}}, FilterExpression="body = :b")
    assert only["Items"] == got and only["ScannedCount"] == len(mine)  # fetched for the filter, answered as projected
    fetched = db.query(**ask, Select="ALL_ATTRIBUTES", ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
    assert fetched["LocalSecondaryIndexes"]["by-posted"]["CapacityUnits"] == 1.0
    assert fetched["Table"]["CapacityUnits"] == float(len(mine))


def test_local_index_follows_each_write_at_once(db, threads):
    name, _ = threads
    ask = dict(TableName=name, IndexName="by-posted", KeyConditionExpression="forum = :f", ExpressionAttributeValues={":f": {"S": "moving"}}, ConsistentRead=True)
    key = {"forum": {"S": "moving"}, "subject": {"S": "one"}}
    for posted in (5, 3, 9):
        db.update_item(TableName=name, Key=key, UpdateExpression="SET posted = :p", ExpressionAttributeValues={":p": {"N": str(posted)}})
        assert [i["posted"]["N"] for i in db.query(**ask)["Items"]] == [str(posted)]
    db.update_item(TableName=name, Key=key, UpdateExpression="REMOVE posted")
    assert db.query(**ask)["Count"] == 0
    answer = db.delete_item(TableName=name, Key=key, ReturnItemCollectionMetrics="SIZE")
    assert answer["ItemCollectionMetrics"] == {"ItemCollectionKey": {"forum": {"S": "moving"}}, "SizeEstimateRangeGB": [0.0, 1.0]}


def test_scan_of_a_local_index_meets_each_row_once(db, threads):
    name, items = threads
    parts = [everything(db.scan, TableName=name, IndexName="by-posted", TotalSegments=3, Segment=s, Limit=7) for s in range(3)]
    wanted = sorted(i["subject"]["S"] for i in items if "posted" in i)
    assert sorted(i["subject"]["S"] for p in parts for i in p) == wanted


def test_global_indexes_converge_and_are_sparse(db, threads):
    name, items = threads
    wanted = [i for i in items if "author" in i and "posted" in i]
    wait_for("by-author has them all", 20, lambda: by_key(everything(db.scan, TableName=name, IndexName="by-author")) == by_key(wanted))
    mine = sorted((i for i in wanted if i["author"]["S"] == "a2"), key=lambda i: int(i["posted"]["N"]))
    ask = dict(TableName=name, IndexName="by-author", KeyConditionExpression="author = :a AND posted BETWEEN :l AND :h",
               ExpressionAttributeValues={":a": {"S": "a2"}, ":l": {"N": "950"}, ":h": {"N": "990"}})
    got = everything(db.query, **ask, Limit=2)
    assert by_key(got) == by_key(i for i in mine if 950 <= int(i["posted"]["N"]) <= 990)
    assert [int(i["posted"]["N"]) for i in got] == sorted(int(i["posted"]["N"]) for i in got)


def test_keys_of_several_attributes(db, threads):
    name, items = threads
    wanted = [i for i in items if all(k in i for k in ("country", "city", "author", "posted"))]
    wait_for("by-place has them all", 20, lambda: len(everything(db.scan, TableName=name, IndexName="by-place")) == len(wanted))
    values = {":c": {"S": "c"}, ":x": {"S": "x3"}}
    ask = dict(TableName=name, IndexName="by-place")
    mine = [i for i in wanted if i["city"]["S"] == "x3"]
    got = everything(db.query, **ask, KeyConditionExpression="city = :x AND country = :c", ExpressionAttributeValues=values, Limit=1)
    assert [(i["author"]["S"], int(i["posted"]["N"])) for i in got] == sorted((i["author"]["S"], int(i["posted"]["N"])) for i in mine)
    assert all("body" not in i for i in got)
    author = mine[0]["author"]
    got = db.query(**ask, KeyConditionExpression="country = :c AND city = :x AND author = :a AND posted > :p",
                   ExpressionAttributeValues={**values, ":a": author, ":p": {"N": "0"}})["Items"]
    assert len(got) == sum(i["author"] == author for i in mine)
    skip = refusal(db.query, **ask, KeyConditionExpression="country = :c AND city = :x AND posted > :p", ExpressionAttributeValues={**values, ":p": {"N": "0"}})
    assert skip == ("ValidationException", "Query condition missed key schema element: author")


def test_what_an_index_cannot_answer_is_refused(db, threads):
    name, _ = threads
    ask = dict(TableName=name, KeyConditionExpression="country = :c AND city = :x", ExpressionAttributeValues={":c": {"S": "c"}, ":x": {"S": "x1"}})
    assert refusal(db.query, **ask, IndexName="none") == ("ValidationException", "The table does not have the specified index: none")
    assert refusal(db.scan, TableName=name, IndexName="none")[1] == "The table does not have the specified index: none"
    strong = refusal(db.query, **ask, IndexName="by-place", ConsistentRead=True)
    assert strong == ("ValidationException", "Consistent reads are not supported on global secondary indexes")
    lacking = refusal(db.query, **ask, IndexName="by-place", ProjectionExpression="body")
    assert lacking[1] == "One or more parameter values were invalid: Global secondary index by-place does not project [body]"
    absent = db.query(**ask, IndexName="by-place", FilterExpression="attribute_not_exists(body)")
    assert absent["Count"] == absent["ScannedCount"] > 0
    everything_asked = refusal(db.query, **ask, IndexName="by-place", Select="ALL_ATTRIBUTES")
    assert everything_asked[1].startswith("One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary index by-place")


def test_keys_of_indexes_have_types(db, threads):
    name, _ = threads
    key = {"forum": {"S": "bad"}, "subject": {"S": "x"}}
    wrong = {**key, "posted": {"S": "monday"}}
    text = "One or more parameter values were invalid: Type mismatch for Index Key posted Expected: N Actual: S IndexName: by-author"
    assert refusal(db.put_item, TableName=name, Item=wrong) == ("ValidationException", text)
    fine = {**key, "subject": {"S": "y"}}
    assert refusal(db.batch_write_item, RequestItems={name: [{"PutRequest": {"Item": fine}}, {"PutRequest": {"Item": wrong}}]}) == ("ValidationException", text)
    assert "Item" not in db.get_item(TableName=name, Key=fine, ConsistentRead=True)
    empty = refusal(db.put_item, TableName=name, Item={**key, "author": {"S": ""}})
    assert empty[0] == "ValidationException" and "empty string value. IndexName: by-author, IndexKey: author" in empty[1]
    assert refusal(db.update_item, TableName=name, Key=key, UpdateExpression="SET author = :n", ExpressionAttributeValues={":n": {"N": "1"}})[0] == "ValidationException"


def test_what_a_write_costs_its_indexes(db, threads):
    name, _ = threads
    item = {"forum": {"S": "cost"}, "subject": {"S": "x"}, "author": {"S": "a"}, "posted": {"N": "1"}, "body": {"S": "b" * 2000}}
    cost = db.put_item(TableName=name, Item=item, ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
    assert cost["Table"]["CapacityUnits"] == 2.0
    assert cost["LocalSecondaryIndexes"] == {"by-posted": {"CapacityUnits": 1.0}}
    assert cost["GlobalSecondaryIndexes"] == {"by-author": {"CapacityUnits": 2.0}}
    assert cost["CapacityUnits"] == 5.0
    same = db.put_item(TableName=name, Item=item, ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
    assert same["CapacityUnits"] == 2.0 and "GlobalSecondaryIndexes" not in same
    moved = db.update_item(TableName=name, Key={k: item[k] for k in ("forum", "subject")}, UpdateExpression="SET author = :a",
                           ExpressionAttributeValues={":a": {"S": "z"}}, ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
    assert moved["GlobalSecondaryIndexes"] == {"by-author": {"CapacityUnits": 4.0}}
    db.delete_item(TableName=name, Key={k: item[k] for k in ("forum", "subject")})


class Writers(Crew):
    """Puts, updates and deletes of a few hundred items until stopped."""

    def __init__(self, cluster, table):
        self.problems, self.writes = [], 0
        super().__init__([functools.partial(self.run, cluster, table, i) for i in range(4)])

    def run(self, cluster, table, me):
        db, random_ = cluster.client(router=me % 2), random.Random(me)
        while not self.stopped.is_set():
            key = {"pk": {"S": f"w{random_.randrange(300)}"}, "sk": {"S": "x"}}
            try:
                if random_.random() < 0.2:
                    db.delete_item(TableName=table, Key=key)
                else:
                    db.put_item(TableName=table, Item={**key, "color": {"S": f"c{random_.randrange(9)}"}, "n": {"N": str(random_.randrange(1000))}})
                self.writes += 1
            except Exception as e:  # noqa: BLE001: no client may notice that an index is made
                self.problems.append(repr(e))
                return


def equal_to_table(db, table, name):
    base = everything(db.scan, TableName=table, ConsistentRead=True)
    return by_key(everything(db.scan, TableName=table, IndexName=name)) == by_key(i for i in base if "color" in i and "n" in i)


def test_index_is_added_under_load_and_equals_its_table(cluster):
    db = cluster.client()
    table = make_table(db, "ix-live", sort="S")
    for start in range(0, 2000, 25):
        db.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": {"pk": {"S": f"old{n}"}, "sk": {"S": "x"}, "color": {"S": f"c{n % 9}"}, "n": {"N": str(n)}}}}
                                                  for n in range(start, start + 25)]})
    db.put_item(TableName=table, Item={"pk": {"S": "odd"}, "sk": {"S": "x"}, "color": {"N": "7"}, "n": {"N": "1"}})  # cannot stand in the index: skipped
    seen = set()
    with Writers(cluster, table) as writers:
        time.sleep(1)
        create = {"Create": index("by-color", keys("color", sort=["n"]))}
        answer = db.update_table(TableName=table, AttributeDefinitions=attributes(color="S", n="N"), GlobalSecondaryIndexUpdates=[create])
        assert answer["TableDescription"]["TableStatus"] == "UPDATING"
        new = answer["TableDescription"]["GlobalSecondaryIndexes"][0]
        assert (new["IndexStatus"], new["Backfilling"]) == ("CREATING", False)
        assert refusal(db.query, TableName=table, IndexName="by-color", KeyConditionExpression="color = :c",
                       ExpressionAttributeValues={":c": {"S": "c1"}})[1] == "Cannot read from backfilling global secondary index: by-color"

        def is_active():
            d = describe(db, table)
            x = d["GlobalSecondaryIndexes"][0]
            seen.add((d["TableStatus"], x["IndexStatus"], x.get("Backfilling")))
            return x["IndexStatus"] == "ACTIVE"

        wait_for("by-color is ACTIVE", 60, is_active)
        time.sleep(1)
    assert writers.problems == [] and writers.writes > 100
    assert seen <= {("UPDATING", "CREATING", False), ("UPDATING", "CREATING", True), ("ACTIVE", "ACTIVE", None)}
    db.delete_item(TableName=table, Key={"pk": {"S": "odd"}, "sk": {"S": "x"}})
    wait_for("by-color equals its table", 30, lambda: equal_to_table(db, table, "by-color"))
    row = row_of(cluster, table)
    assert row["indexes"][0]["status"] == "ACTIVE" and row["indexes"][0]["items"] == len(everything(db.scan, TableName=table, IndexName="by-color"))
    assert any(p["table"] == f"{table}/by-color" for p in cluster.partitions())
    drop(cluster, db, table)


def drop(cluster, db, table):
    """by-color goes, with all its partitions; a new one of that name begins anew."""
    db.update_table(TableName=table, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-color"}}])
    wait_for("the index is gone", 30, lambda: "GlobalSecondaryIndexes" not in describe(db, table))
    assert describe(db, table)["TableStatus"] == "ACTIVE"
    assert describe(db, table)["AttributeDefinitions"] == attributes(pk="S", sk="S")
    assert not any(p["table"].startswith(f"{table}/") for p in cluster.partitions())
    db.update_table(TableName=table, AttributeDefinitions=attributes(color="S"), GlobalSecondaryIndexUpdates=[{"Create": index("by-color", keys("color"), "KEYS_ONLY")}])
    wait_for("by-color is ACTIVE again", 60, lambda: active(db, table))
    base = everything(db.scan, TableName=table, ConsistentRead=True)
    wait_for("it has a row for each item", 20, lambda: len(everything(db.scan, TableName=table, IndexName="by-color")) == sum("color" in i for i in base))


def row_of(cluster, table):
    """What `tercet tables` says of one table."""
    return next(t for t in json.loads(cluster.tercet("tables", "--json", "--data", cluster.data).stdout) if t["name"] == table)


def split_some(cluster, name, count, gone=()):
    """Split groups of a table, or TABLE/INDEX; gone: those that were split before and are still reported."""
    gids = sorted({p["gid"] for p in cluster.partitions() if p["table"] == name and p["gid"] not in gone})[:count]
    for gid in gids:
        done = cluster.tercet("split", str(gid), "--data", cluster.data, check=False)  # until the new groups serve
        assert done.returncode == 0, done.stdout + done.stderr
    return gids


def test_groups_are_split_while_an_index_is_made(own_cluster):
    cluster, db = own_cluster, own_cluster.client()
    table = make_table(db, "ix-split", sort="S")
    for start in range(0, 1500, 25):
        db.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": {"pk": {"S": f"old{n}"}, "sk": {"S": "x"}, "color": {"S": f"c{n % 9}"}, "n": {"N": str(n)}}}}
                                                  for n in range(start, start + 25)]})
    with Writers(cluster, table) as writers:
        before = split_some(cluster, table, 1)
        create = {"Create": index("by-color", keys("color", sort=["n"]))}
        db.update_table(TableName=table, AttributeDefinitions=attributes(color="S", n="N"), GlobalSecondaryIndexUpdates=[create])
        during = split_some(cluster, table, 2, before)
        cluster.kill("autoadmin-a")  # whatever it was at: it goes on from the records when it is back
        cluster.one("start", "autoadmin-a")
        wait_for("by-color is ACTIVE", 90, lambda: active(db, table))
        rows = split_some(cluster, f"{table}/by-color", 2)
        time.sleep(1)
    assert writers.problems == [] and len(before + during + rows) == 5
    wait_for("every group knows the index", 30, lambda: (r := row_of(cluster, table))["schema_groups"] == r["groups"] == r["led"])
    wait_for("by-color equals its table", 60, lambda: equal_to_table(db, table, "by-color"))
    assert len(row_of(cluster, table)["indexes"]) == 1 and row_of(cluster, table)["indexes"][0]["groups"] == 6


def test_index_may_be_given_up_while_it_is_made(cluster):
    db = cluster.client()
    table = make_table(db, "ix-given-up")
    for n in range(200):
        db.put_item(TableName=table, Item={"pk": {"S": str(n)}, "a": {"S": "x"}})
    db.update_table(TableName=table, AttributeDefinitions=attributes(a="S"), GlobalSecondaryIndexUpdates=[{"Create": index("by-a", keys("a"))}])
    busy = refusal(db.update_table, TableName=table, AttributeDefinitions=attributes(b="S"), GlobalSecondaryIndexUpdates=[{"Create": index("by-b", keys("b"))}])
    assert busy[0] == "ResourceInUseException"
    assert refusal(db.delete_table, TableName=table)[0] == "ResourceInUseException"
    wait_for("it is being backfilled, or done", 20,
             lambda: describe(db, table)["GlobalSecondaryIndexes"][0].get("Backfilling") or active(db, table))
    db.update_table(TableName=table, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-a"}}])
    wait_for("the index is gone", 30, lambda: "GlobalSecondaryIndexes" not in describe(db, table))
    gone = refusal(db.update_table, TableName=table, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-a"}}])
    assert gone == ("ResourceNotFoundException", "Requested resource not found")


def test_index_that_is_throttled_pushes_back(cluster):
    db = cluster.client(retries={"total_max_attempts": 1, "mode": "standard"})
    table = make(db, "ix-slow", {"pk": "S", "a": "S"}, keys("pk"), billing="PROVISIONED", ProvisionedThroughput=UNITS,
                 GlobalSecondaryIndexes=[index("by-a", keys("a"), ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1})])
    codes, until = [], time.time() + 30
    while len([c for c in codes if c]) < 5 and time.time() < until:
        try:
            db.put_item(TableName=table, Item={"pk": {"S": str(len(codes))}, "a": {"S": "x"}, "fill": {"S": "f" * 60000}})
            codes.append(None)
        except ClientError as e:
            codes.append((e.response["Error"]["Code"], e.response["Error"]["Message"]))
    refused = [c for c in codes if c]
    assert refused and refused[0][0] == "ProvisionedThroughputExceededException"
    assert refused[0][1].startswith("The level of configured provisioned throughput for one or more global secondary indexes of the table was exceeded.")
    db.update_table(TableName=table, GlobalSecondaryIndexUpdates=[{"Update": {"IndexName": "by-a", "ProvisionedThroughput": UNITS}}])
    wait_for("the index has more", 20, lambda: active(db, table))
    wait_for("writes are taken again", 30, lambda: put_ok(db, table))


def put_ok(db, table):
    try:
        db.put_item(TableName=table, Item={"pk": {"S": "again"}, "a": {"S": "x"}})
        return True
    except ClientError:
        return False


def test_index_grows_with_its_throughput(cluster):
    db = cluster.client()
    table = make(db, "ix-grow", {"pk": "S", "a": "S"}, keys("pk"), billing="PROVISIONED", ProvisionedThroughput=UNITS,
                 GlobalSecondaryIndexes=[index("by-a", keys("a"), ProvisionedThroughput=UNITS)])
    for n in range(50):
        db.put_item(TableName=table, Item={"pk": {"S": str(n)}, "a": {"S": str(n)}})
    assert row_of(cluster, table)["indexes"][0]["groups"] == 1
    more = {"ReadCapacityUnits": 1000, "WriteCapacityUnits": 3000}
    db.update_table(TableName=table, GlobalSecondaryIndexUpdates=[{"Update": {"IndexName": "by-a", "ProvisionedThroughput": more}}])
    busy = refusal(db.update_table, TableName=table, GlobalSecondaryIndexUpdates=[{"Update": {"IndexName": "by-a", "ProvisionedThroughput": UNITS}}])
    assert busy == ("ResourceInUseException",
                    f"Attempt to change a resource which is still in use: Index is being updated.  Table: {table} Index: by-a")
    wait_for("the index is ACTIVE with more", 60, lambda: active(db, table))
    assert row_of(cluster, table)["indexes"][0]["groups"] == 3
    wait_for("nothing is lost", 20, lambda: len(everything(db.scan, TableName=table, IndexName="by-a")) == 50)


def test_table_goes_with_its_indexes(cluster):
    db = cluster.client()
    table = make(db, "ix-gone", {"pk": "S", "a": "S"}, keys("pk"), GlobalSecondaryIndexes=[index("by-a", keys("a"))])
    assert any(p["table"] == f"{table}/by-a" for p in cluster.partitions())
    db.delete_table(TableName=table)
    db.get_waiter("table_not_exists").wait(TableName=table, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    wait_for("no partition is left", 20, lambda: not any(p["table"].startswith(table) for p in cluster.partitions()))


def test_rows_and_bytes_of_indexes_are_counted(own_cluster):
    db = own_cluster.client()
    table = make(db, "ix-counted", {"pk": "S", "sk": "S", "l": "N", "m": "N", "g": "S"}, keys("pk", sort=["sk"]),
                 LocalSecondaryIndexes=[index("by-l", keys("pk", sort=["l"])), index("by-m", keys("pk", sort=["m"]), "KEYS_ONLY")],
                 GlobalSecondaryIndexes=[index("by-g", keys("g"), "KEYS_ONLY")])
    for n in range(40):
        item = {"pk": {"S": f"p{n % 8}"}, "sk": {"S": f"s{n}"}, "v": {"S": "x" * 200}, "l": {"N": str(n)}}
        item.update({"m": {"N": str(n)}} if n % 2 else {}, **({"g": {"S": "g"}} if n % 4 == 0 else {}))
        db.put_item(TableName=table, Item=item)

    def counts():
        d = describe(db, table)
        rows = {i["IndexName"]: (i["ItemCount"], i["IndexSizeBytes"]) for i in d["LocalSecondaryIndexes"] + d["GlobalSecondaryIndexes"]}
        return d["ItemCount"], d["TableSizeBytes"], rows

    def numbers():
        items, _, rows = counts()
        return items, {name: n for name, (n, _) in rows.items()}

    whole = (40, {"by-l": 40, "by-m": 20, "by-g": 10})
    wait_for(f"{whole} are counted", 100, lambda: numbers() == whole)
    _, size, rows = counts()
    assert 40 * 210 <= size <= 40 * 260 and 40 * 210 <= rows["by-l"][1] <= 40 * 300
    assert 20 * 10 <= rows["by-m"][1] <= 20 * 90 and 10 * 10 <= rows["by-g"][1] <= 10 * 90
    split_some(own_cluster, table, 1)
    for n in range(0, 40, 2):
        db.delete_item(TableName=table, Key={"pk": {"S": f"p{n % 8}"}, "sk": {"S": f"s{n}"}})
    left = (20, {"by-l": 20, "by-m": 20, "by-g": 0})
    wait_for(f"{left} are left in the parts of the split", 100, lambda: numbers() == left)
    assert counts()[2]["by-g"] == (0, 0) and counts()[2]["by-m"] == rows["by-m"]

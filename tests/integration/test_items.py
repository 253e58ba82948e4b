"""Items, expressions, queries, paging and batches through boto3."""
import decimal

import pytest
from botocore.exceptions import ClientError

from conftest import make_table


def code(error):
    return error.value.response["Error"]["Code"]


EVERY_TYPE = {
    "pk": {"S": "types"}, "sk": {"S": "1"}, "s": {"S": "gr\u00fc\u00df \u0000 \U0001f600"}, "empty": {"S": ""},
    "n": {"N": "-12345678901234567890123456789012345678"}, "small": {"N": "0.00000000000000000000000001"},
    "b": {"B": bytes(range(256))}, "t": {"BOOL": True}, "f": {"BOOL": False}, "nul": {"NULL": True},
    "m": {"M": {"x": {"L": [{"N": "1"}, {"M": {}}, {"L": []}]}}}, "l": {"L": [{"S": "a"}, {"BOOL": False}]},
    "ss": {"SS": ["a", "b"]}, "ns": {"NS": ["1", "2.5"]}, "bs": {"BS": [b"\x00", b"\xff"]},
}


def test_all_ten_types_come_back(db, table):
    db.put_item(TableName=table, Item=EVERY_TYPE)
    got = db.get_item(TableName=table, Key={"pk": {"S": "types"}, "sk": {"S": "1"}}, ConsistentRead=True)["Item"]
    for name in ("ss", "ns", "bs"):
        kind = next(iter(got[name]))
        got[name][kind] = sorted(got[name][kind])
    assert got == EVERY_TYPE


def test_conditions_and_return_values(db, table):
    key = {"pk": {"S": "c"}, "sk": {"S": "1"}}
    db.put_item(TableName=table, Item={**key, "n": {"N": "1"}}, ConditionExpression="attribute_not_exists(pk)")
    with pytest.raises(ClientError) as e:
        db.put_item(TableName=table, Item={**key, "n": {"N": "2"}}, ConditionExpression="attribute_not_exists(pk)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert code(e) == "ConditionalCheckFailedException"
    assert e.value.response["Item"]["n"] == {"N": "1"}
    got = db.update_item(TableName=table, Key=key, UpdateExpression="SET n = n + :i, #l = list_append(if_not_exists(#l, :e), :x) REMOVE gone",
                         ExpressionAttributeNames={"#l": "list"}, ReturnValues="UPDATED_NEW",
                         ExpressionAttributeValues={":i": {"N": "41"}, ":e": {"L": []}, ":x": {"L": [{"S": "x"}]}})
    assert got["Attributes"] == {"n": {"N": "42"}, "list": {"L": [{"S": "x"}]}}
    old = db.delete_item(TableName=table, Key=key, ReturnValues="ALL_OLD", ConditionExpression="n BETWEEN :a AND :b AND size(pk) = :one",
                         ExpressionAttributeValues={":a": {"N": "40"}, ":b": {"N": "43"}, ":one": {"N": "1"}})
    assert old["Attributes"]["n"] == {"N": "42"}
    assert "Item" not in db.get_item(TableName=table, Key=key, ConsistentRead=True)


def test_query_orders_pages_and_filters(db, table):
    for i in range(40):
        db.put_item(TableName=table, Item={"pk": {"S": "q"}, "sk": {"S": f"{i:03}"}, "even": {"BOOL": i % 2 == 0}})
    def query(**kwargs):
        return db.query(TableName=table, ConsistentRead=True, ExpressionAttributeValues={":p": {"S": "q"}, **kwargs.pop("values", {})},
                        KeyConditionExpression=kwargs.pop("when", "pk = :p"), **kwargs)
    assert [i["sk"]["S"] for i in query()["Items"]] == [f"{i:03}" for i in range(40)]
    assert query(ScanIndexForward=False, Limit=1)["Items"][0]["sk"]["S"] == "039"
    page = query(FilterExpression="even = :t", values={":t": {"BOOL": True}}, Limit=7)
    assert (page["Count"], page["ScannedCount"]) == (4, 7)
    assert query(when="pk = :p AND begins_with(sk, :s)", values={":s": {"S": "01"}}, Select="COUNT")["Count"] == 10
    seen, start = [], {}
    while True:
        page = query(Limit=9, **start)
        seen += page["Items"]
        if "LastEvaluatedKey" not in page:
            break
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert len(seen) == 40


def test_page_ends_at_one_megabyte(db, table):
    for i in range(8):
        db.put_item(TableName=table, Item={"pk": {"S": "big"}, "sk": {"S": str(i)}, "v": {"S": "x" * 300_000}})
    page = db.query(TableName=table, KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": {"S": "big"}}, ConsistentRead=True)
    assert page["Count"] == 4 and "LastEvaluatedKey" in page
    with pytest.raises(ClientError) as e:
        db.put_item(TableName=table, Item={"pk": {"S": "big"}, "sk": {"S": "9"}, "v": {"S": "x" * 410_000}})
    assert code(e) == "ValidationException"


def test_scan_in_segments_and_batches(db, table):
    puts = [{"PutRequest": {"Item": {"pk": {"S": f"p{i}"}, "sk": {"S": "s"}, "i": {"N": str(i)}}}} for i in range(100)]
    for at in range(0, 100, 25):
        assert not db.batch_write_item(RequestItems={table: puts[at:at + 25]}).get("UnprocessedItems")
    seen = set()
    for segment in range(5):
        for page in db.get_paginator("scan").paginate(TableName=table, Segment=segment, TotalSegments=5, ConsistentRead=True, Limit=7):
            for item in page["Items"]:
                assert item["pk"]["S"] not in seen
                seen.add(item["pk"]["S"])
    assert len(seen) == 100
    keys = [{"pk": {"S": f"p{i}"}, "sk": {"S": "s"}} for i in range(100)]
    got = db.batch_get_item(RequestItems={table: {"Keys": keys, "ConsistentRead": True, "ProjectionExpression": "i"}}, ReturnConsumedCapacity="TOTAL")
    assert len(got["Responses"][table]) == 100
    assert got["ConsumedCapacity"][0]["CapacityUnits"] == 100


def test_consumed_capacity(db, table):
    item = {"pk": {"S": "cap"}, "sk": {"S": "1"}, "v": {"S": "x" * 1500}}
    put = db.put_item(TableName=table, Item=item, ReturnConsumedCapacity="TOTAL")
    assert put["ConsumedCapacity"]["CapacityUnits"] == 2
    key = {"pk": item["pk"], "sk": item["sk"]}
    assert db.get_item(TableName=table, Key=key, ReturnConsumedCapacity="TOTAL")["ConsumedCapacity"]["CapacityUnits"] == 0.5
    assert db.get_item(TableName=table, Key=key, ConsistentRead=True, ReturnConsumedCapacity="TOTAL")["ConsumedCapacity"]["CapacityUnits"] == 1


def test_numbers_are_exact(db, table):
    key = {"pk": {"S": "num"}, "sk": {"S": "1"}}
    db.put_item(TableName=table, Item={**key, "n": {"N": "0.1"}})
    for _ in range(10):
        db.update_item(TableName=table, Key=key, UpdateExpression="ADD n :d", ExpressionAttributeValues={":d": {"N": "0.1"}})
    n = db.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]["n"]["N"]
    assert decimal.Decimal(n) == decimal.Decimal("1.1")


def test_typed_errors(db, table):
    with pytest.raises(ClientError) as e:
        db.get_item(TableName="no-such-table", Key={"pk": {"S": "x"}})
    assert code(e) == "ResourceNotFoundException"
    with pytest.raises(ClientError) as e:
        make_table(db, table, sort="S")
    assert code(e) == "ResourceInUseException"
    with pytest.raises(ClientError) as e:
        db.get_item(TableName=table, Key={"pk": {"S": "x"}})
    assert code(e) == "ValidationException"
    with pytest.raises(ClientError) as e:
        db.update_item(TableName=table, Key={"pk": {"S": "x"}, "sk": {"S": "y"}}, UpdateExpression="SET pk = :v", ExpressionAttributeValues={":v": {"S": "z"}})
    assert code(e) == "ValidationException"
    assert db.list_backups()["BackupSummaries"] == []


def test_a_table_being_created_is_not_found_at_once(cluster):
    """Not after a search for partitions that do not exist yet: that took the whole ten seconds of a request."""
    db = cluster.client(retries={"total_max_attempts": 1, "mode": "standard"}, read_timeout=5)
    for n in range(5):
        name = make_table(db, f"t-new-{n}", wait=False)
        while True:
            try:
                db.get_item(TableName=name, Key={"pk": {"S": "x"}}, ConsistentRead=True)
                break
            except ClientError as e:
                assert e.response["Error"]["Code"] == "ResourceNotFoundException"


def test_a_table_made_again_is_found_by_every_router(cluster):
    """Not refused by a router that still remembers the deletion of the one before."""
    routers = [cluster.client(router=r, retries={"total_max_attempts": 1, "mode": "standard"}) for r in (0, 1)]
    for n in range(3):
        make_table(routers[n % 2], "t-again")
        for db in routers:
            db.put_item(TableName="t-again", Item={"pk": {"S": "x"}})
        routers[0].delete_table(TableName="t-again")
        for db in routers:
            with pytest.raises(ClientError):
                while True:
                    db.get_item(TableName="t-again", Key={"pk": {"S": "x"}}, ConsistentRead=True)
        while "t-again" in routers[0].list_tables()["TableNames"]:
            pass


def test_a_table_that_was_split(cluster, old_split):
    """Its retired group goes while the tests after this one run: test_split.py looks at the end of it."""
    _, name = old_split
    db = cluster.client()
    for i in range(40):
        db.put_item(TableName=name, Item={"pk": {"S": f"after-{i}"}})
    items = [i for page in db.get_paginator("scan").paginate(TableName=name, ConsistentRead=True, Limit=7) for i in page["Items"]]
    assert sorted(i["pk"]["S"] for i in items) == sorted(["before"] + [f"after-{i}" for i in range(40)])

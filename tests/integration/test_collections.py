"""Item collections at their bound, over raw HTTP: just inside, just outside, below it again, and what else goes on."""
import pytest

import wire
from conftest import start
from test_indexes import index, keys, make

BOUND = 4096
FULL = ("com.amazonaws.dynamodb.v20120810", "ItemCollectionSizeLimitExceededException", "Collection size exceeded.", "message")
ROW = len("pk" "c" "sk" "1" "l") + 2  # an item's row in the local index; a number of one or two digits counts two bytes


@pytest.fixture(scope="module")
def small(request):
    for cluster in start(request, env={"TERCET_COLLECTION_BYTES_MAX": str(BOUND)}):
        make(cluster.client(), "bounded", {"pk": "S", "sk": "S", "l": "N"}, keys("pk", sort=["sk"]),
             LocalSecondaryIndexes=[index("by-l", keys("pk", sort=["l"]), "KEYS_ONLY")])
        make(cluster.client(), "free", {"pk": "S", "sk": "S"}, keys("pk", sort=["sk"]))
        yield cluster


def ask(cluster, op, **body):
    return wire.exchange(cluster.port, wire.call(op, body))


def item(size, pk="c", sk="1", indexed=False):
    """One that takes so many bytes of its collection, with its row in the index."""
    row = ROW if indexed else 0
    own = len("pk" "sk" "v") + len(pk) + len(sk) + (len("l") + 2 if indexed else 0)
    return {"pk": {"S": pk}, "sk": {"S": sk}, "v": {"S": "x" * (size - own - row)}, **({"l": {"N": "5"}} if indexed else {})}


def put(cluster, it, table="bounded", **more):
    return ask(cluster, "PutItem", TableName=table, Item=it, **more)


def delete(cluster, sk, pk="c"):
    return ask(cluster, "DeleteItem", TableName="bounded", Key={"pk": {"S": pk}, "sk": {"S": sk}}, ReturnItemCollectionMetrics="SIZE")


@pytest.mark.parametrize("indexed", [False, True])
def test_a_collection_takes_its_bound_and_no_byte_more(small, indexed):
    pk = f"exact-{indexed}"
    outside = put(small, item(BOUND + 1, pk, indexed=indexed))
    row = len(pk) - 1 if indexed else 0  # ROW has a key of one byte
    inside = put(small, item(BOUND - row, pk, indexed=indexed))
    assert (outside.status, outside.error) == (400, FULL)
    assert inside.status == 200, inside
    again = put(small, item(BOUND - row + 1, pk, indexed=indexed))
    assert (again.status, again.error) == (400, FULL)
    assert ask(small, "GetItem", TableName="bounded", Key={"pk": {"S": pk}, "sk": {"S": "1"}}, ConsistentRead=True).json["Item"] == item(BOUND - row, pk, indexed=indexed)


def test_what_is_full_shrinks_and_takes_again(small):
    for sk in "1234":
        assert put(small, item(1024, sk=sk)).status == 200
    key = {"pk": {"S": "c"}, "sk": {"S": "4"}}
    grow = dict(TableName="bounded", Key=key, UpdateExpression="SET w = :w", ExpressionAttributeValues={":w": {"S": "y"}})
    refused = [put(small, item(20, sk="5")), ask(small, "UpdateItem", **grow),
               ask(small, "BatchWriteItem", RequestItems={"bounded": [{"PutRequest": {"Item": item(20, sk="6")}}]})]
    assert [(r.status, r.error) for r in refused] == [(400, FULL)] * 3
    assert put(small, item(1024, sk="2")).status == 200  # as large as before
    same = ask(small, "UpdateItem", **{**grow, "UpdateExpression": "SET v = :w"})
    assert same.status == 200  # smaller than before
    assert put(small, item(1024, sk="4")).status == 200
    assert delete(small, "3").json["ItemCollectionMetrics"]["ItemCollectionKey"] == {"pk": {"S": "c"}}
    assert put(small, item(1025, sk="5")).error == FULL
    assert put(small, item(1024, sk="5")).status == 200
    assert put(small, item(20, sk="6")).error == FULL


def test_other_collections_and_tables_go_on(small):
    assert put(small, item(BOUND, "mine")).status == 200
    assert put(small, item(20, "mine", "2")).error == FULL
    assert put(small, item(BOUND, "your")).status == 200
    for sk in "123":  # a table without local indexes has no such bound
        assert put(small, item(BOUND, "mine", sk), table="free").status == 200
    mixed = ask(small, "BatchWriteItem", RequestItems={"bounded": [{"PutRequest": {"Item": item(20, "other")}}, {"PutRequest": {"Item": item(20, "mine", "3")}}]})
    assert (mixed.status, mixed.error) == (400, FULL)

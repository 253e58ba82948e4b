"""Capacity units to the byte: just inside and just outside of each unit, for every operation that reports them."""
import pytest

from conftest import make_table, wait_for

OVERHEAD = len("pk") + len("sk") + len("v") + 2  # names, a one-byte partition key and a one-byte sort key


@pytest.fixture(scope="module")
def units(cluster):
    db = cluster.client()
    make_table(db, "units", sort="S")
    return db


def item(pk, size, sk="1"):
    """An item of exactly that many bytes by the API's arithmetic."""
    return {"pk": {"S": pk}, "sk": {"S": sk}, "v": {"S": "x" * (size - OVERHEAD - len(pk) + 1 - len(sk) + 1)}}


def key(pk, sk="1"):
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def used(answer):
    return answer["ConsumedCapacity"]["CapacityUnits"]


def put(db, it, **more):
    return used(db.put_item(TableName="units", Item=it, ReturnConsumedCapacity="TOTAL", **more))


def get(db, k, strong):
    return used(db.get_item(TableName="units", Key=k, ConsistentRead=strong, ReturnConsumedCapacity="TOTAL"))


@pytest.mark.parametrize("size,expected", [(100, 1), (1024, 1), (1025, 2), (2048, 2), (2049, 3), (409_600, 400)])
def test_a_new_item_costs_its_size(units, size, expected):
    assert put(units, item("a", size, sk=str(size))) == expected


def test_one_byte_over_the_largest_item_is_refused(units):
    with pytest.raises(units.exceptions.ClientError) as e:
        put(units, item("a", 409_601, sk="large"))
    assert e.value.response["Error"] == {"Code": "ValidationException", "Message": "Item size has exceeded the maximum allowed size"}


def test_a_write_costs_the_larger_of_before_and_after(units):
    assert put(units, item("b", 5000)) == 5
    assert put(units, item("b", 100)) == 5
    assert put(units, item("b", 100)) == 1
    update = {"TableName": "units", "Key": key("b"), "ReturnConsumedCapacity": "TOTAL"}
    grow = units.update_item(UpdateExpression="SET v = :v", ExpressionAttributeValues={":v": {"S": "x" * 3000}}, **update)
    shrink = units.update_item(UpdateExpression="REMOVE v", **update)
    assert (used(grow), used(shrink)) == (3, 3)
    assert used(units.update_item(UpdateExpression="SET n = :n", ExpressionAttributeValues={":n": {"N": "1"}}, **update)) == 1


def test_a_delete_costs_what_was_there_and_at_least_one(units):
    put(units, item("c", 3500))
    delete = {"TableName": "units", "Key": key("c"), "ReturnConsumedCapacity": "TOTAL"}
    assert [used(units.delete_item(**delete)) for _ in range(2)] == [4, 1]


@pytest.mark.parametrize("size,strong", [(4096, 1), (4097, 2), (8192, 2), (8193, 3)])
def test_a_read_costs_its_size(units, size, strong):
    k = key("d", str(size))  # an item of its own: an eventually consistent read may show an older one
    put(units, item("d", size, sk=str(size)))
    assert get(units, k, True) == strong
    assert get(units, k, False) in (strong / 2, 0.5)
    projected = units.get_item(TableName="units", Key=k, ProjectionExpression="pk", ConsistentRead=True, ReturnConsumedCapacity="TOTAL")
    assert used(projected) == strong


def test_a_missing_item_costs_a_unit(units):
    assert (get(units, key("nobody"), True), get(units, key("nobody"), False)) == (1, 0.5)


def test_a_page_costs_the_sum_of_its_items(units):
    for i in range(5):
        put(units, item("e", 1000, sk=str(i)))
    query = {"TableName": "units", "KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": {"S": "e"}},
             "ReturnConsumedCapacity": "TOTAL", "ConsistentRead": True}
    assert used(units.query(**query)) == 2  # 5,000 bytes together, not five items rounded up
    assert used(units.query(**query, Limit=4)) == 1
    assert used(units.query(**query, Select="COUNT")) == 2
    filtered = {**query, "ExpressionAttributeValues": {":p": {"S": "e"}, ":no": {"S": "no"}}}
    none = units.query(**filtered, FilterExpression="v = :no")
    assert (used(none), none["Count"], none["ScannedCount"]) == (2, 0, 5)
    empty = {**query, "ExpressionAttributeValues": {":p": {"S": "nobody"}}}
    assert used(units.query(**empty)) == 1
    lagging = {**query, "ConsistentRead": False}
    wait_for("the replicas show all five items", 10, lambda: units.query(**lagging)["Count"] == 5)
    assert used(units.query(**lagging, Select="COUNT")) in (0.5, 1)  # another replica may still lag


def test_a_batch_read_rounds_each_item(units):
    keys = [key("e", str(i)) for i in range(5)] + [key("nobody")]
    for strong, expected in ((True, 6), (False, 3)):
        got = units.batch_get_item(RequestItems={"units": {"Keys": keys, "ConsistentRead": strong}}, ReturnConsumedCapacity="TOTAL")
        assert got["ConsumedCapacity"] == [{"TableName": "units", "CapacityUnits": expected}]


def test_a_batch_write_rounds_each_item(units):
    put(units, item("f", 2500, sk="gone"))
    writes = [{"PutRequest": {"Item": item("f", size, sk=str(size))}} for size in (100, 1024, 1025)] + [{"DeleteRequest": {"Key": key("f", "gone")}}]
    done = units.batch_write_item(RequestItems={"units": writes}, ReturnConsumedCapacity="TOTAL")
    assert done["ConsumedCapacity"] == [{"TableName": "units", "CapacityUnits": 1 + 1 + 2 + 3}]


def test_indexes_names_the_table_too(units):
    got = units.get_item(TableName="units", Key=key("nobody"), ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
    assert got == {"TableName": "units", "CapacityUnits": 0.5, "Table": {"CapacityUnits": 0.5}}
    assert "ConsumedCapacity" not in units.get_item(TableName="units", Key=key("nobody"), ReturnConsumedCapacity="NONE")

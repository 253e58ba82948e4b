"""Batches: limits, duplicates, what is left over, and what fails as a whole."""
import pytest
from botocore.exceptions import ClientError

from conftest import make_table


@pytest.fixture(scope="module")
def batch(cluster):
    db = cluster.client(parameter_validation=False)
    make_table(db, "batch", sort="S")
    make_table(db, "batch2")
    return db


def key(i, sk="s"):
    return {"pk": {"S": f"p{i}"}, "sk": {"S": sk}}


def put(i, **more):
    return {"PutRequest": {"Item": {**key(i), **more}}}


def refused(call, *args, **kwargs):
    with pytest.raises(ClientError) as e:
        call(*args, **kwargs)
    return e.value.response["Error"]["Code"], e.value.response["Error"]["Message"]


def test_writes_up_to_the_limit(batch):
    assert not batch.batch_write_item(RequestItems={"batch": [put(i) for i in range(25)]})["UnprocessedItems"]
    name, text = refused(batch.batch_write_item, RequestItems={"batch": [put(i) for i in range(26)]})
    assert name == "ValidationException" and "25" in text
    # The limit is that of the request, not of each table.
    spread = {"batch": [put(i) for i in range(20)], "batch2": [{"PutRequest": {"Item": {"pk": {"S": str(i)}}}} for i in range(6)]}
    assert refused(batch.batch_write_item, RequestItems=spread)[0] == "ValidationException"


def test_reads_up_to_the_limit(batch):
    keys = [key(i) for i in range(101)]
    assert len(batch.batch_get_item(RequestItems={"batch": {"Keys": keys[:100]}})["Responses"]["batch"]) <= 100
    name, text = refused(batch.batch_get_item, RequestItems={"batch": {"Keys": keys}})
    assert name == "ValidationException" and "100" in text
    spread = {"batch": {"Keys": keys[:60]}, "batch2": {"Keys": [{"pk": {"S": str(i)}} for i in range(41)]}}
    assert refused(batch.batch_get_item, RequestItems=spread)[0] == "ValidationException"


@pytest.mark.parametrize("writes", [[put(1), put(1)], [put(1), {"DeleteRequest": {"Key": key(1)}}], [{"DeleteRequest": {"Key": key(1)}}] * 2])
def test_one_item_twice_is_refused(batch, writes):
    assert refused(batch.batch_write_item, RequestItems={"batch": writes}) == (
        "ValidationException", "Provided list of item keys contains duplicates")


def test_one_key_twice_is_refused(batch):
    assert refused(batch.batch_get_item, RequestItems={"batch": {"Keys": [key(1), key(2), key(1)]}}) == (
        "ValidationException", "Provided list of item keys contains duplicates")


def test_nothing_happens_when_one_part_is_wrong(batch):
    for wrong in ({"PutRequest": {"Item": {"pk": {"S": "x"}}}}, put(901, v={"S": "x" * 409_600})):
        assert refused(batch.batch_write_item, RequestItems={"batch": [put(900), wrong]})[0] == "ValidationException"
    assert refused(batch.batch_write_item, RequestItems={"batch": [put(900)], "nobody": [put(1)]})[0] == "ResourceNotFoundException"
    assert "Item" not in batch.get_item(TableName="batch", Key=key(900), ConsistentRead=True)


def test_empty_batches_are_refused(batch):
    for call, items in ((batch.batch_write_item, {}), (batch.batch_write_item, {"batch": []}), (batch.batch_get_item, {}),
                        (batch.batch_get_item, {"batch": {"Keys": []}})):
        assert refused(call, RequestItems=items)[0] == "ValidationException"


def test_a_large_answer_leaves_keys_over(batch):
    """45 items of 400,000 bytes are more than the 16 MB of one answer; asking again for what is left brings the rest."""
    for at in range(0, 45, 5):
        assert not batch.batch_write_item(RequestItems={"batch": [put(1000 + i, v={"S": "x" * 400_000}) for i in range(at, at + 5)]})["UnprocessedItems"]
    request, seen, rounds = {"batch": {"Keys": [key(1000 + i) for i in range(45)], "ConsistentRead": True, "ProjectionExpression": "pk, sk, v"}}, [], 0
    while request:
        got = batch.batch_get_item(RequestItems=request)
        seen += [i["pk"]["S"] for i in got["Responses"]["batch"]]
        request, rounds = got["UnprocessedKeys"], rounds + 1
        assert not request or request["batch"]["ProjectionExpression"] == "pk, sk, v" and request["batch"]["ConsistentRead"] is True
    assert sorted(seen) == sorted(f"p{1000 + i}" for i in range(45)) and rounds == 2


def test_what_is_throttled_is_left_over(cluster):
    db = cluster.client(retries={"mode": "standard", "max_attempts": 1})
    make_table(db, "narrow", BillingMode="PROVISIONED", ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5})
    make_table(db, "wide")
    writes = [{"PutRequest": {"Item": {"pk": {"S": str(i)}, "v": {"S": "x" * 2000}}}} for i in range(25)]
    code = None
    for _ in range(200):  # 5 units a second, five minutes of them saved up at most, 50 units each
        try:
            db.batch_write_item(RequestItems={"narrow": writes})
        except ClientError as e:
            code = e.response["Error"]["Code"]
            break
    assert code == "ProvisionedThroughputExceededException"
    both = db.batch_write_item(RequestItems={"narrow": writes[:12], "wide": writes[:12]}, ReturnConsumedCapacity="TOTAL")
    left = both["UnprocessedItems"]
    assert set(left) == {"narrow"} and 0 < len(left["narrow"]) <= 12 and all(w in writes for w in left["narrow"])
    assert {"TableName": "wide", "CapacityUnits": 24} in both["ConsumedCapacity"]

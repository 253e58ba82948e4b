"""Transactions are not built: they are checked in full all the same, and then refused."""
import pytest
from botocore.exceptions import ClientError

from conftest import make_table


@pytest.fixture(scope="module")
def checked(cluster):
    db = cluster.client()
    make_table(db, "transact", sort="S")
    return db


def key(n="1"):
    return {"pk": {"S": n}, "sk": {"S": "s"}}


def put(n="1", **rest):
    return {"Put": {"TableName": "transact", "Item": {**key(n), **rest.pop("attributes", {})}, **rest}}


def refusal(call, actions, **rest):
    with pytest.raises(ClientError) as e:
        call(TransactItems=actions, **rest)
    return e.value.response


def said(response):
    return response["Error"]["Code"], response["Error"]["Message"]


def test_what_is_in_order_is_not_supported(checked):
    every = [put("1", ConditionExpression="attribute_not_exists(pk)"), {"Delete": {"TableName": "transact", "Key": key("2")}},
             {"Update": {"TableName": "transact", "Key": key("3"), "UpdateExpression": "SET a = :a", "ExpressionAttributeValues": {":a": {"S": "x"}}}},
             {"ConditionCheck": {"TableName": "transact", "Key": key("4"), "ConditionExpression": "attribute_exists(pk)"}}]
    assert said(refusal(checked.transact_write_items, every))[0] == "UnknownOperationException"
    hundred = [put(str(n)) for n in range(100)]
    assert said(refusal(checked.transact_write_items, hundred))[0] == "UnknownOperationException"
    gets = [{"Get": {"TableName": "transact", "Key": key(str(n)), "ProjectionExpression": "a"}} for n in range(100)]
    assert said(refusal(checked.transact_get_items, gets))[0] == "UnknownOperationException"
    assert checked.scan(TableName="transact", ConsistentRead=True)["Count"] == 0


def test_what_is_not_in_order_is_told(checked):
    write, get = checked.transact_write_items, checked.transact_get_items
    assert said(refusal(write, [put("1"), put("1")])) == ("ValidationException", "Transaction request cannot include multiple operations on one item")
    none = {"Put": {"TableName": "transact-none", "Item": key()}}
    assert said(refusal(write, [put("1"), none])) == ("ResourceNotFoundException", "Requested resource not found")
    assert said(refusal(get, [{"Get": {"TableName": "transact-none", "Key": key()}}])) == ("ResourceNotFoundException", "Requested resource not found")
    both = {**put("1"), "Delete": {"TableName": "transact", "Key": key("2")}}
    assert said(refusal(write, [both])) == ("ValidationException", "TransactItems can only contain one of Check, Put, Update or Delete")
    odd = {"Get": {"TableName": "transact", "Key": key(), "ProjectionExpression": "!!!"}}
    assert said(refusal(get, [odd])) == ("ValidationException", 'Invalid ProjectionExpression: Syntax error; token: "!", near: "!!"')
    unused = put("1", ConditionExpression="attribute_exists(pk)", ExpressionAttributeValues={":x": {"S": "x"}})
    assert said(refusal(write, [unused]))[1].startswith("Value provided in ExpressionAttributeValues unused in expressions")
    assert said(refusal(write, [put(str(n)) for n in range(101)]))[1].endswith("Member must have length less than or equal to 100")


def test_reasons_stand_in_the_place_of_their_action(checked):
    bad = {"Get": {"TableName": "transact", "Key": {}}}
    good = {"Get": {"TableName": "transact", "Key": key()}}
    response = refusal(checked.transact_get_items, [good, bad])
    assert said(response) == ("TransactionCanceledException", "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ValidationError]")
    assert [r["Code"] for r in response["CancellationReasons"]] == ["None", "ValidationError"]
    assert response["CancellationReasons"][1]["Message"] == "The provided key element does not match the schema"


def test_four_megabytes_in_all(checked):
    def sized(total):
        """Puts of that many bytes together: names and keys of an item take 6 + n's digits + 1 bytes."""
        rest, actions = total, []
        for n in range(11):
            share = min(rest, 400 * 1024)
            actions.append(put(f"{n:02}", attributes={"v": {"S": "x" * (share - len("pk") - 2 - len("sk") - 1 - len("v"))}}))
            rest -= share
        assert rest == 0
        return actions
    assert said(refusal(checked.transact_write_items, sized(4 << 20)))[0] == "UnknownOperationException"
    assert said(refusal(checked.transact_write_items, sized((4 << 20) + 1)))[0] == "ValidationException"

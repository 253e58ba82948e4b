"""Legacy parameters through boto3: conditions, updates, filters and key conditions that are maps instead of expressions."""
import pytest
from botocore.exceptions import ClientError

KEY = {"pk": {"S": "l"}, "sk": {"S": "1"}}
ITEM = {**KEY, "n": {"N": "12"}, "s": {"S": "hello"}, "ss": {"SS": ["a", "b"]}, "l": {"L": [{"N": "1"}]}, "a.b": {"N": "7"}, "SET": {"N": "8"},
        "z": {"NULL": True}}


def refused(call, **kwargs):
    with pytest.raises(ClientError) as e:
        call(**kwargs)
    error = e.value.response["Error"]
    return error["Code"], error["Message"]


def condition(op, *values):
    return {"ComparisonOperator": op, **({"AttributeValueList": list(values)} if values else {})}


N, S = lambda v: {"N": str(v)}, lambda v: {"S": v}
# attribute, condition, does it hold for ITEM
CONDITIONS = [
    ("n", condition("EQ", N(12)), True), ("n", condition("EQ", N("12.0")), True), ("n", condition("EQ", S("12")), False),
    ("ss", condition("EQ", {"SS": ["b", "a"]}), True), ("l", condition("EQ", {"L": [N(1)]}), True),
    ("n", condition("NE", N(13)), True), ("gone", condition("NE", N(13)), True), ("n", condition("NE", N(12)), False),
    ("n", condition("LT", N(13)), True), ("n", condition("LE", N(12)), True), ("n", condition("GT", N(12)), False), ("n", condition("GE", N(12)), True),
    ("n", condition("BETWEEN", N(1), N(12)), True), ("n", condition("BETWEEN", N(13), N(14)), False),
    ("n", condition("IN", N(1), N(12)), True), ("n", condition("IN", *[N(i) for i in range(200, 400)]), False),
    ("s", condition("BEGINS_WITH", S("he")), True), ("s", condition("BEGINS_WITH", S("x")), False),
    ("s", condition("CONTAINS", S("ell")), True), ("ss", condition("CONTAINS", S("a")), True), ("l", condition("CONTAINS", N(1)), True),
    ("s", condition("NOT_CONTAINS", S("x")), True), ("ss", condition("NOT_CONTAINS", S("a")), False), ("gone", condition("NOT_CONTAINS", S("a")), False),
    ("z", condition("NOT_NULL"), True), ("z", condition("NULL"), False), ("gone", condition("NULL"), True),
    ("a.b", condition("EQ", N(7)), True), ("SET", condition("EQ", N(8)), True), ("pk", condition("EQ", S("l")), True),
]


def test_expected_and_scan_filter_with_every_operator(db, table):
    db.put_item(TableName=table, Item=ITEM)
    for name, c, holds in CONDITIONS:
        if holds:
            db.update_item(TableName=table, Key=KEY, Expected={name: c})
        else:
            assert refused(db.update_item, TableName=table, Key=KEY, Expected={name: c}) == (
                "ConditionalCheckFailedException", "The conditional request failed"), (name, c)
        assert db.scan(TableName=table, ConsistentRead=True, ScanFilter={name: c})["Count"] == int(holds), (name, c)


def test_expected_by_value_and_existence(db, table):
    db.put_item(TableName=table, Item=ITEM, Expected={"pk": {"Exists": False}})
    assert refused(db.put_item, TableName=table, Item=ITEM, Expected={"pk": {"Exists": False}})[0] == "ConditionalCheckFailedException"
    db.put_item(TableName=table, Item=ITEM, Expected={"n": {"Value": N(12)}, "s": {"Value": S("hello"), "Exists": True}})
    both = {"n": {"Value": N(99)}, "s": {"Value": S("hello")}}
    assert refused(db.delete_item, TableName=table, Key=KEY, Expected=both)[0] == "ConditionalCheckFailedException"
    assert refused(db.delete_item, TableName=table, Key=KEY, Expected=both, ConditionalOperator="AND")[0] == "ConditionalCheckFailedException"
    with pytest.raises(ClientError) as e:
        db.delete_item(TableName=table, Key=KEY, Expected=both, ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert e.value.response["Item"]["n"] == N(12)
    old = db.delete_item(TableName=table, Key=KEY, Expected=both, ConditionalOperator="OR", ReturnValues="ALL_OLD")
    assert old["Attributes"]["s"] == S("hello")


def test_attribute_updates(db, table):
    def update(returns="ALL_NEW", **updates):
        got = db.update_item(TableName=table, Key=KEY, AttributeUpdates=updates, ReturnValues=returns)
        return {k: v for k, v in got.get("Attributes", {}).items() if k not in KEY}

    assert update(gone={"Action": "DELETE"}) == {}
    assert "Item" not in db.get_item(TableName=table, Key=KEY, ConsistentRead=True)  # nothing to take away: no item comes to be
    assert update(n={"Value": N(1)}, c={"Action": "ADD", "Value": N(5)}) == {"n": N(1), "c": N(5)}
    assert update(returns="UPDATED_OLD", n={"Action": "ADD", "Value": N("0.5")}) == {"n": N(1)}
    assert update(returns="UPDATED_NEW", n={"Action": "ADD", "Value": N(-2)}, gone={"Action": "DELETE"}) == {"n": N("-0.5")}
    assert update(**{"a.b": {"Action": "ADD", "Value": {"SS": ["x"]}}, "n": {"Action": "DELETE"}, "c": {"Action": "DELETE"}}) == {"a.b": {"SS": ["x"]}}
    got = update(**{"a.b": {"Action": "ADD", "Value": {"SS": ["x", "y"]}}})
    assert sorted(got["a.b"]["SS"]) == ["x", "y"]
    assert update(**{"a.b": {"Action": "DELETE", "Value": {"SS": ["x", "z"]}}}) == {"a.b": {"SS": ["y"]}}
    assert update(**{"a.b": {"Action": "DELETE", "Value": {"SS": ["y"]}}, "s": {"Value": S("")}}) == {"s": S("")}
    assert update(l={"Action": "ADD", "Value": {"L": [N(1)]}}, s={"Action": "DELETE"}) == {"l": {"L": [N(1)]}}
    assert update(l={"Action": "ADD", "Value": {"L": [N(2)]}}) == {"l": {"L": [N(1), N(2)]}}
    for wrong in ({"l": {"Action": "ADD", "Value": N(1)}}, {"l": {"Action": "DELETE", "Value": {"SS": ["a"]}}}):
        assert refused(db.update_item, TableName=table, Key=KEY, AttributeUpdates=wrong) == ("ValidationException", "Type mismatch for attribute to update")
    assert refused(db.update_item, TableName=table, Key=KEY, AttributeUpdates={"sk": {"Value": S("2")}}) == (
        "ValidationException", "One or more parameter values were invalid: Cannot update attribute sk. This attribute is part of the key")
    wide = {f"w{i:04}": {"Value": N(i)} for i in range(1000)}
    db.update_item(TableName=table, Key=KEY, AttributeUpdates=wide)
    assert len(db.get_item(TableName=table, Key=KEY, ConsistentRead=True)["Item"]) == 1003


def test_key_conditions_and_query_filter(db, table):
    for i in range(20):
        db.put_item(TableName=table, Item={"pk": S("q"), "sk": S(f"{i:02}"), "even": {"BOOL": i % 2 == 0}, "i": N(i)})

    def keys(sk=None, **kwargs):
        when = {"pk": condition("EQ", S("q")), **({"sk": sk} if sk else {})}
        return [i["sk"]["S"] for i in db.query(TableName=table, KeyConditions=when, ConsistentRead=True, **kwargs)["Items"]]

    assert len(keys()) == 20
    assert keys(condition("EQ", S("03"))) == ["03"]
    assert keys(condition("LT", S("02"))) == ["00", "01"]
    assert keys(condition("LE", S("01"))) == ["00", "01"]
    assert keys(condition("GT", S("18"))) == ["19"]
    assert keys(condition("GE", S("18")), ScanIndexForward=False) == ["19", "18"]
    assert keys(condition("BETWEEN", S("03"), S("05"))) == ["03", "04", "05"]
    assert keys(condition("BEGINS_WITH", S("1")))[0] == "10"
    assert keys(condition("BEGINS_WITH", S("1")), QueryFilter={"even": condition("EQ", {"BOOL": True})}) == ["10", "12", "14", "16", "18"]
    either = {"even": condition("EQ", {"BOOL": True}), "i": condition("LT", N(2))}
    assert keys(condition("LT", S("04")), QueryFilter=either) == ["00"]
    assert keys(condition("LT", S("04")), QueryFilter=either, ConditionalOperator="OR") == ["00", "01", "02"]
    assert keys(FilterExpression="i > :n", ExpressionAttributeValues={":n": N(17)}) == ["18", "19"]  # key conditions go with expressions
    page = db.query(TableName=table, KeyConditions={"pk": condition("EQ", S("q"))}, Limit=3, AttributesToGet=["i", "gone"], ConsistentRead=True)
    assert page["Items"] == [{"i": N(0)}, {"i": N(1)}, {"i": N(2)}] and page["LastEvaluatedKey"] == {"pk": S("q"), "sk": S("02")}
    wrong = {"pk": condition("EQ", S("q"))}
    assert refused(db.query, TableName=table, KeyConditions={"sk": condition("EQ", S("x"))})[1] == "Query condition missed key schema element: pk"
    assert refused(db.query, TableName=table, KeyConditions={"pk": condition("LT", S("x"))})[1] == "Query key condition not supported"
    assert refused(db.query, TableName=table, KeyConditions={**wrong, "sk": condition("NE", S("x"))})[1] == (
        "Attempted conditional constraint is not an indexable operation")
    assert refused(db.query, TableName=table, KeyConditions={**wrong, "sk": condition("EQ", N(1))})[1] == (
        "One or more parameter values were invalid: Condition parameter type does not match schema type")
    assert refused(db.query, TableName=table, KeyConditions=wrong, QueryFilter={"sk": condition("NULL")})[1] == (
        "QueryFilter can only contain non-primary key attributes: Primary key attribute: sk")


def test_attributes_to_get(db, table):
    db.put_item(TableName=table, Item=ITEM)
    wanted = {"a.b": N(7), "SET": N(8)}
    assert db.get_item(TableName=table, Key=KEY, AttributesToGet=["a.b", "SET", "l[0]"], ConsistentRead=True)["Item"] == wanted
    assert db.scan(TableName=table, AttributesToGet=["a.b", "SET"], ConsistentRead=True)["Items"] == [wanted]
    many = [f"name-{i}" for i in range(5000)] + ["n"]  # more than a text of 4 KB could name
    got = db.batch_get_item(RequestItems={table: {"Keys": [KEY], "AttributesToGet": many, "ConsistentRead": True}})
    assert got["Responses"][table] == [{"n": N(12)}]
    assert refused(db.get_item, TableName=table, Key=KEY, AttributesToGet=["a", "b", "a"]) == (
        "ValidationException", "One or more parameter values were invalid: Duplicate value in attribute name: a")

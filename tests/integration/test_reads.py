"""Queries, scans and batches that are refused: which fault is told, and in which words. Over raw HTTP, a row each."""
import json

import pytest

from conftest import wait_for
from test_bad_input import signed
from test_indexes import attributes, index, keys, make

TABLE, HASH_ONLY = "reads", "reads-h"
INVALID = "One or more parameter values were invalid: "
KCE = "Invalid KeyConditionExpression: "
START = "The provided starting key is invalid"
SCHEMA = "The provided key element does not match the schema"
SCALARS = "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: "
ENVELOPE = "1 validation error detected: "
MIXED = "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {%s} Expression parameters: {%s}"


def S(v):
    return {"S": v}


def N(v):
    return {"N": str(v)}


def values(**kwargs):
    return {"ExpressionAttributeValues": {f":{k}": v if isinstance(v, dict) else S(v) for k, v in kwargs.items()}}


def query(condition=None, table=TABLE, index=None, more=None, **kwargs):
    """pk = :p unless the condition says otherwise."""
    body = {"TableName": table, "KeyConditionExpression": condition or "pk = :p", **values(**(kwargs or {"p": "p"})), **(more or {})}
    return "Query", {**body, **({"IndexName": index} if index else {})}


def scan(table=TABLE, **kwargs):
    return "Scan", {"TableName": table, **kwargs}


def legacy(operator, *values):
    return {"ComparisonOperator": operator, "AttributeValueList": list(values)}


def conditions(table=TABLE, **kwargs):
    return "Query", {"TableName": table, "KeyConditions": {"pk": legacy("EQ", S("p")), **kwargs}}


def get(*requests):
    return "BatchGetItem", {"RequestItems": {t: {"Keys": [{**k}], **more} for t, k, more in requests}}


def put(item, table=TABLE):
    return "BatchWriteItem", {"RequestItems": {table: [{"PutRequest": {"Item": item}}]}}


def put_item(**attributes):
    return "PutItem", {"TableName": TABLE, "Item": {**KEY, **attributes}}


def update_item(expression, **kwargs):
    return "UpdateItem", {"TableName": TABLE, "Key": KEY, "UpdateExpression": expression, **values(**kwargs)}


KEY, GLOBAL_KEY = {"pk": S("p"), "sk": S("1")}, {"pk": S("p"), "sk": S("1"), "g": S("a"), "n": N(1)}
HALF, MORE, OTHER, TYPE = {"pk": S("p")}, {**KEY, "x": S("1")}, {"pk": S("p"), "x": S("1")}, {"pk": S("p"), "sk": N(1)}


def start(key, **kwargs):
    return {"ExclusiveStartKey": key, **kwargs}


def projected(select, **kwargs):
    return {"Select": select, **(kwargs or {"ProjectionExpression": "x"})}


# (operation and body, text)
REFUSED = [
    # The form of a key condition is looked at before the table is looked for; its syntax before that, then placeholders.
    (query("pk = :p OR sk = :p", table="nobody"), "Invalid operator used in KeyConditionExpression: OR"),
    (query("pk = :p AND sk IN (:p)", table="nobody"), "Invalid operator used in KeyConditionExpression: IN"),
    (query("pk = :p AND contains(sk, :p)", table="nobody"), "Invalid operator used in KeyConditionExpression: contains"),
    (query("pk.a = :p", table="nobody"), KCE + "KeyConditionExpressions cannot have conditions on nested attributes"),
    (query("pk = :p AND sk[0] = :p"), KCE + "KeyConditionExpressions cannot have conditions on nested attributes"),
    (query("pk = :p AND pk = :p", table="nobody"), KCE + "KeyConditionExpressions must only contain one condition per key"),
    (query("pk = :p AND sk > :p AND sk < :q", p="a", q="b"), KCE + "KeyConditionExpressions must only contain one condition per key"),
    (query(":p = :p"), "Invalid condition in KeyConditionExpression: No key attribute specified"),
    (query("pk = :p OR sk = :p", p="a", q="b"), "Value provided in ExpressionAttributeValues unused in expressions: keys: {:q}"),
    (query("pk = ", more={"FilterExpression": "x = ", "ProjectionExpression": ","}), KCE + 'Syntax error; token: "<EOF>", near: "="'),
    (query(more={"FilterExpression": "x = ", "ProjectionExpression": ","}), 'Invalid FilterExpression: Syntax error; token: "<EOF>", near: "="'),
    (query("pk = :p AND sk > :p AND x = :p"), "Conditions can be of length 1 or 2 only"),
    (query("pk = :p AND x = :p", table=HASH_ONLY), "Query key condition not supported"),
    (query("x = :p", table=HASH_ONLY), "Query condition missed key schema element: pk"),
    # ExclusiveStartKey: a query and an index say less than a scan of the table.
    *[(query(more=start(k)), START) for k in ({}, HALF, MORE, OTHER, TYPE, {**HALF, "sk": S("")}, {**HALF, "sk": S("s" * 1025)})],
    *[(scan(**start(k)), f"{START}: {SCHEMA}") for k in ({}, HALF, MORE, OTHER, TYPE)],
    *[(read, START) for k in (KEY, {"g": S("p"), "n": N(1)}, {**GLOBAL_KEY, "x": S("1")}, {**GLOBAL_KEY, "sk": N(1)}, {**GLOBAL_KEY, "n": S("1")})
      for read in (query("g = :p", index="glo", more=start(k)), scan(IndexName="glo", **start(k)))],
    (scan(**start({**HALF, "sk": S("")})),
     f"{START}: One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: sk"),
    (scan(**start({**HALF, "sk": S("s" * 1025)})), f"{START}: {INVALID}Aggregated size of all range keys has exceeded the size limit of 1024 bytes"),
    (query(more=start({"pk": S("p"), "sk": N("x")})), "The parameter cannot be converted to a numeric value: x"),
    (query(more=start({"pk": S("p"), "sk": {}})), f"{START}: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
    (query(more=start({**KEY, "pk": S("q")})), "The provided starting key is outside query boundaries based on provided conditions"),
    (query("pk = :p AND sk > :s", p="p", s="1", more=start(KEY)), "The provided starting key does not match the range key predicate"),
    (query("x = :p", more=start(HALF)), START),
    # Select: a query's faults are told as violated constraints.
    *[(read, before + "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
      for read, before in ((query(more={"Select": "SPECIFIC_ATTRIBUTES"}), ENVELOPE), (scan(Select="SPECIFIC_ATTRIBUTES"), ""))],
    *[(read, before + "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
      for read, before in ((query(more={"Select": "ALL_PROJECTED_ATTRIBUTES"}), ENVELOPE), (scan(Select="ALL_PROJECTED_ATTRIBUTES"), ""))],
    *[(read, f"{before}Cannot specify the ProjectionExpression when choosing to get {what}")
      for select, what in (("ALL_ATTRIBUTES", "ALL_ATTRIBUTES"), ("ALL_PROJECTED_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"), ("COUNT", "only the Count"))
      for read, before in ((query(more=projected(select)), ENVELOPE), (scan(**projected(select)), ""))],
    (scan(**projected("COUNT", AttributesToGet=["x"])), "Cannot specify the AttributesToGet when choosing to get only the Count"),
    # Nothing lies within a key attribute, of the table or of any index.
    *[(read, SCALARS + "Key: pk") for read in (
        scan(ProjectionExpression="x, pk.a"), scan(FilterExpression="attribute_exists(pk[0])"), query(more={"ProjectionExpression": "pk[1]"}),
        ("GetItem", {"TableName": TABLE, "Key": KEY, "ProjectionExpression": "pk.a"}), get((TABLE, KEY, {"ProjectionExpression": "pk.a"})))],
    *[(read, SCALARS + "IndexKey: g") for read in (
        scan(FilterExpression="size(g.a) > :n", **values(n=N(1))), query(more={"FilterExpression": "attribute_exists(g.a)"}),
        update_item("SET g.a = :p", p="p"))],
    (query(more={"FilterExpression": "attribute_exists(pk.a)"}), "Filter Expression can only contain non-primary key attributes: Primary key attribute: pk"),
    # Conditions of the legacy parameters.
    (conditions(sk=legacy("BETWEEN", S("b"), S("a"))), "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"),
    (conditions(sk=legacy("BETWEEN", S("b"), {"SS": ["a"]})), INVALID + "AttributeValues inside AttributeValueList must be of same type"),
    (conditions(sk=legacy("BETWEEN", {"SS": ["a"]}, {"SS": ["a"]})), INVALID + "ComparisonOperator BETWEEN is not valid for SS AttributeValue type"),
    # Batches.
    *[(put(item), SCHEMA) for item in (HALF, {"sk": S("1")}, TYPE, {"pk": S("p"), "sk": {"L": []}})],
    (put({"pk": S("p"), "sk": S("")}), "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: sk"),
    (put({**KEY, "g": N(1)}), INVALID + "Type mismatch for Index Key g Expected: S Actual: N IndexName: glo"),
    *[(("BatchWriteItem", {"RequestItems": {TABLE: [write]}}), "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
      for write in ({}, {"PutRequest": {"Item": KEY}, "DeleteRequest": {"Key": KEY}})],
    # Keys of indexes in writes: the first index by name is told.
    (put_item(g=N(1)), INVALID + "Type mismatch for Index Key g Expected: S Actual: N IndexName: glo"),
    (put_item(g=N(1), l={"L": []}), INVALID + "Type mismatch for Index Key l Expected: S Actual: L IndexName: abc"),
    (put_item(g=S("g" * 2049)), INVALID + "Size limit exceeded for Index Key g Actual Size: 2049 bytes Max Size: 2048 bytes IndexName: glo"),
    (put_item(l=S("l" * 1025)), INVALID + "Size limit exceeded for Index Key l Actual Size: 1025 bytes Max Size: 1024 bytes IndexName: loc"),
    (update_item("SET g = :v", v="g" * 2049), "The update expression attempted to update the secondary index key beyond allowed size limits"),
    (update_item("SET g = :v", v=N(1)), "The update expression attempted to update the secondary index key to unsupported type"),
    (update_item("SET g = :v", v=""), "One or more parameter values are not valid. The update expression attempted to update a secondary index key to a value that is "
     "not supported. The AttributeValue for a key attribute cannot contain an empty string value."),
    (get((TABLE, KEY, {"ProjectionExpression": "x"}), (HASH_ONLY, HALF, {"AttributesToGet": ["x"]})), MIXED % ("AttributesToGet", "ProjectionExpression")),
    (get((TABLE, KEY, {"ExpressionAttributeNames": {"#a": "x"}})), "ExpressionAttributeNames can only be specified when using expressions"),
]


@pytest.fixture(scope="module")
def tables(cluster):
    db = cluster.client()
    make(db, TABLE, dict(pk="S", sk="S", g="S", n="N", l="S"), keys("pk", sort=("sk",)), LocalSecondaryIndexes=[index("loc", keys("pk", sort=("l",)))],
         GlobalSecondaryIndexes=[index("zzz", keys("g")), index("glo", keys("g", sort=("n",))), index("abc", keys("l"))])
    make(db, HASH_ONLY, dict(pk="S"), keys("pk"))
    return db


def ask(cluster, operation, body):
    status, answer = signed(cluster, operation, json.dumps(body).encode())
    answer = json.loads(answer)
    return status, answer.get("__type", "#").split("#")[1], answer.get("message")


@pytest.mark.parametrize("request_body,text", REFUSED, ids=[f"{i}-{r[0]}" for i, (r, _) in enumerate(REFUSED)])
def test_what_is_refused(cluster, tables, request_body, text):
    assert ask(cluster, *request_body) == (400, "ValidationException", text)


def test_a_batch_answers_up_to_16_mb_of_items(tables):
    """As items are measured: 54 of 300 KiB are below it, the 55th would be above. What is left is not charged."""
    keys_ = [{"pk": S("b"), "sk": S(f"{i:03}")} for i in range(60)]
    for k in keys_:
        tables.put_item(TableName=TABLE, Item={**k, "v": {"B": b"x" * (300 * 1024 - len("pkbsk000v"))}})
    got = tables.batch_get_item(RequestItems={TABLE: {"Keys": keys_, "ConsistentRead": True}}, ReturnConsumedCapacity="TOTAL")
    assert len(got["Responses"][TABLE]) == 54 and got["UnprocessedKeys"][TABLE]["Keys"] == keys_[54:]
    assert got["ConsumedCapacity"][0]["CapacityUnits"] == 54 * 75
    rest = tables.batch_get_item(RequestItems=got["UnprocessedKeys"])
    assert len(rest["Responses"][TABLE]) == 6 and not rest["UnprocessedKeys"]


def test_start_keys_need_no_item(tables):
    """A client may make a key of its own: of an item that is gone, or never was."""
    for i in range(4):
        tables.put_item(TableName=TABLE, Item={"pk": S("s"), "sk": S(str(i)), "g": S("s"), "n": N(i)})
    page = dict(TableName=TABLE, KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": S("s")}, ConsistentRead=True)
    assert [i["sk"]["S"] for i in tables.query(**page, ExclusiveStartKey={"pk": S("s"), "sk": S("1x")})["Items"]] == ["2", "3"]
    assert [i["sk"]["S"] for i in tables.query(**page, ExclusiveStartKey={"pk": S("s"), "sk": S("1x")}, ScanIndexForward=False)["Items"]] == ["1", "0"]
    page = dict(TableName=TABLE, IndexName="glo", KeyConditionExpression="g = :p", ExpressionAttributeValues={":p": S("s")})
    wait_for("rows in the index", 10, lambda: tables.query(**page)["Count"] == 4)
    assert [i["n"]["N"] for i in tables.query(**page, ExclusiveStartKey={"pk": S("zz"), "sk": S("zz"), "g": S("s"), "n": N("1.5")})["Items"]] == ["2", "3"]

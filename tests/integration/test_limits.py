"""Each documented limit of items, values and expressions, just inside and just outside, over raw HTTP."""
import json

import pytest

from conftest import make_table
from test_bad_input import signed

ITEM_MAX = 400 * 1024
S, N = lambda v: {"S": v}, lambda v: {"N": v}
KEY = {"pk": S("k"), "sk": S("s")}


def size_of(value):
    """Bytes of a value by the developer guide's arithmetic, written down anew."""
    kind, v = next(iter(value.items()))
    if kind == "S":
        return len(v.encode())
    if kind == "N":
        whole, _, part = v.lstrip("-").partition(".")
        whole, part = whole.lstrip("0"), part.rstrip("0")
        whole, part = (whole, part) if part else (whole.rstrip("0"), "")
        part = part if whole else part.lstrip("0")
        return 1 + (len(whole) + 1) // 2 + (len(part) + 1) // 2 + v.startswith("-")
    if kind == "B":
        return len(v) // 4 * 3 - v.count("=")
    if kind in ("BOOL", "NULL"):
        return 1
    if kind in ("SS", "NS", "BS"):
        return sum(size_of({kind[0]: e}) for e in v)
    if kind == "L":
        return 3 + sum(1 + size_of(e) for e in v)
    return 3 + sum(1 + len(k.encode()) + size_of(e) for k, e in v.items())


def filled(attribute, total):
    """An item with the attribute, and a string that makes it total bytes long."""
    item = {**KEY, "v": attribute, "pad": S("")}
    used = sum(len(k) + size_of(v) for k, v in item.items())
    item["pad"] = S("x" * (total - used))
    return item


def nested(levels):
    value = N("1")
    for _ in range(levels - 1):
        value = {"L": [value]}
    return value


def put(value, **more):
    return "PutItem", {"Item": {**KEY, "v": value}, **more}


def condition(text, values=None, names=None):
    more = {"ExpressionAttributeValues": values} if values else {}
    more.update({"ExpressionAttributeNames": names} if names else {})
    return "PutItem", {"Item": KEY, "ConditionExpression": text, **more}


def update(text, values=None, key="u"):
    more = {"ExpressionAttributeValues": values} if values else {}
    return "UpdateItem", {"Key": {"pk": S(key), "sk": S("s")}, "UpdateExpression": text, **more}


def query(when, values):
    return "Query", {"KeyConditionExpression": when, "ExpressionAttributeValues": values}


def padded(text, total):
    return text + " " * (total - len(text))


ITEM_SIZE = "Item size has exceeded the maximum allowed size"
HASH = "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes"
RANGE = "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes"
EMPTY_KEY = "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: "
DIGITS = "Attempting to store more than 38 significant digits in a Number"
OVERFLOW = "Number overflow. Attempting to store a number with magnitude larger than supported range"
UNDERFLOW = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
DEEP = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
INVALID = "One or more parameter values were invalid: "
VALUES_2MB = {f":v{i}": S("x" * 290_000) for i in range(7)}
FIT = 2 * 1024 * 1024 - sum(len(k) + len(v["S"]) + 4 for k, v in VALUES_2MB.items()) - len(":f") - 4  # type and length: 4 bytes

# (what, a request inside, one outside, the text of its refusal); None: there is nothing inside, or nothing outside
LIMITS = [
    ("partition key of 2048 bytes", ("PutItem", {"Item": {"pk": S("x" * 2048), "sk": S("s")}}), ("PutItem", {"Item": {"pk": S("x" * 2049), "sk": S("s")}}), HASH),
    ("the same in bytes of UTF-8", ("GetItem", {"Key": {"pk": S("\u00fc" * 1024), "sk": S("s")}}), ("GetItem", {"Key": {"pk": S("\u00fc" * 1024 + "x"), "sk": S("s")}}), HASH),
    ("sort key of 1024 bytes", ("PutItem", {"Item": {"pk": S("x"), "sk": S("s" * 1024)}}), ("PutItem", {"Item": {"pk": S("x"), "sk": S("s" * 1025)}}), RANGE),
    ("partition key in a query", query("pk = :p", {":p": S("x" * 2048)}), query("pk = :p", {":p": S("x" * 2049)}), HASH),
    ("sort key in a query", query("pk = :p AND sk > :s", {":p": S("x"), ":s": S("s" * 1024)}), query("pk = :p AND sk > :s", {":p": S("x"), ":s": S("s" * 1025)}), RANGE),
    ("sort key's prefix in a query", query("pk = :p AND begins_with(sk, :s)", {":p": S("x"), ":s": S("s" * 1024)}),
     query("pk = :p AND begins_with(sk, :s)", {":p": S("x"), ":s": S("s" * 1025)}), RANGE),
    ("a key is not empty", ("PutItem", {"Item": {"pk": S("x"), "sk": S("s")}}), ("PutItem", {"Item": {"pk": S(""), "sk": S("s")}}), EMPTY_KEY + "pk"),
    ("a sort key is not empty", ("GetItem", {"Key": {"pk": S("x"), "sk": S("s")}}), ("GetItem", {"Key": {"pk": S("x"), "sk": S("")}}), EMPTY_KEY + "sk"),
    ("a key has the schema's type", None, ("PutItem", {"Item": {"pk": N("1"), "sk": S("s")}}), INVALID + "Type mismatch for key pk expected: S actual: N"),
    ("a key is whole", None, ("PutItem", {"Item": {"pk": S("1")}}), INVALID + "Missing the key sk in the item"),
    ("a key is no more than the key", None, ("GetItem", {"Key": {**KEY, "x": S("1")}}), "The provided key element does not match the schema"),
    ("38 digits", put(N("9" * 38)), put(N("9" * 39)), DIGITS),
    ("38 digits after the point", put(N("0." + "9" * 38)), put(N("0." + "9" * 39)), DIGITS),
    ("zeros around are no digits", put(N("000" + "9" * 38 + "000")), put(N("1" + "0" * 37 + "1")), DIGITS),
    ("magnitude above", put(N("9.9999999999999999999999999999999999999E+125")), put(N("1E126")), OVERFLOW),
    ("magnitude above, negative", put(N("-9.9E125")), put(N("-1E126")), OVERFLOW),
    ("magnitude below", put(N("1E-130")), put(N("9E-131")), UNDERFLOW),
    ("magnitude below, negative", put(N("-1E-130")), put(N("-1E-131")), UNDERFLOW),
    ("a number is one", put(N("+1.5e3")), put(N("0x10")), "The parameter cannot be converted to a numeric value: 0x10"),
    ("a number is not empty", None, put(N("")), "The parameter cannot be converted to a numeric value"),
    ("a sum's magnitude", update("SET n = :a + :b", {":a": N("9E125"), ":b": N("9E124")}), update("SET n = :a + :b", {":a": N("9E125"), ":b": N("1E125")}), OVERFLOW),
    ("a difference's magnitude", update("SET n = :a - :b", {":a": N("2E-130"), ":b": N("1E-130")}), update("SET n = :a - :b", {":a": N("1.1E-130"), ":b": N("1E-130")}), UNDERFLOW),
    ("a sum's digits", update("SET n = :a + :b", {":a": N("9" * 38), ":b": N("1")}), update("SET n = :a + :b", {":a": N("9" * 38), ":b": N("2")}), DIGITS),
    ("a difference's digits", update("SET n = :a - :b", {":a": N("1"), ":b": N("1E-38")}), update("SET n = :a - :b", {":a": N("1"), ":b": N("1E-39")}), DIGITS),
    ("digits of what ADD gives", update("ADD added :b", {":b": N("1" + "0" * 38)}), update("ADD added :b", {":b": N("1")}), DIGITS),
    ("32 levels", put(nested(32)), put(nested(33)), DEEP),
    ("32 levels after an update", update("SET a.b = :v", {":v": nested(31)}, "deep"), update("SET a.b = :v", {":v": nested(32)}, "deep"), DEEP),
    ("empty strings and binaries", put({"M": {"s": S(""), "b": {"B": ""}, "l": {"L": []}, "m": {"M": {}}}}), put({"SS": []}), INVALID + "An string set  may not be empty"),
    ("number sets are not empty", put({"NS": ["0"]}), put({"NS": []}), INVALID + "An number set  may not be empty"),
    ("binary sets are not empty", put({"BS": [""]}), put({"BS": []}), INVALID + "Binary sets should not be empty"),
    ("sets have no duplicates", put({"SS": ["a", "b"]}), put({"SS": ["a", "b", "a"]}), INVALID + "Input collection [a, b, a] contains duplicates."),
    ("number sets have no equal numbers", put({"NS": ["1", "10"]}), put({"NS": ["1", "1.0"]}), "Input collection contains duplicates"),
    ("binary sets have no duplicates", put({"BS": ["YQ==", "Yg=="]}), put({"BS": ["YQ==", "YQ=="]}),
     INVALID + "Input collection [YQ==, YQ==]of type BS contains duplicates."),
    ("NULL is true", put({"NULL": True}), put({"NULL": False}), INVALID + "Null attribute value types must have the value of true"),
    ("one datatype", None, put({"S": "a", "N": "1"}), "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"),
    ("an attribute's name of 64 KB", ("PutItem", {"Item": {**KEY, "n" * 65535: S("")}}), ("PutItem", {"Item": {**KEY, "n" * 65536: S("")}}),
     "Attribute name is too large, must be less than 65536 bytes"),
    ("text of 4 KB", condition(padded("attribute_not_exists(x)", 4096)), condition(padded("attribute_not_exists(x)", 4097)),
     "Invalid ConditionExpression: Expression size has exceeded the maximum allowed size; expression size: 4097"),
    ("text of an update", update(padded("SET a = :v", 4096), {":v": N("1")}), update(padded("SET a = :v", 4097), {":v": N("1")}),
     "Invalid UpdateExpression: Expression size has exceeded the maximum allowed size; expression size: 4097"),
    ("a text is not empty", None, condition(" "), "Invalid ConditionExpression: The expression can not be empty;"),
    ("name placeholder of 255 bytes", condition(f"attribute_not_exists(#{'n' * 254})", names={"#" + "n" * 254: "x"}),
     condition(f"attribute_not_exists(#{'n' * 255})", names={"#" + "n" * 255: "x"}), "ExpressionAttributeNames contains invalid key: The key is longer than 255 bytes"),
    ("value placeholder of 255 bytes", update(f"SET a = :{'n' * 254}", {":" + "n" * 254: N("1")}), update(f"SET a = :{'n' * 255}", {":" + "n" * 255: N("1")}),
     "ExpressionAttributeValues contains invalid key: The key is longer than 255 bytes"),
    ("substitutions of 2 MB", condition("attribute_not_exists(x) OR x IN (:f, " + ", ".join(VALUES_2MB) + ")", {**VALUES_2MB, ":f": S("x" * FIT)}),
     condition("attribute_not_exists(x) OR x IN (:f, " + ", ".join(VALUES_2MB) + ")", {**VALUES_2MB, ":f": S("x" * (FIT + 1))}), "ExpressionAttributeValues exceeds max size"),
    ("names count with values", condition("attribute_not_exists(x) OR #n IN (:f, " + ", ".join(VALUES_2MB) + ")", {**VALUES_2MB, ":f": S("x" * (FIT - 3))}, {"#n": "n"}),
     condition("attribute_not_exists(x) OR #n IN (:f, " + ", ".join(VALUES_2MB) + ")", {**VALUES_2MB, ":f": S("x" * (FIT - 2))}, {"#n": "n"}),
     "ExpressionAttributeValues exceeds max size"),
    ("IN with 100 operands", condition("NOT x IN (" + ",".join([":a"] * 100) + ")", {":a": N("1")}), condition("NOT x IN (" + ",".join([":a"] * 101) + ")", {":a": N("1")}),
     "Invalid ConditionExpression: Incorrect number of operands for operator or function; operator or function: IN, number of operands: 101"),
    ("300 operators", condition(" AND ".join(["NOT :a=x"] * 100), {":a": N("1")}), condition(" AND ".join(["NOT :a=x"] * 100) + " OR :a=x", {":a": N("1")}),
     "Invalid ConditionExpression: The expression contains too many operators; operator count: 301"),
    ("300 operators in an update", update("SET " + ",".join(f"a{i}=:a+:a" for i in range(300)), {":a": N("1")}),
     update("SET " + ",".join(f"a{i}=:a+:a" for i in range(301)), {":a": N("1")}), "Invalid UpdateExpression: The expression contains too many operators; operator count: 301"),
    ("a path of 32 elements", condition("attribute_not_exists(" + ".".join(["x"] * 32) + ")"), condition("attribute_not_exists(" + ".".join(["x"] * 33) + ")"),
     "Invalid ConditionExpression: The document path has too many nesting elements;"),
    ("every placeholder is used", None, condition("attribute_not_exists(x)", {":v": N("1")}), "Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}"),
    ("every name is used", None, condition("attribute_not_exists(x)", names={"#n": "n"}), "Value provided in ExpressionAttributeNames unused in expressions: keys: {#n}"),
    ("every placeholder is defined", None, condition("x = :v"),
     "Invalid ConditionExpression: An expression attribute value used in expression is not defined; attribute value: :v"),
    ("no reserved word", condition("attribute_not_exists(#n)", names={"#n": "name"}), condition("attribute_not_exists(name)"),
     "Invalid ConditionExpression: Attribute name is a reserved keyword; reserved keyword: name"),
    ("no redundant brackets", condition("(attribute_not_exists(x))"), condition("((attribute_not_exists(x)))"),
     "Invalid ConditionExpression: The expression has redundant parentheses;"),
    ("segments up to a million", ("Scan", {"TotalSegments": 1000000, "Segment": 999999}), ("Scan", {"TotalSegments": 1000001, "Segment": 0}),
     "1 validation error detected: Value '1000001' at 'totalSegments' failed to satisfy constraint: Member must have value less than or equal to 1000000"),
    ("a segment below their number", ("Scan", {"TotalSegments": 2, "Segment": 1}), ("Scan", {"TotalSegments": 2, "Segment": 2}),
     "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 2 is not less than TotalSegments: 2"),
    ("a limit from 1", ("Scan", {"Limit": 1}), ("Scan", {"Limit": 0}),
     "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1"),
]
LIMITS += [(f"item of 400 KB with {json.dumps(v)}", ("PutItem", {"Item": filled(v, ITEM_MAX)}), ("PutItem", {"Item": filled(v, ITEM_MAX + 1)}), ITEM_SIZE) for v in (
    S("gr\u00fc\u00df"), N("12345"), N("-1234.5"), N("1000"), N("0"), N("1.2"), N("100.05"), N("0.0012"), {"B": "AAEC"}, {"BOOL": False}, {"NULL": True}, {"SS": ["a", "bc"]}, {"NS": ["1", "-22"]},
    {"BS": ["YQ==", ""]}, {"L": []}, {"L": [N("1"), S("ab"), {"L": []}]}, {"M": {}}, {"M": {"\u00fc": N("1"), "ab": {"M": {"c": S("d")}}}})]


@pytest.fixture(scope="module")
def limits(cluster):
    db = cluster.client()
    make_table(db, "limits", sort="S")
    db.put_item(TableName="limits", Item={"pk": S("deep"), "sk": S("s"), "a": {"M": {}}})
    return cluster


def call(cluster, request):
    op, parameters = request
    status, answer = signed(cluster, op, json.dumps({"TableName": "limits", **parameters}).encode())
    body = json.loads(answer)
    return status, body.get("__type", "").split("#")[-1], body.get("message", "")


@pytest.mark.parametrize("inside, outside, text", [c[1:] for c in LIMITS], ids=[c[0] for c in LIMITS])
def test_limit(limits, inside, outside, text):
    if inside:
        assert call(limits, inside) == (200, "", "")
    status, kind, message = call(limits, outside)
    assert (status, kind) == (400, "ValidationException") and message.startswith(text), message


def test_item_grows_to_400_kb_and_no_further(limits):
    """By an update, the new item is measured."""
    db = limits.client()
    key = {"pk": S("grow"), "sk": S("s")}
    item = {**key, "a": S("x" * 1000)}
    left = ITEM_MAX - sum(len(k) + size_of(v) for k, v in item.items()) - len("b")
    db.put_item(TableName="limits", Item=item)
    one_more = ("UpdateItem", {"Key": key, "UpdateExpression": "SET b = :v", "ExpressionAttributeValues": {":v": S("x" * (left + 1))}})
    assert call(limits, one_more) == (400, "ValidationException", "Item size to update has exceeded the maximum allowed size")
    one_more[1]["ExpressionAttributeValues"] = {":v": S("x" * left)}
    assert call(limits, one_more)[0] == 200
    again = ("UpdateItem", {"Key": key, "AttributeUpdates": {"c": {"Value": S("")}}})
    assert call(limits, again) == (400, "ValidationException", "Item size to update has exceeded the maximum allowed size")


def test_text_is_utf8(limits):
    """Bytes that are none are no JSON; escapes of half a character are none either."""
    def body(text):
        return b'{"TableName":"limits","Item":{"pk":{"S":"utf"},"sk":{"S":"s"},"v":{"S":"' + text + b'"}}}'
    for good in ("\u00fc\U0001f600".encode(), b"\\u00fc\\ud83d\\ude00", b"\\u0000"):
        assert signed(limits, "PutItem", body(good))[0] == 200
    for bad in (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"\\ud83d", b"\\ude00\\ud83d", b"\\uzzzz", b"\\x", b"\n"):
        status, answer = signed(limits, "PutItem", body(bad))
        assert status == 400 and json.loads(answer)["__type"].endswith("#SerializationException"), bad


def test_memory_of_a_request_is_bounded(limits):
    """Values, names and conditions by the hundred thousand: answered or refused, whatever little the decoder left to what comes after it."""
    def ask(op, members):
        status, answer = signed(limits, op, b'{"TableName":"limits","Key":{"pk":{"S":"x"},"sk":{"S":"s"}},' + members + b"}")
        assert status == 200 or json.loads(answer)["__type"].split("#")[1] in ("ValidationException", "RequestEntityTooLargeException"), answer
        return status

    assert ask("UpdateItem", b'"Expected":{' + b",".join(b'"a%d":{"Exists":false}' % i for i in range(20_000)) + b"}") == 200
    assert ask("Scan", b'"ScanFilter":{"a":{"ComparisonOperator":"IN","AttributeValueList":[' + b",".join([b'{"N":"1"}'] * 100_000) + b"]}}") == 200
    assert ask("Scan", b'"ScanFilter":{"a":{"ComparisonOperator":"IN","AttributeValueList":[' + b",".join([b'{"N":"1"}'] * 1_000_000) + b"]}}") == 400
    for count in (1_047_000, 1_048_000, 1_048_500, 1_048_575, 1_048_576, 1_048_577):  # the decoder's arrays double: all of 64 MiB is gone about here
        assert ask("GetItem", b'"AttributesToGet":[' + b'"a",' * count + b'"b"]') in (400, 413)


@pytest.mark.parametrize("op, members", [
    ("Query", {"KeyConditionExpression": "pk ="}), ("Query", {"KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": S("x"), ":q": S("y")}}),
    ("Scan", {"FilterExpression": "a ="}), ("GetItem", {"Key": KEY, "ProjectionExpression": "a,"}), ("PutItem", {"Item": KEY, "ConditionExpression": "a ="}),
    ("UpdateItem", {"Key": KEY, "UpdateExpression": "SET"}), ("Query", {"KeyConditions": {}})])
def test_faults_of_texts_come_before_the_table_is_looked_for(cluster, op, members):
    status, answer = signed(cluster, op, json.dumps({"TableName": "no-such-table", **members}).encode())
    assert status == 400 and json.loads(answer)["__type"].endswith("#ValidationException"), answer

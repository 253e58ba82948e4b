"""Ways to spoil a request that would be fine, each with the error that must come."""
import collections

Fault = collections.namedtuple("Fault", "error kinds spoil")


def setting(**fields):
    return lambda body: body.update(fields)


def adding(field, name, value):
    return lambda body: body.setdefault(field, {}).update({name: value})


def text(field, make):
    """Replaces an expression by make(old text); a request without one gets make("pk = pk")."""
    def spoil(body):
        body[field] = make(body.get(field) or "attribute_exists(alpha)")
    return spoil


VALIDATION, SERIALIZATION, ABSENT = "ValidationException", "SerializationException", "ResourceNotFoundException"
READS, WRITES, BOTH = ("get",), ("put", "delete", "update"), ("get", "put", "delete", "update")

FAULTS = {
    "unused value": Fault(VALIDATION, WRITES, adding("ExpressionAttributeValues", ":unused", {"N": "1"})),
    "unused name": Fault(VALIDATION, BOTH, adding("ExpressionAttributeNames", "#unused", "x")),
    "undefined name": Fault(VALIDATION, READS, setting(ProjectionExpression="#undefined")),
    "undefined value": Fault(VALIDATION, WRITES, text("ConditionExpression", lambda t: f"alpha = :undefined OR ({t})")),
    "undefined name in condition": Fault(VALIDATION, WRITES, text("ConditionExpression", lambda t: f"#undefined = alpha AND ({t})")),
    "bad placeholder": Fault(VALIDATION, WRITES, adding("ExpressionAttributeNames", "nosharp", "x")),
    "redundant parentheses": Fault(VALIDATION, WRITES, text("ConditionExpression", lambda t: f"(({t} OR attribute_exists(alpha)))")),
    "open parenthesis": Fault(VALIDATION, WRITES, text("ConditionExpression", lambda t: f"({t}")),
    "dangling operator": Fault(VALIDATION, WRITES, text("ConditionExpression", lambda t: f"{t} AND")),
    "strange character": Fault(VALIDATION, WRITES, text("ConditionExpression", lambda t: f"{t} %")),
    "unknown function": Fault(VALIDATION, WRITES, text("ConditionExpression", lambda t: f"{t} OR attribute_exist(alpha)")),
    "function as operand": Fault(VALIDATION, WRITES, text("ConditionExpression", lambda t: f"{t} OR contains(alpha, b1) = zed")),
    "too few arguments": Fault(VALIDATION, WRITES, text("ConditionExpression", lambda t: f"begins_with(alpha) OR {t}")),
    "reserved word": Fault(VALIDATION, WRITES, text("ConditionExpression", lambda t: f"{t} OR attribute_exists(Status)")),
    "empty expression": Fault(VALIDATION, WRITES, setting(ConditionExpression="")),
    "overlong expression": Fault(VALIDATION, WRITES, text("ConditionExpression", lambda t: t + " " * 4097)),
    "reserved word in projection": Fault(VALIDATION, READS, setting(ProjectionExpression="zed, name")),
    "bad index": Fault(VALIDATION, READS, setting(ProjectionExpression="zed[x]")),
    "trailing dot": Fault(VALIDATION, READS, setting(ProjectionExpression="zed.")),
    "name that is no string": Fault(SERIALIZATION, ("update",), setting(UpdateExpression="SET #shifted = #shifted", ExpressionAttributeNames={"#shifted": 7})),
    "two SETs": Fault(VALIDATION, ("update",), text("UpdateExpression", lambda t: "SET alpha = b1 SET zed = b1")),
    "expression and older parameter": Fault(VALIDATION, WRITES, setting(ConditionExpression="attribute_exists(alpha)", Expected={"zed": {"Exists": False}})),
    "operator that joins nothing": Fault(VALIDATION, ("put", "delete"), setting(ConditionalOperator="OR")),
    "enum": Fault(VALIDATION, BOTH, setting(ReturnConsumedCapacity="SOME")),
    "returns": Fault(VALIDATION, ("put", "delete"), setting(ReturnValues="ALL_NEW")),
    "empty table name": Fault(VALIDATION, BOTH, setting(TableName="")),
    "odd table name": Fault(VALIDATION, BOTH, setting(TableName="a b c")),
    "no table": Fault(ABSENT, BOTH, setting(TableName="no-such-table")),
    "number for a string": Fault(SERIALIZATION, BOTH, setting(TableName=5)),
    "string for a boolean": Fault(SERIALIZATION, READS, setting(ConsistentRead="true")),
    "list for a map": Fault(SERIALIZATION, READS, setting(Key=[])),
    "number for a value": Fault(SERIALIZATION, ("put",), adding("Item", "alpha", {"N": 5})),
    "bad base64": Fault(SERIALIZATION, ("put",), adding("Item", "alpha", {"B": "?"})),
    "missing key": Fault(VALIDATION, ("get", "delete", "update"), lambda body: body.pop("Key")),
    "missing item": Fault(VALIDATION, ("put",), lambda body: body.pop("Item")),
}

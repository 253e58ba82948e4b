"""One operation against the service and the model; Difference where they disagree."""
import copy
import random
import time

import legacy
import model
import values
from faults import FAULTS
from render import Renderer
from values import Refused


class Difference(Exception):
    def __init__(self, request, got, expected):
        super().__init__(f"{request}: got {got}, expected {expected}"[:4000])
        self.request, self.got, self.expected = request, got, expected


SINGLE = {"get": "GetItem", "put": "PutItem", "delete": "DeleteItem", "update": "UpdateItem"}
SPURIOUS = {"Nonsense": {"A": [1, None]}}  # parameters that the service's model lacks are ignored


def plain_body(op, table):
    body = {"TableName": table.name}
    for field, parameter in (("capacity", "ReturnConsumedCapacity"), ("returns", "ReturnValues"), ("on_failure", "ReturnValuesOnConditionCheckFailure"),
                             ("consistent", "ConsistentRead"), ("key", "Key"), ("item", "Item"), ("limit", "Limit"), ("select", "Select"),
                             ("forward", "ScanIndexForward"), ("start", "ExclusiveStartKey"), ("segment", "Segment"), ("segments", "TotalSegments"), ("index", "IndexName")):
        if op.get(field) is not None:
            body[parameter] = op[field]
    return body | (SPURIOUS if op.get("spurious") else {})


def body_of(op, table):
    """The wire request; the same for the same op."""
    body, r = plain_body(op, table), Renderer(random.Random(op["style"]))
    if op.get("legacy"):
        return body | legacy.body(op, table, r.rng)
    if op.get("condition"):
        body["ConditionExpression"] = r.condition(op["condition"])
    if op.get("filter"):
        body["FilterExpression"] = r.condition(op["filter"])
    if op.get("update"):
        body["UpdateExpression"] = r.update(op["update"])
    if op.get("projection"):
        body["ProjectionExpression"] = r.projection(op["projection"])
    if op.get("hash"):
        body["KeyConditionExpression"] = key_condition(op, [table.hash], [op["hash"]], table.sort, r)
    if op.get("hashes"):
        index = table.index(op["index"])
        body["KeyConditionExpression"] = key_condition(op, index.hashes, op["hashes"], index.sorts and index.sorts[0], r)
    return body | r.body()


def key_condition(op, hashes, wanted, sort, r):
    parts = [r.cmp("=", ("path", (k[0],)), ("val", j)) for k, j in zip(hashes, wanted)]
    if op.get("range"):
        name, *operands = op["range"]
        path, operands = ("path", (sort[0],)), [("val", j) for j in operands]
        if name == "begins":
            parts.append(r.begins(path[1], operands[0]))
        elif name == "between":
            parts.append(r.between(path, *operands))
        else:
            parts.append(r.cmp(name, path, operands[0]))
    r.rng.shuffle(parts)
    return f" {r.word('AND')} ".join(f"({p})" if r.rng.random() < 0.2 else p for p in parts)


def comparable(answer):
    """An answer with its items in comparable form, and its capacity apart."""
    out = dict(answer)
    for field in ("Item", "Attributes"):
        if field in out:
            out[field] = values.answered_item(out[field])
    if "Items" in out:
        out["Items"] = [values.answered_item(i) for i in out["Items"]]
    return out


def capacity(op, table, units):
    if op.get("capacity") not in ("TOTAL", "INDEXES"):
        return {}
    own, arms = units if isinstance(units, tuple) else (units, {})
    out = {"TableName": table.name, "CapacityUnits": own + sum(arms.values())}
    if op["capacity"] == "INDEXES":
        out["Table"] = {"CapacityUnits": own}
        for x, n in arms.items():
            field = "GlobalSecondaryIndexes" if x.is_global else "LocalSecondaryIndexes"
            out.setdefault(field, {})[x.name] = {"CapacityUnits": n}
    return {"ConsumedCapacity": out}


def expected_answer(op, table, result):
    out = capacity(op, table, result.pop("units"))
    for field, v in result.items():
        if field in ("Item", "Attributes") and v is not None:
            out[field] = values.item_json(v)
        elif field == "Items":
            out[field] = [values.item_json(i) for i in v]
        elif v is not None:
            out[field] = v
    return out


def refusal(op, error):
    out = {"error": error.error}
    if isinstance(error, model.Failed) and op.get("on_failure") == "ALL_OLD" and error.item is not None:
        out["Item"] = values.item_json(error.item)
    return out


def refused_answer(error, answer):
    return {"error": error} | ({"Item": values.answered_item(answer["Item"])} if "Item" in answer else {})


def exchange(connection, operation, body):
    error, answer = connection.call(operation, body)
    if error:
        return refused_answer(error, answer), answer
    return comparable(answer), answer


def run_single(op, tables, connection):
    table = tables[op["table"]]
    before = dict(table.items)
    try:
        want = expected_answer(op, table, getattr(table, op["kind"])(op))
    except Refused as e:
        want = refusal(op, e)
    body = body_of(op, table)
    operation = SINGLE[op["kind"]]
    if op.get("fault") and want.get("error") in (None, "ConditionalCheckFailedException"):
        body = copy.deepcopy(body)
        FAULTS[op["fault"]].spoil(body)
        want = {"error": FAULTS[op["fault"]].error}
        table.items = before
    got, answer = exchange(connection, operation, body)
    if got != want and not (op["kind"] == "get" and not op["consistent"] and converges(connection, operation, body, want)):
        raise Difference({operation: body}, answer, want)
    return want.get("error")


def converges(connection, operation, body, want):
    """An eventually consistent read must come to the state within some seconds."""
    until = time.time() + 5
    while time.time() < until:
        if exchange(connection, operation, body)[0] == want:
            return True
        time.sleep(0.05)
    return False

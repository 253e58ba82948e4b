"""Every member that the public service model has, against real daemons: what the model calls valid passes the checks of parameters,
and each breach of a constraint is told with the member's name. Bodies are made from tools/compat/model.txt."""
import pathlib
import sys

import pytest

import wire

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "compat"))

import compat  # noqa: E402
import facts  # noqa: E402

MODEL = facts.Facts()
ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/nowhere"
# Patterns that a repeated letter does not match.
EXAMPLES = {"S3BucketOwner": "0" * 12, "CsvDelimiter": ",", "ImportNextToken": "0" * 112, "BulkOperationNextToken": "0" * 16,
            "TableArn": "nowhere", "ResourceArnString": ARN}
ATTRIBUTE = {"S": "a"}


def valid(shape):
    """A value with no more than what is required."""
    s = MODEL.shapes[shape]
    if shape.split(".")[-1] in EXAMPLES:
        return EXAMPLES[shape.split(".")[-1]]
    if shape == "AttributeValue":
        return ATTRIBUTE
    if s["kind"] == "string":
        return ARN if shape.endswith("Arn") else "a" * max(s["min"] or 1, 3 if (s["max"] or 3) >= 3 else 1)
    if s["kind"] == "enum":
        return s["values"][0]
    if s["kind"] in ("integer", "long"):
        return s["min"] if s["min"] is not None else 1
    if s["kind"] == "list":
        return [valid(s["element"])] * max(s["min"] or 0, 1)
    if s["kind"] == "map":
        return {"nowhere": valid(s["element"])}
    if s["kind"] == "struct":
        return {n: valid(m["shape"]) for n, m in s["members"].items() if m["required"]}
    return {"boolean": True, "timestamp": 1.5e9, "double": 0.5, "blob": "YQ=="}[s["kind"]]


def breaches(shape):
    """Values that violate one constraint each."""
    s = MODEL.shapes[shape]
    low, high = s.get("min"), s.get("max")
    if s["kind"] == "enum":
        yield "?"
    if s["kind"] == "string":
        yield from ["a" * (low - 1)] if low else []
        yield from ["a" * (high + 1)] if high and high < 70000 and shape != "TableArn" else []
    if s["kind"] in ("integer", "long"):
        yield from [low - 1] if low is not None else []
        yield from [high + 1] if high else []
    if s["kind"] == "list" and shape != "AttributeValue":
        yield from [[]] if low else []
        yield from [[valid(s["element"])] * (high + 1)] if high and high < 5000 else []


def wrong_type(shape):
    return {"list": {"a": 1}, "map": [1], "struct": [1]}.get(MODEL.shapes[shape]["kind"], {"a": 1})


def camel(name):
    return name[0].lower() + name[1:]


def inner_breaches(shape, at, plain):
    """(value, path as told, path of members) for every breach inside a value of that shape."""
    s = MODEL.shapes[shape]
    if shape == "AttributeValue":
        return
    if s["kind"] == "struct":
        base = valid(shape)
        for name, m in s["members"].items():
            there, member = f"{at}.{camel(name)}", f"{plain}.{name}"
            yield from (({**base, name: v}, there, member) for v in breaches(m["shape"]))
            yield from (({**base, name: v}, p, q) for v, p, q in inner_breaches(m["shape"], there, member))
            if m["required"]:
                yield {k: v for k, v in base.items() if k != name}, there, member
    elif s["kind"] == "list":
        yield from (([v], p, q) for v, p, q in inner_breaches(s["element"], f"{at}.1.member", plain))
    elif s["kind"] == "map":
        yield from (({"nowhere": v}, p, q) for v, p, q in inner_breaches(s["element"], f"{at}.nowhere.member", plain))


def ask(cluster, op, body):
    target = "DynamoDBStreams_20120810" if MODEL.ops[op]["service"] == "streams" else "DynamoDB_20120810"
    answer = wire.exchange(cluster.port, wire.call(op, body, target=target))
    assert answer.status in (200, 400), (op, body, answer)
    return answer


def told(op, name, what):
    """Whether the row is the model's, as tools/compat/compat.py has it."""
    return not any(compat.fnmatch.fnmatchcase(f"{op}.{name}", pattern) and what == w for pattern, w in compat.DIFFERENT)


def smallest(op):
    """A valid body: what the model requires, and what Tercet does besides."""
    members = MODEL.shapes[MODEL.ops[op]["input"]]["members"]
    more = {n: valid(m["shape"]) for n, m in members.items() if not m["required"] and not told(op, n, "required")}
    return {**valid(MODEL.ops[op]["input"]), **more}


@pytest.fixture(scope="module")
def refused():
    _, fields = compat.dump()
    return {op: {n for n, r in rows.items() if r["kind"] == "REFUSED"} for op, rows in fields.items()}


@pytest.mark.parametrize("op", MODEL.ops)
def test_what_is_valid_passes(cluster, op):
    """Required members alone, and with each optional one."""
    members = MODEL.shapes[MODEL.ops[op]["input"]]["members"]
    base = smallest(op)
    for name in [None] + [n for n in members if n not in base]:
        body = base if name is None else {**base, name: valid(members[name]["shape"])}
        answer = ask(cluster, op, body)
        assert answer.status == 200 or "detected:" not in answer.error[2] and answer.error[1] != "SerializationException", (body, answer)


@pytest.mark.parametrize("op", MODEL.ops)
def test_breaches_are_told_with_their_member(cluster, op, refused):
    members = MODEL.shapes[MODEL.ops[op]["input"]]["members"]
    base = smallest(op)
    for name, member in members.items():
        if name in refused[op]:
            continue
        at = camel(name)
        if member["required"] and told(op, name, "required"):
            answer = ask(cluster, op, {k: v for k, v in base.items() if k != name})
            assert at in answer.error[2] or name in answer.error[2], (name, answer)
        for value in breaches(member["shape"]):
            if not (told(op, name, "min") and told(op, name, "max")):
                continue
            answer = ask(cluster, op, {**base, name: value})
            assert answer.error[1] == "ValidationException" and "1 validation error detected: Value " in answer.error[2], (name, value, answer)
            assert f"at '{at}" in answer.error[2] or f"at '{name}" in answer.error[2], (name, answer)
        answer = ask(cluster, op, {**base, name: wrong_type(member["shape"])})
        if MODEL.shapes[member["shape"]]["kind"] != "map":
            assert answer.error[1] == "SerializationException", (name, answer)


@pytest.mark.parametrize("op", MODEL.ops)
def test_breaches_inside_are_told_with_their_path(cluster, op, refused):
    base = smallest(op)
    for name, member in MODEL.shapes[MODEL.ops[op]["input"]]["members"].items():
        for value, path, plain in inner_breaches(member["shape"], camel(name), name):
            parts = plain.split(".")
            if any(".".join(parts[:i + 1]) in refused[op] for i in range(len(parts))):
                continue
            if not all(told(op, plain, what) for what in ("min", "max", "required")):
                continue
            answer = ask(cluster, op, {**base, name: value})
            assert answer.error[1] == "ValidationException" and f"at '{path}'".lower() in answer.error[2].lower(), (value, path, answer)

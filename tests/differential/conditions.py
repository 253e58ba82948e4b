"""Condition and filter expressions as trees: what they refuse and what they answer.

Operands:   ("path", path)  ("val", wire JSON)  ("size", path)
Conditions: ("cmp", op, a, b)  ("between", a, low, high)  ("in", a, [b...])  ("exists", path)  ("absent", path)
            ("type", path, name)  ("begins", path, operand)  ("contains", path, operand)  ("without", path, operand)  ("not", c)  ("and", [c...])  ("or", [c...])
"""
import documents
import values
from values import Refused, Unknowable

ORDERED = ("S", "N", "B")
TYPES = ("S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS")


def check(tree):
    """Refuses what is wrong whatever the item holds."""
    kind = tree[0]
    if kind in ("and", "or"):
        for c in tree[1]:
            check(c)
    elif kind == "not":
        check(tree[1])
    elif kind in CHECKS:
        CHECKS[kind](*tree[1:])


def names(tree):
    """Top-level attributes that the tree mentions."""
    return {p[0] for p in paths(tree)}


def paths(tree):
    if tree[0] in ("and", "or"):
        return set().union(*map(paths, tree[1]))
    if tree[0] == "not":
        return paths(tree[1])
    if tree[0] in ("cmp", "between", "in"):
        operands = [o for part in tree[1:] if not isinstance(part, str) for o in (part if isinstance(part, list) else [part])]
    else:
        operands = [("path", tree[1])] + [o for o in tree[2:] if isinstance(o, tuple)]
    return {tuple(o[1]) for o in operands if o[0] != "val"}


def literal(operand):
    return values.parse(operand[1]) if operand[0] == "val" else None


def distinct(first, rest):
    if first[0] != "val" and first in rest:
        raise Refused("first operand repeated")


def check_cmp(op, a, b):
    distinct(a, [b])
    kinds = [literal(x)[0] for x in (a, b) if x[0] == "val"]
    if op not in ("=", "<>") and any(k not in ORDERED for k in kinds):
        raise Refused("no order among such values")
    if op not in ("=", "<>") and len(set(kinds)) > 1:
        raise Unknowable("two literals of different types")


def check_between(a, low, high):
    distinct(a, [low, high])
    bounds = [literal(x) for x in (low, high) if x[0] == "val"]
    if any(b[0] not in ORDERED for b in bounds) or a[0] == "val" and literal(a)[0] not in ORDERED:
        raise Refused("no order among such values")
    if len(bounds) == 2 and (bounds[0][0] != bounds[1][0] or values.order(bounds[0]) > values.order(bounds[1])):
        raise Refused("bounds out of order")


def check_in(a, candidates):
    distinct(a, candidates)
    for c in candidates:
        literal(c)


def check_type(_, name):
    if name not in TYPES:
        raise Refused("no such type")


def check_begins(path, operand):
    distinct(("path", path), [operand])
    if operand[0] == "val" and literal(operand)[0] not in ("S", "B"):
        raise Refused("begins_with wants a string or binary")


def check_contains(path, operand):
    distinct(("path", path), [operand])
    literal(operand)


CHECKS = {"cmp": check_cmp, "between": check_between, "in": check_in, "type": check_type, "begins": check_begins, "contains": check_contains, "without": check_contains}


def value(operand, item):
    if operand[0] == "val":
        return values.parse(operand[1])
    found = documents.find(item, operand[1])
    return found if operand[0] == "path" else length(found)


def length(found):
    if found is None or found[0] in ("N", "BOOL", "NULL"):
        return None
    if found[0] == "S" and not found[1].isascii():
        raise Unknowable("length of a string beyond ASCII")
    return "N", values.Decimal(len(found[1]))


def holds(tree, item):
    """item: {} where there is none."""
    kind, rest = tree[0], tree[1:]
    if kind == "and":
        return all([holds(c, item) for c in rest[0]])
    if kind == "or":
        return any([holds(c, item) for c in rest[0]])
    if kind == "not":
        return not holds(rest[0], item)
    return HOLDS[kind](item, *rest)


def compare(op, a, b):
    if op == "=":
        return a is not None and a == b
    if op == "<>":
        return a is None or a != b
    if a is None or b is None or a[0] != b[0] or a[0] not in ORDERED:
        return False
    x, y = values.order(a), values.order(b)
    return {"<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y}[op]


def holds_between(item, a, low, high):
    v = value(a, item)
    return compare(">=", v, value(low, item)) and compare("<=", v, value(high, item))


def holds_in(item, a, candidates):
    v = value(a, item)
    return any(compare("=", v, value(c, item)) for c in candidates)


def holds_begins(item, path, operand):
    a, b = documents.find(item, path), value(operand, item)
    return None not in (a, b) and a[0] == b[0] and a[0] in ("S", "B") and a[1].startswith(b[1])


def holds_contains(item, path, operand):
    a, b = documents.find(item, path), value(operand, item)
    if None in (a, b):
        return False
    if a[0] == "L":
        return b in a[1]
    if a[0] in ("SS", "NS", "BS"):
        return b[0] == a[0][0] and b[1] in a[1]
    return a[0] == b[0] and a[0] in ("S", "B") and b[1] in a[1]


def holds_without(item, path, operand):
    """NOT_CONTAINS, which expressions lack."""
    if documents.find(item, path) is None:
        raise Unknowable("NOT_CONTAINS of what is not there")
    return not holds_contains(item, path, operand)


def holds_type(item, path, name):
    v = documents.find(item, path)
    return v is not None and v[0] == name


HOLDS = {
    "cmp": lambda item, op, a, b: compare(op, value(a, item), value(b, item)),
    "between": holds_between,
    "in": holds_in,
    "exists": lambda item, path: documents.find(item, path) is not None,
    "absent": lambda item, path: documents.find(item, path) is None,
    "type": holds_type,
    "begins": holds_begins,
    "contains": holds_contains,
    "without": holds_without,
}

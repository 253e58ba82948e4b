"""The parameters of before expressions: flat trees, written as Expected, QueryFilter, ScanFilter, AttributeUpdates, AttributesToGet, KeyConditions.

What they mean is what the trees mean, so the model needs nothing of its own for them.
"""
import updates
from random_values import NAMES

OPERATORS = {"=": "EQ", "<>": "NE", "<": "LT", "<=": "LE", ">": "GT", ">=": "GE"}


# ---- writing

def conditions(tree):
    """{attribute: condition} and the operator that joins them."""
    joined, leaves = tree
    return {name: entry for name, entry in map(condition, leaves)}, joined.upper()


def condition(leaf):
    kind = leaf[0]
    if kind == "without":
        return leaf[1][0], listed("NOT_CONTAINS", [leaf[2]])
    if kind in ("exists", "absent"):
        return leaf[1][0], {"ComparisonOperator": "NOT_NULL" if kind == "exists" else "NULL"}
    if kind in ("begins", "contains"):
        return leaf[1][0], listed("BEGINS_WITH" if kind == "begins" else "CONTAINS", [leaf[2]])
    if kind == "between":
        return leaf[1][1][0], listed("BETWEEN", leaf[2:])
    if kind == "in":
        return leaf[1][1][0], listed("IN", leaf[2])
    return leaf[2][1][0], listed(OPERATORS[leaf[1]], [leaf[3]])


def listed(operator, operands):
    return {"ComparisonOperator": operator, "AttributeValueList": [o[1] for o in operands]}


def expected(tree, rng):
    """As conditions; equality and absence in their older spelling, too."""
    entries, joined = conditions(tree)
    for name, entry in entries.items():
        if entry["ComparisonOperator"] == "EQ" and rng.random() < 0.5:
            entries[name] = {"Value": entry["AttributeValueList"][0]} | ({"Exists": True} if rng.random() < 0.5 else {})
        elif entry["ComparisonOperator"] == "NULL" and rng.random() < 0.5:
            entries[name] = {"Exists": False}
    return entries, joined


def attribute_updates(tree):
    out = {path[0]: {"Action": "PUT", "Value": rhs[1][1]} for path, rhs in tree.get("SET", ())}
    for action in ("ADD", "DELETE"):
        out.update({path[0]: {"Action": action, "Value": j} for path, j in tree.get(action, ())})
    out.update({path[0]: {"Action": "DELETE"} for path in tree.get("REMOVE", ())})
    return out


def key_conditions(op, table):
    out = {table.hash[0]: {"ComparisonOperator": "EQ", "AttributeValueList": [op["hash"]]}}
    if op.get("range"):
        name, *operands = op["range"]
        operator = {"between": "BETWEEN", "begins": "BEGINS_WITH"}.get(name) or OPERATORS[name]
        out[table.sort[0]] = {"ComparisonOperator": operator, "AttributeValueList": operands}
    return out


def body(op, table, rng):
    out = {}
    if op.get("condition"):
        out["Expected"], joined = expected(op["condition"], rng)
    if op.get("filter"):
        field = "QueryFilter" if op["kind"] == "query" else "ScanFilter"
        out[field], joined = conditions(op["filter"])
    tree = op.get("condition") or op.get("filter")
    if tree and len(tree[1]) > 1 and (joined == "OR" or rng.random() < 0.5):
        out["ConditionalOperator"] = joined
    if op.get("update"):
        out["AttributeUpdates"] = attribute_updates(op["update"])
    if op.get("projection"):
        out["AttributesToGet"] = [p[0] for p in op["projection"]]
    if op.get("hash"):
        out["KeyConditions"] = key_conditions(op, table)
    return out


# ---- making

class Legacy:
    """Random flat trees; expressions: the table's maker of operands."""

    def __init__(self, rng, expressions):
        self.rng, self.make = rng, expressions

    def name(self, item):
        names = [n for n in item if n not in self.make.keys]
        return self.rng.choice(names) if names and self.rng.random() < 0.8 else self.rng.choice(NAMES)

    def condition(self, item):
        names = {self.name(item) for _ in range(self.rng.randint(1, 3))}
        return self.rng.choice(("and", "or")), [self.leaf(item, (n,)) for n in sorted(names)]

    def leaf(self, item, path):
        kind = self.rng.choice(("compare", "compare", "exists", "absent", "between", "in", "begins", "contains", "without"))
        if kind == "compare":
            operator = self.rng.choice(list(OPERATORS))
            near = self.make.near if operator in ("=", "<>") else self.make.ordered
            return "cmp", operator, ("path", path), ("val", near(item, path))
        if kind == "in":
            return "in", ("path", path), [("val", self.make.ordered(item, path))] * self.rng.randint(1, 2)
        if kind == "without":
            return "without", *self.make.contains(item, path)[1:]
        leaf = getattr(self.make, kind)(item, path)
        return ("between", ("path", path), *leaf[2:]) if kind == "between" else leaf  # no size() here

    def update(self, item):
        tree = {}
        for name in sorted({self.name(item) for _ in range(self.rng.randint(1, 4))} - set(self.make.keys)):
            found = item.get(name)
            kind = self.rng.choices(("SET", "REMOVE", "ADD", "DELETE"), (5, 2, 2, 1))[0]
            if kind == "DELETE" and (found is None or found[0] not in updates.SETS):
                kind = "REMOVE"
            if kind == "ADD" and found is not None and found[0] not in ("N", *updates.SETS) and self.rng.random() < 0.9:
                kind = "SET"
            if kind == "REMOVE":
                action = (name,)
            elif kind == "SET":
                action = ((name,), ("op", ("val", self.make.values.any(1))))
            elif kind == "ADD":
                action = ((name,), self.added(found))
            else:
                action = ((name,), self.make.right_delete(item, (name,), found))
            tree.setdefault(kind, []).append(action)
        return tree

    def added(self, found):
        if found is not None and found[0] in updates.SETS:
            return self.make.values.flat(found[0])
        return self.make.values.flat(self.rng.choice(["N", "N", "SS", "NS", "BS"]))

    def projection(self, item):
        return [(n,) for n in sorted({self.name(item) for _ in range(self.rng.randint(1, 4))})]

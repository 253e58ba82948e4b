"""One table in memory, and what each item operation on it must answer.

Methods take the request as a tree (random_operations.py says which fields) and return the answer's comparable form;
Refused carries the error. State changes only when nothing is refused.
"""
import math

import conditions
import documents
import indexes
import updates
import values
from values import Refused, Unknowable

KEY_BYTES_MAX = {"HASH": 2048, "RANGE": 1024}


class Failed(Refused):
    """The condition does not hold; item: what is there, for ReturnValuesOnConditionCheckFailure."""

    def __init__(self, item):
        super().__init__("condition", "ConditionalCheckFailedException")
        self.item = item


def read_units(size, consistent):
    return max(1, math.ceil(size / 4096)) * (1 if consistent else 0.5)


def write_units(*items):
    return max(1, *(math.ceil(values.item_size(i or {}) / 1024) for i in items))


def fitting(v, kind):
    if v[0] != "N" and not 1 <= values.size(v) <= KEY_BYTES_MAX[kind]:
        raise Refused("key attribute empty or too long")
    return v


class Table:
    def __init__(self, name, hash_key, sort_key=None):
        self.name, self.hash, self.sort = name, hash_key, sort_key  # keys: (attribute, type)
        self.items, self.indexes = {}, []
        self.key_names = [k[0] for k in (hash_key, sort_key) if k]

    # ---- keys

    def key_schema(self):
        kinds = [(self.hash, "HASH")] + ([(self.sort, "RANGE")] if self.sort else [])
        types = dict([k for k, _ in kinds] + [k for x in self.indexes for k in x.keys()])
        return {"AttributeDefinitions": [{"AttributeName": n, "AttributeType": t} for n, t in types.items()],
                "KeySchema": [{"AttributeName": k[0], "KeyType": kind} for k, kind in kinds], **indexes.described(self.indexes)}

    def index(self, name):
        return next(x for x in self.indexes if x.name == name)

    def key_types(self):
        """Types of attributes that are keys of some index."""
        return dict(k for x in self.indexes for k in x.keys() if k[0] not in self.key_names)

    def check_indexed(self, item):
        for x in self.indexes:
            x.check(item, self.key_names)

    def written(self, old, new):
        """Units of a write: its own, and those of each index that changes."""
        arms = {x: x.write_units(old, new, self.key_names) for x in self.indexes}
        return write_units(old, new), {x: n for x, n in arms.items() if n}

    def key_of(self, item):
        """The dictionary key of a parsed item, after the checks of its key attributes."""
        out = []
        for key, kind in ((self.hash, "HASH"), (self.sort, "RANGE")):
            if key is None:
                continue
            v = item.get(key[0])
            if v is None or v[0] != key[1]:
                raise Refused(f"key attribute {key[0]}")
            out.append(fitting(v, kind))
        return tuple(out)

    def exact_key(self, j):
        key = values.parse_item(j)
        if set(key) != set(self.key_names):
            raise Refused("the key's attributes and no others")
        return key, self.key_of(key)

    # ---- single items

    def get(self, op):
        _, key = self.exact_key(op["key"])
        item = self.items.get(key)
        shown = self.shown(item, op)
        units = read_units(values.item_size(item or {}), op["consistent"])
        return {"Item": None if item is None else shown, "units": units}

    def check_scalars(self, paths):
        keys = {*self.key_names, *self.key_types()}
        if any(len(p) > 1 and p[0] in keys for p in paths):
            raise Refused("nothing lies within a key attribute")

    def shown(self, item, op):
        paths = op.get("projection")
        if paths is None:
            return item
        self.check_scalars(paths)
        if documents.any_overlap(paths):
            raise Refused("paths overlap")
        return None if item is None else documents.project(item, paths)

    def put(self, op):
        item = values.parse_item(op["item"])
        key = self.key_of(item)
        old = self.checked(op, key, item)
        self.items[key] = item
        return {"Attributes": old if op["returns"] == "ALL_OLD" else None, "units": self.written(old, item)}

    def delete(self, op):
        _, key = self.exact_key(op["key"])
        old = self.checked(op, key)
        self.items.pop(key, None)
        return {"Attributes": old if op["returns"] == "ALL_OLD" else None, "units": self.written(old, None)}

    def update(self, op):
        key_item, key = self.exact_key(op["key"])
        tree = op.get("update") or {}
        updates.check(tree, self.key_names)
        self.check_scalars(updates.targets(tree))
        old = self.checked(op, key)
        new = updates.apply(tree, old, key_item)
        if new is not None:
            self.check_indexed(new)
            self.items[key] = new
        return {"Attributes": self.returned(op["returns"], tree, old, new), "units": self.written(old, new)}

    def returned(self, returns, tree, old, new):
        if returns == "NONE":
            return None
        item = old if returns.endswith("OLD") else new
        if item is None or returns.startswith("ALL"):
            return item
        return documents.project(item, updates.targets(tree)) or None

    def checked(self, op, key, item=None):
        """The item there, once the condition has been checked against it, and the keys of indexes in the new item."""
        old = self.items.get(key)
        fits = self.fits_indexes(item or {})
        if op.get("condition"):
            conditions.check(op["condition"])
            if not conditions.holds(op["condition"], old or {}):
                if fits:
                    raise Failed(old)
                raise Unknowable("a false condition, and an attribute that cannot be a key of its index")
        self.check_indexed(item or {})
        return old

    def fits_indexes(self, item):
        try:
            self.check_indexed(item)
        except Refused:
            return False
        return True

    # ---- many items

    def matching(self, op):
        """Items under a query's key conditions, in order, as (key, item)."""
        hash_value = self.checked_key_value(op["hash"], self.hash)
        rows = [(k, i) for k, i in self.items.items() if k[0] == hash_value]
        if op.get("range"):
            rows = [r for r in rows if self.in_range(r[0][1], op["range"])]
        if self.sort:
            rows.sort(key=lambda r: values.order(r[0][1]), reverse=not op["forward"])
        return rows

    def checked_key_value(self, j, key):
        v = values.parse(j)
        if v[0] != key[1]:
            raise Refused("type of a key condition's value")
        return fitting(v, "HASH" if key == self.hash else "RANGE")

    def in_range(self, v, condition):
        name, operands = condition[0], [self.checked_key_value(j, self.sort) for j in condition[1:]]
        if name == "begins":
            if v[0] == "N":
                raise Refused("begins_with of a number")
            return v[1].startswith(operands[0][1])
        if name == "between":
            low, high = map(values.order, operands)
            if low > high:
                raise Refused("bounds out of order")
            return low <= values.order(v) <= high
        return conditions.compare(name, v, operands[0])

    def check_many(self, op):
        """What a query or scan is refused for, whatever the table holds."""
        if op.get("range"):
            self.in_range((self.sort[1], {"S": "", "N": values.Decimal(0), "B": b""}[self.sort[1]]), op["range"])
        if op.get("filter"):
            conditions.check(op["filter"])
            if op["kind"] == "query" and conditions.names(op["filter"]) & set(self.key_names):
                raise Refused("a query's filter does not speak of keys")
            self.check_scalars(conditions.paths(op["filter"]))
        self.shown({}, op)

    def page(self, op, rows):
        """The answer for these evaluated rows."""
        kept = [i for _, i in rows if not op.get("filter") or conditions.holds(op["filter"], i)]
        out = {"Count": len(kept), "ScannedCount": len(rows), "units": read_units(sum(values.item_size(i) for _, i in rows), op["consistent"])}
        if op.get("select") != "COUNT":
            out["Items"] = [self.shown(i, op) for i in kept]
        return out

"""Secondary indexes of a model table: which items stand in them, what of an item, and what writes cost there."""
import math

import values
from values import Refused


class Index:
    def __init__(self, name, is_global, hashes, sorts, projection, include=()):
        self.name, self.is_global, self.hashes, self.sorts = name, is_global, hashes, sorts  # keys: [(attribute, type)]
        self.projection, self.include = projection, list(include)

    def definition(self):
        keys = [(k, "HASH") for k in self.hashes] + [(k, "RANGE") for k in self.sorts]
        kind = {"ProjectionType": self.projection} | ({"NonKeyAttributes": self.include} if self.include else {})
        return {"IndexName": self.name, "KeySchema": [{"AttributeName": k[0], "KeyType": t} for k, t in keys], "Projection": kind}

    def keys(self):
        return self.hashes + self.sorts

    def key_names(self):
        return [k[0] for k in self.keys()]

    def check(self, item, table_keys):
        """Refuses an item whose attributes cannot be keys of this index."""
        for (name, kind), limit in [(k, 2048) for k in self.hashes] + [(k, 1024) for k in self.sorts]:
            v = item.get(name)
            if v is None or name in table_keys:
                continue
            if v[0] != kind:
                raise Refused(f"type of index key {name}")
            if kind != "N" and not 1 <= values.size(v) <= limit:
                raise Refused(f"index key {name} empty or too long")

    def holds(self, item):
        return all(n in item for n in self.key_names())

    def row(self, item, table_keys):
        """What the index holds of an item; None: it is not in the index."""
        if item is None or not self.holds(item):
            return None
        if self.projection == "ALL":
            return item
        wanted = {*table_keys, *self.key_names(), *self.include}
        return {n: v for n, v in item.items() if n in wanted}

    def write_units(self, old, new, table_keys):
        before, after = self.row(old, table_keys), self.row(new, table_keys)
        if before == after:
            return 0
        if before is None or after is None:
            return units(before or after)
        if any(before[n] != after[n] for n in self.key_names()):
            return units(before) + units(after)
        return max(units(before), units(after))

    def order(self, row):
        return [values.order(row[n]) for n, _ in self.sorts]


def units(row):
    return max(1, math.ceil(values.item_size(row) / 1024))


def described(indexes):
    """The parameters of CreateTable that make them."""
    out = {}
    for field, is_global in (("LocalSecondaryIndexes", False), ("GlobalSecondaryIndexes", True)):
        some = [x.definition() for x in indexes if x.is_global == is_global]
        out |= {field: some} if some else {}
    return out

"""Random secondary indexes, and operations that read them."""
import indexes
from random_expressions import COMPARATORS
from values import order, parse, size, to_json

KEY_ATTRIBUTES = (("zed", "S"), ("numa", "N"), ("b1", "B"), ("alpha", "S"), ("c_d", "N"))


def random_indexes(rng, table):
    """At most two of each kind; local ones need a sort key."""
    free = [k for k in KEY_ATTRIBUTES if k[0] not in table.key_names]
    out = []
    for n in range(rng.randint(0, 2) if table.sort else 0):
        out.append(indexes.Index(f"local-{n}", False, [table.hash], [rng.choice(free)], *projection(rng, free)))
    for n in range(rng.randint(0, 2)):
        parts = rng.sample(free, rng.choice([1, 1, 2, 2, 3]))
        hashes = parts[:rng.randint(1, min(2, len(parts)))]
        out.append(indexes.Index(f"global-{n}", True, hashes, parts[len(hashes):], *projection(rng, free)))
    return out


def projection(rng, free):
    kind = rng.choice(["ALL", "ALL", "KEYS_ONLY", "INCLUDE"])
    return (kind, ["lst", "mp"]) if kind == "INCLUDE" else (kind,)


class IndexReads:
    """Fills operations that read an index; operations: the maker of the others."""

    def __init__(self, rng, operations):
        self.rng, self.make = rng, operations

    def fill(self, op, table, t):
        """False: the table has no index."""
        if not table.indexes:
            return False
        index = self.rng.choice(table.indexes)
        op.update(kind="index", index=index.name, consistent=self.rng.random() < (0.02 if index.is_global else 0.9), legacy=False,
                  forward=self.rng.random() < 0.6, limit=self.rng.choice([None, None, 1, 2, 5]), select=None)
        if self.rng.random() < 0.2:
            op["select"] = "ALL_ATTRIBUTES"
        if self.rng.random() < 0.75:
            self.fill_query(op, table, index)
        if (index.projection == "ALL" or index.is_global) and self.rng.random() < 0.3:
            some = self.rng.choice(list(table.items.values()) or [{}])
            op["filter"] = self.make.expressions[t].condition(some, keys=False)
        return True

    def fill_query(self, op, table, index):
        present = [i for i in table.items.values() if index.holds(i)]
        some = self.rng.choice(present) if present and self.rng.random() < 0.9 else None
        op["hashes"] = [self.key_value(some, k) for k in index.hashes]
        if index.sorts and self.rng.random() < 0.5:
            op["range"] = self.range(index.sorts[0], some)

    def key_value(self, item, key):
        if item is not None:
            return to_json(item[key[0]])
        while True:
            j = self.make.values.scalar(key[1])
            if size(parse(j)):
                return j

    def range(self, key, some):
        name = self.rng.choice([c for c in COMPARATORS if c != "<>"] + ["between"] + (["begins"] if key[1] != "N" else []))
        if name == "between":
            return name, *sorted((self.key_value(None, key), self.key_value(None, key)), key=lambda j: order(parse(j)))
        return name, self.key_value(some if self.rng.random() < 0.5 else None, key)

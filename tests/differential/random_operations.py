"""Random tables and operations on them. An operation is a tree of plain data, so that it can be kept, printed and run again."""
import documents
import model
import values
from faults import FAULTS
from legacy import Legacy
from random_expressions import COMPARATORS, Expressions
from random_indexes import IndexReads, random_indexes
from random_values import Values

HASH_NAMES, SORT_NAMES = ("pk", "pk1", "name", "p.k"), ("sk", "sk1", "size", "s k")
INDEXED = 0.6  # of all tables
KINDS = {"put": 24, "index": 14, "get": 16, "delete": 8, "update": 30, "query": 12, "scan": 3, "batch_write": 4, "batch_get": 4}


def random_table(rng, name, kinds):
    sort = (rng.choice(SORT_NAMES), rng.choice("SNB")) if rng.random() < 0.7 else None
    table = model.Table(name, (rng.choice(HASH_NAMES), rng.choice("SNB")), sort)
    if rng.random() < INDEXED:
        table.indexes = [x for x in random_indexes(rng, table) if ("global" if x.is_global else "local") in kinds]
    return table


class Operations:
    def __init__(self, rng, tables):
        self.rng, self.tables, self.values = rng, tables, Values(rng)
        self.expressions = [Expressions(rng, t.key_names) for t in tables]
        self.index_reads = IndexReads(rng, self)
        for e, t in zip(self.expressions, tables):
            e.key_types = t.key_types()
        self.legacies = [Legacy(rng, e) for e in self.expressions]
        self.pools = [[self.pool(k, n) for k, n in ((t.hash, 6), (t.sort, 8)) if k] for t in tables]

    def pool(self, key, n):
        out = []
        while len(out) < n:
            j = self.values.scalar(key[1])
            if values.size(values.parse(j)) and j not in out:
                out.append(j)
        return out

    def next(self):
        kind = self.rng.choices(list(KINDS), list(KINDS.values()))[0]
        t = self.rng.randrange(len(self.tables))
        op = {"kind": kind, "table": t, "style": self.rng.getrandbits(32), "capacity": self.rng.choice([None, None, "NONE", "TOTAL", "INDEXES"]),
              "spurious": self.rng.random() < 0.02}
        if kind not in ("put", "batch_write", "batch_get") or self.rng.random() < 0.5:
            op["legacy"] = self.rng.random() < 0.2
        getattr(self, kind)(op, t)
        faults = [name for name, f in FAULTS.items() if kind in f.kinds]
        if faults and not op.get("legacy") and self.rng.random() < 0.06:
            op["fault"] = self.rng.choice(faults)
        return op

    def maker(self, op, t):
        return (self.legacies if op.get("legacy") else self.expressions)[t]

    # ---- keys

    def key(self, t):
        table = self.tables[t]
        key = {name: self.rng.choice(pool) for name, pool in zip(table.key_names, self.pools[t])}
        return self.bad_key(key, table) if self.rng.random() < 0.02 else key

    def bad_key(self, key, table):
        name = self.rng.choice(table.key_names)
        how = self.rng.randrange(5)
        if how == 0:
            del key[name]
        elif how == 1:
            key["extra"] = {"S": "x"}  # legal in an item
        elif how == 2:
            key[name] = self.values.any()
        elif how == 3:
            key[name] = {self.rng.choice("SB"): ""}
        else:
            limit = model.KEY_BYTES_MAX["HASH" if name == table.hash[0] else "RANGE"]
            key[name] = {"S": "k" * (limit + self.rng.randint(0, 1))}
        return key

    def present(self, t, key):
        """The parsed item under a wire key, {} if there is none or the key is bad."""
        try:
            return self.tables[t].items.get(self.tables[t].exact_key(key)[1], {})
        except values.Refused:
            return {}

    # ---- operations

    def index(self, op, t):
        if not self.index_reads.fill(op, self.tables[t], t):
            op["kind"] = "query"
            self.query(op, t)

    def get(self, op, t):
        op.update(key=self.key(t), consistent=self.rng.random() < 0.9)
        if self.rng.random() < 0.4:
            op["projection"] = self.maker(op, t).projection(self.present(t, op["key"]))

    def put(self, op, t):
        op.update(item=self.item(t), returns=self.rng.choice(["NONE", "ALL_OLD"]))
        self.conditional(op, t, {n: op["item"][n] for n in self.tables[t].key_names if n in op["item"]})

    def item(self, t):
        item = {**self.values.attributes(self.rng.randint(0, 7)), **self.key(t)}
        for name, kind in self.tables[t].key_types().items():
            if self.rng.random() < 0.97:
                item.pop(name, None)
            if self.rng.random() < 0.7:
                item[name] = self.values.scalar(kind)
        if self.rng.random() < 0.4:
            item["lst"] = {"L": [self.values.any(3) for _ in range(self.rng.randint(2, 6))]}
        r = self.rng.random()
        free = next(n for n in ("alpha", "b1", "zed") if n not in self.tables[t].key_names)
        if r < 0.02:
            item[free] = self.values.bad()
        elif r < 0.03:
            item[free] = self.values.deepest()
        elif r < 0.10:
            self.fill(item, free, self.rng.choice([1024, 2048, 4096, 8192, 20480]))
        elif r < 0.103:
            self.fill(item, free, values.ITEM_BYTES_MAX)
        return item

    def fill(self, item, free, to):
        """Makes the item as long as a limit, or one byte longer."""
        item[free] = {"S": ""}
        try:
            room = to - values.item_size({n: values.parse(v) for n, v in item.items()})
            item[free] = {"S": "x" * (room + self.rng.randint(0, 1))}
        except values.Refused:
            pass

    def conditional(self, op, t, key):
        if self.rng.random() < 0.45:
            op["condition"] = self.maker(op, t).condition(self.present(t, key))
            op["on_failure"] = self.rng.choice([None, "NONE", "ALL_OLD"])

    def delete(self, op, t):
        op.update(key=self.key(t), returns=self.rng.choice(["NONE", "ALL_OLD"]))
        self.conditional(op, t, op["key"])

    def update(self, op, t):
        op.update(key=self.key(t), returns=self.rng.choice(["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"]))
        if self.rng.random() < 0.95:
            op["update"] = self.maker(op, t).update(self.present(t, op["key"]))
            if not op.get("legacy") and self.rng.random() < 0.01:
                op["update"]["SET"] = op["update"].get("SET", []) + [((self.rng.choice(self.tables[t].key_names),), ("op", ("val", {"S": "x"})))]
        self.conditional(op, t, op["key"])

    def many(self, op, t):
        op.update(consistent=True, limit=self.rng.choice([None, None, 1, 2, 3, 5, 100]), select=self.rng.choice([None, None, None, "COUNT", "ALL_ATTRIBUTES"]))
        some = self.rng.choice(list(self.tables[t].items.values()) or [{}])
        if self.rng.random() < 0.5:
            op["filter"] = self.maker(op, t).condition(some)
        if op["select"] is None and self.rng.random() < 0.3:
            op["projection"] = self.maker(op, t).projection(some)
            op["select"] = self.rng.choice([None, "SPECIFIC_ATTRIBUTES"])

    def query(self, op, t):
        self.many(op, t)
        table, pools = self.tables[t], self.pools[t]
        op.update(hash=self.rng.choice(pools[0]), forward=self.rng.random() < 0.6)
        if self.rng.random() < 0.01:
            op["hash"] = self.values.scalar()
        if table.sort and self.rng.random() < 0.6:
            op["range"] = self.range(table, pools[1])
        elif self.rng.random() < 0.2:
            op["start"] = {n: self.rng.choice(p) if i else op["hash"] for i, (n, p) in enumerate(zip(table.key_names, pools))}

    def range(self, table, pool):
        name = self.rng.choice([c for c in COMPARATORS if c != "<>"] + ["between", "between", "begins", "begins"])
        if name == "begins":
            if table.sort[1] == "N" and self.rng.random() < 0.9:
                return "=", self.rng.choice(pool)
            return name, self.values.scalar(table.sort[1])
        operands = [self.rng.choice(pool) for _ in range(2 if name == "between" else 1)]
        if name == "between" and self.rng.random() < 0.9:
            operands.sort(key=lambda j: values.order(values.parse(j)))
        return name, *operands

    def scan(self, op, t):
        self.many(op, t)
        op["segments"] = self.rng.choice([None, None, 1, 2, 3, 7])

    def batch_write(self, op, t):
        op["requests"] = []
        for _ in range(self.rng.choice([1, 2, 5, 25, 26]) if self.rng.random() < 0.3 else self.rng.randint(1, 6)):
            t = self.rng.randrange(len(self.tables))
            kind = self.rng.choice(["put", "put", "delete"])
            op["requests"].append((t, kind, self.item(t) if kind == "put" else self.key(t)))
        if self.rng.random() < 0.9:
            op["requests"] = self.without_repeats(op["requests"])

    def without_repeats(self, requests):
        seen, out = set(), []
        for t, kind, j in requests:
            mark = repr((t, [values.number(j[n]["N"]) if "N" in j.get(n, {}) and self.legal(j[n]) else j.get(n) for n in self.tables[t].key_names]))
            if mark not in seen:
                seen.add(mark)
                out.append((t, kind, j))
        return out

    def legal(self, j):
        try:
            return values.parse(j) is not None
        except values.Refused:
            return False

    def batch_get(self, op, t):
        op["parts"] = {}
        for t in self.rng.sample(range(len(self.tables)), self.rng.randint(1, len(self.tables))):
            keys = [j for _, _, j in self.without_repeats([(t, "get", self.key(t)) for _ in range(self.rng.randint(1, 12))])]
            projection = self.expressions[t].projection(self.present(t, keys[0])) if self.rng.random() < 0.3 else None
            if projection and documents.any_overlap(projection):
                projection = None
            op["parts"][t] = {"keys": keys, "projection": projection, "style": self.rng.getrandbits(32)}

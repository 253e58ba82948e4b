"""Random condition, update and projection trees; paths mostly follow an item that exists."""
import documents
import updates
import values
from random_values import NAMES, Values

COMPARATORS = ("=", "<>", "<", "<=", ">", ">=")
TYPES = ("S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS")


class Expressions:
    def __init__(self, rng, key_names):
        self.rng, self.keys, self.values = rng, key_names, Values(rng)
        self.key_types = {}  # of attributes that are keys of indexes

    # ---- paths

    def path(self, item, keys=False, stray=0.15):
        """A path in item (parsed; may be empty), or one that leads astray."""
        names = [n for n in item if keys or n not in self.keys]
        if not names or self.rng.random() < stray:
            return self.stray_path()
        path, at = [self.rng.choice(names)], None
        at = item[path[0]]
        while at[0] in ("L", "M") and self.rng.random() < 0.7:
            if not at[1] or self.rng.random() < 0.1:
                path.append(self.rng.randint(0, 6) if at[0] == "L" else self.rng.choice(NAMES))
                break
            step = self.rng.randrange(len(at[1])) if at[0] == "L" else self.rng.choice(list(at[1]))
            path.append(step)
            at = at[1][step]
        return tuple(path)

    def stray_path(self):
        path = [self.rng.choice(NAMES)]
        while self.rng.random() < 0.3:
            path.append(self.rng.choice([0, 1, 7, self.rng.choice(NAMES), self.rng.choice(NAMES)]))
        return tuple(path)

    def separate_paths(self, item, n):
        """Up to n paths that do not overlap (rarely they do: then the request is refused)."""
        out = []
        for _ in range(n):
            p = self.path(item)
            if self.rng.random() < 0.02 or not documents.any_overlap(out + [p]):
                out.append(p)
        return out or [(self.rng.choice(NAMES),)]

    def projection(self, item):
        paths = self.separate_paths(item, self.rng.randint(1, 4))
        if self.rng.random() < 0.3 and (self.keys[0],) not in paths:
            paths.append((self.keys[0],))
        return paths

    # ---- conditions

    def near(self, item, path):
        """A literal like what is at path, or any."""
        found = documents.find(item, path)
        if found is not None and self.rng.random() < 0.5:
            return values.to_json(found)
        if found is not None and found[0] in ("S", "N", "B") and self.rng.random() < 0.6:
            return self.values.scalar(found[0])
        return self.values.any(depth=3)

    def ordered(self, item, path):
        found = documents.find(item, path)
        return self.values.scalar(found[0] if found is not None and found[0] in ("S", "N", "B") else None)

    def condition(self, item, depth=0, keys=True):
        r = self.rng.random()
        if depth < 3 and r < 0.25:
            return self.rng.choice(("and", "or")), [self.condition(item, depth + 1, keys) for _ in range(self.rng.randint(2, 3))]
        if depth < 3 and r < 0.33:
            return "not", self.condition(item, depth + 1, keys)
        kinds = ("compare", "between", "among", "exists", "absent", "type", "begins", "contains")
        return getattr(self, self.rng.choices(kinds, (6, 2, 2, 2, 2, 1, 2, 2))[0])(item, self.path(item, keys))

    def operand(self, item, path):
        return ("size", path) if self.rng.random() < 0.1 else ("path", path)

    def compare(self, item, path):
        a, op = self.operand(item, path), self.rng.choice(COMPARATORS)
        if a[0] == "size":
            b = ("val", {"N": str(self.rng.randint(0, 4))})
        elif self.rng.random() < 0.15:
            b = ("path", self.path(item))
        else:
            b = ("val", self.near(item, path) if op in ("=", "<>") or self.rng.random() < 0.1 else self.ordered(item, path))
        return ("cmp", op, a, b) if self.rng.random() < 0.9 or b[0] == "val" and b[1].keys() - {"S", "N", "B"} else ("cmp", op, b, a)

    def between(self, item, path):
        a = self.operand(item, path)
        low, high = (self.values.scalar("N"), self.values.scalar("N")) if a[0] == "size" else (self.ordered(item, path), self.ordered(item, path))
        if self.rng.random() < 0.9:
            low, high = sorted((low, high), key=lambda j: (next(iter(j)), values.order(values.parse(j))))
        return "between", a, ("val", low), ("val", high)

    def among(self, item, path):
        n = self.rng.choice([1, 2, 3, 3, 100]) if self.rng.random() < 0.1 else self.rng.randint(1, 4)
        return "in", ("path", path), [("val", self.near(item, path)) for _ in range(n)]

    def exists(self, item, path):
        return "exists", path

    def absent(self, item, path):
        return "absent", path

    def type(self, item, path):
        return "type", path, self.rng.choice(TYPES) if self.rng.random() < 0.95 else "STRING"

    def begins(self, item, path):
        return "begins", path, ("val", self.values.scalar(self.rng.choice("SSSB") if self.rng.random() < 0.95 else "N"))

    def contains(self, item, path):
        found = documents.find(item, path)
        if found is not None and found[0] in ("L", "SS", "NS", "BS") and found[1] and self.rng.random() < 0.6:
            e = self.rng.choice(sorted(found[1], key=repr))
            e = values.to_json(e if found[0] == "L" else (found[0][0], e))
            if not e.keys() & {"M", "L", "SS", "NS", "BS"}:
                return "contains", path, ("val", e)
        return "contains", path, ("val", self.values.scalar())

    # ---- updates

    def update(self, item):
        tree = self.surgery(item) if self.rng.random() < 0.3 else None
        if tree:
            return tree
        tree = {}
        for path in self.separate_paths(item, self.rng.choice([1, 1, 2, 3, 5])):
            kind = self.rng.choices(("SET", "REMOVE", "ADD", "DELETE"), (6, 2, 2, 1))[0]
            found = documents.find(item, path)
            if kind == "DELETE" and (found is None or found[0] not in updates.SETS) and self.rng.random() < 0.9:
                kind = "SET"
            if kind == "ADD" and found is not None and found[0] not in ("N", *updates.SETS) and self.rng.random() < 0.9:
                kind = "SET"
            action = path if kind == "REMOVE" else (path, getattr(self, "right_" + kind.lower())(item, path, found))
            tree.setdefault(kind, []).append(action)
        return tree

    def surgery(self, item):
        """Several actions on elements of one list, in and beyond its bounds."""
        lists = [p for p in self.paths_to_lists(item) if len(documents.find(item, p)[1]) > 1]
        if not lists:
            return None
        path, tree = self.rng.choice(lists), {}
        n = len(documents.find(item, path)[1])
        for i in self.rng.sample(range(n + 4), min(n + 4, self.rng.randint(2, 4))):
            at = path + (i,)
            if self.rng.random() < 0.65:
                tree.setdefault("REMOVE", []).append(at)
            else:
                tree.setdefault("SET", []).append((at, ("op", ("val", self.values.any(3)))))
        return tree

    def paths_to_lists(self, item):
        found, below = [], [((n,), v) for n, v in item.items() if n not in self.keys]
        while below:
            path, v = below.pop()
            found += [path] if v[0] == "L" else []
            below += [(path + (s,), e) for s, e in (enumerate(v[1]) if v[0] == "L" else v[1].items() if v[0] == "M" else ())]
        return found

    def right_set(self, item, path, found):
        if len(path) == 1 and path[0] in self.key_types and self.rng.random() < 0.8:
            return "op", ("val", self.values.scalar(self.key_types[path[0]]))
        r = self.rng.random()
        if r < 0.25:
            return self.rng.choice("+-"), self.numeric(item, path, found), ("val", self.values.scalar("N"))
        if r < 0.4:
            return "op", ("append", *self.rng.sample((self.listed(item, path, found), ("val", {"L": [self.values.any(3)]})), 2))
        if r < 0.5:
            return "op", ("ine", self.path(item), ("val", self.values.any(2)))
        if r < 0.6:
            return "op", ("path", self.path(item, stray=0.05))
        return "op", ("val", self.values.any(1) if r < 0.97 else self.values.bad())

    def numeric(self, item, path, found):
        if found is not None and found[0] == "N" or self.rng.random() < 0.1:
            return "path", path
        return "ine", path, ("val", self.values.scalar("N"))

    def listed(self, item, path, found):
        if found is not None and found[0] == "L" or self.rng.random() < 0.1:
            return "path", path
        return "ine", path, ("val", {"L": []})

    def right_add(self, item, path, found):
        if found is not None and found[0] in updates.SETS and self.rng.random() < 0.9:
            return self.values.flat(found[0])
        return self.values.scalar("N") if self.rng.random() < 0.6 else self.values.any(3)

    def right_delete(self, item, path, found):
        if found is not None and found[0] in updates.SETS and self.rng.random() < 0.9:
            some = self.rng.sample(sorted(found[1]), self.rng.randint(1, len(found[1])))
            return values.to_json((found[0], frozenset(some)))
        return self.values.any(3)

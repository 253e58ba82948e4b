"""Document paths: a path is a tuple, first a name, then names (str) and list indexes (int)."""
import copy

MISSING = None


def find(item, path):
    """The value at path, or MISSING."""
    at = ("M", item)
    for step in path:
        kind, content = at
        if isinstance(step, int):
            if kind != "L" or step >= len(content):
                return MISSING
            at = content[step]
        else:
            if kind != "M" or step not in content:
                return MISSING
            at = content[step]
    return at


def overlap(a, b):
    """One is the other or leads to it."""
    n = min(len(a), len(b))
    return a[:n] == b[:n]


def conflict(a, b):
    """The two use one place as a map and as a list."""
    for x, y in zip(a, b):
        if isinstance(x, int) != isinstance(y, int):
            return True
        if x != y:
            return False
    return False


def any_overlap(paths):
    return any(overlap(a, b) or conflict(a, b) for i, a in enumerate(paths) for b in paths[:i])


def project(item, paths):
    """The parts of item that paths name; elements of a list close up in index order."""
    found = [p for p in paths if find(item, p) is not MISSING]
    return {name: part(item[name], [p[1:] for p in found if p[0] == name]) for name in {p[0] for p in found}}


def part(value, paths):
    if () in paths:
        return value
    kind, content = value
    steps = {p[0] for p in paths}
    below = {s: [p[1:] for p in paths if p[0] == s] for s in steps}
    if kind == "L":
        return kind, tuple(part(content[i], below[i]) for i in sorted(steps))
    return kind, {s: part(content[s], below[s]) for s in steps}


class Draft:
    """An item being updated. Elements of lists that are taken out leave their place until finish, for every index means the old list."""
    GONE = object()

    def __init__(self, item):
        self.root = thaw(("M", copy.copy(item)))
        self.appended = []

    def parent(self, path):
        """The container of path's last step, or MISSING where the path leads nowhere."""
        at = self.root
        for step in path[:-1]:
            fits = isinstance(at, list) and isinstance(step, int) and step < len(at) or isinstance(at, dict) and step in at
            at = at[step] if fits else MISSING
            if at is Draft.GONE or not isinstance(at, (list, dict)):
                return MISSING
        return at if isinstance(at, list if isinstance(path[-1], int) else dict) else MISSING

    def put(self, path, value):
        at, last = self.parent(path), path[-1]
        if at is MISSING:
            return False
        if isinstance(at, list) and last >= len(at):
            self.appended.append((path, at, thaw(value)))
        else:
            at[last] = thaw(value)
        return True

    def take(self, path):
        at, last = self.parent(path), path[-1]
        if at is MISSING:
            return False
        if isinstance(at, dict):
            at.pop(last, None)
        elif last < len(at):
            at[last] = Draft.GONE
        return True

    def finish(self):
        for _, at, value in sorted(self.appended, key=lambda a: a[0][-1]):
            at.append(value)
        return freeze(self.root)[1]


def thaw(v):
    if v[0] == "L":
        return [thaw(e) for e in v[1]]
    if v[0] == "M":
        return {name: thaw(e) for name, e in v[1].items()}
    return v


def freeze(x):
    if isinstance(x, list):
        return "L", tuple(freeze(e) for e in x if e is not Draft.GONE)
    if isinstance(x, dict):
        return "M", {name: freeze(e) for name, e in x.items()}
    return x

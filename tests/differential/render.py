"""Trees to expression texts, with placeholders, spacing, letter case and parentheses chosen at random."""
import conditions

BARE = {"alpha", "b1", "c_d", "zed", "numa", "pk1", "sk1", "pk", "sk", "lst", "mp"}  # neither reserved nor in need of a placeholder
KEYWORDS = ("AND", "OR", "NOT", "BETWEEN", "IN", "SET", "REMOVE", "ADD", "DELETE")


class Renderer:
    """Texts of one request; names and values collect what its placeholders mean."""

    def __init__(self, rng):
        self.rng, self.names, self.values = rng, {}, {}

    def body(self):
        out = {}
        if self.names:
            out["ExpressionAttributeNames"] = self.names
        if self.values:
            out["ExpressionAttributeValues"] = self.values
        return out

    def word(self, keyword):
        return self.rng.choice([keyword, keyword, keyword.lower(), keyword.title()])

    def space(self):
        return self.rng.choice(["", "", " ", "  ", "\t", "\n"])

    def name(self, name):
        if name in BARE and self.rng.random() < 0.5:
            return name
        for token, target in self.names.items():
            if target == name and self.rng.random() < 0.8:
                return token
        token = f"#n{len(self.names)}"
        self.names[token] = name
        return token

    def path(self, path):
        text = self.name(path[0])
        for step in path[1:]:
            text += f"[{step}]" if isinstance(step, int) else self.space() * (self.rng.random() < 0.1) + "." + self.name(step)
        return text

    def value(self, j):
        for token, target in self.values.items():
            if target == j and self.rng.random() < 0.5:
                return token
        token = self.rng.choice([":v{}", ":V_{}", ":{}"]).format(len(self.values))
        self.values[token] = j
        return token

    def call(self, function, *args):
        s = self.space
        return f"{function}{s()}({s()}" + f"{s()},{s()}".join(args) + f"{s()})"

    def operand(self, o):
        if o[0] == "path":
            return self.path(o[1])
        if o[0] == "val":
            return self.value(o[1])
        if o[0] == "size":
            return self.call("size", self.path(o[1]))
        if o[0] == "ine":
            return self.call("if_not_exists", self.path(o[1]), self.operand(o[2]))
        return self.call("list_append", self.operand(o[1]), self.operand(o[2]))

    def condition(self, tree, strength=0):
        """strength: 0 anywhere, 1 under OR, 2 under AND, 3 under NOT."""
        own = {"or": 1, "and": 2, "not": 3}.get(tree[0], 4)
        text = self.logical(tree)
        wrap = own <= strength and tree[0] in ("and", "or") or self.rng.random() < 0.2
        return f"({self.space()}{text}{self.space()})" if wrap else text

    def logical(self, tree):
        kind = tree[0]
        if kind in ("and", "or"):
            word = self.word(kind.upper())
            return f" {word} ".join(self.condition(c, 1 if kind == "or" else 2) for c in tree[1])
        if kind == "not":
            return f"{self.word('NOT')} {self.condition(tree[1], 3)}"
        return getattr(self, kind)(*tree[1:])

    def cmp(self, op, a, b):
        return f"{self.operand(a)}{self.space()}{op}{self.space()}{self.operand(b)}"

    def between(self, a, low, high):
        return f"{self.operand(a)} {self.word('BETWEEN')} {self.operand(low)} {self.word('AND')} {self.operand(high)}"

    def exists(self, path):
        return self.call("attribute_exists", self.path(path))

    def absent(self, path):
        return self.call("attribute_not_exists", self.path(path))

    def type(self, path, name):
        return self.call("attribute_type", self.path(path), self.value({"S": name}))

    def begins(self, path, operand):
        return self.call("begins_with", self.path(path), self.operand(operand))

    def contains(self, path, operand):
        return self.call("contains", self.path(path), self.operand(operand))

    def update(self, tree):
        clauses = []
        for kind in self.rng.sample(sorted(tree), len(tree)):
            actions = [getattr(self, "action_" + kind.lower())(a) for a in tree[kind]]
            clauses.append(f"{self.word(kind)} " + f"{self.space()},{self.space()}".join(actions))
        return " ".join(clauses)

    def action_set(self, action):
        path, rhs = action
        text = self.operand(rhs[1])
        if rhs[0] in "+-":
            text += f"{self.space()}{rhs[0]}{self.space()}{self.operand(rhs[2])}"
        return f"{self.path(path)}{self.space()}={self.space()}{text}"

    def action_remove(self, path):
        return self.path(path)

    def action_add(self, action):
        return f"{self.path(action[0])} {self.value(action[1])}"

    action_delete = action_add

    def projection(self, paths):
        return f"{self.space()},{self.space()}".join(self.path(p) for p in paths)


setattr(Renderer, "in", lambda self, a, candidates: f"{self.operand(a)} {self.word('IN')}{self.space()}("
        + f"{self.space()},{self.space()}".join(self.operand(c) for c in candidates) + ")")
assert all(hasattr(Renderer, kind) for kind in conditions.HOLDS if kind != "without")

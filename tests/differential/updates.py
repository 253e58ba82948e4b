"""Update expressions as trees: {"SET": [(path, rhs)], "REMOVE": [path], "ADD": [(path, wire JSON)], "DELETE": [(path, wire JSON)]}.

Right-hand sides: ("op", o)  ("+", o, o)  ("-", o, o); operands: ("path", path)  ("val", wire JSON)  ("ine", path, o)  ("append", o, o).
"""
import documents
import values
from values import EXACT, Refused, Unknowable

SETS = ("SS", "NS", "BS")
OPERANDS = ("path", "val", "ine", "append")


def targets(tree):
    return ([p for p, _ in tree.get("SET", ())] + list(tree.get("REMOVE", ())) + [p for p, _ in tree.get("ADD", ())]
            + [p for p, _ in tree.get("DELETE", ())])


def check(tree, key_names):
    paths = targets(tree)
    if documents.any_overlap(paths):
        raise Refused("paths overlap")
    for _, rhs in tree.get("SET", ()):
        for o in rhs[1:]:
            check_operand(o, rhs[0])
    for _, j in tree.get("ADD", ()):
        if values.parse(j)[0] not in ("N", *SETS):
            raise Refused("ADD wants a number or a set")
    for _, j in tree.get("DELETE", ()):
        if values.parse(j)[0] not in SETS:
            raise Refused("DELETE wants a set")
    if any(p[0] in key_names for p in paths):
        raise Refused("key attributes do not change")


def check_operand(o, under):
    wanted = {"+": "N", "-": "N", "append": "L"}.get(under)
    if o[0] == "val" and wanted not in (None, values.parse(o[1])[0]):
        raise Refused(f"operand of {under}")
    if o[0] == "append":
        if wanted == "N":
            raise Refused("a list is no number")
        check_operand(o[1], "append")
        check_operand(o[2], "append")
    elif o[0] == "ine":
        check_operand(o[2], under)


def evaluate(o, item):
    if o[0] == "val":
        return values.parse(o[1])
    if o[0] == "path":
        found = documents.find(item, o[1])
        if found is None:
            raise Refused("no such attribute in the item")
        return found
    if o[0] == "ine":
        found = documents.find(item, o[1])
        return evaluate(o[2], item) if found is None else found
    a, b = evaluate(o[1], item), evaluate(o[2], item)
    if a[0] != "L" or b[0] != "L":
        raise Refused("list_append wants lists")
    return "L", a[1] + b[1]


def right_hand(rhs, item):
    operands = [evaluate(o, item) for o in rhs[1:]]
    if rhs[0] == "op":
        return operands[0]
    return add(operands[0], operands[1], rhs[0] == "-")


def add(a, b, negate=False):
    if a[0] != "N" or b[0] != "N":
        raise Refused("arithmetic wants numbers")
    exact = EXACT.subtract(a[1], b[1]) if negate else EXACT.add(a[1], b[1])
    return "N", values.checked(exact)


def apply(tree, old, key):
    """The new item, or None where none comes to be. old: None if there is none."""
    if old is None and any(o[1][0] in key for _, rhs in tree.get("SET", ()) for o in operands(rhs)):
        raise Unknowable("key attributes on a right-hand side, of no item")
    base = dict(key) if old is None else old
    draft = documents.Draft(base)
    for path, rhs in tree.get("SET", ()):
        place(draft, path, right_hand(rhs, base))
    for path, j in tree.get("ADD", ()):
        place(draft, path, added(documents.find(base, path), values.parse(j)))
    for path, j in tree.get("DELETE", ()):
        delete(draft, base, path, values.parse(j))
    for path in tree.get("REMOVE", ()):
        if not draft.take(path):
            raise Refused("path leads nowhere")
    new = draft.finish()
    if old is None and tree and not tree.get("SET") and not tree.get("ADD"):
        return None  # only takes away, and there was no item
    if max(depth(v) for v in new.values()) > values.DEPTH_MAX or values.item_size(new) > values.ITEM_BYTES_MAX:
        raise Refused("item outgrew its limits")
    return new


def operands(o):
    """Every operand under o that names a path."""
    below = [x for part in o[1:] if isinstance(part, tuple) and part and isinstance(part[0], str) and part[0] in OPERANDS for x in operands(part)]
    return below + ([o] if o[0] in ("path", "ine") else [])


def depth(v):
    if v[0] == "L":
        return 1 + max((depth(e) for e in v[1]), default=0)
    if v[0] == "M":
        return 1 + max((depth(e) for e in v[1].values()), default=0)
    return 1


def place(draft, path, value):
    if not draft.put(path, value):
        raise Refused("path leads nowhere")


def added(old, value):
    if old is None:
        return value
    if value[0] == "N":
        return add(old, value)
    if old[0] != value[0]:
        raise Refused("ADD to another type")
    return old[0], old[1] | value[1]


def delete(draft, base, path, value):
    if draft.parent(path) is None:
        raise Refused("path leads nowhere")
    old = documents.find(base, path)
    if old is None:
        return
    if old[0] != value[0]:
        raise Refused("DELETE from another type")
    left = old[1] - value[1]
    if left:
        draft.put(path, (old[0], left))
    else:
        draft.take(path)

"""Attribute values as the developer guide describes them: parsing, normal form, sizes, order.

A value is (type, content): S str, N Decimal, B bytes, BOOL bool, NULL True, L tuple of values, M dict of values,
SS, NS, BS frozensets of contents. Equal values are equal tuples.
"""
import base64
import decimal
from decimal import Decimal

EXACT = decimal.Context(prec=600, Emin=-2000, Emax=2000)
ITEM_BYTES_MAX = 400 * 1024
DEPTH_MAX = 32
LARGEST, SMALLEST = Decimal("9.9999999999999999999999999999999999999E+125"), Decimal("1E-130")
SCALAR_KEYS = ("S", "N", "B")


class Refused(Exception):
    """The documented answer is this error."""

    def __init__(self, why, error="ValidationException"):
        super().__init__(why)
        self.error = error


class Unknowable(Exception):
    """The documentation does not say what happens here; the generator asks something else."""


def number(text):
    try:
        n = EXACT.create_decimal(text)
    except decimal.InvalidOperation:
        raise Refused(f"not a number: {text}") from None
    if not n.is_finite():
        raise Refused(f"not a number: {text}")
    return checked(n)


def checked(n):
    """n in normal form, if it is a number of the API."""
    if n == 0:
        return Decimal(0)
    n = n.normalize(EXACT)
    if len(n.as_tuple().digits) > 38 or n.copy_abs() > LARGEST or n.copy_abs() < SMALLEST:
        raise Refused(f"number out of range: {n}")
    return n


def number_text(n):
    return format(n, "f")


def parse(j, depth=1):
    """The value of wire JSON j; Refused if the API must refuse it."""
    if not isinstance(j, dict) or len(j) != 1:
        raise Refused("one type per value")
    if depth > DEPTH_MAX:
        raise Refused("too deep")
    (kind, c), = j.items()
    if kind == "N":
        return kind, number(c)
    if kind == "B":
        return kind, base64.b64decode(c, validate=True)
    if kind == "L":
        return kind, tuple(parse(e, depth + 1) for e in c)
    if kind == "M":
        return kind, {name: parse(e, depth + 1) for name, e in c.items()}
    if kind in ("SS", "NS", "BS"):
        elements = [parse({kind[0]: e})[1] for e in c]
        if not elements or len(set(elements)) != len(elements):
            raise Refused("empty set or repeated element")
        return kind, frozenset(elements)
    if kind == "NULL" and c is not True:
        raise Refused("NULL is true")
    return kind, c


def parse_item(j):
    item = {name: parse(v) for name, v in j.items()}
    if item_size(item) > ITEM_BYTES_MAX:
        raise Refused("item too large")
    return item


def to_json(v):
    kind, c = v
    if kind == "N":
        return {kind: number_text(c)}
    if kind == "B":
        return {kind: base64.b64encode(c).decode()}
    if kind == "L":
        return {kind: [to_json(e) for e in c]}
    if kind == "M":
        return {kind: item_json(c)}
    if kind in ("SS", "NS", "BS"):
        return {kind: [to_json((kind[0], e))[kind[0]] for e in sorted(c)]}
    return {kind: c}


def item_json(item):
    return {name: to_json(v) for name, v in item.items()}


def answered(j):
    """An item of an answer in comparable form: as to_json writes it, sets sorted by value, number texts as they came."""
    (kind, c), = j.items()
    if kind == "L":
        return {kind: [answered(e) for e in c]}
    if kind == "M":
        return {kind: answered_item(c)}
    if kind == "NS":
        return {kind: sorted(c, key=Decimal)}
    if kind == "SS":
        return {kind: sorted(c)}
    if kind == "BS":
        return {kind: sorted(c, key=base64.b64decode)}
    return j


def answered_item(j):
    return {name: answered(v) for name, v in j.items()}


def number_size(n):
    """Pairs of digits before the point and behind it, without zeros at either end."""
    _, digits, exponent = n.as_tuple()
    if n == 0:
        return 1
    whole = min(max(len(digits) + exponent, 0), len(digits))
    return 1 + (whole + 1) // 2 + (len(digits) - whole + 1) // 2 + (n < 0)


def size(v):
    kind, c = v
    if kind == "S":
        return len(c.encode())
    if kind == "N":
        return number_size(c)
    if kind == "B":
        return len(c)
    if kind == "L":
        return 3 + sum(size(e) + 1 for e in c)
    if kind == "M":
        return 3 + sum(len(name.encode()) + size(e) + 1 for name, e in c.items())
    if kind in ("SS", "NS", "BS"):
        return sum(size((kind[0], e)) for e in c)
    return 1


def item_size(item):
    return sum(len(name.encode()) + size(v) for name, v in item.items())


def order(v):
    """What a sort key is ordered by."""
    return v[1].encode() if v[0] == "S" else v[1]

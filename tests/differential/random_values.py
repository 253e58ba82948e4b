"""Random attribute values in wire JSON: small pools, so that equal and ordered ones meet, and the edges of every type."""
import base64

NAMES = ("alpha", "b1", "c_d", "zed", "numa", "lst", "mp", "name", "with space", "dot.ted", "\u00fcn\u00ef", "1st", "size", "#sharp", ":colon")
STRINGS = ("", "a", "ab", "abc", "b", "ba", "Z", "\u00e9", "\u00e9a", "\U0001f600", "\uffee", "\u0000", "line\nbreak", '"quoted\\"')
BYTES = (b"", b"\x00", b"a", b"ab", b"\x7f", b"\x80", b"\xff", b"\xff\x00")
DIGITS38 = "12345678901234567890123456789012345678"
NUMBERS = ("0", "1", "2", "3", "5", "10", "-1", "-2", "0.5", "-0.5", "1.5", "99", "100", "-100")
EDGES = (DIGITS38, "-" + DIGITS38, "9.9999999999999999999999999999999999999E+125", "-9.9999999999999999999999999999999999999E125", "1E-130", "-1e-130",
         "0." + DIGITS38, "1" + "0" * 125, "0." + "0" * 129 + "1", "1E+37", "9" * 38, "1.1E-92")
SPELLINGS = ("-0", "+7", "007", "1.50", "1e2", "1.E1", ".5", "0e5", "100E-2", "0.0", "00.10", "5E+0")
BAD_NUMBERS = ("", "x", "1e", "--1", "1 ", "0x10", "1e126", "1e-131", "1" + "0" * 126, DIGITS38 + "9", "NaN", "Infinity", "1.2.3", "1,5")


class Values:
    def __init__(self, rng):
        self.rng = rng

    def number(self):
        r = self.rng.random()
        if r < 0.7:
            return self.rng.choice(NUMBERS)
        if r < 0.8:
            return self.rng.choice(EDGES)
        if r < 0.88:
            return self.rng.choice(SPELLINGS)
        digits = "".join(self.rng.choices("0123456789", k=self.rng.randint(1, 38)))
        point = self.rng.randint(0, len(digits))
        return self.rng.choice(["", "-"]) + (digits[:point] or "0") + ("." + digits[point:] if point < len(digits) else "")

    def string(self):
        if self.rng.random() < 0.85:
            return self.rng.choice(STRINGS)
        return "".join(self.rng.choices("abcXYZ012 \u00e9\u4e2d", k=self.rng.randint(1, 40)))

    def binary(self):
        data = self.rng.choice(BYTES) if self.rng.random() < 0.85 else self.rng.randbytes(self.rng.randint(1, 40))
        return base64.b64encode(data).decode()

    def scalar(self, kind=None):
        kind = kind or self.rng.choice("SNB")
        return {kind: {"S": self.string, "N": self.number, "B": self.binary}[kind]()}

    def any(self, depth=0):
        kind = self.rng.choices(("S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"), (5, 6, 2, 2, 1, 3, 3, 2, 2, 1))[0]
        if kind == "M" or kind == "L":
            n = 0 if depth > 3 else self.rng.randint(0, 5 if kind == "L" and depth == 0 else 3)
            if kind == "L":
                return {"L": [self.any(depth + 1) for _ in range(n)]}
            return {"M": {self.rng.choice(NAMES): self.any(depth + 1) for _ in range(n)}}
        return self.flat(kind)

    def flat(self, kind):
        if kind in "SNB":
            return self.scalar(kind)
        if kind == "BOOL":
            return {"BOOL": self.rng.random() < 0.5}
        if kind == "NULL":
            return {"NULL": True}
        elements = {}
        for _ in range(self.rng.randint(1, 4)):
            e = self.scalar(kind[0])[kind[0]]
            elements[float(e) if kind == "NS" else e] = e  # no two equal elements; floats may call different numbers equal, which is harmless
        return {kind: list(elements.values())}

    def attributes(self, n):
        return {self.rng.choice(NAMES): self.any() for _ in range(n)}

    def bad(self):
        """A value that must be refused with a ValidationException."""
        deep = {"S": "x"}
        for _ in range(32):
            deep = {"L": [deep]} if self.rng.random() < 0.5 else {"M": {"d": deep}}
        return self.rng.choice([{"N": self.rng.choice(BAD_NUMBERS)}, {"SS": []}, {"NS": []}, {"SS": ["a", "b", "a"]}, {"NS": ["1", "2", "1.0"]},
                                {"BS": ["YQ==", "YQ=="]}, {"NULL": False}, {"S": "a", "N": "1"}, {}, deep, {"NS": ["1", "x"]},
                                {"L": [{"SS": []}]}, {"M": {"in": {"N": "1e400"}}}])

    def deepest(self):
        """A value of exactly 32 levels."""
        v = {"S": "x"}
        for _ in range(31):
            v = {"L": [v]} if self.rng.random() < 0.5 else {"M": {"d": v}}
        return v

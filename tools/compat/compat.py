#!/usr/bin/env python3
"""Holds the router's tables (services/router/api) against the facts of the public service model, and writes what follows from both:
the table of docs/COMPATIBILITY.md and the rows of operations that are not built (services/router/api/api_model.inc).

Usage: compat.py            check, and write both anew
       compat.py --check    check only; exit 1 if the tables differ from the model or a written file is out of date

Every member of the model must have a row: built, refused, or named in IGNORED below with the reason. Constraints must be equal, or
named in DIFFERENT.
"""
import fnmatch
import pathlib
import re
import subprocess
import sys
import tempfile

import facts
import rows

ROOT = pathlib.Path(__file__).resolve().parents[2]
API = ROOT / "services" / "router" / "api"
PAGE = ROOT / "docs" / "COMPATIBILITY.md"
ROWS = API / "api_model.inc"
BEGIN, END = "<!-- written by tools/compat/compat.py: begin -->\n", "<!-- end -->\n"
REQUIRED, PATTERN = 1, 2  # API_REQUIRED, API_NAME_PATTERN
INT_MAX = {"INTEGER": 2**31 - 1, "LONG": 2**63 - 1}

# OPERATION.MEMBER -> why there is no row. A member without a row is passed over when it comes.
IGNORED = {}
# (pattern of OPERATION.PATH, what) -> why the row differs from the model.
DIFFERENT = {
    ("CreateTable.AttributeDefinitions", "required"): "the model asks for it only where GlobalTableSourceArn does not give it; that is refused",
    ("CreateTable.KeySchema", "required"): "the model asks for it only where GlobalTableSourceArn does not give it; that is refused",
    ("CreateTable.AttributeDefinitions", "max"): "a bound of our own on what is kept",
    ("UpdateTable.AttributeDefinitions", "max"): "a bound of our own on what is kept",
    ("CreateTable.TableName", "min"): "a new name has three characters at least; the model's shape serves ARNs too",
    ("Batch*Item.RequestItems", "min"): "an empty map is told by the operation, in other words",
    ("*.ResourceArn", "required"): "a missing ARN has a text of its own (api_check_tags.c)",
    ("*.Tags.Key", "required"): "rules of tags have texts of their own",
    ("*.Tags.Key", "min"): "rules of tags have texts of their own",
    ("*.Tags.Key", "max"): "rules of tags have texts of their own",
    ("*.Tags.Value", "required"): "rules of tags have texts of their own",
    ("*.Tags.Value", "max"): "rules of tags have texts of their own",
    ("CreateTable.KeySchema", "max"): "a table has at most two key attributes; the model's list serves indexes of four and four too",
}


def dump():
    """The router's own tables, as the compiler sees them: (ops, rows), each by operation."""
    with tempfile.TemporaryDirectory() as tmp:
        sources = [ROOT / "tools/compat/api_dump.c", API / "api_op.c", API / "api_unbuilt.c", API / "api_error.c"] + sorted(API.glob("api_shape*.c"))
        command = ["cc", "-D_GNU_SOURCE", "-std=gnu17", "-w", "-no-pie", "-Wl,--unresolved-symbols=ignore-all", f"-I{ROOT}/lib",
                   f"-I{ROOT}/services", "-o", f"{tmp}/dump"] + [str(s) for s in sources]
        subprocess.run(command, check=True)
        text = subprocess.run([f"{tmp}/dump"], check=True, capture_output=True, text=True).stdout
    ops, fields, op = {}, {}, None
    for line in text.splitlines():
        w = line.split("\t")
        if w[0] == "op":
            op = w[1]
            ops[op], fields[op] = {"built": w[2] == "built", "answer": w[3]}, {}
        else:
            fields[op][w[1]] = {"kind": w[2], "flags": int(w[3]), "min": int(w[4]), "max": int(w[5]),
                                "enum": set(w[6].split(", ")) if w[6] else None, "shape": w[7]}
    return ops, fields


def members(model, shape, path=""):
    """(path, member, shape) of everything a request may hold; the list inside a map is PATH[]."""
    s = model.shapes[shape]
    for name, m in s["members"].items():
        at = f"{path}.{name}" if path else name
        yield at, m, m["shape"]
        inner = m["shape"]
        while model.shapes[inner]["kind"] in ("list", "map"):
            outer, inner = inner, model.shapes[inner]["element"]
            if model.shapes[outer]["kind"] == "map" and model.shapes[inner]["kind"] == "list":
                yield f"{at}[]", {"required": False, "shape": inner}, inner
        if inner != "AttributeValue" and model.shapes[inner]["kind"] == "struct":
            yield from members(model, inner, at)


class Check:
    def __init__(self, model, ops, fields):
        self.model, self.ops, self.fields = model, ops, fields
        self.findings, self.used = [], set()

    def say(self, op, path, what, text):
        for pattern, different in DIFFERENT:
            if different == what and fnmatch.fnmatchcase(f"{op}.{path}", pattern):
                self.used.add((pattern, different))
                return
        remedy = "" if what == "row" else "; make the row equal, or name it with the reason in DIFFERENT of tools/compat/compat.py"
        self.findings.append(f"{op}.{path}: {what}: {text}{remedy}")

    def constraints(self, op, path, member, shape, row):
        s = self.model.shapes[shape]
        if bool(row["flags"] & REQUIRED) != member["required"]:
            self.say(op, path, "required", f"the model says {member['required']}")
        if row["kind"] in ("REFUSED", "other"):
            return
        kind = rows.kind_of(self.model, shape)
        if row["kind"] != kind and not (kind == "TABLE" and row["kind"] == "STRING" and path.endswith("Arn")):
            self.say(op, path, "kind", f"{row['kind']}, the model says {kind}")
        inner = shape
        while self.model.shapes[inner]["kind"] in ("list", "map"):
            inner = self.model.shapes[inner]["element"]
        if row["shape"] and row["shape"] != inner.split(".")[-1]:
            self.say(op, path, "shape", f"{row['shape']}, the model says {inner}")
        if s["kind"] == "enum" and row["enum"] != set(s["values"]):
            self.say(op, path, "enum", f"the model has {', '.join(s['values'])}")
        low, high = s.get("min") or 0, s.get("max") or INT_MAX.get(kind, 0)
        if row["kind"] == "TABLE":
            low, high = 1, 255
        if kind in INT_MAX and s.get("min") is None and s.get("max") is None:
            high = 0
        if kind in INT_MAX and s.get("min") is None and s.get("max") is not None:
            low = -INT_MAX[kind] - 1
        if row["min"] != low:
            self.say(op, path, "min", f"{row['min']}, the model says {low}")
        if row["max"] != high:
            self.say(op, path, "max", f"{row['max']}, the model says {high}")
        named = row["kind"] == "TABLE" or s.get("pattern") == rows.NAME_PATTERN
        if bool(row["flags"] & PATTERN) != named:
            self.say(op, path, "pattern", f"the model says {s.get('pattern')}")

    def operation(self, op):
        have = dict(self.fields[op])
        closed = [p for p, r in have.items() if r["kind"] == "REFUSED"]
        for path, member, shape in members(self.model, self.model.ops[op]["input"]):
            if any(path.startswith((r + ".", r + "[]")) for r in closed):
                continue
            row = have.pop(path, None)
            if row is not None:
                self.constraints(op, path, member, shape, row)
                continue
            closed.append(path)
            if f"{op}.{path}" in IGNORED:
                self.used.add(f"{op}.{path}")
            else:
                self.say(op, path, "row", "the model has this member; add a row or a REFUSED_ROW to api_shapes.c")
        for path in have:
            self.say(op, path, "row", "the model has no such member")

    def errors(self):
        known = set(re.findall(r'"(\w+)"', (API / "api_error.h").read_text()))
        for op, facts_of in self.model.ops.items():
            for e in facts_of["errors"]:
                if e not in known:
                    self.findings.append(f"{op}: the model has {e}: add a row to api_error.h")

    def run(self):
        for op in self.model.ops:
            if op not in self.ops:
                self.findings.append(f"{op}: the model has this operation; add a row to api_op.c")
            elif not self.ops[op]["built"] and not self.ops[op]["answer"]:
                self.findings.append(f"{op}: is not built and has no row in api_unbuilt.c")
            else:
                self.operation(op)
        self.errors()
        for rule in [k for k in list(IGNORED) + list(DIFFERENT) if k not in self.used]:
            self.findings.append(f"{rule}: no longer differs from the model: take the rule out of compat.py")
        return self.findings


def state(op, ops):
    if ops[op]["built"]:
        return "built"
    return "answers that there is none" if ops[op]["answer"] == "empty" else f"`{ops[op]['answer']}`"


def page(model, ops, fields):
    built = [o for o in ops if ops[o]["built"]]
    streams = [o for o in ops if model.ops[o]["service"] == "streams"]
    text = [f"{len(built)} of {len(ops)} operations are built ({len(ops) - len(streams)} of the tables' service, {len(streams)} of the streams'). The others check",
            "their parameters as the service's model says, look whether their table exists, and then answer what is true today: an empty list,",
            "that there is no such thing, or `UnknownOperationException` (400) with the operation's name in the message.", "",
            "| operation | | parameters | refused |", "|---|---|---|---|"]
    for op in ops:
        top = {p: r for p, r in fields[op].items() if "." not in p and "[" not in p}
        refused = sorted(p for p, r in fields[op].items() if r["kind"] == "REFUSED") if ops[op]["built"] else []
        taken = [p for p in top if p not in refused] if ops[op]["built"] else []
        name = f"{op} (streams)" if op in streams else op
        text.append(f"| {name} | {state(op, ops)} | {', '.join(sorted(taken))} | {', '.join(refused)} |")
    text += ["", "Rows that differ from the public model on purpose:", "", "| parameter | what | why |", "|---|---|---|"]
    text += [f"| {name.replace('*', chr(92) + '*')} | {what} | {why} |" for (name, what), why in DIFFERENT.items()]
    text += [f"| {name} | no row | {why} |" for name, why in IGNORED.items()]
    return "\n".join(text) + "\n"


def unbuilt_by_source():
    source = (API / "api_op.c").read_text()
    return re.findall(r'^ {4}(?:UNBUILT|STREAMS)\("(\w+)"', source, re.M)


def put(path, fresh, check):
    if path.exists() and path.read_text() == fresh:
        return []
    if check:
        return [f"{path.relative_to(ROOT)} is not what the tables say: run tools/compat/compat.py"]
    path.write_text(fresh)
    return []


def main():
    check = "--check" in sys.argv[1:]
    model = facts.Facts()
    findings = put(ROWS, rows.text(model, unbuilt_by_source()), check)
    ops, fields = dump()
    findings += Check(model, ops, fields).run()
    old = PAGE.read_text()
    head, rest = old.split(BEGIN)
    if not findings:
        findings += put(PAGE, head + BEGIN + page(model, ops, fields) + END + rest.split(END, 1)[1], check)
    if findings:
        sys.exit("\n".join(findings))


if __name__ == "__main__":
    main()

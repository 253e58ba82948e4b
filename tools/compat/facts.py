#!/usr/bin/env python3
"""The facts of the public service model that Tercet is checked against, in a form of its own: model.txt beside this file.

Usage: facts.py MODEL.json STREAMS_MODEL.json     write model.txt anew, from the models as SDKs carry them
       (for instance service-2.json of botocore's dynamodb and dynamodbstreams folders)

A line of model.txt is one of, with "-" for what the model leaves open:
    op SERVICE NAME INPUT ERROR,...                    SERVICE: tables or streams
    TYPE NAME MIN MAX PATTERN                          TYPE: string, integer, long, double, timestamp, boolean, blob
    enum NAME VALUE,...
    list NAME MIN MAX ELEMENT    map NAME MIN MAX KEY ELEMENT
    struct NAME MEMBER:SHAPE MEMBER!:SHAPE ...         "!": required
Shapes of the streams' model are prefixed with "Streams.". Only what a request can reach is kept.
"""
import json
import pathlib
import sys

TEXT = pathlib.Path(__file__).with_name("model.txt")
HEAD = "# Facts of the public service model; written by tools/compat/facts.py, which tells the format.\n"
EMPTY = "Nothing"  # the input of operations without parameters


class Facts:
    """model.txt, read: ops {name: Op}, shapes {name: dict}."""

    def __init__(self, path=TEXT):
        self.ops, self.shapes = {}, {}
        for line in path.read_text().splitlines():
            if line and not line.startswith("#"):
                self.take(line.split(" "))

    def take(self, w):
        kind, name = w[0], w[1]
        if kind == "op":
            self.ops[w[2]] = {"service": w[1], "input": w[3], "errors": [] if w[4] == "-" else w[4].split(",")}
            return
        shape = {"kind": kind}
        if kind == "struct":
            shape["members"] = {m.split(":")[0].rstrip("!"): {"shape": m.split(":")[1], "required": "!" in m} for m in w[2:]}
        elif kind == "enum":
            shape["values"] = w[2].split(",")
        else:
            shape["min"], shape["max"] = (None if x == "-" else int(x) for x in w[2:4])
            rest = " ".join(w[4:])
            if kind == "list":
                shape["element"] = rest
            elif kind == "map":
                shape["key"], shape["element"] = w[4:6]
            else:
                shape["pattern"] = None if rest == "-" else rest
        self.shapes[name] = shape


def shape_line(name, s, prefix):
    bounds = f"{s.get('min', '-')} {s.get('max', '-')}"
    if s["type"] == "structure":
        required = set(s.get("required", []))
        return " ".join([f"struct {name}"] + [f"{m}{'!' if m in required else ''}:{prefix}{v['shape']}" for m, v in s["members"].items()])
    if s["type"] == "list":
        return f"list {name} {bounds} {prefix}{s['member']['shape']}"
    if s["type"] == "map":
        return f"map {name} {bounds} {prefix}{s['key']['shape']} {prefix}{s['value']['shape']}"
    if "enum" in s:
        return f"enum {name} {','.join(s['enum'])}"
    return f"{s['type']} {name} {bounds} {s.get('pattern', '-')}"


def children(s):
    if s["type"] == "structure":
        return [m["shape"] for m in s["members"].values()]
    if s["type"] == "list":
        return [s["member"]["shape"]]
    return [s["key"]["shape"], s["value"]["shape"]] if s["type"] == "map" else []


def extract(model, service, prefix):
    ops, reached, todo = [], set(), []
    for name, op in sorted(model["operations"].items()):
        errors = sorted(e["shape"] for e in op.get("errors", []))
        given = op.get("input", {}).get("shape", EMPTY)
        ops.append(f"op {service} {name} {prefix}{given} {','.join(errors) or '-'}")
        todo.append(given)
    while todo:
        name = todo.pop()
        if name in reached:
            continue
        reached.add(name)
        todo += children(model["shapes"][name])
    return ops, [shape_line(prefix + n, model["shapes"][n], prefix) for n in sorted(reached)]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    tables, streams = (json.loads(pathlib.Path(a).read_text()) for a in sys.argv[1:])
    ops, shapes = extract(tables, "tables", "")
    more_ops, more_shapes = extract(streams, "streams", "Streams.")
    TEXT.write_text(HEAD + "\n".join(ops + more_ops + shapes + more_shapes) + "\n")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Keeps the tables of docs/COMPATIBILITY.md equal to the router's own tables (services/router/api/api_op.c, api_shapes.c).

Usage: compat.py            write them anew
       compat.py --check    exit 1 if they are out of date
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
API = ROOT / "services" / "router" / "api"
PAGE = ROOT / "docs" / "COMPATIBILITY.md"
BEGIN, END = "<!-- written by tools/compat/compat.py: begin -->\n", "<!-- end -->\n"


def refused_parameters(shapes):
    """Shape -> refused parameters, own ones and those of the row macros it uses."""
    macros = {name: re.findall(r'REFUSED_ROW\("(\w+)"\)', body)
              for name, body in re.findall(r"#define (\w+_ROWS)(?:\(\w+\))?\s*\\\n((?:.*\\\n)*.*\n)", shapes)}
    refused = {}
    for rows, body in re.findall(r"struct api_field (\w+)_rows\[\] = \{(.*?)\n?\};\n", shapes, re.S):
        names = re.findall(r'REFUSED_ROW\("(\w+)"\)', body)
        for macro, of_macro in macros.items():
            names += of_macro if re.search(rf"\b{macro}\b", body) else []
        refused[f"api_shape_{rows}"] = sorted(set(names))
    return refused


def tables():
    refused = refused_parameters((API / "api_shapes.c").read_text())
    rows = re.findall(r'^ {4}(BUILT|UNBUILT|STREAMS)\("(\w+)"(?:,\s*\w+,\s*(\w+))?', (API / "api_op.c").read_text(), re.M)
    built = [name for kind, name, _ in rows if kind == "BUILT"]
    streams = [name for kind, name, _ in rows if kind == "STREAMS"]
    text = [f"{len(built)} of {len(rows)} operations are built ({len(rows) - len(streams)} of the tables' service, {len(streams)} of the streams'). The others answer",
            "`UnknownOperationException` (400), with the operation's name in the message.", "", "| operation | | parameters refused |", "|---|---|---|"]
    for kind, name, shape in rows:
        parameters = ", ".join(refused[shape]) if kind == "BUILT" and shape in refused else ""
        text.append(f"| {name}{' (streams)' if kind == 'STREAMS' else ''} | {'built' if kind == 'BUILT' else 'typed error'} | {parameters} |")
    return "\n".join(text) + "\n"


def main():
    page = PAGE.read_text()
    head, rest = page.split(BEGIN)
    fresh = head + BEGIN + tables() + END + rest.split(END, 1)[1]
    if "--check" in sys.argv[1:]:
        if fresh != page:
            sys.exit(f"{PAGE.relative_to(ROOT)} is not what the router's tables say: run tools/compat/compat.py")
        return
    PAGE.write_text(fresh)


if __name__ == "__main__":
    main()

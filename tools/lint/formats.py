#!/usr/bin/env python3
"""Every format has a page, a golden file and a row in docs/formats/README.md.

Usage: tools/lint/formats.py    exit 1 and one line per finding: what is missing and what to do
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLE = ROOT / "docs/formats/README.md"
GOLDEN = ROOT / "tests/compat"
# Constants that look like a format's version and name no bytes that outlive a process.
EXCEPTIONS = {
    "RPC_PROTOCOL_VERSION": "the wire; docs/protocols",
    "RECORD_MAGIC": "part of WAL_FORMAT_VERSION",
    "MARK_MAGIC": "part of WAL_FORMAT_VERSION",
    "BTREE_PAGE_MAGIC": "part of BTREE_SUPER_VERSION",
    "BTREE_SUPER_MAGIC": "part of BTREE_SUPER_VERSION",
}
# Where a constant of this name belongs to a format that the table has under another name.
EXCEPTIONS_AT = {
    ("lib/engine/wal/format.c", "SEGMENT_MAGIC"), ("lib/engine/archive/segment.c", "VERSION"),
    ("lib/engine/archive/segment.c", "FOOTER_MAGIC"), ("lib/engine/archive/manifest_codec.c", "VERSION"),
    ("lib/engine/archive/manifest_codec.c", "FOOTER_MAGIC"), ("lib/engine/archive/snapshot.c", "VERSION"),
    ("lib/engine/archive/snapshot.c", "PART_FOOTER"), ("lib/engine/archive/snapshot.c", "INDEX_FOOTER"),
}
CONSTANT = re.compile(r"^\s*(?:#define\s+)?([A-Z][A-Z0-9_]*(?:VERSION|MAGIC)|VERSION)(?:\s*=\s*|\s+)(?:0x[0-9a-f]+u?|\d+u?)\b", re.M)

findings = []


def rows():
    for line in TABLE.read_text().splitlines():
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        m = len(cells) == 4 and re.match(r"`(\w+)` in (\S+)$", cells[1])
        if m:
            page = re.search(r"\(([^)]+)\)", cells[2])
            yield cells[0], m.group(1), m.group(2), page and page.group(1), [g.strip() for g in cells[3].split(",")]


def check_row(name, constant, source, page, golden):
    path = ROOT / source
    if not path.exists() or not re.search(rf"\b{constant}\b", path.read_text()):
        findings.append(f"docs/formats/README.md: {name}: {constant} is not in {source}")
    if not page or not (TABLE.parent / page).exists():
        findings.append(f"docs/formats/README.md: {name}: its page {page} is missing")
    for g in golden:
        if not (GOLDEN / g).is_file() or (GOLDEN / g).stat().st_size == 0:
            findings.append(f"docs/formats/README.md: {name}: the golden file tests/compat/{g} is missing")


def check_constants(known):
    for path in sorted((ROOT / "lib").rglob("*.[ch]")):
        source = str(path.relative_to(ROOT))
        for m in CONSTANT.finditer(path.read_text()):
            constant = m.group(1)
            if (source, constant) in known or (source, constant) in EXCEPTIONS_AT or constant in EXCEPTIONS:
                continue
            findings.append(f"{source}: {constant}: no row in docs/formats/README.md: add one with page and golden file")


def main():
    table = list(rows())
    for row in table:
        check_row(*row)
    check_constants({(source, constant) for _, constant, source, _, _ in table})
    for f in findings:
        print(f)
    print(f"{len(table)} formats, {len(findings)} findings")
    return 1 if findings or not table else 0


if __name__ == "__main__":
    sys.exit(main())

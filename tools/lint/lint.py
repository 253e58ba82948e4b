#!/usr/bin/env python3
"""Style as a test: lengths, layers, bans and headers that every C file of Tercet must keep.

Usage: tools/lint/lint.py [--list]    exit 1 and one line per finding: file:line: rule: what to do
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 500
LINE_COLUMNS_MAX = 100

# What a layer may include; a folder's own layer is always allowed.
LAYERS = {
    "base": [],
    "proto": ["base"],
    "sigv4": ["base"],
    "core": ["base"],
    "env": ["core", "base"],
    "engine": ["env", "core", "base", "proto", "sigv4"],
    "rpc": ["env", "core", "base", "proto"],
    "catalog": ["rpc", "engine", "env", "core", "base", "proto"],
    "daemon": ["rpc", "env", "core", "base", "proto"],
    "schema": ["core", "base", "proto"],
    "route": ["daemon", "rpc", "engine", "core", "base", "proto"],
}
# Names a pure folder must not mention at all (lib/core).
IMPURE_HEADERS = {"stdio.h", "stdlib.h", "time.h", "unistd.h", "pthread.h", "errno.h", "fcntl.h", "math.h", "signal.h"}
BANNED = {
    "strcpy": "copy with a length", "strcat": "append to a tc_buf", "sprintf": "snprintf or tc_buf_printf",
    "vsprintf": "vsnprintf", "gets": "fgets", "strtok": "walk a tc_slice", "atoi": "parse with a check",
    "atol": "parse with a check", "alloca": "an arena", "system": "posix_spawn", "rand": "tc_prng", "srand": "tc_prng",
    "localtime": "gmtime_r", "gmtime": "gmtime_r", "strerror": "strerrordesc_np or a tc_err", "usleep": "a timer",
}
GRPC_ONLY_IN = ("lib/rpc",)

findings = []


def report(path, line, rule, text):
    findings.append(f"{path.relative_to(ROOT)}:{line}: {rule}: {text}")


def strip(text):
    """Blank out comments and string literals, keeping every newline."""
    def blank(m):
        return re.sub(r"[^\n]", " ", m.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def check_lengths(path, raw, code):
    lines = raw.split("\n")
    if len(lines) > FILE_LINES_MAX + 1:
        report(path, 1, "file-length", f"{len(lines)} lines, limit {FILE_LINES_MAX}: split by job")
    for n, line in enumerate(lines, 1):
        if len(line) > LINE_COLUMNS_MAX and "http" not in line:
            report(path, n, "line-length", f"{len(line)} columns, limit {LINE_COLUMNS_MAX}")
    start = None
    for n, line in enumerate(code.split("\n"), 1):
        if start is None and re.match(r"^[A-Za-z_].*\)\s*(__attribute__\(\(.*\)\)\s*)?\{\s*$|^ {2,}.*\)\s*\{\s*$", line) \
                and not re.match(r"^\s*(if|for|while|switch|else|do)\b", line) and not line.startswith("    "):
            start = n
        elif start is None and line == "{":
            start = n
        elif start is not None and line.startswith("}"):
            if n - start > FUNCTION_LINES_MAX:
                report(path, start, "function-length", f"{n - start} lines, limit {FUNCTION_LINES_MAX}")
            start = None


def layer_of(path):
    parts = path.relative_to(ROOT).parts
    return parts[1] if parts[0] == "lib" and len(parts) > 2 else None


def check_includes(path, raw):
    layer = layer_of(path)
    rel = str(path.relative_to(ROOT))
    for n, line in enumerate(raw.split("\n"), 1):
        m = re.match(r'\s*#\s*include\s*([<"])([^">]+)[">]', line)
        if not m:
            continue
        kind, target = m.groups()
        if target.startswith("grpc/") and not rel.startswith(GRPC_ONLY_IN):
            report(path, n, "layer", "gRPC is seen by lib/rpc only")
        if layer == "core" and kind == "<" and target in IMPURE_HEADERS:
            report(path, n, "purity", f"lib/core must not include <{target}>")
        first = target.split("/")[0]
        if layer and kind == '"' and "/" in target and first in set(LAYERS) | {"proto", "services"}:
            if first != layer and first not in LAYERS.get(layer, []):
                report(path, n, "layer", f"lib/{layer} must not include {target}")


def check_bans(path, code):
    for n, line in enumerate(code.split("\n"), 1):
        for m in re.finditer(r"(?<![\w.>])([a-z]+)\s*\(", line):
            if m.group(1) in BANNED:
                report(path, n, "banned", f"{m.group(1)}: use {BANNED[m.group(1)]}")
        if layer_of(path) == "core" and re.search(r"\b(float|double)\b", line):
            report(path, n, "purity", "no floating point in lib/core")
        if layer_of(path) == "core" and re.search(r"(?<!\w)(malloc|calloc|realloc|free)\s*\(", line):
            report(path, n, "purity", "lib/core allocates through base only")


def check_texts(path, raw):
    for n, line in enumerate(raw.split("\n"), 1):
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line) and not re.search(r"issue \d+", line):
            report(path, n, "todo", "finish it, or name the issue that will")
        if line.rstrip() != line:
            report(path, n, "space", "trailing space")
    if path.suffix == ".h" and not raw.lstrip().startswith("/*"):
        report(path, 1, "header", "a header starts with a comment that states its contract")


def check_readmes():
    for service in sorted((ROOT / "services").iterdir()):
        if service.is_dir() and (service / "CMakeLists.txt").exists():
            for name in ("README.md", "main.c"):
                if not (service / name).exists():
                    report(service, 1, "service", f"{name} is missing")


def main():
    files = [p for top in ("lib", "services", "tools", "tests", "bench")
             for p in sorted((ROOT / top).rglob("*.[ch]"))]
    for path in files:
        raw = path.read_text(errors="replace")
        code = strip(raw)
        check_lengths(path, raw, code)
        check_includes(path, raw)
        check_bans(path, code)
        check_texts(path, raw)
    check_readmes()
    for f in findings:
        print(f)
    print(f"lint: {len(files)} files, {len(findings)} findings")
    return 1 if findings else 0


sys.exit(main())

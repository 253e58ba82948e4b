#!/usr/bin/env python3
"""clang-tidy over every C file that ships; what has not changed since it was clean is skipped.

Usage: tools/lint/tidy.py BUILD_DIR    (a finished build: its compile commands and dependencies are read)

The key of a file is a hash of the checks, its compile command and the content of everything that it
includes from this tree, so the cache holds across clones: ~/.cache/tercet/tidy, or TERCET_TIDY_CACHE.
"""
import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOPS = ("lib", "services", "tools")
CACHE = pathlib.Path(os.environ.get("TERCET_TIDY_CACHE") or pathlib.Path.home() / ".cache/tercet/tidy")


@functools.cache
def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def dependencies(build):
    """Object file -> the files of this tree that it was compiled from, by ninja's own log."""
    deps, current = {}, None
    out = subprocess.run(["ninja", "-C", build, "-t", "deps"], check=True, capture_output=True, text=True).stdout
    for line in out.splitlines():
        if line.startswith("    "):
            path = (build / line.strip()).resolve()
            if path.is_relative_to(ROOT):
                deps[current].append(path)
        elif line.strip() and ": #deps" in line:
            current = line.split(":")[0]
            deps[current] = []
    return deps


def output(entry):
    words = entry["command"].split()
    return words[words.index("-o") + 1]


def key(entry, deps, common):
    h = hashlib.sha256(common)
    h.update(entry["command"].replace(str(ROOT), "").encode())
    for path in sorted(deps):
        h.update(f"{path.relative_to(ROOT)} {digest(path)}\n".encode())
    return h.hexdigest()[:40]


def check(build, file, mark):
    """None if clean, else the findings."""
    run = subprocess.run(["clang-tidy-14", "--quiet", "-p", build, "--extra-arg=-Wno-unknown-warning-option", file],
                         capture_output=True, text=True)
    if run.returncode == 0:
        mark.touch()
        return None
    return run.stdout or run.stderr


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: tidy.py BUILD_DIR")
    build = pathlib.Path(sys.argv[1]).resolve()
    CACHE.mkdir(parents=True, exist_ok=True)
    common = (ROOT / ".clang-tidy").read_bytes()
    deps = dependencies(build)
    todo, files = {}, set()
    for entry in json.loads((build / "compile_commands.json").read_text()):
        file = pathlib.Path(entry["file"])
        if not file.is_relative_to(ROOT) or file.relative_to(ROOT).parts[0] not in TOPS or file in files:
            continue
        files.add(file)
        mark = CACHE / key(entry, deps.get(output(entry), [file]), common)
        if not mark.exists():
            todo[file] = mark
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for findings in pool.map(lambda f: check(build, f, todo[f]), todo):
            if findings:
                bad += 1
                print(findings, flush=True)
    print(f"tidy: {len(files)} files, {len(files) - len(todo)} unchanged, {bad} with findings")
    return 1 if bad else 0


sys.exit(main())

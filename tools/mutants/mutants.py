#!/usr/bin/env python3
"""Runs every deliberate fault of the lists tests/**/mutants.txt and says which were caught.

Usage: tools/mutants/mutants.py [--quick] [--list] [--check] [--jobs N] [--bin DIR] [NUMBER...]

  A line of a list:   number | what is wrong | how it must be caught
  how:   seeds N            within the simulator's seeds 1 to N
         seeds N from S     within seeds S to S+N-1 (a bug found far out keeps its seed)
         scenario NAME seeds N [from S]   likewise, in a scenario of the simulator of whole clusters
         script NAME        by tests/script/NAME.txt, which switches the mutant on and expects a failure
         test NAME          by the ctest NAME, which must pass with the mutant switched on inside it
  The folder of the list says which simulator is meant (SIMULATORS below).

  Each patch point of the code stands in a list, and each number of a list has a patch point; if not, nothing runs.

  --check   only that; a part of ./dev lint
  --quick   only scripts, and mutants whose bound is at most QUICK_SEEDS seeds
  exit 0 if all are caught, 1 if one survives, 2 if a list or a program is wrong
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
QUICK_SEEDS = 60
TIMEOUT_S = 900

# Per folder of a list: program, and what it prints for a failing seed. Exit codes: 0 every seed
# held, 1 a seed failed or (-6) an assertion of the code under test ended the process.
SIMULATORS = {
    "tests/sim/core": ("tercet-sim", re.compile(r"^seed (\d+): (.*)$", re.M)),
    "tests/sim/suite": ("tercet-sim-suite_mutant", re.compile(r"^FAIL seed (\d+): (.*)$", re.M)),
    "tests/sim/store": ("tercet-sim-store_mutant", re.compile(r"^FAIL seed (\d+): (.*)$", re.M)),
}


# What a patch point asks, and whose number it is.
POINTS = {
    "core/paxos": re.compile(r"\bPAXOS_MUTANT\((\d+)\)|\bpaxos_mutant == (\d+)"),
    "engine": re.compile(r"\bTC_MUTANT\((\d+)\)|\btc_mutant == (\d+)"),
}
PAXOS_FROM = 1000  # numbers of core/paxos in the suite's list begin here


class ListError(Exception):
    pass


class Mutant:
    def __init__(self, folder, number, what, how):
        self.folder, self.number, self.what, self.how = folder, number, what, how
        words = how.split()
        self.kind = words[0] if words else ""
        shape = {"seeds": r"seeds \d+( from \d+)?", "scenario": r"scenario [a-z-]+ seeds \d+( from \d+)?", "script": r"script \w+", "test": r"test \w+"}
        if self.kind not in shape or not re.fullmatch(shape[self.kind], how):
            raise ListError(f"{folder}/mutants.txt: mutant {number}: cannot read '{how}'")
        self.name = words[1] if self.kind != "seeds" else ""
        seeds = words[words.index("seeds"):] if "seeds" in words else []
        self.count = int(seeds[1]) if seeds else 0
        self.first = int(seeds[3]) if len(seeds) == 4 else 1

    def is_quick(self):
        return self.count <= QUICK_SEEDS


def read_list(path):
    folder = str(path.parent.relative_to(ROOT))
    found = []
    for line in path.read_text().splitlines():
        line = line.split("#")[0].strip()
        if not line:
            continue
        fields = [f.strip() for f in line.split("|")]
        if len(fields) != 3 or not fields[0]:
            raise ListError(f"{path.relative_to(ROOT)}: not 'number | what | how': {line}")
        found.append(Mutant(folder, *fields))
    return found


def read_lists():
    mutants = []
    for path in sorted((ROOT / "tests").glob("**/mutants.txt")):
        mutants += read_list(path)
    numbers = [(m.folder, m.number) for m in mutants]
    twice = sorted({n for n in numbers if numbers.count(n) > 1})
    if twice:
        raise ListError(f"listed twice: {twice}")
    return mutants


def owner_of(m):
    """Whose patch point a line switches on, and its number there."""
    number = int(m.number)
    if m.folder == "tests/sim/core":
        return "core/paxos", number
    return ("core/paxos", number - PAXOS_FROM) if number >= PAXOS_FROM else ("engine", number)


def patch_points():
    """(owner, number) -> the first place that asks for it."""
    found = {}
    paths = [p for folder in ("lib", "services", "tests/sim") for p in sorted((ROOT / folder).rglob("*.[ch]"))]
    for path in paths:
        for line, text in enumerate(path.read_text().splitlines(), 1):
            for owner, pattern in POINTS.items():
                for numbers in pattern.findall(text):
                    found.setdefault((owner, int(numbers[0] or numbers[1])), f"{path.relative_to(ROOT)}:{line}")
    return found


def check(mutants):
    points, listed = patch_points(), {owner_of(m): m for m in mutants}
    wrong = [f"{place}: fault {number} of {owner} stands in no mutants.txt; list it with how it is caught, or take it out"
             for (owner, number), place in sorted(points.items()) if (owner, number) not in listed]
    wrong += [f"{m.folder}/mutants.txt: no code asks for mutant {m.number}" for key, m in sorted(listed.items()) if key not in points]
    if wrong:
        raise ListError("\n".join(wrong))


def run(command):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=TIMEOUT_S, cwd=ROOT)
    return done.returncode, done.stdout.decode(errors="replace")


def run_seeds(m, build):
    if m.folder not in SIMULATORS:
        raise ListError(f"{m.folder}/mutants.txt: no simulator is known for this folder; add it to SIMULATORS")
    program, failed = SIMULATORS[m.folder]
    scenario = ["--scenario", m.name] if m.kind == "scenario" else []
    code, out = run([build / "bin" / program, "--mutant", m.number, *scenario, "--seed", m.first, "--seeds", m.count])
    if code not in (0, 1, -6, 134):
        raise ListError(f"mutant {m.number}: {program} ended with {code}: {out[-300:]}")
    said = failed.findall(out)
    if code == 0:
        return False, f"survives {m.count} seeds"
    return True, f"seed {said[-1][0]}: {said[-1][1]}" if said else "assertion"


def run_script(m, build):
    text = (ROOT / "tests/script" / f"{m.name}.txt").read_text()
    if f"mutant={m.number}" not in text or "expect failure" not in text:
        raise ListError(f"script {m.name} does not switch mutant {m.number} on and expect a failure")
    code, out = run([build / "tests/script/test_script", f"{m.name}.txt"])
    said = re.findall(r"^\[ *\d+\] !!! (.*)$", text, re.M)
    return code == 0, f"script {m.name}: {said[-1] if said else ''}" if code == 0 else out[-200:]


def run_test(m, build):
    code, out = run(["ctest", "--test-dir", build, "-R", f"^{m.name}$", "--no-tests=error", "--output-on-failure"])
    return code == 0, f"test {m.name}" if code == 0 else out[-200:]


RUNNERS = {"seeds": run_seeds, "scenario": run_seeds, "script": run_script, "test": run_test}


def judge(m, build):
    began = time.monotonic()
    try:
        caught, text = RUNNERS[m.kind](m, build)
    except subprocess.TimeoutExpired:
        caught, text = False, f"no verdict in {TIMEOUT_S} s"
    return m, caught, text, time.monotonic() - began


def print_row(m, caught, text, seconds):
    layer = m.folder.rsplit("/", 1)[-1]
    print(f"{m.number:>5}  {layer:<6} {m.what[:70]:<70}  {m.how:<37}  {'caught' if caught else 'SURVIVES':<8} "
          f"{seconds:6.1f} s  {text.strip()[:90]}", flush=True)


def main():
    parser = argparse.ArgumentParser(prog="./dev mutants", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--bin", default=str(ROOT / "build/release"), help="build folder")
    parser.add_argument("numbers", nargs="*")
    args = parser.parse_args()
    try:
        listed = read_lists()
        check(listed)
        if args.check:
            print(f"{len(listed)} deliberate faults listed, each with a patch point")
            return 0
        mutants = [m for m in listed if not args.numbers or m.number in args.numbers]
        mutants = [m for m in mutants if not args.quick or m.is_quick()]
        if not mutants:
            raise ListError("no such mutant; --list shows them")
        if args.list:
            for m in mutants:
                print(f"{m.number:>5}  {m.folder:<16} {m.what}  [{m.how}]")
            return 0
        build = pathlib.Path(args.bin).resolve()
        with concurrent.futures.ThreadPoolExecutor(max_workers=args.jobs) as pool:
            caught = 0
            for row in pool.map(lambda m: judge(m, build), mutants):
                print_row(*row)
                caught += row[1]
    except (ListError, OSError) as e:
        print(f"./dev mutants: {e}", file=sys.stderr)
        return 2
    print(f"caught {caught} of {len(mutants)}")
    return 0 if caught == len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main())

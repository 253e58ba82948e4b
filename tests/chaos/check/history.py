"""Histories of all processes together, judged key by key. No code of the database is used here.

Usage: history.py FILE...    judge recorded histories again
"""
import collections
import concurrent.futures
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from check import append, register  # noqa: E402

LIST_KINDS = {"append", "read", "eread"}


def load(paths):
    """Every record, in order of invocation."""
    records = []
    for path in paths:
        with open(path) as f:
            records += [json.loads(line) for line in f]
    return sorted(records, key=lambda r: r[5])


def by_key(records):
    keys = collections.defaultdict(list)
    for r in records:
        keys[r[1], r[2]].append(r)
    return keys


def judge(records):
    repeated = [r for r in records if r[3] == "repeated"]
    if repeated:
        return register.Verdict(False, f"{repeated[0][0]} returned the item twice in one scan", repeated)
    return (append if records[0][3] in LIST_KINDS else register).check(records)


def check(records, processes=2):
    """(keys judged, [(table, key, Verdict)] of those that are not linearizable or were not decided)."""
    keys = by_key(records)
    with concurrent.futures.ProcessPoolExecutor(processes) as pool:
        verdicts = pool.map(judge, keys.values(), chunksize=16)
        bad = [(*k, v) for k, v in zip(keys, verdicts) if not v.ok]
    return len(keys), bad


def main():
    records = load(sys.argv[1:])
    count, bad = check(records)
    for table, key, verdict in bad:
        print(f"{table}/{key}: {verdict.why}")
        for r in verdict.records:
            print("   ", json.dumps(r))
    print(f"{len(records)} operations on {count} keys: {'linearizable' if not bad else f'{len(bad)} keys are not'}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

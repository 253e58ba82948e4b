#!/usr/bin/env python3
"""Random operations against a running cluster and an independent model of the documented semantics; every answer is compared.

Usage: ./dev differential --ops 100000 --seed 7        starts a cluster of its own
       tests/differential/main.py --endpoint http://127.0.0.1:8000 --ops 2000 --seed 1

  --ops N           operations in all (default 20000)
  --seed S          the same seed asks the same (default 1)
  --workers W       side by side, each on its own tables and connection (default 4)
  --episode N       operations on one pair of tables (default 500)
  --only E          run only episode E again (a failure prints its number)
  --indexes KINDS   of the tables: local,global (default); local; none
  --endpoint URL    router to ask; several, separated by commas, are shared out among the workers
  --no-shrink       print a failing run as it is
  --distort NAME    put a deliberate fault into the model: the run must find a difference (all: each in turn)

On a difference: the shortest run of requests found that shows it, what came and what was expected; exit status 1.
"""
import argparse
import collections
import contextlib
import json
import multiprocessing
import os
import re
import sys
import time
import traceback
from urllib.parse import urlparse

import episode
import operations
from distortions import DISTORTIONS
from wire import Connection


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS, add_help=False)
    p.add_argument("-h", "--help", action="help", help=argparse.SUPPRESS)
    p.add_argument("--ops", type=int, default=20000, help=argparse.SUPPRESS)
    p.add_argument("--seed", type=int, default=1, help=argparse.SUPPRESS)
    p.add_argument("--workers", type=int, default=4, help=argparse.SUPPRESS)
    p.add_argument("--episode", type=int, default=500, help=argparse.SUPPRESS)
    p.add_argument("--only", type=int, help=argparse.SUPPRESS)
    p.add_argument("--indexes", default="local,global", help=argparse.SUPPRESS)
    p.add_argument("--endpoint", default="http://127.0.0.1:8000", help=argparse.SUPPRESS)
    p.add_argument("--no-shrink", action="store_true", help=argparse.SUPPRESS)
    p.add_argument("--distort", choices=["all", *DISTORTIONS], help=argparse.SUPPRESS)
    return p.parse_args()


def connect(args, worker):
    urls = [urlparse(u) for u in args.endpoint.split(",")]
    url = urls[worker % len(urls)]
    return Connection(url.hostname, url.port)


def work(args, worker, numbers, results):
    """Runs the episodes whose numbers it gets; one (episode, outcomes, report) each; a report ends it."""
    try:
        if args.distort:
            DISTORTIONS[args.distort]()
        connection = connect(args, worker)
        for n in numbers:
            outcomes = collections.Counter()
            report = one(args, worker, n, connection, outcomes)
            results.put((n, outcomes, report))
            if report:
                break
    except BaseException:
        results.put((None, {}, traceback.format_exc()))
    results.put(None)


def one(args, worker, n, connection, outcomes):
    prefix = f"diff-{args.seed}-{worker}-{int(time.time() * 1000) % 1000000}"
    try:
        episode.episode(args.seed * 1_000_003 + n, args.episode, connection, outcomes, prefix, args.indexes.split(","))
    except episode.Failure as f:
        if not args.no_shrink:
            f = episode.shrink(f, connection, prefix + "-s")
        return told(f, args, n)
    return None


def told(f, args, n):
    lines = [f"DIFFERENCE: seed {args.seed}, episode {n}; again: --seed {args.seed} --episode {args.episode} --only {n}",
             f"{len(f.ops)} operations on"] + [f"  table {i}: {json.dumps(t.key_schema())}" for i, t in enumerate(f.schema)]
    lines += [f"  {request_text(op, f.schema)}" for op in f.ops[:-1]]
    lines = lines + [f"  {json.dumps(f.difference.request)[:6000]}", f"got      {json.dumps(f.difference.got)[:4000]}",
                              f"expected {json.dumps(f.difference.expected)[:4000]}"]
    return re.sub(r"x{20,}", lambda m: f"<{len(m.group(0))} x>", "\n".join(lines))


def request_text(op, schema):
    if op["kind"] in ("batch_write", "batch_get"):
        return f"{op['kind']} {json.dumps(op)}"[:2000]
    body = operations.body_of(op, schema[op["table"]]) | {"TableName": f"table {op['table']}"}
    return f"{op['kind']} {json.dumps(body)}"[:2000] + (f"  (spoiled: {op['fault']})" if op.get("fault") else "")


def main():
    args = arguments()
    if args.distort == "all":
        sys.exit(distort_all(args))
    sys.exit(1 if run(args) else 0)


def distort_all(args):
    """1 if a distortion goes unnoticed."""
    args.no_shrink, missed = True, []
    for args.distort in DISTORTIONS:
        with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
            found = run(args)
        print(f"{args.distort}: {'noticed' if found else 'NOT NOTICED'}", flush=True)
        missed += [] if found else [args.distort]
    return 1 if missed else 0


def run(args):
    """How many differences were found."""
    count = max(1, -(-args.ops // args.episode))
    numbers = [args.only] if args.only is not None else list(range(count))
    workers = min(args.workers, len(numbers))
    results, started = multiprocessing.Queue(), time.time()
    processes = [multiprocessing.Process(target=work, args=(args, w, numbers[w::workers], results), daemon=True) for w in range(workers)]
    for p in processes:
        p.start()
    outcomes, reports, running = collections.Counter(), [], workers
    while running:
        got = results.get()
        if got is None:
            running -= 1
            continue
        outcomes.update(got[1])
        if got[2]:
            reports.append(got[2])
            print(got[2], flush=True)
    tell(args, outcomes, reports, time.time() - started)
    return len(reports)


def tell(args, outcomes, reports, seconds):
    asked = sum(n for mark, n in outcomes.items() if not isinstance(mark, str))
    kinds = collections.Counter()
    for mark, n in outcomes.items():
        if not isinstance(mark, str):
            kinds[mark[0]] += n
    print(f"differential: seed {args.seed}, {asked} operations in {seconds:.0f} s, {len(reports)} differences")
    print("  " + ", ".join(f"{k} {n}" for k, n in kinds.most_common()))
    print("  " + ", ".join(f"{k} {n}" for k, n in episode.tally(outcomes).most_common()))


if __name__ == "__main__":
    main()

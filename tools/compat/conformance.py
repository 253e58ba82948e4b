#!/usr/bin/env python3
"""Runs a public test suite against a three-zone cluster and sums up what passed, by area.

Usage: conformance.py nubo --source URL-or-folder-of-its-git-repository [--endpoint URL] [--keep]
       conformance.py electrodb --source ...

  nubo        nubo-db/dynamodb-conformance without its areas partiql, streams and transactions
  electrodb   the live tests of ElectroDB without its file on transactions
  --source    whatever `git clone` takes; the clone lies in build/suites/SUITE and is never committed
  --endpoint  a running cluster; without it one is started and stopped
  --keep      take the clone and its packages as they are
  --only P    files whose name contains P

Needs git, node, npm and npm's registry. Exit status 0: everything passed but what is named with its reason in EXPECTED.
"""
import argparse
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
SUITES = ROOT / "build" / "suites"
TERCET = pathlib.Path(os.environ.get("TERCET_BIN", ROOT / "build" / "release" / "bin")) / "tercet"
PORT = 14000
WITHOUT = ("partiql", "streams", "transactions")

TRANSACTIONS = "needs transactions, which are not built"
UNORDERED = "expects the attributes of an item in the order of another implementation's hash table; members of a JSON object have none"
OTHER_TEXT = "expects another implementation's text for Limit 0; the nubo suite has the service's, which is given"

# Patterns of tests that cannot pass, each with the reason.
EXPECTED = {
    "nubo": [(r"^tier3/error-messages/conditionalCheck: .*TransactionCanceledException message format", TRANSACTIONS),
             (r"^tier3/error-messages/transactWriteItems: .*multi-reason TransactionCanceledException", TRANSACTIONS),
             (r"^tier3/error-messages/transactWriteItems: .*positional reason codes", TRANSACTIONS),
             (r"^tier3/limits/transactionLimits: .*TransactWriteItems with exactly 100 Put actions succeeds", TRANSACTIONS),
             (r"^tier3/limits/transactionLimits: .*TransactWriteItems total item size approaching 4MB succeeds", TRANSACTIONS),
             (r"^tier3/limits/transactionLimits: .*TransactGetItems with exactly 100 items succeeds", TRANSACTIONS)],
    "electrodb": [(r"transact", TRANSACTIONS),
                  (r"Should trigger the setter of a watcher because the attribute being watched is supplied regardless", UNORDERED),
                  (r"should throw if 'limit' option is less than one", OTHER_TEXT)],
}


def reason(suite, test):
    return next((why for pattern, why in EXPECTED[suite] if re.search(pattern, test)), None)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS)
    p.add_argument("suite", choices=sorted(RUN))
    p.add_argument("--source")
    p.add_argument("--endpoint")
    p.add_argument("--keep", action="store_true")
    p.add_argument("--only", default="")
    args = p.parse_args()
    folder = fetch(args)
    with tempfile.TemporaryDirectory(prefix="tercet-suite-") as data:
        endpoint = args.endpoint or start(data)
        try:
            results = list(RUN[args.suite](folder, endpoint, args.only))  # while the cluster runs
        finally:
            if not args.endpoint:
                subprocess.run([TERCET, "local", "down", "--data", data], check=False, capture_output=True)
    sys.exit(report(args.suite, results))


def fetch(args):
    folder = SUITES / args.suite
    if args.keep and (folder / "node_modules").is_dir():
        return folder
    if not args.source:
        sys.exit("--source is needed for the first run: whatever `git clone` takes")
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["git", "clone", "-q", "--depth", "1", args.source, folder], check=True)
    # Its lock file may name versions that the registry no longer has.
    (folder / "package-lock.json").unlink(missing_ok=True)
    subprocess.run(["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"], cwd=folder, check=True)
    return folder


def start(data):
    subprocess.run([TERCET, "local", "up", "--data", data, "--port", str(PORT), "--fresh"], check=True, stdout=subprocess.DEVNULL)
    return f"http://127.0.0.1:{PORT}"


def environment(endpoint, **more):
    return {**os.environ, "AWS_ACCESS_KEY_ID": "tercet", "AWS_SECRET_ACCESS_KEY": "tercet-local-secret", "AWS_REGION": "us-east-1",
            "DYNAMODB_ENDPOINT": endpoint, "LOCAL_DYNAMO_ENDPOINT": endpoint, **more}


def run_nubo(folder, endpoint, only):
    """(area, test, status, why) of every test."""
    out = folder / "results.json"
    out.unlink(missing_ok=True)
    command = ["npx", "vitest", "run", *([only] if only else []), "--reporter=json", f"--outputFile={out}"]
    for area in WITHOUT:
        command += ["--exclude", f"tests/tier2/{area}/**"]
    subprocess.run(command, cwd=folder, env=environment(endpoint), check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=3000)
    for f in json.loads(out.read_text())["testResults"]:
        name = f["name"].split("/tests/")[1].removesuffix(".test.ts")
        for t in f["assertionResults"]:
            yield name.rsplit("/", 1)[0], f"{name}: {t['fullName']}", t["status"], "".join(t.get("failureMessages") or [])


def drop_unused_attributes(path):
    """The service refuses definitions of attributes that are no key; one of the suite's tables has such."""
    table = json.loads(path.read_text())
    indexes = table.get("GlobalSecondaryIndexes", []) + table.get("LocalSecondaryIndexes", [])
    used = {k["AttributeName"] for part in [table, *indexes] for k in part["KeySchema"]}
    table["AttributeDefinitions"] = [a for a in table["AttributeDefinitions"] if a["AttributeName"] in used]
    path.write_text(json.dumps(table, indent=2))


def until_active(endpoint):
    sys.path.insert(0, str(ROOT / "tests" / "differential"))
    from wire import Connection
    url = urllib.parse.urlparse(endpoint)
    connection, until = Connection(url.hostname, url.port), time.time() + 60
    for name in connection.call("ListTables", {})[1]["TableNames"]:
        while connection.call("DescribeTable", {"TableName": name})[1].get("Table", {}).get("TableStatus") in ("CREATING", "UPDATING"):
            if time.time() > until:
                sys.exit(f"{name} is not ACTIVE after 60 s")
            time.sleep(0.2)


def run_electrodb(folder, endpoint, only):
    for path in (folder / "test" / "definitions").glob("*.json"):
        drop_unused_attributes(path)
    env = environment(endpoint, AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", TS_NODE_TRANSPILE_ONLY="1")
    subprocess.run(["node", "test/init.js"], cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until_active(endpoint)
    files = sorted(p for p in (folder / "test").iterdir() if re.search(r"(^|_)connected\..*\.spec\.(js|ts)$", p.name) and only in p.name)
    for path in files:
        done = subprocess.run(["npx", "mocha", "-r", "ts-node/register", "--exit", "--reporter", "json", path], cwd=folder, env=env, check=False,
                              capture_output=True, text=True, timeout=1200)
        yield from mocha_results(path.name, done)


def mocha_results(name, done):
    begin = done.stdout.find('{\n  "stats"')
    if begin < 0:
        yield name, f"{name}: the file", "failed", done.stdout[-300:] + done.stderr[-600:]
        return
    results = json.JSONDecoder().raw_decode(done.stdout[begin:])[0]
    for status, key in (("passed", "passes"), ("failed", "failures"), ("skipped", "pending")):
        for t in results[key]:
            yield name, f"{name}: {t['fullTitle']}", status, t["err"].get("message", "") if status == "failed" else ""


RUN = {"nubo": run_nubo, "electrodb": run_electrodb}


def report(suite, results):
    areas, failures = collections.defaultdict(collections.Counter), []
    for area, test, status, why in results:
        areas[area][status] += 1
        if status != "passed":
            failures.append((test, status, why.split("\n    at ")[0].strip()))
    for area, counts in sorted(areas.items()):
        print(f"{area:32} {counts['passed']:4} passed {counts['failed']:4} failed {sum(counts.values()) - counts['passed'] - counts['failed']:4} skipped")
    totals = sum(areas.values(), collections.Counter())
    print(f"{'all':32} {totals['passed']:4} passed {totals['failed']:4} failed {sum(totals.values()) - totals['passed'] - totals['failed']:4} skipped")
    for test, status, why in failures:
        print(f"\n{status} {test}\n    {why[:600]}")
        if reason(suite, test):
            print(f"    expected: {reason(suite, test)}")
    unexpected = [f for f in failures if not reason(suite, f[0])]
    if not totals:
        print("no test ran")
    return 1 if unexpected or not totals else 0


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""CPU per operation of two builds of Tercet, side by side: both clusters stand on this machine at the same time and take the same load in turns,
so that what else the machine does meets both alike. Prints the median of each and the ratio of each pair of rounds (median, least..most).

Usage: bench/macro/compare.py OLD_BUILD NEW_BUILD [--rounds 7] [--seconds 4] [--connections 64]
       OLD_BUILD needs bin/ only, NEW_BUILD bench/ too; writes NEW_BUILD/bench/compare.json
TERCET_BENCH_PORT: first port; TERCET_BENCH_DIR: where the data goes.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import boto3

PORT = int(os.environ.get("TERCET_BENCH_PORT", 18000))
KEYS, UNITS, PORTS_APART = 20_000, 40_000, 300
OPS = (("GetItem strong", "plain", ("--op", "get")), ("GetItem eventual", "plain", ("--op", "get-eventual")), ("PutItem", "plain", ("--op", "put")),
       ("Query, 10 items", "ranged", ("--op", "query", "--ranged")), ("PutItem with sort key", "ranged", ("--op", "put", "--ranged")))


class Side:
    def __init__(self, name, build, data, port, load):
        self.name, self.build, self.data, self.port, self.load_program = name, build.resolve(), os.path.join(data, name), port, load

    def tercet(self, *args):
        return subprocess.run([self.build / "bin/tercet", *args, "--data", self.data], capture_output=True, text=True)

    def up(self):
        done = self.tercet("local", "up", "--port", str(self.port))
        if done.returncode:
            sys.exit(f"{self.name}: {done.stderr}")
        db = boto3.client("dynamodb", endpoint_url=f"http://127.0.0.1:{self.port}", region_name="us-east-1", aws_access_key_id="tercet",
                          aws_secret_access_key="tercet-local-secret")
        for table, keys in (("plain", [("pk", "HASH", "S")]), ("ranged", [("pk", "HASH", "S"), ("sk", "RANGE", "N")])):
            db.create_table(TableName=table, BillingMode="PROVISIONED", KeySchema=[{"AttributeName": n, "KeyType": k} for n, k, _ in keys],
                            AttributeDefinitions=[{"AttributeName": n, "AttributeType": t} for n, _, t in keys],
                            ProvisionedThroughput={"ReadCapacityUnits": UNITS, "WriteCapacityUnits": UNITS})
            while db.describe_table(TableName=table)["Table"]["TableStatus"] != "ACTIVE":
                time.sleep(0.1)
        time.sleep(1)

    def cpu_seconds(self):
        nodes = [d for d in json.loads(self.tercet("local", "ps", "--json").stdout) if d["running"]]
        tasks = [t for d in nodes for t in pathlib.Path(f"/proc/{d['pid']}/task").iterdir()]
        return sum(int((t / "schedstat").read_text().split()[0]) for t in tasks) / 1e9

    def load(self, table, *args):
        hosts = f"127.0.0.1:{self.port},127.0.0.1:{self.port + 1}"
        done = subprocess.run([self.load_program, "--host", hosts, "--table", table, "--keys", str(KEYS), *args], capture_output=True, text=True)
        if not done.stdout:
            sys.exit(f"{self.name}: {done.stderr}")
        return json.loads(done.stdout)

    def fill(self):
        self.load("plain", "--op", "put", "--sequential", "--seconds", "60")
        self.load("ranged", "--op", "put", "--ranged", "--sequential", "--seconds", "60")

    def measure(self, table, args, seconds, connections):
        before = self.cpu_seconds()
        result = self.load(table, *args, "--seconds", str(seconds), "--connections", str(connections))
        result["cpu_us_per_op"] = 1e6 * (self.cpu_seconds() - before) / max(1, result["requests"])
        return result


def spread(values, digits):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}..{max(values):.{digits}f})"


def compare(sides, rounds, seconds, connections):
    out = {}
    print(f"CPU, us per operation over all daemons; {connections} connections, {rounds} rounds of {seconds} s in turns: median (least..most)")
    print(f"{'':<24} {'old':>24} {'new':>24} {'new / old, by pair':>24}")
    for name, table, args in OPS:
        rows = [[s.measure(table, args, seconds, connections) for s in (sides if r % 2 == 0 else sides[::-1])][:: 1 if r % 2 == 0 else -1]
                for r in range(rounds)]
        old, new = ([pair[i]["cpu_us_per_op"] for pair in rows] for i in (0, 1))
        ratios = [b / a for a, b in zip(old, new)]
        print(f"{name:<24} {spread(old, 0):>24} {spread(new, 0):>24} {spread(ratios, 2):>24}", flush=True)
        out[name] = {"rounds": rows, "ratio": statistics.median(ratios)}
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("old", type=pathlib.Path)
    p.add_argument("new", type=pathlib.Path)
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--seconds", type=int, default=4)
    p.add_argument("--connections", type=int, default=64)
    a = p.parse_args()
    data = tempfile.mkdtemp(prefix="tercet-bench-", dir=os.environ.get("TERCET_BENCH_DIR", "/var/tmp"))
    load = a.new.resolve() / "bench/bench_load"
    sides = [Side("old", a.old, data, PORT, load), Side("new", a.new, data, PORT + PORTS_APART, load)]
    try:
        for s in sides:
            s.up()
            s.fill()
        out = compare(sides, a.rounds, a.seconds, a.connections)
        (a.new / "bench/compare.json").write_text(json.dumps(out, indent=1))
    finally:
        for s in sides:
            s.tercet("local", "down")
        shutil.rmtree(data, ignore_errors=True)


main()

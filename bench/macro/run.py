#!/usr/bin/env python3
"""Throughput, latency and CPU per operation of a local three-zone cluster, beside two floors measured
in the same run: a raw HTTP echo under the same load generator, and raw synced 4 KiB appends.

Usage: bench/macro/run.py BUILD_DIR     prints a table and writes BUILD_DIR/bench/macro.json
"""
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

BUILD = pathlib.Path(sys.argv[1]).resolve()
ROUNDS, SECONDS, KEYS, PORT = 3, 5, 50_000, 18000
TICK = os.sysconf("SC_CLK_TCK")


def run(program, *args):
    done = subprocess.run([BUILD / "bench" / program, *map(str, args)], capture_output=True, text=True)
    if not done.stdout:
        sys.exit(f"{program}: {done.stderr}")
    return json.loads(done.stdout)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def daemons(data):
    text = subprocess.run([BUILD / "bin/tercet", "local", "ps", "--json", "--data", data], capture_output=True, text=True).stdout
    return {d["node"]: d for d in json.loads(text)}


def measured(data, op, hosts, connections):
    before = {n: cpu_seconds(d["pid"]) for n, d in daemons(data).items()}
    result = run("bench_load", "--host", hosts, "--table", "bench", "--op", op, "--seconds", SECONDS, "--keys", KEYS,
                 "--connections", connections)
    after = {n: cpu_seconds(d["pid"]) for n, d in daemons(data).items()}
    per_op = {n: 1e6 * (after[n] - before[n]) / max(result["requests"], 1) for n in before}
    result["cpu_us_per_op"] = sum(per_op.values())
    result["by_daemon"] = {}
    for n, us in per_op.items():
        kind = n.rsplit("-", 1)[0]
        result["by_daemon"][kind] = result["by_daemon"].get(kind, 0) + us
    return result


def echo():
    server = subprocess.Popen([BUILD / "bench/bench_echo", str(PORT + 90)])
    time.sleep(0.2)
    try:
        start = cpu_seconds(server.pid)
        result = run("bench_load", "--host", f"127.0.0.1:{PORT + 90}", "--op", "put", "--seconds", SECONDS)
        result["cpu_us_per_op"] = 1e6 * (cpu_seconds(server.pid) - start) / result["requests"]
        result["op"] = "http echo"
        return result
    finally:
        server.terminate()
        server.wait()


def row(label, results):
    def mid(key):
        values = sorted(r[key] for r in results)
        return f"{statistics.median(values):9.0f} ({values[0]:.0f}..{values[-1]:.0f})"
    print(f"{label:<26} {mid('rate'):>26} {mid('p50_us'):>22} {mid('p99_us'):>22} {mid('cpu_us_per_op'):>20}")


def main():
    data = tempfile.mkdtemp(prefix="tercet-bench-", dir=os.environ.get("TERCET_BENCH_DIR", "/var/tmp"))
    out = {}
    try:
        subprocess.run([BUILD / "bin/tercet", "local", "up", "--data", data, "--port", str(PORT)], check=True, stdout=subprocess.DEVNULL)
        db = boto3.client("dynamodb", endpoint_url=f"http://127.0.0.1:{PORT}", region_name="us-east-1", aws_access_key_id="tercet",
                          aws_secret_access_key="tercet-local-secret")
        db.create_table(TableName="bench", BillingMode="PROVISIONED", KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
                        ProvisionedThroughput={"ReadCapacityUnits": 40000, "WriteCapacityUnits": 40000})
        while db.describe_table(TableName="bench")["Table"]["TableStatus"] != "ACTIVE":
            time.sleep(0.1)
        time.sleep(1)
        hosts = f"127.0.0.1:{PORT},127.0.0.1:{PORT + 1}"
        run("bench_load", "--host", hosts, "--table", "bench", "--op", "put", "--sequential", "--keys", KEYS, "--seconds", 60)
        print(f"{'':<26} {'per second':>26} {'p50 us':>22} {'p99 us':>22} {'CPU us/op':>20}   median (min..max) of {ROUNDS}")
        out["append"] = [run("bench_append", pathlib.Path(data) / "raw", 2) for _ in range(ROUNDS)]
        row("raw synced 4 KiB append", out["append"])
        out["echo"] = [echo() for _ in range(ROUNDS)]
        row("raw HTTP echo, 64 conn", out["echo"])
        for op in ("put", "get", "get-eventual"):
            for connections in (1, 16, 64):
                name = f"{op} {connections}"
                out[name] = [measured(data, op, hosts, connections) for _ in range(ROUNDS)]
                row(f"{op}, {connections} conn", out[name])
            kinds = {k: statistics.median(r["by_daemon"][k] for r in out[name]) for k in out[name][0]["by_daemon"]}
            print("    CPU us/op by daemon: " + ", ".join(f"{k} {v:.1f}" for k, v in sorted(kinds.items(), key=lambda x: -x[1])))
        (BUILD / "bench/macro.json").write_text(json.dumps(out, indent=1))
    finally:
        subprocess.run([BUILD / "bin/tercet", "local", "down", "--data", data])
        shutil.rmtree(data, ignore_errors=True)


main()

#!/usr/bin/env python3
"""Throughput, latency and CPU per operation of a local three-zone cluster, beside two floors measured
in the same run: a raw HTTP echo under the same load generator, and raw synced 4 KiB appends. Before
the load: start-up time, memory and CPU of the idle cluster.

Usage: bench/macro/run.py BUILD_DIR     prints a table and writes BUILD_DIR/bench/macro.json
TERCET_BENCH_PORT: first port of the cluster; TERCET_BENCH_DIR: where its data goes.
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
ROUNDS, SECONDS, IDLE_SECONDS, KEYS = 3, 5, 20, 50_000
PORT = int(os.environ.get("TERCET_BENCH_PORT", 18000))


def run(program, *args):
    done = subprocess.run([BUILD / "bench" / program, *map(str, args)], capture_output=True, text=True)
    if not done.stdout:
        sys.exit(f"{program}: {done.stderr}")
    return json.loads(done.stdout)


def cpu_seconds(pid):
    """The scheduler's own sum over the threads, in ns; a daemon's threads do not end while it serves."""
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return sum(int((t / "schedstat").read_text().split()[0]) for t in tasks) / 1e9


def rss_mb(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


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


def by_kind(values):
    """{"storage-a": x, ...} -> "storage 3.1, router 2.0", the sums of each daemon's nodes."""
    kinds = {}
    for node, value in values.items():
        kinds[node.rsplit("-", 1)[0]] = kinds.get(node.rsplit("-", 1)[0], 0) + value
    return ", ".join(f"{k} {v:.2f}" for k, v in sorted(kinds.items(), key=lambda x: -x[1]))


def idle(data):
    nodes = daemons(data)
    before = {n: cpu_seconds(d["pid"]) for n, d in nodes.items()}
    time.sleep(IDLE_SECONDS)
    cpu = {n: 100 * (cpu_seconds(d["pid"]) - before[n]) / IDLE_SECONDS for n, d in nodes.items()}
    rss = {n: rss_mb(d["pid"]) for n, d in nodes.items()}
    print(f"idle: {sum(cpu.values()):.1f} % of one core over {len(nodes)} daemons ({by_kind(cpu)})")
    print(f"idle: {sum(rss.values()):.0f} MB in all, the largest {max(rss.values()):.0f} MB")
    return {"cpu_percent": cpu, "rss_mb": rss}


def row(label, results):
    def mid(key):
        values = sorted(r[key] for r in results)
        return f"{statistics.median(values):9.0f} ({values[0]:.0f}..{values[-1]:.0f})"
    print(f"{label:<26} {mid('rate'):>26} {mid('p50_us'):>22} {mid('p99_us'):>22} {mid('cpu_us_per_op'):>20}")


def main():
    data = tempfile.mkdtemp(prefix="tercet-bench-", dir=os.environ.get("TERCET_BENCH_DIR", "/var/tmp"))
    out = {}
    started = time.monotonic()
    try:
        subprocess.run([BUILD / "bin/tercet", "local", "up", "--data", data, "--port", str(PORT)], check=True, stdout=subprocess.DEVNULL)
        out["up_ms"] = 1000 * (time.monotonic() - started)
        print(f"local up: {out['up_ms']:.0f} ms until the first answer")
        out["idle"] = idle(data)
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

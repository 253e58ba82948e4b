#!/usr/bin/env python3
"""What idle groups cost: a local cluster of three storage nodes, first with a few groups, then with ten times as many.

For each number of groups: how long it took to create them (CreateTable, 40 groups a table), then, once the cluster has been quiet for a
while and the canaries stand still, CPU of every daemon, replication messages and frames between daemons per second, memory. In the end all daemons are stopped and
started again with the same data: how long until every group has a leader that serves.

Usage: bench/macro/idle_groups.py BUILD_DIR [--groups 10000] [--few 1000] [--quiet 180] [--seconds 40] [--canaries] [--out DIR]
       prints tables; writes DIR/idle-groups.png and .json (default BUILD_DIR/bench)
TERCET_BENCH_PORT, TERCET_BENCH_DIR: as for run.py.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

import boto3
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

PORT = int(os.environ.get("TERCET_BENCH_PORT", 18000))
os.environ.setdefault("TERCET_ACCOUNT_UNITS_MAX", "1000000000")  # its tables have many groups by having much throughput
UNITS, GROUPS_PER_TABLE, LIMIT_S = 40_000, 40, 1800


class Cluster:
    def __init__(self, build, data):
        self.build, self.data, self.tables = build, data, 0
        self.db = boto3.client("dynamodb", endpoint_url=f"http://127.0.0.1:{PORT}", region_name="us-east-1", aws_access_key_id="tercet",
                               aws_secret_access_key="tercet-local-secret")

    def tercet(self, *args):
        return subprocess.run([self.build / "bin/tercet", *args, "--data", self.data], capture_output=True, text=True)

    def up(self):
        done = self.tercet("local", "up", "--port", str(PORT))
        if done.returncode:
            sys.exit(done.stderr)

    def daemons(self):
        return {d["node"]: d for d in json.loads(self.tercet("local", "ps", "--json").stdout)}

    def storage(self):
        return {n: d for n, d in self.daemons().items() if n.startswith("storage")}

    def canaries(self, command):
        """Stop or start them: they are clients, and what they use is not idle."""
        for node in [n for n in self.daemons() if n.startswith("canary")]:
            self.tercet("local", command, node)

    def groups(self):
        """Groups with a leader that serves, and replicas, over all storage nodes."""
        rows = [metrics(d) for d in self.storage().values()]
        return int(sum(r["tercet_storage_replicas_led"] for r in rows)), int(sum(r["tercet_storage_replicas"] for r in rows))

    def grow(self, groups):
        """Tables until there are at least so many groups, all active; seconds."""
        began, first = time.monotonic(), self.tables
        self.tables = max(first, -(-groups // GROUPS_PER_TABLE))
        for i in range(first, self.tables):
            self.db.create_table(TableName=f"idle{i:04}", BillingMode="PROVISIONED", KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                                 AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
                                 ProvisionedThroughput={"ReadCapacityUnits": UNITS, "WriteCapacityUnits": UNITS})
        for i in range(first, self.tables):
            while self.db.describe_table(TableName=f"idle{i:04}")["Table"]["TableStatus"] != "ACTIVE":
                if time.monotonic() > began + LIMIT_S:
                    sys.exit(f"not all tables are active after {LIMIT_S} s")
                time.sleep(0.5)
        return time.monotonic() - began

    def restart(self, groups):
        """All daemons stopped and started; seconds until half of the groups, and all of them, have a leader that serves."""
        self.tercet("local", "down")
        began, half = time.monotonic(), None
        self.up()
        while time.monotonic() < began + LIMIT_S:
            led = self.groups()[0]
            if half is None and led * 2 >= groups:
                half = time.monotonic() - began
            if led >= groups:
                return half, time.monotonic() - began
            time.sleep(0.5)
        sys.exit(f"not all groups serve {LIMIT_S} s after the start")


def cpu_seconds(pid):
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return sum(int((t / "schedstat").read_text().split()[0]) for t in tasks) / 1e9


def anonymous_mb(pid):
    """Memory of its own: without the program's file pages."""
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024
    return 0.0


def metrics(daemon):
    text = urllib.request.urlopen(f"http://127.0.0.1:{daemon['admin_port']}/metrics", timeout=30).read().decode()
    out = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            key, value = line.rsplit(" ", 1)
            out[key.split("{")[0]] = out.get(key.split("{")[0], 0) + float(value)
    return out


def measure(c, seconds):
    nodes = {n: d for n, d in c.daemons().items() if d["running"]}
    cpu, before, began = {n: cpu_seconds(d["pid"]) for n, d in nodes.items()}, {n: metrics(d) for n, d in nodes.items()}, time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - began
    out = {"groups": c.groups()[0], "daemons": {}}
    for n, d in nodes.items():
        used = cpu_seconds(d["pid"]) - cpu[n]
        rates = {k: (v - before[n].get(k, 0)) / took for k, v in metrics(d).items() if k.endswith("_total")}
        out["daemons"][n] = {"zone": d["zone"], "cpu": 100 * used / took, "mb": anonymous_mb(d["pid"]), "rates": rates}
    return out


KINDS = (("replication messages sent", "tercet_storage_messages_out_total"), ("stream messages sent", "tercet_rpc_messages_sent_total"),
         ("frames sent", "tercet_rpc_frames_sent_total"), ("bytes sent", "tercet_rpc_sent_bytes_total"), ("log batches", "tercet_storage_batches_total"))


def show(few, many):
    print(f"\n{'CPU, % of one core':<28} {few['groups']:>9} groups {many['groups']:>9} groups   ratio")
    for n in many["daemons"]:
        a, b = few["daemons"][n]["cpu"], many["daemons"][n]["cpu"]
        print(f"{n:<28} {a:>16.2f} {b:>16.2f} {b / max(a, 0.01):>7.1f}")
    for zone in sorted({d["zone"] for d in many["daemons"].values()}):
        a, b = (sum(d["cpu"] for d in m["daemons"].values() if d["zone"] == zone) for m in (few, many))
        print(f"{'zone ' + zone + ', all its daemons':<28} {a:>16.2f} {b:>16.2f} {b / max(a, 0.01):>7.1f}")
    print("\nper second and storage node")
    for text, key in KINDS:
        a, b = (sum(d["rates"].get(key, 0) for n, d in m["daemons"].items() if n.startswith("storage")) / 3 for m in (few, many))
        print(f"{text:<28} {a:>16.1f} {b:>16.1f} {b / max(a, 0.01):>7.1f}")
    print("\nmemory, MB")
    for n in many["daemons"]:
        a, b = few["daemons"][n]["mb"], many["daemons"][n]["mb"]
        print(f"{n:<28} {a:>16.1f} {b:>16.1f}   {1024 * (b - a) / (many['groups'] - few['groups']):6.1f} KB per group more")


def draw(path, few, many):
    fig, (left, right) = plt.subplots(1, 2, figsize=(12, 5))
    names = list(many["daemons"])
    at = range(len(names))
    left.barh([i + 0.2 for i in at], [few["daemons"][n]["cpu"] for n in names], height=0.4, color="#7aa6c2", label=f"{few['groups']} groups")
    left.barh([i - 0.2 for i in at], [many["daemons"][n]["cpu"] for n in names], height=0.4, color="#2c5d7c", label=f"{many['groups']} groups")
    left.axvline(2, color="#c0392b", linewidth=1, linestyle="--")
    left.set_yticks(list(at), names)
    left.set_xlabel("CPU, % of one core (idle)")
    left.legend()
    right.barh([i + 0.2 for i in at], [few["daemons"][n]["mb"] for n in names], height=0.4, color="#e0b58e")
    right.barh([i - 0.2 for i in at], [many["daemons"][n]["mb"] for n in names], height=0.4, color="#e08e45")
    right.set_yticks([])
    right.set_xlabel("memory of its own, MB")
    fig.tight_layout()
    fig.savefig(path, dpi=110)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("build", type=pathlib.Path)
    p.add_argument("--groups", type=int, default=10_000)
    p.add_argument("--few", type=int, default=1_000)
    p.add_argument("--quiet", type=int, default=180, help="seconds without anything to do before each measurement")
    p.add_argument("--seconds", type=int, default=40, help="of each measurement")
    p.add_argument("--canaries", action="store_true", help="let the canaries go on: three clients that write and read all the time")
    p.add_argument("--out", type=pathlib.Path)
    a = p.parse_args()
    build, out = a.build.resolve(), a.out or a.build / "bench"
    data = tempfile.mkdtemp(prefix="tercet-bench-", dir=os.environ.get("TERCET_BENCH_DIR", "/var/tmp"))
    c, results = Cluster(build, data), {}
    try:
        c.up()
        for name, groups in (("few", a.few), ("many", a.groups)):
            seconds = c.grow(groups)
            print(f"{c.groups()[0]} groups after {seconds:.1f} s more", flush=True)
            if not a.canaries:
                c.canaries("stop")
            time.sleep(a.quiet)
            results[name] = measure(c, a.seconds)
            if not a.canaries:
                c.canaries("start")
        results["restart_s"] = c.restart(results["many"]["groups"])
        show(results["few"], results["many"])
        print(f"\nall daemons started again: half of the groups serve after {results['restart_s'][0]:.1f} s, all after {results['restart_s'][1]:.1f} s")
        out.mkdir(parents=True, exist_ok=True)
        draw(out / "idle-groups.png", results["few"], results["many"])
        (out / "idle-groups.json").write_text(json.dumps(results, indent=1))
        print(f"picture: {out / 'idle-groups.png'}")
    finally:
        c.tercet("local", "down")
        shutil.rmtree(data, ignore_errors=True)


main()

#!/usr/bin/env python3
"""What clients and groups see when a storage node is lost under load, as figures and as a picture.

A cluster of six storage nodes (two per zone) serves puts and strongly consistent gets at a steady rate, over so many connections
that those who wait for a lost leader hold up nobody else; the node that leads most is killed with SIGKILL; its groups get three
durable logs again (a log replica joins), then three storage replicas (a copy of the data).

Usage: bench/macro/node_lost.py BUILD_DIR [OUT_DIR]   prints the figures; writes OUT_DIR/node-lost.png and .json (default BUILD_DIR/bench)
TERCET_BENCH_PORT, TERCET_BENCH_DIR: as for run.py. TERCET_BENCH_KEYS: items of 900 bytes before the loss (default 20000).
TERCET_BENCH_RATE: requests per second (default 800).
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import boto3
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

BUILD = pathlib.Path(sys.argv[1]).resolve()
OUT = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else BUILD / "bench"
PORT = int(os.environ.get("TERCET_BENCH_PORT", 18000))
KEYS, RATE = int(os.environ.get("TERCET_BENCH_KEYS", 20_000)), int(os.environ.get("TERCET_BENCH_RATE", 800))
QUIET_S, AFTER_S, LIMIT_S = 10, 8, 180
BIN_MS = 100


class Cluster:
    def __init__(self, data):
        self.data, self.groups, self.stopped = data, [], threading.Event()

    def tercet(self, *args):
        return subprocess.run([BUILD / "bin/tercet", *args, "--data", self.data], capture_output=True, text=True)

    def copies(self):
        """{gid: (durable logs, storage replicas)} that answer their leader; a group without a leader has none."""
        rows = json.loads(self.tercet("partitions", "--json").stdout or "[]")
        out = {r["gid"]: [0, 0] for r in rows}
        for r in rows:
            answers = r["silent_s"] is not None and r["silent_s"] < 2.5 and r["kind"] != "learner"
            out[r["gid"]][0] += answers
            out[r["gid"]][1] += answers and r["kind"] == "storage" and r["state"] == "ok"
        return out

    def watch(self):
        while not self.stopped.is_set():
            began = time.time()
            c = self.copies()
            self.groups.append((time.time(), len(c), sum(v[0] >= 3 for v in c.values()), sum(v[1] >= 3 for v in c.values())))
            time.sleep(max(0, began + 0.1 - time.time()))

    def busiest(self):
        """The node that leads most groups: its loss costs clients more than a copy."""
        leads = [r["node"] for r in json.loads(self.tercet("partitions", "--json").stdout) if r["role"] == "leader"]
        return max(sorted(set(leads)), key=leads.count), leads

    def pid(self, node):
        return next(d["pid"] for d in json.loads(self.tercet("local", "ps", "--json").stdout) if d["node"] == node)


def load(hosts, table, *args):
    return [BUILD / "bench/bench_load", "--host", hosts, "--table", table, *map(str, args)]


def make_table(db, name, units=10000):
    db.create_table(TableName=name, BillingMode="PROVISIONED", KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                    AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
                    ProvisionedThroughput={"ReadCapacityUnits": units, "WriteCapacityUnits": units})
    while db.describe_table(TableName=name)["Table"]["TableStatus"] != "ACTIVE":
        time.sleep(0.1)


def measure(c, hosts, timeline):
    """The moment of the loss, the node lost, and how many groups it led."""
    generator = subprocess.Popen(load(hosts, "bench", "--op", "mixed", "--connections", 600, "--rate", RATE, "--keys", KEYS, "--seconds",
                                      LIMIT_S + QUIET_S + AFTER_S, "--timeline", timeline), stdout=subprocess.DEVNULL)
    watcher = threading.Thread(target=c.watch)
    watcher.start()
    time.sleep(QUIET_S)
    node, leads = c.busiest()
    pid = c.pid(node)
    killed = time.time()
    os.kill(pid, signal.SIGKILL)
    while time.time() < killed + LIMIT_S:
        time.sleep(0.2)
        at, count, _, storage = c.groups[-1]
        if at > killed + 1 and storage == count:
            break
    time.sleep(AFTER_S)
    generator.send_signal(signal.SIGTERM)
    generator.wait()
    c.stopped.set()
    watcher.join()
    return killed, node, leads.count(node)


def first_whole(c, killed, column):
    """Seconds after the loss from which on every group was whole; None: never."""
    since = None
    for at, count, *whole in c.groups:
        if at < killed:
            continue
        if whole[column] < count or count == 0:
            since = None
        elif since is None:
            since = at - killed
    return since


def read_timeline(path, killed):
    rows = []
    for line in open(path):
        parts = line.split()
        if len(parts) == 3: # the last line may be cut
            rows.append((int(parts[0]) / 1000 - killed, int(parts[1]) / 1000, parts[2] == "1"))
    return rows


def bins(rows):
    """Per BIN_MS of sending time: (second, sent, failed, p50, p90, max in ms; no number where nothing was sent)."""
    by_bin = {}
    for at, ms, ok in rows:
        by_bin.setdefault(int(at * 1000 // BIN_MS), []).append((ms, ok))
    out = []
    for b in range(min(by_bin), max(by_bin) + 1):
        got = sorted(by_bin.get(b, []))
        lat = [ms for ms, ok in got] or [float("nan")]
        out.append((b * BIN_MS / 1000, len(got), sum(not ok for _, ok in got), lat[len(lat) // 2], lat[len(lat) * 90 // 100], lat[-1]))
    return out


def longest_gap(rows, since, until):
    """Longest time in which no request was answered well, in seconds."""
    done = sorted(at + ms / 1000 for at, ms, ok in rows if ok)
    done = [t for t in done if since <= t <= until]
    return max((b - a for a, b in zip(done, done[1:])), default=float("inf"))


def draw(path, per_bin, c, killed, figures):
    fig, (top, middle, low) = plt.subplots(3, 1, figsize=(11, 8), sharex=True, gridspec_kw={"height_ratios": [2, 3, 2]})
    t = [b[0] for b in per_bin]
    top.fill_between(t, [b[1] * 1000 / BIN_MS for b in per_bin], color="#7aa6c2", step="post", label="sent and answered")
    if figures["errors"]:
        top.fill_between(t, [b[2] * 1000 / BIN_MS for b in per_bin], color="#c0392b", step="post", label="with an error")
    top.set_ylabel("requests per s")
    top.legend(loc="lower right")
    middle.semilogy(t, [b[5] for b in per_bin], color="#b5b5b5", label="slowest")
    middle.semilogy(t, [b[4] for b in per_bin], color="#e08e45", label="90 %")
    middle.semilogy(t, [b[3] for b in per_bin], color="#2c5d7c", label="half")
    middle.set_ylabel("latency, ms\n(by time of sending)")
    middle.grid(alpha=0.3)
    middle.legend(loc="upper right")
    g = [(at - killed, count, logs, storage) for at, count, logs, storage in c.groups]
    low.step([x[0] for x in g], [x[1] for x in g], where="post", color="#c9c9c9", label="groups")
    low.step([x[0] for x in g], [x[2] for x in g], where="post", color="#e08e45", label="with three durable logs")
    low.step([x[0] for x in g], [x[3] for x in g], where="post", color="#2c5d7c", label="with three storage replicas")
    low.set_ylabel("groups")
    low.set_ylim(bottom=0)
    low.set_xlabel(f"seconds after {figures['node']} was killed")
    low.legend(loc="lower right")
    for axis in (top, middle, low):
        axis.axvline(0, color="#c0392b", linewidth=1, linestyle="--")
        for key in ("logs_s", "storage_s"):
            if figures[key] is not None:
                axis.axvline(figures[key], color="#888888", linewidth=1, linestyle=":")
    top.set_title(f"One of six storage nodes lost under {RATE} requests/s: three logs after {figures['logs_s'] or float('nan'):.1f} s, "
                  f"three storage replicas after {figures['storage_s'] or float('nan'):.1f} s, slowest answer {figures['slowest_ms'] / 1000:.2f} s",
                  fontsize=10)
    fig.tight_layout()
    fig.savefig(path, dpi=110)


def main():
    data = tempfile.mkdtemp(prefix="tercet-bench-", dir=os.environ.get("TERCET_BENCH_DIR", "/var/tmp"))
    c, timeline = Cluster(data), pathlib.Path(data) / "timeline"
    hosts = f"127.0.0.1:{PORT},127.0.0.1:{PORT + 1}"
    try:
        up = c.tercet("local", "up", "--port", str(PORT), "--nodes-per-zone", "2")
        if up.returncode:
            sys.exit(up.stderr)
        db = boto3.client("dynamodb", endpoint_url=f"http://127.0.0.1:{PORT}", region_name="us-east-1", aws_access_key_id="tercet",
                          aws_secret_access_key="tercet-local-secret")
        for name in ("bench", "beside"):
            make_table(db, name)
        time.sleep(1)
        subprocess.run(load(hosts, "bench", "--op", "put", "--sequential", "--keys", KEYS, "--seconds", 120), check=True, stdout=subprocess.DEVNULL)
        killed, node, led = measure(c, hosts, timeline)
        rows = read_timeline(timeline, killed)
        held = len({r["gid"] for r in json.loads(c.tercet("partitions", "--json").stdout or "[]")})
        figures = {"node": node, "led": led, "groups": held, "rate": RATE, "items": KEYS, "logs_s": first_whole(c, killed, 0), "storage_s": first_whole(c, killed, 1),
                   "gap_s": longest_gap(rows, -1, 30), "errors": sum(not ok for *_, ok in rows), "requests": len(rows),
                   "over_100_ms": sum(ms > 100 for _, ms, _ in rows),
                   "slowest_ms": max(ms for _, ms, _ in rows)}
        OUT.mkdir(parents=True, exist_ok=True)
        draw(OUT / "node-lost.png", bins(rows), c, killed, figures)
        (OUT / "node-lost.json").write_text(json.dumps(figures, indent=1))
        for key, value in figures.items():
            print(f"{key:<11} {value if not isinstance(value, float) else round(value, 2)}")
        print(f"picture: {OUT / 'node-lost.png'}")
    finally:
        c.stopped.set()
        c.tercet("local", "down")
        shutil.rmtree(data, ignore_errors=True)


main()

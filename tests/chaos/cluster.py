"""Every daemon of a three-zone cluster as a process, each storage node and router on a host of its own.

  hub          memds a b, gac a b, archiver, scrubber, autoadmin, a canary, and the clients
  storage-*    a host, a disk and a shim each;  router-a, router-b: a host each
"""
import json
import os
import pathlib
import signal
import subprocess
import threading
import time
import urllib.request

from control import Control
from disk import Disk
from net import HUB, Host, make_hub

DISK_BYTES, ARCHIVE_BYTES = 1 << 30, 4 << 30
OPTIONS = {
    "storage": ["--wal-segment-bytes", "16M", "--wal-max-bytes", "512M", "--checkpoint-bytes", "4M", "--checkpoint-interval-ms", "10000",
                "--segment-age-ms", "3000"],
    "autoadmin": ["--node-full-bytes", "64M"],
    "scrubber": ["--quick-interval-ms", "1h", "--deep-interval-ms", "10h"],
}
GROWN_WITH = {"storage": ("memds", "archiver"), "router": ("memds", "gac"), "scrubber": ("storage",), "autoadmin": ("storage",),
              "memds": ("memds",), "canary": ("router",)}
FLAG = {("memds", "memds"): "--peers", ("canary", "router"): "--routers"}


class Daemon:
    def __init__(self, kind, zone, node, slot, host):
        self.kind, self.zone, self.node, self.host = kind, zone, node, host
        self.ip = host.ip if host else HUB
        self.rpc, self.admin, self.http = 7100 + slot, 7200 + slot, 8000
        self.process, self.disk, self.control, self.log = None, None, None, None
        self.wanted = False  # the harness wants it to run: if it ends, it did so by itself

    def running(self):
        return self.process is not None and self.process.poll() is None

    def address(self, kind):
        return f"{self.ip}:{self.http if kind == 'router' else self.rpc}"

    def get(self, path, timeout=2.0):
        with urllib.request.urlopen(f"http://{self.ip}:{self.admin}{path}", timeout=timeout) as answer:
            return answer.read().decode()


class Cluster:
    def __init__(self, build, work, nodes_per_zone=1):
        self.build, self.work, self.daemons = pathlib.Path(build), pathlib.Path(work), []
        self.tables, self.lock = [], threading.RLock()
        for folder in ("log", "data", "disk", "control"):
            (self.work / folder).mkdir(parents=True, exist_ok=True)
        make_hub()
        self.place(nodes_per_zone)
        self.archive_disk = Disk(self.work / "disk/archive.img", self.work / "data/archive", ARCHIVE_BYTES)

    def place(self, nodes_per_zone):
        for zone in "abc":
            for i in range(nodes_per_zone):
                self.add_storage(zone, f"storage-{zone}{i + 1 if nodes_per_zone > 1 else ''}")
        for kind, zones in (("memds", "ab"), ("gac", "ab"), ("router", "ab"), ("archiver", "a"), ("scrubber", "a"), ("autoadmin", "a"), ("canary", "a")):
            for zone in zones:
                node = f"{kind}-{zone}"
                self.add(kind, zone, node, Host(node, 10 + len(self.daemons)) if kind == "router" else None)

    def add(self, kind, zone, node, host):
        d = Daemon(kind, zone, node, len(self.daemons), host)
        d.log, d.data = self.work / "log" / f"{node}.log", self.work / "data" / node
        self.daemons.append(d)
        return d

    def add_storage(self, zone, node):
        d = self.add("storage", zone, node, Host(node, 10 + len(self.daemons)))
        d.disk = Disk(self.work / f"disk/{node}.img", d.data, DISK_BYTES)
        d.control = Control(self.work / f"control/{node}")

    def of(self, kind):
        return [d for d in self.daemons if d.kind == kind]

    def named(self, node):
        return next(d for d in self.daemons if d.node == node)

    # ---- processes ----

    def command(self, d):
        args = [str(self.build / "bin" / f"tercet-{d.kind}"), "--node", d.node, "--zone", d.zone, "--cluster", "chaos", "--data", str(d.data / "node"),
                "--rpc-listen", f"{d.ip}:{d.rpc}", "--admin-listen", f"{d.ip}:{d.admin}", *OPTIONS.get(d.kind, [])]
        for other in GROWN_WITH.get(d.kind, ()):
            args += [FLAG.get((d.kind, other), f"--{other}"), ",".join(o.address(other) for o in self.of(other))]
        if d.kind == "router":
            args += ["--http-listen", f"{d.ip}:{d.http}"]
        if d.kind in ("archiver", "scrubber"):
            args += ["--archive", f"dir:{self.work}/data/archive/store"]
        if d.control:
            args = ["env", f"LD_PRELOAD={self.build}/chaos/chaos_shim.so", f"TERCET_CHAOS_CONTROL={d.control.path}", *args]
        return d.host.enter(*args) if d.host else args

    def start(self, *daemons):
        with self.lock:
            for d in daemons:
                d.wanted = True
                if not d.running():
                    self.spawn(d)

    def spawn(self, d):
        try:
            (d.data / "node").mkdir(parents=True, exist_ok=True)
        except OSError:
            pass  # a full disk: the daemon will say so itself
        with open(d.log, "ab") as log:
            d.process = subprocess.Popen(self.command(d), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def kill(self, *daemons):
        with self.lock:
            for d in daemons:
                d.wanted = False
                if d.running():
                    os.kill(d.process.pid, signal.SIGKILL)
            for d in daemons:
                if d.process:
                    d.process.wait()

    def fallen(self):
        """(daemon, exit code) of each that should run and does not; it is taken as not wanted from then on."""
        with self.lock:
            down = [d for d in self.daemons if d.wanted and not d.running()]
            for d in down:
                d.wanted = False
            return [(d, d.process.returncode) for d in down]

    def stop(self, d, seconds=20):
        """Drain: SIGTERM and wait. False: it had to be killed."""
        with self.lock:
            d.wanted = False
            if not d.running():
                return True
            d.process.terminate()
        try:
            d.process.wait(seconds)
            return True
        except subprocess.TimeoutExpired:
            self.kill(d)
            return False

    def up(self):
        (self.work / "data/archive/store").mkdir(exist_ok=True)
        self.start(*self.daemons)

    def down(self):
        for kinds in (("canary", "autoadmin", "scrubber"), ("router",), ("storage", "memds", "gac", "archiver")):
            some = [d for d in self.daemons if d.kind in kinds]
            for d in some:
                d.wanted = False
                if d.running():
                    d.process.terminate()
            for d in some:
                self.stop(d)

    def power_cut(self):
        """All machines at once: what was not synced is gone everywhere."""
        with self.lock: # nothing is started while the disks are away
            for disk in self.disks():
                disk.cut_power()
            self.kill(*self.daemons)
            for disk in self.disks():
                disk.restore_power()

    def disks(self):
        return [d.disk for d in self.of("storage")] + [self.archive_disk]

    # ---- what the daemons say ----

    def status(self, d):
        """A daemon's /status, or None if it cannot be had."""
        try:
            return json.loads(d.get("/status"))
        except (OSError, ValueError):
            return None

    def replicas(self):
        """(daemon, replica as in /status) of every storage node that answers."""
        for d in self.of("storage"):
            for r in (self.status(d) or {}).get("replicas", []):
                yield d, r

    def leader_of(self, table):
        return next((d for d, r in self.replicas() if r["table"] == table and r["serving"]), None)

    def metric(self, d, name):
        try:
            lines = d.get("/metrics").splitlines()
        except OSError:
            return 0.0
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))

    def tercet(self, *args, timeout=600):
        addresses = ",".join(d.address("storage") for d in self.of("storage"))
        return subprocess.run([self.build / "bin/tercet", *args, "--cluster", "chaos", "--storage", addresses, "--scrubber", self.named("scrubber-a").address("scrubber")],
                              capture_output=True, text=True, timeout=timeout)

    def log_tail(self, d, lines=8):
        return d.log.read_text(errors="replace").splitlines()[-lines:] if d.log.exists() else []

    def wait_ready(self, seconds=60):
        until = time.monotonic() + seconds
        for d in self.of("storage") + self.of("router"):
            while not self.ready(d):
                if time.monotonic() > until:
                    raise RuntimeError(f"{d.node} is not ready after {seconds} s: {self.log_tail(d)}")
                time.sleep(0.05)

    def settle(self, d, seconds=30):
        """Wait until a storage node is ready and holds what its groups had committed by now. False: it is not."""
        goals = {r["gid"]: r["commit"] for _, r in self.replicas() if r["serving"]}
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            have = {r["gid"]: r["applied"] for r in (self.status(d) or {}).get("replicas", [])}
            if have and self.ready(d) and all(have[g] >= goals.get(g, 0) for g in have):
                return True
            time.sleep(0.05)
        return False

    def ready(self, d):
        try:
            d.get("/readyz", timeout=1)
            return True
        except OSError:
            return False

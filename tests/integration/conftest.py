"""Fixtures: a local cluster of real daemons in a scratch folder, and clients for it."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import boto3
import botocore.config
import pytest

BIN = pathlib.Path(os.environ["TERCET_BIN"])
KEY, SECRET, REGION = "tercet", "tercet-local-secret", "us-east-1"


def free_base():
    """A first port whose whole range of a local cluster is free; runs side by side begin their search at different places."""
    for i in range(50):
        base = 10000 + (os.getpid() + i) % 50 * 400
        ports = [base, base + 1] + [base + 100 + i for i in range(30)] + [base + 200 + i for i in range(30)]
        if all(connectable(p) is False for p in ports):
            return base
    raise RuntimeError("no free port range")


def connectable(port):
    with socket.socket() as s:
        s.settimeout(0.5)
        return s.connect_ex(("127.0.0.1", port)) == 0


class Cluster:
    def __init__(self, data, port, env=None):
        self.data, self.port, self.env = pathlib.Path(data), port, {**os.environ, **(env or {})}
        self.endpoints = [f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}"]

    def tercet(self, *args, check=True):
        return subprocess.run([BIN / "tercet", *args], check=check, capture_output=True, text=True, timeout=120, env=self.env)

    def up(self, *args):
        done = self.tercet("local", "up", "--data", self.data, "--port", str(self.port), *args, check=False)
        assert done.returncode == 0, done.stderr + self.logs()
        return done.stdout

    def down(self):
        self.tercet("local", "down", "--data", self.data, check=False)

    def ps(self):
        return json.loads(self.tercet("local", "ps", "--json", "--data", self.data, check=False).stdout)

    def one(self, verb, node):
        self.tercet("local", verb, node, "--data", self.data)

    def kill(self, *nodes):
        """kill -9 of every node named at the same moment."""
        pids = [d["pid"] for d in self.ps() if d["node"] in nodes and d["running"]]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        until = time.time() + 10
        while time.time() < until and any(d["running"] for d in self.ps() if d["node"] in nodes):
            time.sleep(0.02)

    def pid(self, node):
        return next(d["pid"] for d in self.ps() if d["node"] == node)

    def nodes(self, daemon):
        return [d["node"] for d in self.ps() if d["daemon"] == f"tercet-{daemon}"]

    def status(self, node):
        """The daemon's own /status."""
        port = next(d["admin_port"] for d in self.ps() if d["node"] == node)
        return json.loads(http_get(port, "/status"))

    def metrics(self, node):
        port = next(d["admin_port"] for d in self.ps() if d["node"] == node)
        values = {}
        for line in http_get(port, "/metrics").splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                values[name] = float(value)
        return values

    def replicas(self, table):
        """(node, /status entry) of every replica of the table."""
        ports = [(d["node"], d["admin_port"]) for d in self.ps() if d["daemon"] == "tercet-storage"]
        return [(n, r) for n, port in ports for r in json.loads(http_get(port, "/status"))["replicas"] if r["table"] == table]

    def partitions(self):
        """Rows of `tercet partitions --json`: every replica that a living node reports."""
        return json.loads(self.tercet("partitions", "--json", "--data", self.data, check=False).stdout or "[]")

    def copies(self, gone=()):
        """{gid: (durable logs, storage replicas)}: members on nodes that are not gone, heard by their leader within 2.5 s."""
        rows = self.partitions()
        out = {r["gid"]: [0, 0] for r in rows}
        for r in rows:
            counts = r["node"] not in gone and r["silent_s"] is not None and r["silent_s"] < 2.5 and r["kind"] != "learner"
            out[r["gid"]][0] += counts
            out[r["gid"]][1] += counts and r["kind"] == "storage" and r["state"] == "ok"
        return out

    def scrub(self, gid=0):
        """Exit status and groups of `tercet scrub --json`."""
        done = self.tercet("scrub", "--json", "--group", str(gid), "--data", self.data, check=False)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    def client(self, router=0, **config):
        options = {"retries": {"mode": "standard", "max_attempts": 10}, "read_timeout": 15, "connect_timeout": 3}
        options.update(config)
        return boto3.client("dynamodb", endpoint_url=self.endpoints[router], region_name=REGION, aws_access_key_id=KEY,
                            aws_secret_access_key=SECRET, config=botocore.config.Config(**options))

    def logs(self, lines=15):
        out = []
        for log in sorted((self.data / "log").glob("*.log")):
            tail = log.read_text(errors="replace").splitlines()[-lines:]
            out.append(f"--- {log.name}\n" + "\n".join(tail))
        return "\n".join(out)


def http_get(port, path):
    import urllib.request
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        return answer.read().decode()


def wait_for(what, seconds, check):
    """The first true value of check(), asked until then; what: the sentence to fail with."""
    until = time.time() + seconds
    while True:
        value = check()
        if value:
            return value
        assert time.time() < until, f"after {seconds} s still not: {what}"
        time.sleep(0.1)


def make_table(db, name, sort=None, wait=True, **kwargs):
    attributes = [{"AttributeName": "pk", "AttributeType": "S"}]
    keys = [{"AttributeName": "pk", "KeyType": "HASH"}]
    if sort:
        attributes.append({"AttributeName": "sk", "AttributeType": sort})
        keys.append({"AttributeName": "sk", "KeyType": "RANGE"})
    kwargs.setdefault("BillingMode", "PAY_PER_REQUEST")
    answer = db.create_table(TableName=name, AttributeDefinitions=attributes, KeySchema=keys, **kwargs)
    assert answer["TableDescription"]["TableStatus"] == "CREATING"
    until = time.time() + 20
    while wait and db.describe_table(TableName=name)["Table"]["TableStatus"] != "ACTIVE":
        assert time.time() < until, f"{name} is not ACTIVE after 20 s"
        time.sleep(0.05)
    return name


def start(request, *args, env=None):
    """A cluster for a fixture; env: daemons' options as TERCET_OPTION_NAME."""
    data = tempfile.mkdtemp(prefix="tercet-test-")
    cluster = Cluster(data, free_base(), env)
    try:
        cluster.up(*args)
        yield cluster
        if request.session.testsfailed:
            print(cluster.logs())
    finally:
        cluster.down()
        shutil.rmtree(data, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster(request):
    """Shared by tests that do no harm to it."""
    yield from start(request)


@pytest.fixture(scope="session")
def old_split(cluster):
    """(gid of a group that was split when the first test asked for this, its table); its replicas go 30 s later."""
    name = make_table(cluster.client(), "t-old-split")
    gid = min(r["gid"] for _, r in cluster.replicas(name))
    cluster.client().put_item(TableName=name, Item={"pk": {"S": "before"}})
    cluster.tercet("split", str(gid), "--data", cluster.data)
    return gid, name


@pytest.fixture
def own_cluster(request):
    """For tests that kill daemons and damage disks."""
    yield from start(request)


@pytest.fixture
def six_nodes(request):
    """Two storage nodes per zone: groups can heal."""
    yield from start(request, "--nodes-per-zone", "2")


@pytest.fixture
def db(cluster):
    return cluster.client()


@pytest.fixture
def table(db, request):
    name = "t-" + "".join(c if c.isalnum() else "-" for c in request.node.name)[:60]
    return make_table(db, name, sort="S")

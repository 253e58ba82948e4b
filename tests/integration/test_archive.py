"""The archive goes away under load: clients must not notice, and what waited must arrive."""
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest

from conftest import connectable, make_table, start, wait_for
from workload import Load

OUTAGE_S = float(os.environ.get("TERCET_OUTAGE_S", "8"))
CATCH_UP_S = 60
S3_SERVER = pathlib.Path(os.environ.get("TERCET_CACHE", pathlib.Path.home() / ".cache" / "tercet")) / "s3" / "versitygw"
S3_KEY, S3_SECRET = "tercetkey", "tercetsecret"
QUICK = {"TERCET_CHECKPOINT_INTERVAL_MS": "1s", "TERCET_SEGMENT_AGE_MS": "100ms"}


def lag(cluster, table):
    """Entries of the table's groups that are committed and not archived, as the replica that knows least sees it."""
    groups = {}
    for _, r in cluster.replicas(table):
        groups.setdefault(r["gid"], []).append(r)
    return sum(max(r["commit"] for r in g) - min(r["archived"] for r in g) for g in groups.values())


def outage(cluster, seconds, break_it, mend_it):
    """Load before, while and after; what the archive lacks at the end of the outage must arrive."""
    with Load(cluster, f"load-{break_it.__name__}") as load:
        time.sleep(1)
        break_it()
        broken = time.time()
        time.sleep(seconds)
        waiting, during = lag(cluster, load.table), [t for t in load.successes if t > broken]
        mend_it()
        time.sleep(1)
    assert not load.errors, load.errors
    assert load.longest_gap(broken) < 5
    assert len(during) > 10 * seconds
    assert waiting > len(during) // 4, "the archive was not away"
    mended = time.time()
    wait_for("every replica knows that everything is archived", CATCH_UP_S, lambda: lag(cluster, load.table) == 0)
    print(f"{break_it.__name__}: {seconds:.0f} s without archive: {len(during)} requests, longest gap {load.longest_gap(broken):.2f} s, "
          f"{waiting} entries waited and were archived {time.time() - mended:.1f} s after the load's end")
    load.verify(cluster.client())
    return load


def all_clean(cluster, gids=(0,)):
    """0: every group."""
    groups = [g for gid in gids for g in cluster.scrub(gid)[1]]
    bad = [(g["gid"], c) for g in groups for c in g["checks"] if c["state"] != "clean"]
    assert groups and not bad, bad
    return groups


@pytest.fixture
def quick_cluster(request):
    yield from start(request, env=QUICK)


def test_archiver_stops_under_load(quick_cluster):
    cluster = quick_cluster

    def kill_archiver():
        cluster.kill("archiver-a")

    outage(cluster, OUTAGE_S, kill_archiver, lambda: cluster.one("start", "archiver-a"))
    groups = all_clean(cluster)
    print(f"{len(groups)} groups clean, reference included")


def test_a_scrub_says_what_it_waits_for(request):
    """The archiver is gone: the scrub says so while it waits, waits long once only, and ends with what to do."""
    for cluster in start(request, env={**QUICK, "TERCET_ARCHIVE_WAIT_MS": "6s"}):
        name = make_table(cluster.client(), "waits")
        cluster.client().put_item(TableName=name, Item={"pk": {"S": "x"}})
        wait_for("the archive to have it", CATCH_UP_S, lambda: lag(cluster, name) == 0)
        cluster.kill("archiver-a")
        began = time.time()
        done = cluster.tercet("scrub", "--data", cluster.data, check=False)
        took, said = time.time() - began, done.stderr.splitlines()
        groups = [line for line in done.stdout.splitlines() if line.startswith("group ")]
        assert done.returncode == 1 and len(groups) > 4, done.stdout
        waits = [line for line in said if "waits for the archive to reach index" in line]
        assert waits and ", 6 s at most" in waits[0] and any(", 2 s at most" in line for line in waits[1:]), said
        assert "docs/runbooks/archive-down.md" in said[-1] and "were not compared with the archive" in said[-1], said
        print(f"{len(groups)} groups in {took:.1f} s; {len(said)} lines, the first: {said[0]}")


class S3Server:
    """versitygw, which verifies signatures, over a folder."""

    def __init__(self, folder):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.folder = folder
        (folder / "tercet-archive").mkdir()
        self.start()

    def start(self):
        env = {**os.environ, "ROOT_ACCESS_KEY": S3_KEY, "ROOT_SECRET_KEY": S3_SECRET}
        self.process = subprocess.Popen([S3_SERVER, "--port", f"127.0.0.1:{self.port}", "posix", self.folder], env=env,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for("the S3 server listens", 20, lambda: connectable(self.port))

    def kill(self):
        self.process.kill()
        self.process.wait()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)


@pytest.fixture
def s3(tmp_path):
    if not S3_SERVER.exists():
        pytest.skip(f"no S3 server in {S3_SERVER}: `./dev test s3` installs it")
    server = S3Server(tmp_path)
    yield server
    server.kill()


def test_s3_server_goes_away_under_load(request, s3):
    url = f"s3://tercet-archive/demo?endpoint=http://127.0.0.1:{s3.port}"
    for cluster in start(request, "--archive", url, env={**QUICK, "TERCET_S3_KEY_ID": S3_KEY, "TERCET_S3_SECRET": S3_SECRET}):
        tables = [outage(cluster, OUTAGE_S / 3, s3.kill, s3.start).table, outage(cluster, OUTAGE_S / 3, s3.freeze, s3.thaw).table]
        groups = all_clean(cluster, sorted({r["gid"] for t in tables for _, r in cluster.replicas(t)}))
        segments = sum(1 for p in (s3.folder / "tercet-archive").rglob("*") if p.parent.name == "log")
        assert segments >= len(groups)
        print(f"{len(groups)} groups clean, {segments} segments in the bucket")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"http://127.0.0.1:{s3.port}/tercet-archive?list-type=2", timeout=5)  # unsigned: the server does verify

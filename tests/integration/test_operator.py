"""What an operator types and sees: every command's output, every daemon's admin endpoint, a clean stop."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.error

import pytest

from conftest import BIN, http_get, wait_for
from workload import Load

DAEMONS = ["archiver", "autoadmin", "canary", "gac", "memds", "router", "scrubber", "storage"]


def run(*args, **kwargs):
    return subprocess.run(args, capture_output=True, text=True, timeout=60, **kwargs)


def test_ps_nodes_and_partitions_for_programs(cluster):
    ps = cluster.ps()
    assert {d["daemon"] for d in ps} == {f"tercet-{d}" for d in DAEMONS} and all(d["running"] and d["pid"] > 1 for d in ps)
    nodes = json.loads(cluster.tercet("nodes", "--json", "--data", cluster.data).stdout)
    assert sorted(n["node"] for n in nodes) == sorted(cluster.nodes("storage")) and all(n["answers"] and n["disk_free_bytes"] > 0 for n in nodes)
    partitions = json.loads(cluster.tercet("partitions", "--json", "--data", cluster.data).stdout)
    by_group = {}
    for p in partitions:
        by_group.setdefault(p["gid"], []).append(p)
    assert all(len({p["node"] for p in replicas}) == 3 for replicas in by_group.values())
    assert all(p["state"] == "ok" and p["role"] in ("leader", "follower", "candidate") for p in partitions), partitions
    listed = ",".join(f"127.0.0.1:{d['rpc_port']}" for d in ps if d["daemon"] == "tercet-storage")
    by_address = json.loads(cluster.tercet("nodes", "--json", "--storage", listed).stdout)
    assert [n["node"] for n in by_address] == [n["node"] for n in nodes]


def test_tables_for_people(cluster):
    for command, first in ((["local", "ps"], "DAEMON"), (["nodes"], "NODE"), (["partitions"], "GROUP")):
        lines = cluster.tercet(*command, "--data", cluster.data).stdout.splitlines()
        assert lines[0].split()[0] == first and len(lines) > 3


def test_scrub_for_programs(cluster):
    code, groups = cluster.scrub(1)
    assert [g["gid"] for g in groups] == [1] and {c["check"] for c in groups[0]["checks"]} == {"vectors", "reference", "pages", "archive"}
    assert code == (0 if all(c["state"] == "clean" for c in groups[0]["checks"]) else 1)
    nothing = cluster.tercet("scrub", "--json", "--group", "999999", "--data", cluster.data, check=False)
    checks = json.loads(nothing.stdout)[0]["checks"]
    assert nothing.returncode == 1 and [c["state"] for c in checks] == ["not run"] and "holds the group" in checks[0]["why"]


def test_commands_that_find_nobody(tmp_path):
    for command in ("nodes", "partitions", "scrub"):
        done = run(BIN / "tercet", command, "--data", tmp_path)
        assert done.returncode == 1 and "tercet local up" in done.stderr
    silent = run(BIN / "tercet", "nodes", "--json", "--storage", "127.0.0.1:1")
    assert silent.returncode == 1 and [n["answers"] for n in json.loads(silent.stdout)] == [False]
    for wrong in (["fly"], ["nodes", "--fly"], ["local", "fly"], ["local", "up", "--fly"], []):
        done = run(BIN / "tercet", *wrong, env={**os.environ, "HOME": str(tmp_path)})
        assert done.returncode in (1, 2) and done.stderr and not done.stdout, (wrong, done)


@pytest.mark.parametrize("command", [[], ["local"], ["local", "up"], ["nodes"], ["partitions"], ["heal"], ["drain"], ["move"], ["transfer"],
                                     ["scrub"], ["health"]])
def test_help_of_every_command(command):
    done = run(BIN / "tercet", *command, "--help", env={**os.environ, "HOME": "/nonexistent"})
    assert done.returncode == 0 and "usage:" in done.stdout and not done.stderr, done


@pytest.mark.parametrize("name", DAEMONS)
def test_help_and_lists_of_every_daemon(name):
    daemon = BIN / f"tercet-{name}"
    done = run(daemon, "--help")
    assert done.returncode == 0 and f"usage: tercet-{name}" in done.stdout and "--rpc-listen" in done.stdout
    options, metrics = run(daemon, "--list-options"), run(daemon, "--list-metrics")
    assert options.returncode == metrics.returncode == 0 and "admin-listen" in options.stdout
    assert metrics.stdout.count(f"tercet_{name}_") >= 3 or name == "gac", metrics.stdout
    assert run(daemon, "--version").stdout.startswith(f"tercet-{name} ")


@pytest.mark.parametrize("name", DAEMONS)
def test_check_config(name, tmp_path):
    daemon = BIN / f"tercet-{name}"
    config = tmp_path / "good.conf"
    config.write_text("zone = a\nrpc-listen = 127.0.0.1:7999\nlog-level = warn\ndata = /tmp\n")
    needed = {"archiver": ["--archive", f"dir:{tmp_path}"], "scrubber": ["--storage", "127.0.0.1:7100"]}
    good = run(daemon, "--check-config", "--config", config, *needed.get(name, []))
    assert good.returncode == 0 and "fine" in good.stdout, good
    config.write_text("zone = a\nspeed = 11\n")
    for bad, named in ((["--config", config], "speed"), (["--config", tmp_path / "absent"], "absent"), (["--fly"], "fly"), (["--rpc-listen", "nowhere"], "rpc-listen"),
                       (["--rpc-listen"], "rpc-listen"), (["--log-level", "loud"], "log-level"), (["--tls-cert", "x.pem"], "tls-key")):
        done = run(daemon, "--check-config", *bad)
        assert done.returncode == 2 and named in done.stderr and done.stderr.startswith(f"tercet-{name}: ") and done.stderr.count("\n") == 1, (bad, done)


def test_a_storage_node_tells_others_an_address_that_leads_to_it(tmp_path):
    """Beats and memberships carry it: 0.0.0.0 would lead every other node to itself."""
    def checked(*more):
        return run(BIN / "tercet-storage", "--check-config", "--data", tmp_path, *more)
    for everywhere in ("0.0.0.0:7000", "[::]:7000"):
        refused = checked("--rpc-listen", everywhere)
        assert refused.returncode == 2 and "--rpc-advertise" in refused.stderr, refused
        assert checked("--rpc-listen", everywhere, "--rpc-advertise", everywhere).returncode == 2
        assert checked("--rpc-listen", everywhere, "--rpc-advertise", "storage-a:7000").returncode == 0
    assert checked("--rpc-listen", "10.0.0.5:7000").returncode == 0


def test_admin_endpoint_of_every_daemon(cluster):
    for d in cluster.ps():
        port, name = d["admin_port"], d["daemon"].removeprefix("tercet-")
        assert http_get(port, "/livez")
        wait_for(f"{d['node']} is ready", 20, lambda: ready(port))
        assert f"tercet_{name}_" in http_get(port, "/metrics"), d["node"]
        assert isinstance(json.loads(http_get(port, "/status")), dict), d["node"]
        with pytest.raises(urllib.error.HTTPError, match="404"):
            http_get(port, "/nowhere")
        assert run(BIN / "tercet", "health", str(port)).returncode == 0


def ready(port):
    try:
        return http_get(port, "/readyz")
    except urllib.error.HTTPError:
        return False


def test_a_leader_that_is_stopped_hands_over_first(own_cluster):
    with Load(own_cluster) as load:
        wait_for("the load's groups have leaders", 20, lambda: leaders(own_cluster, load.table))
        time.sleep(2)
        node = max(own_cluster.nodes("storage"), key=leaders(own_cluster, load.table).count)
        led = leaders(own_cluster, load.table).count(node)
        calm, stopping = load.longest_gap(), time.time()
        own_cluster.one("stop", node)
        took = time.time() - stopping
        time.sleep(2)
    gap = load.longest_gap(stopping - 0.2)
    print(f"{node}, leader of {led} groups, stopped in {took:.2f} s; longest gap of all clients {gap:.3f} s ({calm:.3f} s before), errors {load.errors}")
    assert led and max(load.successes) > stopping + 1
    assert not load.errors, load.errors
    assert gap < 1, "longer than a lease: leadership was not handed over"
    own_cluster.one("start", node)
    load.verify(own_cluster.client())


def leaders(cluster, table):
    return [n for n, r in cluster.replicas(table) if r["serving"]]


def test_down_leaves_no_process(own_cluster):
    pids = [d["pid"] for d in own_cluster.ps()]
    started = time.time()
    done = own_cluster.tercet("local", "down", "--data", own_cluster.data)
    print(f"15 daemons down in {time.time() - started:.2f} s")
    assert "killed" not in done.stderr, done.stderr
    assert not [p for p in pids if pathlib.Path(f"/proc/{p}/exe").exists()]
    assert not processes_of(own_cluster) and not any(d["running"] for d in own_cluster.ps())
    own_cluster.up()
    assert all(d["running"] for d in own_cluster.ps())


def processes_of(cluster):
    """Command lines of processes that name the cluster's folder."""
    return [c for p in pathlib.Path("/proc").glob("[0-9]*/cmdline") if str(cluster.data) in (c := read(p)) and "tercet-" in c]


def read(path):
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def test_up_says_which_port_is_taken(cluster, tmp_path):
    done = cluster.tercet("local", "up", "--data", tmp_path / "second", "--port", str(cluster.port), check=False)
    assert done.returncode == 1 and any(f"port {d[k]} " in done.stderr for d in cluster.ps() for k in ("rpc_port", "admin_port", "http_port")), done
    assert not processes_of(type(cluster)(tmp_path / "second", 0))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1] - 204
        done = cluster.tercet("local", "up", "--data", tmp_path / "third", "--port", str(port), check=False)
        assert done.returncode == 1 and "is taken" in done.stderr and f"port {port + 204} " in done.stderr, done
    assert all(d["running"] for d in cluster.ps()), "the first cluster was harmed"


def test_up_twice_changes_nothing(cluster):
    before = {d["node"]: d["pid"] for d in cluster.ps()}
    cluster.up()
    assert {d["node"]: d["pid"] for d in cluster.ps()} == before


def test_a_daemon_whose_port_is_taken_says_so(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run(BIN / "tercet-memds", "--admin-listen", f"127.0.0.1:{port}", "--rpc-listen", "127.0.0.1:0", "--data", tmp_path)
    assert done.returncode not in (0, -signal.SIGSEGV) and str(port) in done.stderr, done

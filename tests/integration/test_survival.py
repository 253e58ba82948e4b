"""What a three-zone cluster must survive: daemons killed under load, everything killed, a lost disk."""
import os
import pathlib
import shutil
import sys
import time

import pytest

from workload import Load

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools" / "demo"))
import demo  # noqa: E402

SCALE = int(os.environ.get("TERCET_SCALE", "1500")) or None


def settle(cluster):
    """Wait until both routers answer strongly consistent reads of every partition again."""
    until = time.time() + 30
    while True:
        try:
            demo.check(cluster.endpoints[0])
            return
        except Exception:
            assert time.time() < until, cluster.logs()
            time.sleep(0.2)


def leader_of(cluster, table_prefix="load"):
    """A storage node that leads a group of the table under load."""
    for node in cluster.nodes("storage"):
        for r in cluster.status(node).get("replicas", []):
            if r.get("role") == "leader" and str(r.get("table", "")).startswith(table_prefix):
                return node
    pytest.fail("no storage node leads a group of the table")


def test_every_storage_node_killed_in_turn_then_all(own_cluster):
    want = demo.load(own_cluster.endpoints[0], SCALE)
    assert demo.check(own_cluster.endpoints[0]) == want
    with Load(own_cluster) as load:
        for node in own_cluster.nodes("storage"):
            time.sleep(1)
            own_cluster.kill(node)
            time.sleep(3)
            own_cluster.one("start", node)
            time.sleep(4)
    db = own_cluster.client()
    print(f"acknowledged {load.verify(db)} puts, longest gap {load.longest_gap():.2f} s, errors {load.errors}")
    assert demo.check(own_cluster.endpoints[0]) == want
    own_cluster.kill(*[d["node"] for d in own_cluster.ps()])
    own_cluster.up()
    settle(own_cluster)
    assert demo.check(own_cluster.endpoints[1]) == want
    load.verify(own_cluster.client())


def test_one_disk_lost(own_cluster):
    want = demo.load(own_cluster.endpoints[0], SCALE)
    own_cluster.kill("storage-b")
    shutil.rmtree(own_cluster.data / "storage-b")
    own_cluster.one("start", "storage-b")
    time.sleep(3)
    settle(own_cluster)
    assert demo.check(own_cluster.endpoints[0]) == want


def test_leader_killed_under_load(own_cluster):
    with Load(own_cluster) as load:
        time.sleep(2)
        node = leader_of(own_cluster)
        killed = time.time()
        own_cluster.kill(node)
        time.sleep(6)
    print(f"leader {node} killed: longest gap {load.longest_gap(killed - 0.5):.2f} s, errors {load.errors}")
    assert max(load.successes) > killed + 4
    own_cluster.one("start", node)
    load.verify(own_cluster.client())


def test_memds_gac_and_archiver_may_die(own_cluster):
    with Load(own_cluster) as load:
        time.sleep(1)
        own_cluster.kill(*own_cluster.nodes("gac"))
        own_cluster.kill(*own_cluster.nodes("archiver"))
        for node in own_cluster.nodes("memds"):
            own_cluster.kill(node)
            own_cluster.one("start", node)
        own_cluster.kill(*own_cluster.nodes("memds"))
        died = time.time()
        time.sleep(5)
        own_cluster.up()
        time.sleep(5)
    assert not load.errors, load.errors
    assert load.longest_gap(died) < 1
    load.verify(own_cluster.client())
    # What was committed by now; the canaries go on writing.
    goals = {(n, r["gid"]): r["commit"] for n in own_cluster.nodes("storage") for r in own_cluster.status(n)["replicas"]}
    until = time.time() + 60
    while goals:
        assert time.time() < until, f"what waited for the archive has not arrived after 60 s: {goals}"
        time.sleep(0.5)
        for node in own_cluster.nodes("storage"):
            for r in own_cluster.status(node)["replicas"]:
                if r["archived"] >= goals.get((node, r["gid"]), 1 << 62):
                    del goals[(node, r["gid"])]

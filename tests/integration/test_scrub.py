"""One bit flips on a disk: it is found, named, never served, and repaired from a healthy copy."""
import os
import pathlib
import re
import sys

import pytest

import damage
from conftest import start, wait_for

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools" / "demo"))
import demo  # noqa: E402

SCALE = int(os.environ.get("TERCET_SCALE", "1000")) or None
REPAIRED_S = 60
CLIENTS = {}


@pytest.fixture(scope="module")
def loaded(request):
    """A cluster whose checkpoints and archive soon have the demo table; (cluster, count and checksum)."""
    for cluster in start(request, env={"TERCET_CHECKPOINT_INTERVAL_MS": "1s", "TERCET_SEGMENT_AGE_MS": "100ms", "TERCET_DEEP_INTERVAL_MS": "1h"}):
        want = demo.load(cluster.endpoints[0], SCALE)
        wait_for("checkpoints and archive have every item", 30, lambda: settled(cluster))
        yield cluster, want


def settled(cluster):
    return all(r["state"] == "ok" and r["applied"] == r["checkpoint"] == r["archived"] == r["commit"] for _, r in cluster.replicas(demo.TABLE))


def read_everything(cluster, want):
    """By every router, strongly and eventually consistent: never wrong data, never a failure."""
    for router in (0, 1):
        for consistent in (True, False):
            assert content(cluster, router, consistent) == want, f"wrong data from router {router}, consistent={consistent}"


def content(cluster, router, consistent):
    """What demo.check computes, without its processes."""
    count, total = 0, 0
    for page in CLIENTS.setdefault((cluster, router), cluster.client(router)).get_paginator("scan").paginate(TableName=demo.TABLE, ConsistentRead=consistent):
        count += len(page["Items"])
        total += sum(demo.item_hash(demo.canonical(item)) for item in page["Items"])
    return count, total & (2**64 - 1)


def largest_group(cluster):
    return max((r for _, r in cluster.replicas(demo.TABLE)), key=lambda r: r["items"])["gid"]


def replica(cluster, gid, node):
    return next(r for r in cluster.status(node)["replicas"] if r["gid"] == gid)


def leader(cluster, gid):
    return wait_for("the group has a leader", 30, lambda: next((n for n, r in cluster.replicas(demo.TABLE) if r["gid"] == gid and r["serving"]), None))


def assert_logged(cluster, node, pattern):
    log = cluster.data / "log" / f"{node}.log"
    wait_for(f"{log} says {pattern}", 20, lambda: re.search(pattern, log.read_text()))


def states(groups):
    return {c["check"]: c["state"] for g in groups for c in g["checks"]}


def wait_repaired(cluster, gid, node, installed_before):
    wait_for("the damaged replica is installed anew", REPAIRED_S,
             lambda: cluster.metrics(node)["tercet_storage_snapshots_installed_total"] > installed_before and replica(cluster, gid, node)["state"] == "ok")
    wait_for("scrub is clean again", REPAIRED_S, lambda: cluster.scrub(gid)[0] == 0)


@pytest.mark.parametrize("which", ["leader", "follower"])
def test_a_page_rots_while_the_node_runs(loaded, which):
    cluster, want = loaded
    gid = largest_group(cluster)
    lead = leader(cluster, gid)
    node = lead if which == "leader" else next(n for n in cluster.nodes("storage") if n != lead)
    installed = cluster.metrics(node)["tercet_storage_snapshots_installed_total"]
    page = damage.flip_in_leaf(damage.tree_path(cluster, node, gid))
    read_everything(cluster, want)
    code, groups = cluster.scrub(gid)
    if code == 0:  # a cache flushed by nobody's doing may have led the node itself to the page and its repair
        assert cluster.metrics(node)["tercet_storage_snapshots_installed_total"] > installed
        return
    assert states(groups)["pages"] == "DAMAGED" and groups[0]["gid"] == gid
    finding = next(f for f in groups[0]["findings"] if f["check"] == "pages")
    assert finding["copy"].startswith(node + " ") and finding["page"] == page and finding["is_range"], finding
    assert finding["key"] < finding["end"] or not finding["end"]
    print(f"found: {finding}")
    read_everything(cluster, want)
    wait_repaired(cluster, gid, node, installed)
    read_everything(cluster, want)


def test_a_page_rots_while_the_node_is_down_and_a_read_meets_it(loaded):
    cluster, want = loaded
    gid = largest_group(cluster)
    node = leader(cluster, gid)
    cluster.one("stop", node)
    page = damage.flip_in_leaf(damage.tree_path(cluster, node, gid))
    cluster.one("start", node)
    wait_for("the node is back", 30, lambda: up_to_date(cluster, gid, node))
    found = "tercet_storage_damage_found_total"
    for _ in range(20):
        read_everything(cluster, want)
        if cluster.metrics(node)[found]:
            break
    assert cluster.metrics(node)[found] == 1, "twenty times all reads, and none met the page"
    assert_logged(cluster, node, rf"damage found. gid={gid} .*page={page} what=.* from=[0-9a-f]*")
    wait_repaired(cluster, gid, node, 0)
    read_everything(cluster, want)


def up_to_date(cluster, gid, node):
    try:
        r = replica(cluster, gid, node)
    except (OSError, StopIteration):
        return False
    return r["leader"] != 0 and r["state"] == "ok"


def test_an_archived_segment_rots(loaded):
    cluster, want = loaded
    gid = largest_group(cluster)
    segment = max((cluster.data / "archive" / "groups" / f"{gid:016x}" / "log").iterdir(), key=lambda p: p.stat().st_size)
    offset = segment.stat().st_size // 2
    damage.flip(segment, offset)
    code, groups = cluster.scrub(gid)
    finding = next(f for f in groups[0]["findings"] if f["check"] == "archive")
    assert code == 1 and finding["copy"].endswith(segment.name), groups
    checks = states(groups)
    assert checks["archive"] == "DAMAGED" and checks["reference"] != "clean", "what a damaged segment holds was used"
    assert checks["vectors"] == checks["pages"] == "clean", "the live copies are accused too"
    print(f"found: {finding}")
    read_everything(cluster, want)
    damage.flip(segment, offset)
    assert cluster.scrub(gid)[0] == 0


def test_a_log_record_rots(request):
    """Entries that no checkpoint has yet: the node must get the damaged one from its peers."""
    for cluster in start(request, env={"TERCET_CHECKPOINT_INTERVAL_MS": "1h", "TERCET_SEGMENT_AGE_MS": "100ms"}):
        want = demo.load(cluster.endpoints[0], SCALE)
        gid, node = largest_group(cluster), "storage-b"
        last = replica(cluster, gid, node)["commit"]
        cluster.kill(node)
        entries = {e[0]: e for e in damage.log_entries(cluster.data / node / "wal", gid)}
        index, path, offset, length = entries[last // 2]
        damage.flip(path, offset + length // 2)
        cluster.one("start", node)
        assert_logged(cluster, node, rf"damage found. gid={gid} .*the first is {index};")
        wait_for("the replica has applied everything again", REPAIRED_S, lambda: healthy(cluster, gid, node, last))
        read_everything(cluster, want)
        cluster.kill(*cluster.nodes("storage"))
        cluster.up()
        wait_for("the replica has applied everything after all were killed", REPAIRED_S, lambda: healthy(cluster, gid, node, last))
        read_everything(cluster, want)
        wait_for("scrub is clean", REPAIRED_S, lambda: cluster.scrub(gid)[0] == 0)
        assert (cluster.data / "log" / f"{node}.log").read_text().count("log entries are unreadable") == 1, "the entry was not repaired for good"
        print(f"entry {index} of {last} of group {gid}: {replica(cluster, gid, node)}")


def healthy(cluster, gid, node, last):
    try:
        r = replica(cluster, gid, node)
    except (OSError, StopIteration):
        return False
    return r["state"] == "ok" and r["applied"] >= last

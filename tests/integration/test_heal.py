"""Groups get their three copies back: a node lost, drained, without its disk; replicas moved by request. Six storage nodes, two per zone.

Seconds are measured and printed; what is asserted is that it happens, and that nothing acknowledged is lost.
"""
import json
import shutil
import time

from conftest import make_table, wait_for
from workload import Load

ZONE = {f"storage-{z}{n}": z for z in "abc" for n in ("", "2")}
SOON, LATER = 40, 150  # seconds within which three logs, and whole copies, must be back on a busy machine


def whole(cluster, column, gone=()):
    copies = cluster.copies(gone)
    return bool(copies) and all(c[column] >= 3 for c in copies.values())


def wait_whole(cluster, seconds, column, gone=()):
    """Seconds until every group has three durable logs (column 0) or three storage replicas (1) outside the nodes that are gone."""
    names = ("durable logs", "storage replicas")
    since = time.time()
    try:
        wait_for(f"three {names[column]} in every group", seconds, lambda: whole(cluster, column, gone))
    except AssertionError as e:
        raise AssertionError(f"{e}: {cluster.copies(gone)}\n{cluster.logs()}") from None
    return time.time() - since


def settled(cluster):
    """Three storage replicas in every group and nothing on its way."""
    wait_whole(cluster, LATER, 1)
    wait_for("`tercet heal` to say that all is well", LATER,
             lambda: cluster.tercet("heal", "--json", "--data", cluster.data, check=False).returncode == 0)


def zones_apart(cluster):
    groups = {}
    for r in cluster.partitions():
        if r["kind"] != "learner" and r["silent_s"] is not None:
            groups.setdefault(r["gid"], []).append(ZONE[r["node"]])
    assert groups and all(len(z) == len(set(z)) for z in groups.values()), groups


def scrub_clean(cluster):
    """At once, or as soon as the archive has what the scrub wants."""
    found = []

    def clean():
        code, groups = cluster.scrub()
        found[:] = [(g["gid"], c["name"], c["state"], c["why"]) for g in groups for c in g["checks"] if c["state"] != "clean"]
        return code == 0
    try:
        wait_for("a clean scrub", 90, clean)
    except AssertionError as e:
        raise AssertionError(f"{e}: {found}") from None


def held(cluster, node):
    return [r for r in cluster.partitions() if r["node"] == node]


def busiest(cluster):
    """The node that leads most, so that its loss costs leaders too."""
    leads = [r["node"] for r in cluster.partitions() if r["role"] == "leader"]
    return max(set(leads), key=leads.count)


def test_node_lost_under_load(six_nodes):
    settled(six_nodes)
    with Load(six_nodes) as load:
        time.sleep(2)
        node = busiest(six_nodes)
        killed = time.time()
        six_nodes.kill(node)
        logs = wait_whole(six_nodes, SOON, 0, gone=(node,))
        storage = logs + wait_whole(six_nodes, LATER, 1, gone=(node,))
        time.sleep(1)
    print(f"{node} lost: three durable logs after {logs:.1f} s, three storage replicas after {storage:.1f} s, "
          f"longest gap {load.longest_gap(killed - 1):.2f} s, errors {load.errors}")
    load.verify(six_nodes.client())
    zones_apart(six_nodes)
    code, groups = six_nodes.scrub()  # incomplete, for a configured node is silent; what could be compared is clean
    assert code == 1 and groups and all(c["state"] != "DAMAGED" for g in groups for c in g["checks"]), groups
    # What the node held is held by others; when it comes back it has nothing left to say in those groups.
    six_nodes.one("start", node)
    members = {(r["gid"], r["rid"]) for r in six_nodes.partitions() if r["silent_s"] is not None}
    wait_for(f"{node} to delete the replicas that were replaced", 60,
             lambda: all((r["gid"], r["rid"]) in members or r["kind"] == "learner" for r in held(six_nodes, node)))
    settled(six_nodes)
    load.verify(six_nodes.client())
    scrub_clean(six_nodes)


def test_node_killed_twice(six_nodes):
    settled(six_nodes)
    with Load(six_nodes) as load:
        time.sleep(1)
        node = busiest(six_nodes)
        for pause in (4, 1):  # the second time while it catches up or is being replaced
            six_nodes.kill(node)
            time.sleep(pause)
            six_nodes.one("start", node)
            time.sleep(1.5)
        logs = wait_whole(six_nodes, SOON, 0)
        time.sleep(1)
    print(f"{node} killed twice: three durable logs {logs:.1f} s after its last start, errors {load.errors}")
    settled(six_nodes)
    load.verify(six_nodes.client())
    zones_apart(six_nodes)
    scrub_clean(six_nodes)


def test_drained_node_empties_under_load(six_nodes):
    settled(six_nodes)
    with Load(six_nodes) as load:
        time.sleep(1)
        node = busiest(six_nodes)
        began = time.time()
        said = six_nodes.tercet("drain", node, "--data", six_nodes.data)
        assert node in said.stdout, said
        wait_for(f"{node} to hold nothing", LATER, lambda: not held(six_nodes, node))
        took = time.time() - began
        time.sleep(1)
    print(f"{node} drained in {took:.1f} s under load, longest gap {load.longest_gap(began):.2f} s, errors {load.errors}")
    state = {n["node"]: n["state"] for n in json.loads(six_nodes.tercet("nodes", "--json", "--data", six_nodes.data).stdout)}
    assert state[node] == "draining" and list(state.values()).count("up") == 5, state
    settled(six_nodes)
    zones_apart(six_nodes)
    load.verify(six_nodes.client())
    make_table(six_nodes.client(), "after-the-drain")
    assert not held(six_nodes, node), "a drained node was given a new table's replica"
    six_nodes.one("stop", node)  # nobody misses it
    load.verify(six_nodes.client())
    six_nodes.one("start", node)
    six_nodes.tercet("drain", node, "--cancel", "--data", six_nodes.data)
    scrub_clean(six_nodes)


def test_dead_disk_is_replaced_under_new_ids(six_nodes):
    settled(six_nodes)
    with Load(six_nodes) as load:
        time.sleep(1)
        node = busiest(six_nodes)
        before = {(r["gid"], r["rid"]) for r in held(six_nodes, node)}
        six_nodes.kill(node)
        shutil.rmtree(six_nodes.data / node)
        six_nodes.one("start", node)
        logs = wait_whole(six_nodes, SOON, 0)
        storage = logs + wait_whole(six_nodes, LATER, 1)
    print(f"disk of {node} lost: three durable logs after {logs:.1f} s, three storage replicas after {storage:.1f} s, errors {load.errors}")
    now = {(r["gid"], r["rid"]) for r in six_nodes.partitions()}
    assert before and not before & now, f"ids of the lost disk are in use again: {before & now}"
    settled(six_nodes)
    load.verify(six_nodes.client())
    zones_apart(six_nodes)
    scrub_clean(six_nodes)


def test_move_transfer_and_a_table_deleted_after_its_replica_moved(six_nodes):
    data = ["--data", six_nodes.data]
    db = six_nodes.client()
    make_table(db, "moved")
    settled(six_nodes)
    table = next(r for _, r in six_nodes.replicas("moved"))
    gid = str(table["gid"])
    at = {r["node"]: r for r in six_nodes.partitions() if r["gid"] == table["gid"]}
    leader = next(n for n, r in at.items() if r["role"] == "leader")
    source = next(n for n in at if n != leader)
    target = next(n for n in ZONE if ZONE[n] == ZONE[source] and n != source)
    other_zone = next(n for n in ZONE if n not in at and ZONE[n] != ZONE[source])
    for wrong in (["move", gid, "nobody", target], ["move", gid, source, other_zone], ["move", gid, source, source], ["move", "999999", source, target]):
        refused = six_nodes.tercet(*wrong, *data, check=False)
        assert refused.returncode == 2 and refused.stderr and not refused.stdout, (wrong, refused)
    six_nodes.tercet("move", gid, source, target, *data)
    wait_for(f"group {gid} to stand on {target}", LATER, lambda: {r["node"] for r in six_nodes.partitions() if r["gid"] == table["gid"]
                                                                 and r["kind"] == "storage"} == set(at) - {source} | {target})
    wait_for("the order to be over", 30, lambda: json.loads(six_nodes.tercet("move", "--json", *data).stdout) == [])
    settled(six_nodes)
    recorded = 'tercet_autoadmin_actions_total{action="record_members"}'
    wait_for("the placement record to follow", 30, lambda: six_nodes.metrics("autoadmin-a").get(recorded, 0) >= 1)
    done = six_nodes.tercet("transfer", gid, target, *data)
    assert target in done.stdout, done
    db.put_item(TableName="moved", Item={"pk": {"S": "k"}})
    scrub_clean(six_nodes)
    db.delete_table(TableName="moved")
    wait_for("every replica of the deleted table to be gone", 30, lambda: not six_nodes.replicas("moved"))
    wait_for("the table to be gone", 30, lambda: "moved" not in db.list_tables()["TableNames"])


def test_replica_of_a_dropped_table_goes_when_its_node_returns(six_nodes):
    db = six_nodes.client()
    make_table(db, "dropped")
    settled(six_nodes)
    node, replica = six_nodes.replicas("dropped")[0]
    table_id = next(r["table_id"] for r in six_nodes.partitions() if r["gid"] == replica["gid"])
    six_nodes.kill(node)
    wait_whole(six_nodes, LATER, 1, gone=(node,))
    db.delete_table(TableName="dropped")
    wait_for("the table to be gone without the lost node", 60, lambda: "dropped" not in db.list_tables()["TableNames"])
    six_nodes.one("start", node)
    answers = lambda: any(n["node"] == node and n["answers"] for n in json.loads(
        six_nodes.tercet("nodes", "--json", "--data", six_nodes.data, check=False).stdout))
    wait_for(f"{node} to answer again", 30, answers)
    wait_for(f"{node} to delete what it had of the table", 60, lambda: table_id not in {r["table_id"] for r in held(six_nodes, node)})
    forgotten = 'tercet_autoadmin_actions_total{action="forget_dropped"}'
    wait_for("the table's id to be forgotten, now that every node has shown that it holds nothing of it", 30,
             lambda: six_nodes.metrics("autoadmin-a").get(forgotten) == 1)
    settled(six_nodes)


def test_cluster_grows_while_it_runs(own_cluster):
    with Load(own_cluster) as load:
        time.sleep(1)
        own_cluster.up("--nodes-per-zone", "2")
        wait_for("the directory to name six nodes", 30, lambda: [n["state"] for n in json.loads(
            own_cluster.tercet("nodes", "--json", "--data", own_cluster.data, check=False).stdout)] == ["up"] * 6)
        own_cluster.tercet("drain", "storage-b", "--data", own_cluster.data)
        wait_for("storage-b to hold nothing", LATER, lambda: not held(own_cluster, "storage-b"))
    load.verify(own_cluster.client())
    settled(own_cluster)
    smaller = own_cluster.tercet("local", "up", "--nodes-per-zone", "1", "--data", own_cluster.data, check=False)
    assert smaller.returncode == 1 and "drain" in smaller.stderr, smaller


def test_leaders_spread_after_a_restart(own_cluster):
    settled(own_cluster)
    with Load(own_cluster) as load:
        own_cluster.one("stop", "storage-a")
        own_cluster.one("start", "storage-a")

        def spread():
            leads = [r["node"] for r in own_cluster.partitions() if r["role"] == "leader"]
            counts = [leads.count(n) for n in own_cluster.nodes("storage")]
            return max(counts) - min(counts) < 2
        wait_for("every node to lead as many groups as the others, give or take one", 60, spread)
    assert not load.errors, load.errors
    load.verify(own_cluster.client())

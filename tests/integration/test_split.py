"""A table's groups are split and merged, again and again, while clients do everything: nothing is lost, nothing is done twice, scans and queries are whole."""
import functools
import json
import os
import random
import re
import time

import pytest

from conftest import make_table, start, wait_for
from workload import Crew

SPLITS = int(os.environ.get("TERCET_SPLITS", "12"))  # a third of them are merges
STEADY = 300  # items that never change: every scan must see each once
ROWS = 60     # of one partition key, which stays in one group however often the table is split


@pytest.fixture
def splitting(request):
    yield from start(request, env={"TERCET_SEGMENT_AGE_MS": "200ms", "TERCET_CHECKPOINT_INTERVAL_MS": "2s"})


class Clients(Crew):
    """Writers and readers until stopped; what goes wrong is kept in problems."""

    def __init__(self, cluster, table, query_table):
        self.cluster, self.table, self.query_table = cluster, table, query_table
        self.problems, self.counts, self.acked, self.done = [], [0, 0], set(), {}
        works = [self.count, self.count, self.put, self.guard, self.scan, self.query, self.batch]
        super().__init__([functools.partial(self.run, w, i) for i, w in enumerate(works)])

    def run(self, work, me):
        db = self.cluster.client(router=me % 2)
        n = 0
        while not self.stopped.is_set():
            n += 1
            try:
                work(db, me, n)
            except Exception as e:  # noqa: BLE001: a request that a client gives up on is a failure of the test
                self.problems.append(f"{work.__name__} {n}: {e!r}")
                return
            self.done[work.__name__] = self.done.get(work.__name__, 0) + 1
            time.sleep(0.002)

    def count(self, db, me, n):
        db.update_item(TableName=self.table, Key={"pk": {"S": f"counter{me}"}}, UpdateExpression="ADD n :one",
                       ExpressionAttributeValues={":one": {"N": "1"}})
        self.counts[me] += 1

    def put(self, db, me, n):
        db.put_item(TableName=self.table, Item={"pk": {"S": f"put-{n}"}, "v": {"N": str(n)}})
        self.acked.add(f"put-{n}")
        got = db.get_item(TableName=self.table, Key={"pk": {"S": f"put-{n}"}}, ConsistentRead=True)
        assert got["Item"]["v"]["N"] == str(n)

    def guard(self, db, me, n):
        """A version that only its writer raises: no condition may ever be refused."""
        values = {":new": {"N": str(n)}, ":old": {"N": str(n - 1)}}
        db.update_item(TableName=self.table, Key={"pk": {"S": "guarded"}}, UpdateExpression="SET ver = :new",
                       ConditionExpression="attribute_not_exists(ver) OR ver = :old", ExpressionAttributeValues=values)

    def scan(self, db, me, n):
        seen = [i["pk"]["S"] for page in db.get_paginator("scan").paginate(TableName=self.table, Limit=random.randint(20, 90), ConsistentRead=True)
                for i in page["Items"]]
        assert len(seen) == len(set(seen)), "a scan repeats an item"
        missing = {f"steady-{i}" for i in range(STEADY)} - set(seen)
        assert not missing, f"a scan lacks {len(missing)} items"

    def query(self, db, me, n):
        for forward in (True, False):
            pages = db.get_paginator("query").paginate(TableName=self.query_table, Limit=17, ScanIndexForward=forward, ConsistentRead=True,
                                                       KeyConditionExpression="pk = :p",
                                                       ExpressionAttributeValues={":p": {"S": "rows"}})
            rows = [int(i["sk"]["S"]) for page in pages for i in page["Items"]]
            assert rows == sorted(range(ROWS), reverse=not forward)

    def batch(self, db, me, n):
        keys = [f"batch-{n % 50}-{i}" for i in range(10)]
        left = {self.table: [{"PutRequest": {"Item": {"pk": {"S": k}, "v": {"N": str(n)}}}} for k in keys]}
        while left:
            left = db.batch_write_item(RequestItems=left)["UnprocessedItems"]
        left, got = {self.table: {"Keys": [{"pk": {"S": k}} for k in keys], "ConsistentRead": True}}, 0
        while left:
            answer = db.batch_get_item(RequestItems=left)
            got += sum(i["v"]["N"] == str(n) for i in answer["Responses"].get(self.table, []))
            left = answer["UnprocessedKeys"]
        assert got == len(keys)


def leaves(cluster, table):
    """gids of the table's groups that have no children, each with a replica everywhere."""
    rows = cluster.replicas(table)
    parents = {r.get(of) for _, r in rows for of in ("parent", "right_parent")}
    return sorted({r["gid"] for _, r in rows if r["gid"] not in parents})


def settled(cluster, table):
    open_groups = leaves(cluster, table)
    rows = [r for _, r in cluster.replicas(table) if r["gid"] in open_groups]
    return len(rows) == 3 * len(open_groups) and all(r["state"] == "ok" for r in rows)


def orders(cluster):
    return json.loads(cluster.tercet("orders", "--json", "--all", "--data", cluster.data).stdout)


def split(cluster, gid, *options):
    done = cluster.tercet("split", str(gid), *options, "--data", cluster.data, check=False)
    assert done.returncode == 0, f"split of group {gid}: {done.stderr}{done.stdout}"
    return gid


def merge(cluster, left):
    """Merge a group with its right neighbour, which `tercet merge` names; the groups that were merged, none if it is the last one."""
    asked = cluster.tercet("merge", str(left), str(left), "--data", cluster.data, check=False)
    right = re.search(r"; group (\d+) does", asked.stderr)
    if not right:
        assert "no group does" in asked.stderr, asked
        return []
    done = cluster.tercet("merge", str(left), right[1], "--data", cluster.data, check=False)
    assert done.returncode == 0, f"merge of groups {left} and {right[1]}: {done.stderr}{done.stdout}"
    return [left, int(right[1])]


def gone(cluster, gids):
    """No node holds anything of these groups, and their orders are closed."""
    held = {r["gid"] for r in cluster.partitions()} & set(gids)
    still_open = [o for o in orders(cluster) if set(o["parents"]) & set(gids) and o["step"] != "done"]
    return not held and not still_open


def test_splits_under_every_operation(splitting):
    cluster, db = splitting, splitting.client()
    table, query_table = make_table(db, "splitting"), make_table(db, "rows", sort="S")
    parents, merges = [], 0
    for i in range(STEADY):
        db.put_item(TableName=table, Item={"pk": {"S": f"steady-{i}"}, "v": {"N": str(i)}})
    for i in range(ROWS):
        db.put_item(TableName=query_table, Item={"pk": {"S": "rows"}, "sk": {"S": f"{i:04}"}})
    rng = random.Random(7)
    with Clients(cluster, table, query_table) as clients:
        for n in range(SPLITS):
            name = query_table if n % 4 == 3 else table
            gid = rng.choice(leaves(cluster, name))
            merged = merge(cluster, gid) if n % 3 == 2 else []
            merges += bool(merged)
            parents += merged or [split(cluster, gid)]
            assert not clients.problems, f"after {n + 1} splits and merges: {clients.problems}"
        time.sleep(1)
    assert not clients.problems, clients.problems
    assert len(clients.done) == 6 and min(clients.done.values()) > 5, clients.done
    wait_for("every child has its B-tree everywhere", 30, lambda: settled(cluster, table) and settled(cluster, query_table))
    for me in (0, 1):
        got = db.get_item(TableName=table, Key={"pk": {"S": f"counter{me}"}}, ConsistentRead=True)
        assert int(got["Item"]["n"]["N"]) == clients.counts[me]
    stored = {i["pk"]["S"] for page in db.get_paginator("scan").paginate(TableName=table, ConsistentRead=True) for i in page["Items"]}
    assert clients.acked <= stored
    if SPLITS > 50:  # the ordinary run has no time for it: test_retired_groups_go has
        wait_for(f"the replicas of {len(parents)} parents are deleted", 120, lambda: gone(cluster, parents))
    code, groups = cluster.scrub()
    assert code == 0, groups
    print(f"{SPLITS - merges} splits, {merges} merges")
    states = {g["gid"]: {c["check"]: c["state"] for c in g["checks"]} for g in groups if g["gid"] in leaves(cluster, table)}
    print(f"scrubbed: {states}")
    assert states and all(s["reference"] == s["archive"] == s["vectors"] == "clean" for s in states.values()), groups


def test_one_order_at_a_time(splitting):
    cluster, db = splitting, splitting.client()
    table = make_table(db, "orders")
    gid = leaves(cluster, table)[0]
    cluster.one("stop", "autoadmin-a")
    split(cluster, gid, "--no-wait")
    assert [(o["parents"], o["step"]) for o in orders(cluster)] == [([gid], "asked")]
    again = cluster.tercet("split", str(gid), "--data", cluster.data, check=False)
    assert again.returncode == 1 and "an order that concerns it is under way" in again.stderr, again
    cluster.one("start", "autoadmin-a")
    wait_for("another autoadmin goes on with the order", 20, lambda: orders(cluster)[0]["step"] == "retiring")
    children = orders(cluster)[0]["children"]
    assert set(children) <= set(leaves(cluster, table)) and gid not in leaves(cluster, table)
    refused = cluster.tercet("split", str(children[0]), "--key", "ffffffffffffffffff", "--data", cluster.data, check=False)
    assert refused.returncode == 1 and "not inside the group's range" in refused.stderr, refused


def test_retired_groups_go(cluster, old_split):
    """Replicas and record of a group that was split go after 30 s; what it archived stays, and its children are built from it."""
    gid, table = old_split
    wait_for("the replicas of the parent are deleted", 90, lambda: gone(cluster, [gid]))
    (order,) = [o for o in orders(cluster) if o["parents"] == [gid]]
    assert set(order["children"]) <= set(leaves(cluster, table))
    code, groups = cluster.scrub(order["children"][0])
    states = {c["check"]: c["state"] for c in groups[0]["checks"]}
    assert code == 0 and states["reference"] == states["archive"] == "clean", groups

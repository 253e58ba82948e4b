"""The routing map: the same work whether routers' caches are warm or cold, and a map that fills itself again."""
import os
import signal
import subprocess
import threading
import time

import pytest

from conftest import BIN, connectable, http_get, start, wait_for
from workload import Load

REQUESTS = int(os.environ.get("TERCET_REQUESTS", "2000"))
WORKERS = 4
LOOKUPS = "tercet_memds_lookups_total"


@pytest.fixture
def quiet_cluster(request):
    """Without canaries, whose requests would count."""
    for cluster in start(request):
        for node in cluster.nodes("canary"):
            cluster.one("stop", node)
        yield cluster


def lookups(cluster):
    """Sum over all nodes, once what routers have under way has arrived."""
    before = -1
    while True:
        now = sum(cluster.metrics(n)[LOOKUPS] for n in cluster.nodes("memds"))
        if now == before:
            return now
        before = now
        time.sleep(0.3)


def drive(cluster, table):
    """REQUESTS reads and writes over both routers; what each must find is known."""
    def work(me):
        db = cluster.client(router=me % 2)
        for n in range(REQUESTS // WORKERS // 2):
            key = {"pk": {"S": f"k{me}-{n % 50}"}}
            db.put_item(TableName=table, Item={**key, "n": {"N": str(n)}})
            done.append(db.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]["n"]["N"] == str(n))
    done = []
    threads = [threading.Thread(target=work, args=(i,)) for i in range(WORKERS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(done) == REQUESTS // 2 and all(done)


def flush_routers(cluster, stopped):
    pids = [cluster.pid(n) for n in cluster.nodes("router")]
    flushes = 0
    while not stopped.wait(0.05):
        for pid in pids:
            os.kill(pid, signal.SIGHUP)
        flushes += 1
    return flushes


def test_the_same_work_with_cold_caches(quiet_cluster):
    cluster = quiet_cluster
    with Load(cluster, "constant", workers=2):
        time.sleep(1)  # both routers know the table and its partitions
    per_request, misses = [], []
    for cold in (False, True):
        stopped = threading.Event()
        flusher = threading.Thread(target=flush_routers, args=(cluster, stopped))
        before, missed = lookups(cluster), route_misses(cluster)
        if cold:
            flusher.start()
        drive(cluster, "constant")
        stopped.set()
        if cold:
            flusher.join()
        per_request.append((lookups(cluster) - before) / REQUESTS)
        misses.append(route_misses(cluster) - missed)
    print(f"lookups a request: {per_request[0]:.3f} warm ({misses[0]:.0f} cache misses), {per_request[1]:.3f} cold ({misses[1]:.0f} misses)")
    assert misses[1] > 20, "the caches were not cold"
    assert abs(per_request[0] - per_request[1]) <= 0.02 * per_request[0], per_request


def route_misses(cluster):
    return sum(cluster.metrics(n)[f"tercet_router_{name}"] for n in cluster.nodes("router") for name in ("route_find_misses", "route_call_misses"))


def roots(cluster):
    return [cluster.status(n)["root"] for n in cluster.nodes("memds") if cluster.status(n)["warm"]]


def whole(cluster, records):
    """Every memds node is warm, has at least that many records (canaries may still make tables), and all have the same root hash."""
    try:
        return len(set(roots(cluster))) == 1 and len(roots(cluster)) == 2 and all(cluster.status(n)["records"] >= records for n in cluster.nodes("memds"))
    except OSError:
        return False


def test_one_node_lost_fills_itself_from_its_peer(own_cluster):
    with Load(own_cluster) as load:
        wait_for("both maps are equal", 20, lambda: len(set(roots(own_cluster))) == 1 and len(roots(own_cluster)) == 2)
        time.sleep(0.5)
        records = own_cluster.status("memds-a")["records"]
        own_cluster.kill("memds-b")
        own_cluster.one("start", "memds-b")
        started = time.time()
        wait_for("the new node's map equals its peer's", 20, lambda: whole(own_cluster, records))
        print(f"{records} records, equal after {time.time() - started:.1f} s, root {roots(own_cluster)[0]}")
    assert not load.errors, load.errors
    load.verify(own_cluster.client())


def test_both_lost_are_rebuilt_while_warm_routers_go_on(own_cluster):
    with Load(own_cluster) as load:
        wait_for("both maps are equal", 20, lambda: len(set(roots(own_cluster))) == 1 and len(roots(own_cluster)) == 2)
        time.sleep(0.5)
        records = own_cluster.status("memds-a")["records"]
        own_cluster.kill("memds-a", "memds-b")
        new = Router(own_cluster)
        try:
            time.sleep(2)
            assert not new.ready(), "a router that knows nothing says it is ready"
            for node in own_cluster.nodes("memds"):
                own_cluster.one("start", node)
            started = time.time()
            wait_for("both maps are rebuilt and equal", 30, lambda: whole(own_cluster, records))
            rebuilt = time.time() - started
            wait_for("the new router is ready", 30, new.ready)
            print(f"{records} records rebuilt after {rebuilt:.1f} s, new router ready after {time.time() - started:.1f} s")
            assert new.client().get_item(TableName=load.table, Key={"pk": {"S": "w0-1"}}, ConsistentRead=True)["Item"]["v"]["N"] == "1"
        finally:
            new.stop()
    assert not load.errors, load.errors
    load.verify(own_cluster.client())


class Router:
    """One more router process, beside those of the cluster."""

    def __init__(self, cluster):
        first = cluster.port + 50
        self.cluster, self.http, self.admin = cluster, first, first + 1
        assert not any(connectable(p) for p in (first, first + 1, first + 2))
        ports = [d["rpc_port"] for d in cluster.ps() if d["daemon"] == "tercet-memds"]
        self.process = subprocess.Popen(
            [BIN / "tercet-router", "--node", "router-new", "--zone", "a", "--cluster", "local", "--data", cluster.data / "router-new",
             "--http-listen", f"127.0.0.1:{first}", "--admin-listen", f"127.0.0.1:{first + 1}", "--rpc-listen", f"127.0.0.1:{first + 2}",
             "--memds", ",".join(f"127.0.0.1:{p}" for p in ports)],
            stdout=subprocess.DEVNULL, stderr=(cluster.data / "log" / "router-new.log").open("w"))

    def ready(self):
        try:
            http_get(self.admin, "/readyz")
            return True
        except OSError:
            return False

    def client(self):
        self.cluster.endpoints.append(f"http://127.0.0.1:{self.http}")
        return self.cluster.client(router=2)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)

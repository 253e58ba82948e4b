"""The load: processes of clients over every router, and the harness' own probe of each table."""
import json
import pathlib
import subprocess
import sys
import time

from load.client import Client, make_table
from load.operations import scan

HERE = pathlib.Path(__file__).resolve().parent


class Load:
    """register_tables + append_tables tables, each one replication group, with clients_per_table clients that share rate operations/s.
    slots keys a table are in use at a time; wide: the clients use the rest of the API too, and one more a table scans it."""

    def __init__(self, cluster, out, seed, registers=4, appends=2, clients_per_table=4, rate=360.0, processes=2, slots=3, wide=False):
        self.cluster, self.out, self.seed, self.processes = cluster, pathlib.Path(out), seed, processes
        self.workloads = {f"register-{i}": "register" for i in range(registers)} | {f"append-{i}": "append" for i in range(appends)}
        cluster.tables = list(self.workloads)
        self.interval_s = len(self.workloads) * clients_per_table / rate
        self.clients_per_table, self.slots, self.wide = clients_per_table, slots, wide
        self.running, self.files, self.start_ns = [], [], 0

    def make_tables(self):
        client = self.client(0)
        for table in self.workloads:
            make_table(client, table)
        client.close()

    def client(self, router):
        return Client(self.cluster.of("router")[router].ip, 8000)

    def start(self):
        routers = self.cluster.of("router")
        clients = [{"id": f"{t}.{i}", "table": t, "workload": w, "slots": self.slots, "host": routers[i % len(routers)].ip, "port": 8000,
                    "interval_s": self.interval_s} for t, w in self.workloads.items() for i in range(self.clients_per_table)]
        if self.wide:
            clients += [{**c, "id": f"{c['table']}.scan", "workload": "scan"} for c in clients[::self.clients_per_table]]
        self.start_ns = time.monotonic_ns()
        for p in range(self.processes):
            config, history = self.out / f"clients-{p}.json", self.out / f"history-{p}.jsonl"
            config.write_text(json.dumps({"out": str(history), "seed": self.seed, "start_ns": self.start_ns, "wide": self.wide,
                                          "clients": clients[p::self.processes]}))
            self.files.append(history)
            self.running.append(subprocess.Popen([sys.executable, HERE / "load/worker.py", config], stdin=subprocess.PIPE, start_new_session=True))

    def stop(self):
        """Let every client finish what it asked for. Raises if a process of clients failed: its history is not whole."""
        for p in self.running:
            p.stdin.close()
        codes = [p.wait(60) for p in self.running]
        if any(codes):
            raise RuntimeError(f"client processes ended with {codes}")

    def seconds(self):
        return (time.monotonic_ns() - self.start_ns) / 1e9

    def await_service(self, seconds=60):
        """Until every table took a write; the tables that did not."""
        client, waiting, until = self.client(0), list(self.workloads), time.monotonic() + seconds
        client.timeout_s = 3.0
        while waiting and time.monotonic() < until:
            waiting = [t for t in waiting if client.call("PutItem", {"TableName": t, "Item": {"pk": {"S": "probe"}}})[0] != "ok"]
            if waiting:
                time.sleep(0.05)
        client.close()
        return waiting

    def final_reads(self, keys):
        """Records of a strong read of every key (pairs of table and key), by scans through each router."""
        records = []
        for number in range(len(self.cluster.of("router"))):
            client = self.client(number)
            for table, workload in self.workloads.items():
                invoked = time.monotonic_ns()
                items = scan(client, table)
                returned = time.monotonic_ns()
                records += [self.read_record(workload, table, key, items.get(key), invoked, returned) for t, key in keys if t == table]
            client.close()
        return records

    @staticmethod
    def read_record(workload, table, key, item, invoked, returned):
        from load.operations import item_of, list_of
        kind, result = ("get", item_of(item)) if workload == "register" else ("read", list_of(item))
        return ["final", table, key, kind, None, invoked, returned, "ok", result]

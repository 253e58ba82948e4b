"""A process of clients, one thread each, that records every operation until its standard input is closed.

Usage: worker.py CONFIG.json    with {"out": history file, "seed", "start_ns", "clients": [{"id", "table", "workload", "slots",
                                "host", "port", "interval_s"}]}, "wide": the rest of the API too
"""
import json
import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from load.client import Client, FAILED, UNKNOWN  # noqa: E402
from load import operations, wide  # noqa: E402


class Recorder:
    def __init__(self, path):
        self.file, self.lock = open(path, "w", buffering=1 << 16), threading.Lock()

    def write(self, record):
        line = json.dumps(record, separators=(",", ":")) + "\n"
        with self.lock:
            self.file.write(line)

    def close(self):
        with self.lock:
            self.file.close()


def record_of(config, row, invoked, returned):
    """A step's row as a record; a row may have times of its own."""
    key, kind, argument, outcome, answer, result, *own = row
    record = [config["id"], config["table"], key, kind, argument, *(own or (invoked, returned)), outcome, result]
    if outcome in (FAILED, UNKNOWN):
        record.append(str(answer.get("__type", "?")).split("#")[-1])
    return record


def run(config, start_ns, seed, recorder, stopped, workloads):
    client = Client(config["host"], config["port"])
    work = workloads[config["workload"]](client, config["id"], config["table"], config["slots"], random.Random(f"{seed}/{config['id']}"))
    stopped.wait(random.random() * config["interval_s"])  # or all clients would ask in step
    due = time.monotonic()
    while not stopped.is_set():
        invoked = time.monotonic_ns()
        rows = work.step((invoked - start_ns) / 1e9)
        rows, returned = rows if isinstance(rows, list) else [rows], time.monotonic_ns()
        for row in rows:
            recorder.write(record_of(config, row, invoked, returned))
        failed = any(row[3] in (FAILED, UNKNOWN) for row in rows)
        due = max(due + config["interval_s"], time.monotonic() + (0.02 if failed else 0))
        stopped.wait(max(0, due - time.monotonic()))
    client.close()


def main():
    config = json.loads(pathlib.Path(sys.argv[1]).read_text())
    recorder, stopped = Recorder(config["out"]), threading.Event()
    workloads = wide.WORKLOADS if config.get("wide") else operations.WORKLOADS
    threads = [threading.Thread(target=run, args=(c, config["start_ns"], config["seed"], recorder, stopped, workloads)) for c in config["clients"]]
    for t in threads:
        t.start()
    sys.stdin.read()
    stopped.set()
    for t in threads:
        t.join()
    recorder.close()


if __name__ == "__main__":
    main()

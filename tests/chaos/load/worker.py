"""A process of clients, one thread each, that records every operation until its standard input is closed.

Usage: worker.py CONFIG.json    with {"out": history file, "seed", "start_ns", "clients": [{"id", "table", "workload", "slots",
                                "host", "port", "interval_s"}]}
"""
import json
import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from load.client import Client, FAILED, UNKNOWN  # noqa: E402
from load.operations import WORKLOADS  # noqa: E402


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


def run(config, start_ns, seed, recorder, stopped):
    client = Client(config["host"], config["port"])
    work = WORKLOADS[config["workload"]](client, config["id"], config["table"], config["slots"], random.Random(f"{seed}/{config['id']}"))
    stopped.wait(random.random() * config["interval_s"])  # or all clients would ask in step
    due = time.monotonic()
    while not stopped.is_set():
        invoked = time.monotonic_ns()
        key, kind, argument, outcome, answer, result = work.step((invoked - start_ns) / 1e9)
        returned = time.monotonic_ns()
        record = [config["id"], config["table"], key, kind, argument, invoked, returned, outcome, result]
        if outcome in (FAILED, UNKNOWN):
            record.append(str(answer.get("__type", "?")).split("#")[-1])
        recorder.write(record)
        due = max(due + config["interval_s"], time.monotonic() + (0.02 if outcome in (FAILED, UNKNOWN) else 0))
        stopped.wait(max(0, due - time.monotonic()))
    client.close()


def main():
    config = json.loads(pathlib.Path(sys.argv[1]).read_text())
    recorder, stopped = Recorder(config["out"]), threading.Event()
    threads = [threading.Thread(target=run, args=(c, config["start_ns"], config["seed"], recorder, stopped)) for c in config["clients"]]
    for t in threads:
        t.start()
    sys.stdin.read()
    stopped.set()
    for t in threads:
        t.join()
    recorder.close()


if __name__ == "__main__":
    main()

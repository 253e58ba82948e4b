"""A client load that remembers what it was promised, to compare with what is stored."""
import functools
import threading
import time

from botocore.exceptions import BotoCoreError, ClientError

from conftest import make_table


class Crew:
    """Threads, one for each of works, that run until the block is left or stopped is set."""

    def __init__(self, works):
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=w, daemon=True) for w in works]

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for t in self.threads:
            t.join(60)


class Load(Crew):
    """Writers of counters and fresh items over every router, until stopped.

    acked      items whose put was acknowledged: they must all be there
    counter    increments acknowledged, and increments whose outcome the client does not know: the
               stored value must lie in [acked, acked + unknown]
    gaps       (start, seconds) of the intervals in which no request at all succeeded
    """

    def __init__(self, cluster, name="load", workers=4):
        self.cluster, self.table = cluster, name
        self.acked, self.errors = set(), {}
        self.counted, self.unknown = [0] * workers, [0] * workers
        self.lock = threading.Lock()
        self.successes = []
        make_table(cluster.client(), name)
        super().__init__([functools.partial(self.work, i) for i in range(workers)])

    def work(self, me):
        db = self.cluster.client(router=me % 2, retries={"total_max_attempts": 1, "mode": "standard"}, read_timeout=12)
        n = 0
        while not self.stopped.is_set():
            n += 1
            key = f"w{me}-{n}"
            if self.attempt(lambda: db.put_item(TableName=self.table, Item={"pk": {"S": key}, "v": {"N": str(n)}})):
                with self.lock:
                    self.acked.add(key)
            outcome = self.attempt(lambda: db.update_item(TableName=self.table, Key={"pk": {"S": f"counter{me}"}}, UpdateExpression="ADD n :one",
                                                          ExpressionAttributeValues={":one": {"N": "1"}}))
            if outcome:
                self.counted[me] += 1
            elif outcome is None:
                self.unknown[me] += 1

    def attempt(self, call):
        """True: acknowledged; False: certainly not applied; None: unknown."""
        try:
            call()
            with self.lock:
                self.successes.append(time.time())
            return True
        except ClientError as e:
            kind = e.response["Error"]["Code"]
            status = e.response["ResponseMetadata"]["HTTPStatusCode"]
        except BotoCoreError as e:
            kind, status = type(e).__name__, 0
        with self.lock:
            self.errors[kind] = self.errors.get(kind, 0) + 1
        time.sleep(0.01)
        return False if 400 <= status < 500 else None

    def longest_gap(self, since=0.0):
        times = sorted(t for t in self.successes if t >= since)
        return max((b - a for a, b in zip(times, times[1:])), default=float("inf"))

    def verify(self, db):
        """Everything acknowledged is there, and no increment was lost or doubled."""
        stored = {}
        for page in db.get_paginator("scan").paginate(TableName=self.table, ConsistentRead=True):
            stored.update((i["pk"]["S"], i) for i in page["Items"])
        lost = self.acked - set(stored)
        assert not lost, f"{len(lost)} acknowledged items lost, e.g. {sorted(lost)[:3]}"
        for me, count in enumerate(self.counted):
            value = int(stored.get(f"counter{me}", {"n": {"N": "0"}})["n"]["N"])
            assert count <= value <= count + self.unknown[me], f"counter{me} is {value}: acknowledged {count}, unknown {self.unknown[me]}"
        return len(self.acked)

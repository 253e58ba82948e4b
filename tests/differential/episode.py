"""Episodes: some tables, a run of operations on them, and the shortest run that still shows a difference."""
import collections
import copy
import itertools
import random
import time

import operations
import operations_index
import operations_many
from operations import Difference
from random_operations import Operations, random_table
from values import Unknowable

RUN = {"query": operations_many.run_query, "scan": operations_many.run_scan, "batch_write": operations_many.run_batch_write,
       "batch_get": operations_many.run_batch_get, "index": operations_index.run}
SERIAL = itertools.count()


def run(op, tables, connection):
    return RUN.get(op["kind"], operations.run_single)(op, tables, connection)


def create(tables, connection):
    for t in tables:
        expect(connection, "CreateTable", {"TableName": t.name, "BillingMode": "PAY_PER_REQUEST", **t.key_schema()})
    for t in tables:
        until = time.time() + 30
        while expect(connection, "DescribeTable", {"TableName": t.name})["Table"]["TableStatus"] != "ACTIVE":
            assert time.time() < until, f"{t.name} does not become ACTIVE"
            time.sleep(0.02)


def drop(tables, connection):
    for t in tables:
        connection.call("DeleteTable", {"TableName": t.name})


def expect(connection, operation, body):
    error, answer = connection.call(operation, body)
    if error:
        raise Difference({operation: body}, answer, "no error")
    return answer


class Failure(Exception):
    def __init__(self, difference, schema, ops):
        super().__init__("difference")
        self.difference, self.schema, self.ops = difference, schema, ops


def episode(seed, count, connection, outcomes, prefix, kinds):
    """count operations on tables with indexes of these kinds; outcomes counts (kind, error)."""
    rng = random.Random(seed)
    tables = [random_table(rng, f"{prefix}-{next(SERIAL)}", kinds) for _ in range(2)]
    schema = copy.deepcopy(tables)
    create(tables, connection)
    source, done = Operations(rng, tables), []
    try:
        while len(done) < count:
            op = source.next()
            if not knowable(op, tables):
                outcomes["not asked, for nobody could know"] += 1
                continue
            done.append(op)
            try:
                outcomes[op["kind"], run(op, tables, connection) or "ok"] += 1
            except Difference as d:
                raise Failure(d, schema, done) from d
    finally:
        drop(tables, connection)


class Nowhere:
    """A connection that answers nothing: running an operation against it shows whether the model has an answer."""

    def call(self, operation, body):
        raise Reached


class Reached(Exception):
    pass


def knowable(op, tables):
    shadow = [copy.copy(t) for t in tables]
    for t in shadow:
        t.items = dict(t.items)
    try:
        if op["kind"] in ("query", "scan") and op.get("filter"):
            shadow[op["table"]].page(op, list(shadow[op["table"]].items.items()))
        run(op, shadow, Nowhere())
    except Reached:
        pass
    except Unknowable:
        return False
    except Exception:
        return True  # the real run will tell
    return True


def replay(schema, ops, connection, prefix):
    """The difference that ops show on fresh tables, and how many of them ran; (None, n) if none."""
    tables = copy.deepcopy(schema)
    for t in tables:
        t.name = f"{prefix}-{next(SERIAL)}"
    create(tables, connection)
    try:
        for i, op in enumerate(ops):
            try:
                run(op, tables, connection)
            except Unknowable:
                continue
            except Difference as d:
                return d, i + 1
        return None, len(ops)
    finally:
        drop(tables, connection)


def shrink(failure, connection, prefix, tries=60):
    """Fewer operations that still differ: the last one always stays, halves and then smaller pieces of the rest go."""
    best, difference = failure.ops, failure.difference
    last = best[-1]
    related = [op for op in best[:-1] if touches(op, last)] + [last]
    piece = max(1, len(related) // 2)
    candidates = iter([related])
    start = 0
    while tries > 0 and len(best) > 1:
        trial = next(candidates, None)
        if trial is None:
            if start >= len(best) - 1:
                if piece == 1:
                    break
                piece, start = max(1, min(piece, len(best) - 1) // 2), 0
            trial = best[:start] + best[min(start + piece, len(best) - 1):]
        tries -= 1
        found, ran = replay(failure.schema, trial, connection, prefix)
        if found:
            best, difference = trial[:ran], found
        else:
            start += piece
    return Failure(difference, failure.schema, best)


def touches(op, last):
    """Writes the item that the last operation is about, as far as that can be told."""
    if op["kind"] == "batch_write" or last["kind"] in ("query", "scan", "index", "batch_get", "batch_write"):
        return op["kind"] not in ("get", "query", "scan", "index", "batch_get")
    key = last.get("key") or last.get("item")
    other = op.get("key") or op.get("item") or {}
    return op["table"] == last["table"] and op["kind"] in ("put", "delete", "update") and any(other.get(n) == v for n, v in key.items())


def tally(outcomes):
    by_error = collections.Counter()
    for mark, n in outcomes.items():
        by_error[mark if isinstance(mark, str) else mark[1]] += n
    return by_error

"""Linearizability of one item's history: is there an order of the operations, within their times, that a single
copy of the item could have followed? Search after Wing & Gong with Lowe's memory of visited (set, state) pairs.

An operation whose outcome is unknown may have happened at any moment after it was invoked, or never. One that failed for
sure takes no part. A false condition is an answer: the item did not meet it at some moment in between.
"""
from collections import namedtuple

NEVER = float("inf")
STATES_MAX = 400_000

Op = namedtuple("Op", "kind argument invoked returned certain result record")


def operations(records):
    """Those that can matter, by time of invocation. returned is NEVER when the outcome is unknown."""
    ops = []
    for r in records:
        kind, argument, invoked, returned, outcome, result = r[3:9]
        if outcome == "fail" or (outcome == "unknown" and kind == "get"):
            continue
        certain = outcome != "unknown"
        kind = "refused" if outcome == "cond" else kind
        ops.append(Op(kind, argument, invoked, returned if certain else NEVER, certain, result, r))
    return sorted(ops, key=lambda o: o.invoked)


def freeze(item):
    return tuple(item) if item is not None else None


def apply(op, state):
    """(possible, next state). State: None (no item) or (v, n)."""
    if op.kind == "get":
        return freeze(op.result) == state, state
    if op.kind == "put":
        possible = op.result is None or freeze(op.result["old"]) == state
        return possible, (op.argument, None)
    if op.kind in ("cput", "refused"):
        expected, value = op.argument
        met = state is None if expected is None else state is not None and state[0] == expected
        return (not met, state) if op.kind == "refused" else (met, (value, None))
    if op.kind == "add":
        v, n = state or (None, None)
        n = (n or 0) + op.argument
        return op.result is None or op.result == n, (v, n)
    if op.kind == "del":
        return op.result is None or freeze(op.result["old"]) == state, None
    raise ValueError(f"kind {op.kind}")


def candidates(ops, first, done, unknown):
    """Operations that may come next: not done, and invoked before any that is not done returned. Those certain first, by the
    time they returned: that order is nearly always right."""
    earliest, certain, maybe = NEVER, [], [i for i in unknown if i < first and not done >> i & 1]
    for i in range(first, len(ops)):
        if done >> i & 1:
            continue
        if ops[i].invoked > earliest:
            break
        (certain if ops[i].certain else maybe).append(i)
        earliest = min(earliest, ops[i].returned)
    certain.sort(key=lambda i: ops[i].returned)
    return iter(certain + maybe)


class Verdict(namedtuple("Verdict", "ok why records")):
    """ok: True, False, or None when the search gave up; records: those around the point where it stuck."""


def search(ops):
    unknown = [i for i, o in enumerate(ops) if not o.certain]
    left = sum(o.certain for o in ops)
    seen, best, best_depth = {(0, None)}, (0, 0, None), -1
    stack = [(0, 0, None, left, candidates(ops, 0, 0, unknown))]
    while stack:
        first, done, state, left, rest = stack[-1]
        if left == 0:
            return Verdict(True, "", [])
        for i in rest:
            possible, after = apply(ops[i], state)
            grown = done | 1 << i
            if not possible or (grown, after) in seen:
                continue
            if len(seen) > STATES_MAX:
                return Verdict(None, f"not decided after {STATES_MAX} states", [])
            seen.add((grown, after))
            at = first
            while at < len(ops) and (grown >> at & 1 or not ops[at].certain):
                at += 1
            stack.append((at, grown, after, left - ops[i].certain, candidates(ops, at, grown, unknown)))
            if len(ops) - stack[-1][3] > best_depth:
                best_depth, best = len(ops) - stack[-1][3], (at, grown, after)
            break
        else:
            stack.pop()
    return stuck(ops, *best)


def stuck(ops, first, done, state):
    window = [i for i in candidates(ops, first, done, [])]
    shown = [ops[i].record for i in range(max(0, first - 6), min(len(ops), first + 8))]
    asked = "; ".join(f"{ops[i].record[0]} {ops[i].record[3]} {ops[i].argument} -> {ops[i].record[7]} {ops[i].result}" for i in window[:4])
    return Verdict(False, f"the longest order that fits ends with the item {state}; none of these can follow: {asked}", shown)


def witnessed(ops):
    """Without the writes of unknown outcome whose value nobody saw. Each of them may never have happened, so an order of the
    others is an order of all; they only make the search long."""
    seen = {r[0] for o in ops if o.certain for r in (o.result, (o.result or {}).get("old") if isinstance(o.result, dict) else None)
            if isinstance(r, list)}
    seen |= {o.argument[0] for o in ops if o.kind == "cput" and o.certain}
    return [o for o in ops if o.certain or value(o) is None or value(o) in seen]


def value(op):
    return op.argument if op.kind == "put" else op.argument[1] if op.kind == "cput" else None


def check(records):
    ops = operations(records)
    short = search(witnessed(ops))
    return short if short.ok else search(ops)

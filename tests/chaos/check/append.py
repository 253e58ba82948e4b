"""Linearizability of one list's history. Elements are unique, so a read tells the whole order of the appends before it:
no search is needed, and the answer is exact.
"""
from check.register import NEVER, Verdict


def lists(records):
    """(record, list) of every certain answer that showed the list."""
    for r in records:
        if r[7] == "ok" and r[3] in ("read", "eread"):
            yield r, r[8] or []
        elif r[7] == "ok" and r[3] == "append" and r[8] is not None:
            yield r, r[8]


def shape_problem(records, longest):
    """What is wrong with the lists themselves, or None."""
    if len(set(longest[1])) != len(longest[1]):
        twice = next(e for i, e in enumerate(longest[1]) if e in longest[1][:i])
        return f"the element {twice} is in the list twice", [longest[0]]
    outcome = {r[4]: r for r in records if r[3] == "append"}
    for r, seen in lists(records):
        if seen != longest[1][:len(seen)]:
            at = next(i for i, e in enumerate(seen) if i >= len(longest[1]) or e != longest[1][i])
            return f"two reads differ at element {at}: {seen[at]}", [r, longest[0]]
        if r[3] == "append" and (not seen or seen[-1] != r[4]):
            return f"an append's answer does not end with its element {r[4]}", [r]
    for e in longest[1]:
        if e not in outcome:
            return f"the element {e} was never appended", [longest[0]]
        if outcome[e][7] == "fail":
            return f"the append of {e} had failed for sure", [outcome[e], longest[0]]
    return None


def timed(records, longest):
    """(invoked, returned, place in the order, record): an append of the p-th element stands at (p, 0), a read of p elements at (p, 1)."""
    place = {e: i + 1 for i, e in enumerate(longest[1])}
    for r in records:
        if r[3] == "read" and r[7] == "ok":
            yield r[5], r[6], (len(r[8] or []), 1), r
        elif r[3] == "append" and r[4] in place:
            yield r[5], r[6] if r[7] == "ok" else NEVER, (place[r[4]], 0), r
        elif r[3] == "append" and r[7] == "ok":
            # Acknowledged and in no list: behind the longest one. Reads that began later will contradict it.
            yield r[5], r[6], (len(longest[1]) + 1, 0), r


def order_problem(records, longest):
    events = []
    for invoked, returned, place, r in timed(records, longest):
        events.append((invoked, 0, place, r))
        if returned != NEVER:
            events.append((returned, 1, place, r))
    newest, by = (0, 0), None
    for _, ends, place, r in sorted(events, key=lambda e: e[:2]):
        if ends and place > newest:
            newest, by = place, r
        elif not ends and place < newest:
            if r[3] == "read" and by[3] == "append" and by[4] not in longest[1]:
                return f"the acknowledged element {by[4]} is lost", [by, r]
            return f"{r[0]} {r[3]} stands at {place[0]} but began after {by[0]} {by[3]} at {newest[0]} had returned", [by, r]
    return None


def check(records):
    longest = max(lists(records), key=lambda s: len(s[1]), default=(None, []))
    problem = shape_problem(records, longest) or order_problem(records, longest)
    return Verdict(False, *problem) if problem else Verdict(True, "", [])

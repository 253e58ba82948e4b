"""From a history to figures: rates and latencies per second, and the times in which a group served nothing."""
import bisect
import collections
import statistics

GAP_S = 0.2  # shorter ones are not listed: clients of a loaded machine are not faster


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))] if values else None


def served(record):
    return record[7] in ("ok", "cond")


def per_second(records, start_ns, seconds):
    """Rows of (second, served, errors, p50 ms, p99 ms) by the second an operation returned in."""
    good, bad = collections.defaultdict(list), collections.Counter()
    for r in records:
        second = (r[6] - start_ns) // 1_000_000_000
        if served(r):
            good[second].append((r[6] - r[5]) / 1e6)
        else:
            bad[second] += 1
    return [(s, len(good[s]), bad[s], percentile(good[s], 0.5), percentile(good[s], 0.99)) for s in range(int(seconds))]


def gaps(records, start_ns, end_s, longer_than_s=GAP_S):
    """table -> [(from, to)] in seconds: intervals between two successes of any client, longer than that.

    A write that waits through an election ends the gap when it returns. Clients always have something to ask.
    """
    times = collections.defaultdict(list)
    for r in records:
        if served(r):
            times[r[1]].append((r[6] - start_ns) / 1e9)
    found = {}
    for table, at in times.items():
        at.sort()
        at.append(max(at[-1], end_s))
        found[table] = [(a, b) for a, b in zip(at, at[1:]) if b - a > longer_than_s]
    return found


def longest_within(found, begin, end):
    """(seconds, table) of the longest gap that overlaps [begin, end]; (0, None) if there is none."""
    best = (0.0, None)
    for table, intervals in found.items():
        at = bisect.bisect_left(intervals, begin, key=lambda g: g[1])
        for a, b in intervals[at:]:
            if a > end:
                break
            best = max(best, (b - a, table), key=lambda g: g[0])
    return best


def slowest(records, start_ns, begin, end):
    """Milliseconds of the slowest successful operation invoked in [begin, end]."""
    return max((r[6] - r[5] for r in records if served(r) and begin <= (r[5] - start_ns) / 1e9 <= end), default=0) / 1e6


def by_fault(episodes, found):
    """Name of the episode's first fault -> longest gap of any table, one number per episode."""
    longest = collections.defaultdict(list)
    for e in episodes:
        longest[e.faults[0].fault.NAME].append(longest_within(found, e.faults[0].began, e.recovered)[0])
    return longest


def summary(values):
    return {"count": len(values), "p50_s": round(statistics.median(values), 3), "max_s": round(max(values), 3)} if values else {"count": 0}


def kinds(records):
    """Successes by kind of operation, as text."""
    by = collections.Counter(r[3] for r in records if served(r))
    return ", ".join(f"{kind} {count}" for kind, count in by.most_common())


def counts(records):
    outcomes, errors = collections.Counter(), collections.Counter()
    for r in records:
        outcomes[r[7]] += 1
        if len(r) > 9:
            errors[r[9]] += 1
    return dict(outcomes), dict(errors.most_common())

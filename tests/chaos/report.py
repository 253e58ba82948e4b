"""What a run was and found: report.json for programs, report.txt for people, report.png."""
import collections
import json

import measure


def findings(run):
    """Every anomaly as a sentence. None: the run was clean."""
    out = []
    for table, key, verdict in run.bad:
        word = "not decided" if verdict.ok is None else "not linearizable"
        out.append(f"{table}/{key}: {word}: {verdict.why}")
    for e in run.exits:
        if abnormal(e):
            out.append(f"{e['node']} ended with code {e['code']} at {e['at']} s during {e['during'] or 'no fault'}: {' | '.join(e['log'])[-400:]}")
    return out + run.problems


def abnormal(e):
    """A daemon may end by itself only with an exit code, and only when its disk fails."""
    disk = {"disk-full", "disk-error", "power"} & set(e["during"])
    return e["code"] < 0 or e["code"] in (134, 139) or not disk


def episodes_json(run):
    return [{"faults": [{"fault": i.fault.NAME, "params": i.params, "began_s": round(i.began, 2), "ended_s": round(i.ended, 2)} for i in e.faults],
             "serves_s": round(e.recovered, 2), "longest_gap_s": round(measure.longest_within(run.gaps, e.faults[0].began, e.recovered)[0], 3)}
            for e in run.episodes]


def injected(episodes):
    """How many faults, and how many orders, as text."""
    by = collections.Counter(i.fault.COUNTED_AS for e in episodes for i in e.faults)
    return ", ".join(f"{count} {name}" for name, count in sorted(by.items())) or "0 faults"


def build(run):
    outcomes, errors = measure.counts(run.records)
    longest = {kind: measure.summary(values) for kind, values in sorted(measure.by_fault(run.episodes, run.gaps).items())}
    return {"verdict": "ok" if not findings(run) else "ANOMALY", "findings": findings(run), "repeat": run.repeat, "seed": run.seed, "scenario": run.scenario,
            "seconds": round(run.seconds, 1), "injected": injected(run.episodes), "operations": len(run.records), "keys": run.keys,
            "outcomes": outcomes, "errors": errors,
            "faults": sum(len(e.faults) for e in run.episodes), "leader_changes": len(run.changes), "rounds": run.rounds_gained, "exits": run.exits,
            "unavailability": longest, "judged": run.judged, "scrub": run.scrub, "extra": run.extra, "episodes": episodes_json(run)}


def verdict_line(r):
    if r["verdict"] != "ok":
        return f"chaos: ANOMALY, {len(r['findings'])} findings, first: {r['findings'][0][:300]}\n  repeat: {r['repeat']}"
    worst = max(((v["max_s"], k) for k, v in r["unavailability"].items() if v["count"]), default=(0, "none"))
    return (f"chaos: ok, seed {r['seed']}, {r['seconds']:.0f} s, {r['injected']}, {r['operations']} operations on {r['keys']} keys {r['judged']}, "
            f"{r['scrub']}; longest time without service of any group {worst[0]:.2f} s ({worst[1]})")


def text(r):
    lines = [verdict_line(r), f"  repeat: {r['repeat']}", "", f"outcomes: {r['outcomes']}", f"errors: {r['errors']}",
             f"leader changes: {r['leader_changes']}", f"election rounds: {r['rounds']}", ""]
    lines += [f"{k}: {v}" for k, v in r["extra"].items()]
    lines += ["", "longest time without any success of a group, per episode of the fault (others may go on beside it):",
              f"  {'fault':16} {'count':>5} {'p50 s':>7} {'max s':>7}"]
    lines += [f"  {k:16} {v['count']:5} {v['p50_s']:7.2f} {v['max_s']:7.2f}" for k, v in r["unavailability"].items() if v["count"]]
    lines += ["", "daemons that ended by themselves:"] + [f"  {e['at']:7.1f} s {e['node']} code {e['code']} during {e['during']}" for e in r["exits"]]
    lines += ["", "findings:"] + [f"  {f}" for f in r["findings"]]
    return "\n".join(lines) + "\n"


def write(run, folder):
    r = build(run)
    (folder / "report.json").write_text(json.dumps(r, indent=1))
    (folder / "report.txt").write_text(text(r))
    try:
        import plot
        rows = measure.per_second(run.records, run.start_ns, run.seconds)
        title = f"tercet chaos, seed {run.seed}, {run.scenario}: {r['injected']}, {r['operations']} operations, {r['verdict']}"
        plot.draw(folder / "report.png", title, rows, run.gaps, run.tables, run.episodes, run.changes, run.seconds)
    except ImportError:
        print("chaos: no report.png: python3-matplotlib is not installed")
    return r

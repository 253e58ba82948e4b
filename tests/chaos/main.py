#!/usr/bin/env python3
"""./dev chaos: a real cluster under faults, clients whose histories are judged, and a report. run.sh calls this inside namespaces of its own."""
import argparse
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import faults  # noqa: E402
import measure  # noqa: E402
import report  # noqa: E402
import scenarios  # noqa: E402
from check import history  # noqa: E402
from clients import Load  # noqa: E402
from cluster import OPTIONS, Cluster  # noqa: E402
from runner import Runner  # noqa: E402

SCRUB_TRIES, SCRUB_REST_S, SCRUB_S = 6, 10, 400


def options():
    p = argparse.ArgumentParser(prog="./dev chaos", description="A real three-zone cluster under faults, its clients' histories judged.",
                                epilog="faults: " + ", ".join(faults.ALL) + ". The report goes to build/chaos/TIME/report.{txt,json,png}.")
    p.add_argument("--minutes", type=float, default=2.0, help="how long faults go on (default 2)")
    p.add_argument("--seed", type=int, default=None, help="which plan of faults (default: a new one)")
    p.add_argument("--faults", default="", help="only these, comma separated")
    p.add_argument("--scenario", default="random", choices=sorted(scenarios.ALL), help="instead of random faults")
    p.add_argument("--count", type=int, default=None, help="episodes of a scenario")
    p.add_argument("--nodes-per-zone", type=int, default=None, help="storage nodes per zone (default 1)")
    p.add_argument("--rate", type=float, default=None, help="operations per second of all clients together")
    p.add_argument("--debug", action="store_true", help="storage nodes log what their replication groups decide")
    p.add_argument("--build", default="build/release", help=argparse.SUPPRESS)
    p.add_argument("--out", required=True, help=argparse.SUPPRESS)
    p.add_argument("--keep", action="store_true", help="keep logs and histories of a clean run too")
    o = p.parse_args()
    unknown = [n for n in filter(None, o.faults.split(",")) if n not in faults.ALL]
    if unknown:
        p.error(f"no fault {unknown[0]}; there are: {', '.join(faults.ALL)}")
    return o


def repeat_command(o):
    parts = ["./dev chaos", f"--seed {o.seed}"]
    if o.scenario == "random":
        parts.append(f"--minutes {o.minutes:g}")
    else:
        parts.append(f"--scenario {o.scenario}" + (f" --count {o.count}" if o.count else f" --minutes {o.minutes:g}"))
    parts += [f"--{name.replace('_', '-')} {getattr(o, name)}" for name in ("faults", "nodes_per_zone", "rate") if getattr(o, name)]
    return " ".join(parts)


def scrub(cluster, say):
    """Sentence about `tercet scrub`, and what it found. A group that is still catching up is asked for again."""
    for attempt in range(SCRUB_TRIES):
        try:
            done = cluster.tercet("scrub", "--json", timeout=SCRUB_S)
        except subprocess.TimeoutExpired:
            return "scrub not finished", [f"scrub: not finished after {SCRUB_S} s"]
        groups = json.loads(done.stdout) if done.stdout.strip() else []
        bad = [f"group {g['gid']} {c['check']}: {c['state']}: {c['why']}" for g in groups for c in g["checks"] if c["state"] != "clean"]
        if done.returncode == 0 and groups:
            return f"scrub of {len(groups)} groups clean", []
        if any("DAMAGED" in b for b in bad):
            break
        say(f"scrub is not complete yet ({(bad or [done.stderr.strip()])[0][:160]})")
        time.sleep(SCRUB_REST_S)
    return "scrub not clean", [f"scrub: {b}" for b in bad or [done.stderr.strip()]]


class Run:
    """Everything the report tells of."""

    def __init__(self, o):
        self.seed, self.scenario, self.repeat = o.seed, o.scenario, repeat_command(o)
        self.records, self.bad, self.problems, self.keys = [], [], [], 0
        self.judged = "linearizable"
        self.scrub, self.extra, self.episodes, self.exits, self.changes, self.gaps = "scrub not run", {}, [], [], [], {}
        self.rounds_gained, self.seconds, self.start_ns, self.tables = 0, 0.0, 0, []


def frozen_build(build, to):
    """A copy of the programs, so that compiling meanwhile does not change what is restarted."""
    to.mkdir(parents=True)
    (to / "bin").mkdir()
    for program in build.glob("bin/tercet*"):
        if "sim" not in program.name:
            shutil.copy2(program, to / "bin")
    shutil.copytree(build / "chaos", to / "chaos")
    return to.resolve()


def perform(run, o, out, say):
    """The whole run; whatever happens, what was seen is in run."""
    scenario = scenarios.ALL[o.scenario](o)
    if o.debug:
        OPTIONS["storage"] += ["--log-level", "debug"]
    cluster = Cluster(frozen_build(pathlib.Path(o.build), out / "work/build"), out / "work", o.nodes_per_zone or scenario.NODES_PER_ZONE)
    load = Load(cluster, out / "work", o.seed, rate=o.rate or scenario.RATE, slots=scenario.SLOTS, wide=scenario.WIDE)
    scenario.prepare(cluster)
    cluster.up()
    cluster.wait_ready()
    load.make_tables()
    say(f"{len(cluster.daemons)} daemons up, {len(load.workloads)} tables; seed {o.seed}, scenario {o.scenario}")
    runner = Runner(cluster, load, say)
    load.start()
    runner.pause(3.0)
    runner.watch.sample()
    runner.first_rounds = dict(runner.watch.rounds)
    runner.watch.start()
    try:
        scenario.run(runner)
    except KeyboardInterrupt:
        say("interrupted: judging what there is")
    finish(run, runner, load, cluster, say)
    run.problems += lagging(cluster)
    keep_evidence(cluster, out / "work/said")
    if scenario.SCRUBBED:
        run.scrub, found = scrub(cluster, say)
        run.problems += found + states(cluster)
    cluster.down()
    run.extra.update(scenario.figures(runner, run))
    run.problems += scenario.problems(run)
    scenario.conclude(run)


def finish(run, runner, load, cluster, say):
    cluster.start(*cluster.daemons)
    late = load.await_service()
    runner.pause(4.0)
    run.seconds, run.start_ns, run.tables = load.seconds(), load.start_ns, list(load.workloads)
    load.stop()
    runner.watch.sample()
    runner.watch.stop()
    run.episodes, run.exits, run.changes = runner.episodes, runner.watch.exits, runner.watch.changes
    run.rounds_gained = sum(n - runner.first_rounds.get(g, n) for g, n in runner.watch.rounds.items())
    run.problems = runner.problems + ([f"at the end no write to {', '.join(late)}"] if late else [])
    run.problems += [f"{node} had answered no /status for 40 s at {at} s, although it ran" for node, at in runner.watch.hung.items()]
    run.records = history.load(load.files)
    run.gaps = measure.gaps(run.records, run.start_ns, run.seconds)
    reads = []
    try:
        reads = load.final_reads(list(history.by_key(run.records)))
    except RuntimeError as e:
        run.problems.append(f"final read: {e}")
    say(f"judging {len(run.records)} operations")
    run.keys, run.bad = history.check(run.records + reads)


def lagging(cluster, seconds=60):
    """Replicas that have not applied what their leader had committed when the load ended."""
    goals, until = {r["gid"]: r["commit"] for _, r in cluster.replicas() if r["serving"]}, time.monotonic() + seconds
    while True:
        behind = [f"{d.node} has applied {r['applied']} of {goals[r['gid']]} entries of group {r['gid']}, its log ends at {r['last']}, {seconds} s after the load"
                  for d, r in cluster.replicas() if r["applied"] < goals.get(r["gid"], 0)]
        if not behind or time.monotonic() > until:
            return behind
        time.sleep(0.5)


def keep_evidence(cluster, folder):
    """What every daemon says of itself at the end."""
    folder.mkdir(exist_ok=True)
    for d in cluster.daemons:
        for page in ("status", "metrics"):
            try:
                (folder / f"{d.node}.{page}").write_text(d.get(f"/{page}"))
            except OSError as e:
                (folder / f"{d.node}.{page}").write_text(f"no answer: {e}\n")


def states(cluster):
    silent = [f"{d.node} runs and does not answer /status" for d in cluster.of("storage") if cluster.status(d) is None]
    return silent + [f"{d.node} says of group {r['gid']}: {r['state']}" for d, r in cluster.replicas() if r["state"] != "ok"]


def interrupted(*_):
    raise KeyboardInterrupt


def main():
    o = options()
    out = pathlib.Path(o.out)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupted)
    o.seed = o.seed if o.seed is not None else int(time.time()) % 1_000_000

    def say(text):
        print(text, flush=True)

    run = Run(o)
    try:
        perform(run, o, out, say)
    except (Exception, KeyboardInterrupt):
        run.problems.append(f"the harness stopped: {traceback.format_exc(limit=4)}")
    r = report.write(run, out)
    print((out / "report.txt").read_text())
    print(report.verdict_line(r))
    print(f"  report: {out}/report.txt, report.png")
    if r["verdict"] == "ok" and not o.keep:
        shutil.rmtree(out / "work", ignore_errors=True)
    else:
        shutil.rmtree(out / "work/disk", ignore_errors=True)
    return 0 if r["verdict"] == "ok" else 1


if __name__ == "__main__":
    sys.exit(main())

"""What a run does with its time: random faults, or one kind of fault counted and timed."""
import os
import random

import faults
import measure
import schedule


class Random:
    """Every kind of fault, in an order that the seed chooses."""
    RATE, NODES_PER_ZONE, SCRUBBED = 360.0, 1, True

    def __init__(self, options):
        self.o = options

    def names(self):
        return [n for n in self.o.faults.split(",") if n] or list(faults.ALL)

    def run(self, runner):
        runner.run(schedule.random_plan(self.o.seed, runner.cluster, self.names()), until_s=self.o.minutes * 60)

    def figures(self, runner, run):
        return {}

    def problems(self, run):
        return []

    def prepare(self, cluster):
        """Before any daemon runs."""

    def conclude(self, run):
        """After everything was judged."""


class Repeated(Random):
    """One fault, --count times."""
    RATE = 600.0
    FAULT, COUNT, HOLD_S, REST_S, LIMIT_S = "", 10, None, 4.0, None

    def run(self, runner):
        plan = schedule.repeated_plan(self.o.seed, runner.cluster, self.FAULT, self.HOLD_S, self.REST_S)
        runner.run(plan, count=self.o.count or self.COUNT)

    def longest(self, run):
        return [measure.longest_within(run.gaps, e.faults[0].began, e.recovered)[0] for e in run.episodes]

    def figures(self, runner, run):
        longest = self.longest(run)
        if not longest:
            return {}
        return {"longest gap of any group per episode, s": " ".join(f"{g:.2f}" for g in longest),
                "p50, p90, max, s": " ".join(f"{measure.percentile(longest, q):.3f}" for q in (0.5, 0.9, 1.0))}


class LeaderKill(Repeated):
    FAULT, COUNT, HOLD_S = "leader-kill", 50, 3.0


class Drain(Repeated):
    """Leaders hand over: what a client sees is a request that waits, so those are looked at more closely."""
    FAULT, COUNT, HOLD_S, RATE, WINDOW_S = "drain", 20, 1.0, 900.0, 0.5

    def figures(self, runner, run):
        began = [e.faults[0].began for e in run.episodes]
        found = measure.gaps(run.records, run.start_ns, run.seconds, longer_than_s=0.002)
        rows = {"around the drain": 0.0, "a second earlier": -1.0}
        out = {}
        for name, shift in rows.items():
            longest = [1e3 * measure.longest_within(found, b + shift, b + shift + self.WINDOW_S)[0] for b in began]
            slow = [measure.slowest(run.records, run.start_ns, b + shift - 0.02, b + shift + self.WINDOW_S) for b in began]
            for what, values in (("no success of a group", longest), ("slowest operation", slow)):
                out[f"{what}, {name}, ms"] = ", ".join(f"{label} {measure.percentile(values, q):.0f}" for label, q in (("p50", 0.5), ("p90", 0.9), ("max", 1)))
        return out


class Power(Repeated):
    FAULT, COUNT, HOLD_S, REST_S, RATE = "power", 20, 0.0, 3.0, 360.0


class OneWay(Random):
    """What one storage node sends to one other is lost, again and again: nobody has a reason to elect."""

    def run(self, runner):
        runner.run(schedule.repeated_plan(self.o.seed, runner.cluster, "one-way", rest_s=3.0), until_s=self.o.minutes * 60)

    def figures(self, runner, run):
        return {"elections during one-way partitions": run.rounds_gained}

    def problems(self, run):
        return [f"{run.rounds_gained} elections, none was needed"] if run.rounds_gained else []


class Smoke(Random):
    """A handful of faults, always the same: one of each family, about a minute."""
    PLAN = ("leader-kill", "one-way", "power", "disk-error", "vm-pause", "isolate", "rolling")

    def run(self, runner):
        rng = random.Random(f"smoke/{self.o.seed}")
        plan = [schedule.Episode([schedule.pick(rng, runner.cluster, [name])], min(2.5, faults.ALL[name].HOLD_S[1]), 2.0) for name in self.PLAN]
        runner.run(plan)


class LyingDisks(Random):
    """A test of this harness: every disk says that it has synced and has not, then the power goes. Acknowledged writes are lost by
    that, and the judges must say so."""
    LOAD_S, SCRUBBED = 8.0, False

    def prepare(self, cluster):
        for d in cluster.of("storage"):
            d.control.set(lies=1)

    def run(self, runner):
        os.sync()  # what was made before counts as old
        runner.pause(self.LOAD_S)
        runner.run(schedule.repeated_plan(self.o.seed, runner.cluster, "power", 0.0, 6.0), count=1)

    def conclude(self, run):
        caught = [v.why for _, _, v in run.bad if v.ok is False]
        run.extra = {"keys whose history the judges found impossible": len(caught), "one of them": caught[:1]}
        run.bad, run.exits = [], []
        run.problems = [] if caught else ["disks lied, power was cut, and the judges found nothing"]
        run.judged, run.scrub = f"judged, {len(caught)} found impossible as they must be", "scrub not run"


ALL = {"random": Random, "leader-kill": LeaderKill, "drain": Drain, "power": Power, "one-way": OneWay, "smoke": Smoke, "lying-disks": LyingDisks}

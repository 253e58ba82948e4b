"""What a run does with its time: random faults, or one kind of fault counted and timed."""
import json
import os
import random

import faults
import measure
import schedule
from reshape import Reshape
from scenario import Scenario


class Random(Scenario):
    """Every kind of fault, in an order that the seed chooses."""

    def run(self, runner):
        runner.run(schedule.random_plan(self.o.seed, runner.cluster, self.names()), until_s=self.o.minutes * 60)


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
    """What one storage node sends to one other is lost, again and again: nobody has a reason to elect. A campaign that began because
    no leader was heard is lost to a gray failure; one on a leader's resignation is by choice (autoadmin spreads leaders). The storage
    nodes count both."""

    COUNTERS = {"lost": "tercet_storage_elections_total", "chosen": "tercet_storage_elections_by_choice_total"}
    EXPORTED_S = 1.5  # the store's counters are in the metrics after so long

    def run(self, runner):
        runner.pause(self.EXPORTED_S)
        before = self.elections(runner.cluster)
        runner.run(schedule.repeated_plan(self.o.seed, runner.cluster, "one-way", rest_s=3.0), until_s=self.o.minutes * 60)
        runner.pause(self.EXPORTED_S)
        after = self.elections(runner.cluster)
        self.gained = {name: after[name] - before[name] for name in after}

    @classmethod
    def elections(cls, cluster):
        pages = [d.get("/metrics").splitlines() for d in cluster.of("storage")]
        return {name: sum(int(float(line.split()[1])) for page in pages for line in page if line.split()[0] == metric)
                for name, metric in cls.COUNTERS.items()}

    def figures(self, runner, run):
        found = measure.gaps(run.records, run.start_ns, run.seconds, longer_than_s=0.02)
        longest = [measure.longest_within(found, e.faults[0].began, e.recovered)[0] for e in run.episodes]
        return {"cuts": len(run.episodes), "elections lost to gray failure": self.gained["lost"], "elections by choice": self.gained["chosen"],
                "longest stand still of a group, s": round(max(longest, default=0.0), 2)}

    def problems(self, run):
        return [f"{self.gained['lost']} elections lost to gray failure, none was needed"] if self.gained["lost"] else []


class NodeLost(Random):
    """The node that leads most is killed and its disk wiped; the time until every group has three logs, then three copies, again."""
    NODES_PER_ZONE, LIMIT_S, LOGS_LIMIT_S = 2, 120, 5.0

    def run(self, runner):
        self.times = []
        for _ in range(self.o.count or 1):
            self.lose(runner)

    def lose(self, runner):
        cluster, load = runner.cluster, runner.load
        leads = [d for d, r in cluster.replicas() if r["serving"]]
        lost = max(cluster.of("storage"), key=leads.count)
        began = load.seconds()
        one = schedule.Injected(faults.ALL["kill"](), {"node": lost.node}, began)
        runner.episodes.append(schedule.Episode([one], 0.0, 0.0))
        cluster.kill(lost)
        logs, copies = None, None
        while copies is None and load.seconds() < began + self.LIMIT_S:
            whole = self.whole(cluster)
            now = load.seconds() - began
            logs = (logs or now) if whole[0] else None
            copies = now if whole[1] else None
            runner.pause(0.05)
        self.times.append((lost.node, logs, copies))
        runner.say(f"{began:7.1f} s  {lost.node} lost: three logs everywhere after {logs and round(logs, 2)} s, three copies after {copies and round(copies, 2)} s")
        runner.pause(2.0)
        lost.disk.wipe()
        cluster.start(lost)
        one.ended = runner.episodes[-1].recovered = load.seconds()
        runner.pause(5.0)

    @staticmethod
    def whole(cluster):
        """(every group has three members with a durable log that answer, every group has three storage replicas), by the leaders' word."""
        done = cluster.tercet("partitions", "--json")
        logs, copies = {}, {}
        for r in json.loads(done.stdout or "[]"):
            answers = r["silent_s"] is not None and r["silent_s"] < 2.5 and r["kind"] != "learner"
            logs[r["gid"]] = logs.get(r["gid"], 0) + answers
            copies[r["gid"]] = copies.get(r["gid"], 0) + (answers and r["kind"] == "storage" and r["state"] == "ok")
        return bool(logs) and min(logs.values()) >= 3, bool(copies) and min(copies.values()) >= 3

    def figures(self, runner, run):
        return {f"{n} lost, loss {i + 1}": f"three logs after {logs and round(logs, 2)} s, three storage replicas after {copies and round(copies, 2)} s"
                for i, (n, logs, copies) in enumerate(self.times)}

    def problems(self, run):
        return [f"{n} lost: not every group had three copies again within {self.LIMIT_S} s" for n, _, copies in self.times if copies is None]


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


ALL = {"random": Random, "leader-kill": LeaderKill, "drain": Drain, "power": Power, "one-way": OneWay, "node-lost": NodeLost, "smoke": Smoke,
       "lying-disks": LyingDisks, "reshape": Reshape}

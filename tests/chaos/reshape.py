"""Tables are split and merged, one order after the other, while clients use the whole API."""
import random
import time

import measure
import schedule
from faults import orders
from scenario import Scenario


class Reshape(Scenario):
    """Each table in turn. Half of the orders merge once there is something to merge, and no table grows beyond LEAVES_MAX groups.
    With --faults one of these begins beside every other order, and orders are not waited for."""
    RATE, SLOTS, WIDE, COUNT = 480.0, 6, True, 20
    LEAVES_MAX, MERGE_CHANCE, REST_S, CLOSED_S = 4, 0.5, 0.3, 240

    def run(self, runner):
        self.seen, self.logs, self.open, self.whole = {}, [], [], False
        rng, tables = random.Random(f"plan/{self.o.seed}/reshape"), runner.cluster.tables
        for n in range(self.o.count or self.COUNT):
            episode = self.episode(rng, runner, tables[n % len(tables)], n)
            runner.one(episode)
            self.note_refusal(runner, episode)
            runner.pause(episode.rest_s)
        self.await_closed(runner)

    def episode(self, rng, runner, table, n):
        logs = orders.leaves(runner.cluster, table, self.look(runner) or [])
        groups = rng.sample(list(logs), len(logs))
        merges = len(groups) > 1 and (len(groups) >= self.LEAVES_MAX or rng.random() < self.MERGE_CHANCE)
        self.logs += [logs[g] for g in groups[:1]]
        beside = [schedule.pick(rng, runner.cluster, self.names())] if self.o.faults and n % 2 else []
        order = schedule.Injected((orders.Merge if merges else orders.Split)(), {"table": table, "groups": groups, "no_wait": bool(self.o.faults)})
        hold_s = round(rng.uniform(*beside[0].fault.HOLD_S), 2) if beside else 0.0
        return schedule.Episode([order, *beside], hold_s, self.REST_S)

    def look(self, runner):
        """The orders on record; each one's newest state is kept, for closed ones go after ten minutes."""
        known = orders.known(runner.cluster)
        self.seen.update((tuple(o["parents"]), o) for o in known or [])
        return known

    def note_refusal(self, runner, episode):
        order = episode.faults[0]
        if "failed" in order.params and not self.o.faults:
            runner.problems.append(f"{order.fault.NAME} of {order.params}")

    def await_closed(self, runner):
        """Parents go 30 s after their children serve; the load goes on meanwhile."""
        until = time.monotonic() + self.CLOSED_S
        while True:
            known = self.look(runner)
            self.open = None if known is None else [o for o in known if o["step"] not in ("done", "refused")]
            if self.open == [] or time.monotonic() > until:
                self.whole = True
                return
            runner.pause(2.0)

    def figures(self, runner, run):
        done = [o["kind"] for o in self.seen.values() if o["step"] == "done"]
        took = [e.faults[0].ended - e.faults[0].began for e in run.episodes if not self.o.faults]  # with them nothing was waited for
        found = measure.gaps(run.records, run.start_ns, run.seconds, longer_than_s=0.02)
        gap = [self.longest(found, e) for e in run.episodes]
        slow = [measure.slowest(run.records, run.start_ns, e.faults[0].began - 0.02, e.faults[0].ended) for e in run.episodes]
        return {"orders carried out": f"{done.count('split')} splits, {done.count('merge')} merges",
                "seconds until the new groups serve and are on record": self.spread(took, 2),
                "longest time without success of the table, per order, s": self.spread(gap, 3),
                "slowest operation that succeeded, per order, ms": self.spread(slow, 0),
                "entries that a group's log had when it was split or merged": self.spread(self.logs, 0, (0.0, 0.1, 0.5, 1.0)),
                "operations by kind": measure.kinds(run.records)}

    @staticmethod
    def longest(found, episode):
        """Seconds that the order's own table stood still."""
        table = episode.faults[0].params["table"]
        return measure.longest_within({table: found.get(table, [])}, episode.faults[0].began, episode.recovered)[0]

    @staticmethod
    def spread(values, digits, shares=(0.5, 0.9, 1.0)):
        names = {0.0: "min", 0.1: "p10", 0.5: "p50", 0.9: "p90", 1.0: "max"}
        return ", ".join(f"{names[q]} {measure.percentile(values, q):.{digits}f}" for q in shares) if values else "none"

    def problems(self, run):
        if not self.whole:
            return []  # interrupted: orders are under way
        if self.open is None:
            return ["the orders could not be read at the end"]
        found = [f"the order to {o['kind']} {o['parents']} is still at {o['step']} {self.CLOSED_S} s after the last one: {o['waits']}" for o in self.open]
        accepted = sum("failed" not in e.faults[0].params for e in run.episodes)
        done = sum(o["step"] == "done" for o in self.seen.values())
        if not self.o.faults and not found and done != accepted:
            found.append(f"{accepted} orders were accepted and {done} carried out")
        return found

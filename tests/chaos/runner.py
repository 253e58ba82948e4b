"""Carries a plan out: injects, holds, heals, waits until every table serves, rests; and watches the daemons meanwhile."""
import threading
import time
import traceback

RECOVER_S = 60
SILENT_S = 40  # longer than any fault: a storage node that runs and does not answer /status for so long hangs


class Watch(threading.Thread):
    """Starts daemons again that ended by themselves, as a supervisor does, and notes why; samples leaders and rounds."""

    def __init__(self, cluster, load):
        super().__init__(daemon=True)
        self.cluster, self.load, self.stopped = cluster, load, threading.Event()
        self.active, self.exits, self.leaders, self.rounds, self.changes = [], [], {}, {}, []
        self.heard, self.hung = {}, {}  # node -> when

    def run(self):
        next_sample = 0.0
        while not self.stopped.wait(0.1):
            for d, code in self.cluster.fallen():
                during = [i.fault.NAME for i in list(self.active)]
                self.exits.append({"node": d.node, "code": code, "at": round(self.load.seconds(), 2), "during": during,
                                   "log": self.cluster.log_tail(d, 3)})
                threading.Timer(1.0, self.cluster.start, [d]).start()
            if time.monotonic() >= next_sample:
                self.sample()
                next_sample = time.monotonic() + 0.4

    def sample(self):
        now = time.monotonic()
        for d in self.cluster.of("storage"):
            status = self.cluster.status(d)
            if status is not None or not d.running():
                self.heard[d.node] = now
            elif now - self.heard.get(d.node, now) > SILENT_S and d.node not in self.hung:
                self.hung[d.node] = round(self.load.seconds(), 1)
            for r in (status or {}).get("replicas", []):
                self.note(d, r)

    def note(self, d, r):
        self.rounds[r["gid"]] = max(self.rounds.get(r["gid"], 0), r["round"])
        before = self.leaders.get(r["gid"])
        if r["serving"] and before != (d.node, r["round"]) and (before is None or r["round"] > before[1]):
            self.leaders[r["gid"]] = (d.node, r["round"])
            if before is not None:
                self.changes.append((round(self.load.seconds(), 2), r["gid"], before[0], d.node))

    def stop(self):
        self.stopped.set()
        self.join()


class Runner:
    def __init__(self, cluster, load, say=print):
        self.cluster, self.load, self.say = cluster, load, say
        self.watch = Watch(cluster, load)
        self.episodes, self.problems = [], []
        self.first_rounds = {}  # of each group, when faults began

    def run(self, plan, until_s=None, count=None):
        """Episodes of the plan, until the time is over or so many are done."""
        for episode in plan:
            if count is not None and len(self.episodes) >= count:
                break
            if until_s is not None and self.load.seconds() + episode.hold_s > until_s:
                break
            self.one(episode)
            self.pause(episode.rest_s)

    def pause(self, seconds):
        time.sleep(max(0.0, seconds))

    def one(self, episode):
        self.episodes.append(episode)
        try:
            for injected in episode.faults:
                injected.began = self.load.seconds()
                self.watch.active.append(injected)
                injected.fault.inject(self.cluster, injected.params)
            self.pause(episode.hold_s)
        finally:
            self.heal(episode)
        late = self.load.await_service(RECOVER_S)
        episode.recovered = self.load.seconds()
        for injected in episode.faults:
            self.watch.active.remove(injected)
        if late:
            self.problems.append(f"{RECOVER_S} s after {self.text(episode)} was healed no write to {', '.join(late)}")
        self.say(f"{episode.faults[0].began:7.1f} s  {self.text(episode)}; serves {episode.recovered - episode.faults[0].ended:.1f} s after healing")

    def heal(self, episode):
        for injected in reversed(episode.faults):
            try:
                injected.fault.heal(self.cluster, injected.params)
            except Exception:
                self.problems.append(f"the harness could not heal {injected.fault.NAME}: {traceback.format_exc(limit=2)}")
            injected.ended = self.load.seconds()

    @staticmethod
    def text(episode):
        return " + ".join(f"{i.fault.NAME} ({i.fault.text(i.params)})" if i.params else i.fault.NAME for i in episode.faults)

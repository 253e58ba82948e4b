"""Daemons that die, stand still, or are stopped on purpose."""
import os
import signal
import time


class Fault:
    MILD = False
    COUNTED_AS = "faults"

    @staticmethod
    def text(p):
        return ", ".join(f"{k} {v}" for k, v in p.items())


class Kill(Fault):
    """kill -9 of one storage node or one of the daemons around it."""
    NAME, HOLD_S = "kill", (0.0, 5.0)

    def draw(self, rng, cluster):
        return {"node": rng.choice([d.node for d in cluster.daemons if d.kind != "canary"])}

    def inject(self, cluster, p):
        cluster.kill(cluster.named(p["node"]))

    def heal(self, cluster, p):
        cluster.start(cluster.named(p["node"]))


class KillAll(Fault):
    """kill -9 of all storage nodes at once; what the kernel holds survives."""
    NAME, HOLD_S = "kill-all", (0.0, 1.0)

    def draw(self, rng, cluster):
        return {}

    def inject(self, cluster, p):
        cluster.kill(*cluster.of("storage"))

    def heal(self, cluster, p):
        cluster.start(*cluster.of("storage"))


class LeaderKill(Kill):
    """kill -9 of the storage node that leads a table's group just now."""
    NAME, HOLD_S = "leader-kill", (2.0, 6.0)

    def draw(self, rng, cluster):
        return {"table": rng.choice(cluster.tables)}

    def inject(self, cluster, p):
        leader = cluster.leader_of(p["table"]) or cluster.of("storage")[0]
        p["node"] = leader.node
        cluster.kill(leader)


class Pause(Fault):
    """SIGSTOP, and after a while SIGCONT: a machine that stands still and does not know."""
    NAME, HOLD_S = "pause", (0.5, 4.0)

    def draw(self, rng, cluster):
        kinds = ("storage",) * 3 + ("router", "memds", "gac", "archiver", "autoadmin")
        kind = rng.choice(kinds)
        return {"node": rng.choice([d.node for d in cluster.of(kind)])}

    def inject(self, cluster, p):
        self.signal(cluster, p, signal.SIGSTOP)

    def heal(self, cluster, p):
        self.signal(cluster, p, signal.SIGCONT)

    @staticmethod
    def signal(cluster, p, number):
        d = cluster.named(p["node"])
        if d.running():
            os.kill(d.process.pid, number)


class Rolling(Fault):
    """Every storage node in turn is drained by SIGTERM and started again, as an upgrade does it."""
    NAME, HOLD_S = "rolling", (0.0, 0.0)

    def draw(self, rng, cluster):
        nodes = [d.node for d in cluster.of("storage")]
        rng.shuffle(nodes)
        return {"nodes": nodes}

    def inject(self, cluster, p):
        for node in p["nodes"]:
            d = cluster.named(node)
            drained = cluster.stop(d)
            p["drained"] = p.get("drained", 0) + drained
            cluster.start(d)
            cluster.settle(d)

    def heal(self, cluster, p):
        cluster.start(*(cluster.named(n) for n in p["nodes"]))


class Drain(Fault):
    """The storage node that leads a table's group is drained by SIGTERM, and started again later."""
    NAME, HOLD_S = "drain", (1.0, 3.0)

    def draw(self, rng, cluster):
        return {"table": rng.choice(cluster.tables)}

    def inject(self, cluster, p):
        leader = cluster.leader_of(p["table"]) or cluster.of("storage")[0]
        p["node"] = leader.node
        began = time.monotonic()
        p["drained"] = cluster.stop(leader)
        p["seconds"] = round(time.monotonic() - began, 2)

    def heal(self, cluster, p):
        if "node" in p:
            cluster.start(cluster.named(p["node"]))


class ArchiveOutage(Fault):
    """No archiver for a while: logs must be kept until it is back."""
    NAME, HOLD_S, MILD = "archive-outage", (3.0, 15.0), True

    def draw(self, rng, cluster):
        return {}

    def inject(self, cluster, p):
        cluster.kill(*cluster.of("archiver"))

    def heal(self, cluster, p):
        cluster.start(*cluster.of("archiver"))


class KillAround(Kill):
    """kill -9 of a daemon that holds no data, beside another fault."""
    NAME, HOLD_S, MILD = "kill-around", (0.0, 3.0), True

    def draw(self, rng, cluster):
        return {"node": rng.choice([d.node for d in cluster.daemons if d.kind in ("memds", "gac", "router", "autoadmin", "scrubber")])}


FAULTS = (Kill, KillAll, LeaderKill, Pause, Rolling, Drain, ArchiveOutage, KillAround)

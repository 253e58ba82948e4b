"""Disks that are full, slow or broken, and power that goes away everywhere at once."""
from faults.processes import Fault


class DiskFault(Fault):
    def draw(self, rng, cluster):
        return {"node": rng.choice([d.node for d in cluster.of("storage")])}


class DiskFull(DiskFault):
    """Something else has filled the node's file system."""
    NAME, HOLD_S = "disk-full", (3.0, 12.0)

    def inject(self, cluster, p):
        cluster.named(p["node"]).disk.fill()

    def heal(self, cluster, p):
        cluster.named(p["node"]).disk.empty()


class DiskSlow(DiskFault):
    """A share of the node's writes and syncs takes long."""
    NAME, HOLD_S = "disk-slow", (3.0, 10.0)

    def draw(self, rng, cluster):
        return {**super().draw(rng, cluster), "delay_ms": rng.choice([20, 100, 500, 2000]), "chance": rng.choice([0.1, 0.5, 1.0])}

    def inject(self, cluster, p):
        cluster.named(p["node"]).control.slow(p["delay_ms"], p["chance"])

    def heal(self, cluster, p):
        cluster.named(p["node"]).control.heal_disk()


class DiskError(DiskFault):
    """A share of the node's reads, writes or syncs fails with EIO. The daemon may end; it is started again like by any supervisor."""
    NAME, HOLD_S = "disk-error", (1.0, 6.0)

    def draw(self, rng, cluster):
        return {**super().draw(rng, cluster), "what": rng.choice(["read", "write", "sync"]), "chance": rng.choice([0.05, 1.0])}

    def inject(self, cluster, p):
        cluster.named(p["node"]).control.fail(p["what"], p["chance"])

    def heal(self, cluster, p):
        d = cluster.named(p["node"])
        d.control.heal_disk()
        cluster.start(d)


class PowerCut(Fault):
    """Every machine loses its power at the same moment; what no sync covered is gone."""
    NAME, HOLD_S = "power", (0.0, 0.5)

    def draw(self, rng, cluster):
        return {}

    def inject(self, cluster, p):
        cluster.power_cut()

    def heal(self, cluster, p):
        cluster.start(*cluster.daemons)


FAULTS = (DiskFull, DiskSlow, DiskError, PowerCut)

"""Clocks of storage nodes that are wrong, within what the leases rest on: rates off by less than the drift bound, wall time by
anything, and time that passes while the machine does not run. A monotonic clock that jumps by itself is outside of it.
"""
import os
import signal
import time

from faults.processes import Fault

DRIFT_PPM_MAX = 4000  # the bound is 1 % between any two nodes


class ClockFault(Fault):
    MILD = True

    def node(self, rng, cluster):
        return rng.choice([d.node for d in cluster.of("storage")])


class ClockStep(ClockFault):
    """Wall time steps by up to ten minutes, either way, and back when healed."""
    NAME, HOLD_S = "clock-step", (2.0, 10.0)

    def draw(self, rng, cluster):
        return {"node": self.node(rng, cluster), "seconds": rng.choice([-1, 1]) * rng.choice([1, 30, 600])}

    def inject(self, cluster, p):
        cluster.named(p["node"]).control.step("realtime", p["seconds"] * 10**9)

    def heal(self, cluster, p):
        cluster.named(p["node"]).control.step("realtime", -p["seconds"] * 10**9)


class ClockDrift(ClockFault):
    """All clocks of a node run fast or slow."""
    NAME, HOLD_S = "clock-drift", (5.0, 15.0)

    def draw(self, rng, cluster):
        return {"node": self.node(rng, cluster), "ppm": rng.choice([-1, 1]) * rng.randrange(500, DRIFT_PPM_MAX)}

    def inject(self, cluster, p):
        cluster.named(p["node"]).control.drift(p["ppm"])

    def heal(self, cluster, p):
        cluster.named(p["node"]).control.drift(0)


class VmPause(ClockFault):
    """The machine is suspended and resumed: CLOCK_MONOTONIC did not run meanwhile, CLOCK_BOOTTIME did."""
    NAME, HOLD_S, MILD = "vm-pause", (0.5, 4.0), False

    def draw(self, rng, cluster):
        return {"node": self.node(rng, cluster)}

    def inject(self, cluster, p):
        d = cluster.named(p["node"])
        p["stopped_ns"] = time.monotonic_ns()
        if d.running():
            os.kill(d.process.pid, signal.SIGSTOP)

    def heal(self, cluster, p):
        d = cluster.named(p["node"])
        if "stopped_ns" in p:
            d.control.step("monotonic", p.pop("stopped_ns") - time.monotonic_ns())
        if d.running():
            os.kill(d.process.pid, signal.SIGCONT)


FAULTS = (ClockStep, ClockDrift, VmPause)

"""Every fault by its name. A fault is drawn from the seed, injected, held for some seconds, healed.

    draw(rng, cluster)      the fault's particulars, from the seed alone
    inject(cluster, p)      do it; may add what only the running cluster knows (who leads) to p
    heal(cluster, p)        undo it, also half-done ones; afterwards every daemon is meant to run
    HOLD_S                  shortest and longest time between the two
    MILD                    may go on beside another fault: takes no storage node away
"""
from faults import clocks, disks, network, processes

ALL = {f.NAME: f for module in (processes, network, disks, clocks) for f in module.FAULTS}

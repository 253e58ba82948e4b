"""Which fault when: a function of the seed, so that a seed names the same plan on every machine.

What happens then is not repeated: processes, threads and disks have their own timing. A seed is a plan, not a run.
"""
import random
from dataclasses import dataclass, field

import faults

BESIDE_CHANCE = 0.3   # of a mild fault beside the main one
REST_S = (2.5, 6.0)   # between one fault's end and the next


@dataclass
class Injected:
    fault: object
    params: dict
    began: float = 0.0  # seconds of the run
    ended: float = 0.0


@dataclass
class Episode:
    """Faults that begin together and are healed together, then a rest."""
    faults: list
    hold_s: float
    rest_s: float
    recovered: float = field(default=0.0)  # every table took a write again, seconds of the run


def pick(rng, cluster, names):
    fault = faults.ALL[rng.choice(names)]()
    return Injected(fault, fault.draw(rng, cluster))


def random_plan(seed, cluster, names):
    """Without end; each fault comes once, in random order, before any comes again."""
    rng, left = random.Random(f"plan/{seed}"), []
    while True:
        left = left or rng.sample(names, len(names))
        main = left.pop()
        yield episode_of(rng, cluster, main, names)


def episode_of(rng, cluster, main, names):
    mild = [n for n in names if faults.ALL[n].MILD and n != main]
    chosen = [pick(rng, cluster, [main])]
    if mild and rng.random() < BESIDE_CHANCE:
        chosen.append(pick(rng, cluster, mild))
    return Episode(chosen, round(rng.uniform(*faults.ALL[main].HOLD_S), 2), round(rng.uniform(*REST_S), 2))


def repeated_plan(seed, cluster, name, hold_s=None, rest_s=4.0):
    """One fault again and again."""
    rng = random.Random(f"plan/{seed}/{name}")
    while True:
        one = pick(rng, cluster, [name])
        yield Episode([one], hold_s if hold_s is not None else round(rng.uniform(*one.fault.HOLD_S), 2), rest_s)

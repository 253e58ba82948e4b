"""Orders to split and to merge groups. No faults, but injected like them; the plan of random faults has none of them."""
import json
import re

from faults.processes import Fault

SECONDS = 150


def known(cluster):
    """Every order on record, open or closed within the last ten minutes; None if the system's group cannot be asked."""
    done = cluster.tercet("orders", "--json", "--all", timeout=SECONDS)
    try:
        return json.loads(done.stdout) if done.returncode == 0 else None
    except ValueError:
        return None


def leaves(cluster, table, orders):
    """Ids of the table's groups that were neither split nor merged and are not about to be, each with a log of so many entries."""
    rows = [r for _, r in cluster.replicas() if r["table"] == table]
    parents = {r.get(of) for r in rows for of in ("parent", "right_parent")} | {g for o in orders for g in o["parents"] if o["step"] != "refused"}
    logs = {}
    for r in rows:
        if r["gid"] not in parents:
            logs[r["gid"]] = max(logs.get(r["gid"], 0), r["commit"] - r["base"])
    return dict(sorted(logs.items()))


class Order(Fault):
    """p["groups"]: those that may be chosen, in the order in which to try; p["no_wait"]: do not wait until it is carried out."""
    COUNTED_AS = "orders"

    def draw(self, rng, cluster):
        return {}

    def inject(self, cluster, p):
        options = ["--no-wait"] if p.pop("no_wait") else []
        for gid in p.pop("groups"):
            done = self.ask(cluster, gid, options)
            if done is not None:
                p["group"] = gid
                if done.returncode:
                    p["failed"] = (done.stderr + done.stdout).strip()[-300:]
                return
        p["failed"] = "no group could be chosen"

    def heal(self, cluster, p):
        """An order is carried out, not taken back."""


class Split(Order):
    """In the middle of the group's hash range: keys are spread evenly over it, so both halves have clients."""
    NAME, HOLD_S = "split", (0.0, 0.0)

    @staticmethod
    def ask(cluster, gid, options):
        return cluster.tercet("split", str(gid), *options, timeout=SECONDS)


class Merge(Order):
    """With the right neighbour, which `tercet merge` names."""
    NAME, HOLD_S = "merge", (0.0, 0.0)

    @staticmethod
    def ask(cluster, gid, options):
        asked = cluster.tercet("merge", str(gid), str(gid), timeout=SECONDS)
        right = re.search(r"; group (\d+) does", asked.stderr)
        if not right:
            return None if "no group does" in asked.stderr else asked
        return cluster.tercet("merge", str(gid), right[1], *options, timeout=SECONDS)


FAULTS = (Split, Merge)

"""Packets that do not arrive. Each fault leaves a majority of storage nodes that reach each other."""
from faults.processes import Fault
from net import HUB


def others(cluster, node):
    """Addresses of every other host that daemons stand on."""
    return [d.host.ip for d in cluster.daemons if d.host and d.node != node] + [HUB]


class NetworkFault(Fault):
    def heal(self, cluster, p):
        for d in cluster.daemons:
            if d.host and d.node in p.values():
                d.host.heal()

    @staticmethod
    def storage(rng, cluster, count=1):
        return rng.sample([d.node for d in cluster.of("storage")], count)


class Isolate(NetworkFault):
    """A storage node that reaches nobody and is reached by nobody."""
    NAME, HOLD_S = "isolate", (2.0, 10.0)

    def draw(self, rng, cluster):
        return {"node": self.storage(rng, cluster)[0]}

    def inject(self, cluster, p):
        host = cluster.named(p["node"]).host
        host.drop_from(*others(cluster, p["node"]))
        host.drop_to(*others(cluster, p["node"]))


class IsolateLeader(Isolate):
    NAME = "isolate-leader"

    def draw(self, rng, cluster):
        return {"table": rng.choice(cluster.tables)}

    def inject(self, cluster, p):
        p["node"] = (cluster.leader_of(p["table"]) or cluster.of("storage")[0]).node
        super().inject(cluster, p)


class Partial(NetworkFault):
    """Two storage nodes do not reach each other; everybody else reaches both."""
    NAME, HOLD_S = "partial", (3.0, 12.0)

    def draw(self, rng, cluster):
        a, b = self.storage(rng, cluster, 2)
        return {"node": a, "from": b}

    def inject(self, cluster, p):
        host, ip = cluster.named(p["node"]).host, cluster.named(p["from"]).ip
        host.drop_from(ip)
        host.drop_to(ip)


class OneWay(NetworkFault):
    """What one storage node sends to another is lost; the other direction works."""
    NAME, HOLD_S = "one-way", (3.0, 12.0)

    def draw(self, rng, cluster):
        a, b = self.storage(rng, cluster, 2)
        return {"from": a, "node": b}

    def inject(self, cluster, p):
        cluster.named(p["node"]).host.drop_from(cluster.named(p["from"]).ip)


class Deaf(NetworkFault):
    """A storage node hears nobody and is heard by all."""
    NAME, HOLD_S = "deaf", (2.0, 8.0)

    def draw(self, rng, cluster):
        return {"node": self.storage(rng, cluster)[0]}

    def inject(self, cluster, p):
        cluster.named(p["node"]).host.drop_from(*others(cluster, p["node"]))


class Mute(Deaf):
    """A storage node hears all and is heard by nobody."""
    NAME = "mute"

    def inject(self, cluster, p):
        cluster.named(p["node"]).host.drop_to(*others(cluster, p["node"]))


class Loss(NetworkFault):
    """A share of all packets of one storage node is lost at random, in and out."""
    NAME, HOLD_S, MILD = "loss", (3.0, 12.0), True

    def draw(self, rng, cluster):
        return {"node": self.storage(rng, cluster)[0], "chance": round(rng.uniform(0.02, 0.25), 2)}

    def inject(self, cluster, p):
        cluster.named(p["node"]).host.lose(p["chance"])


class RouterCut(NetworkFault):
    """A router does not reach one storage node, or none of them."""
    NAME, HOLD_S, MILD = "router-cut", (2.0, 8.0), True

    def draw(self, rng, cluster):
        return {"node": rng.choice([d.node for d in cluster.of("router")]),
                "from": rng.choice([d.node for d in cluster.of("storage")] + ["every storage node"])}

    def inject(self, cluster, p):
        ips = [d.ip for d in cluster.of("storage") if p["from"] in (d.node, "every storage node")]
        cluster.named(p["node"]).host.drop_from(*ips)
        cluster.named(p["node"]).host.drop_to(*ips)


FAULTS = (Isolate, IsolateLeader, Partial, OneWay, Deaf, Mute, Loss, RouterCut)

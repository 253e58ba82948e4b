"""Hosts as network namespaces on one bridge, and packets dropped between them.

All of it lives in the namespace that run.sh made for this run: when the run's processes end, however they end, the kernel removes
bridge, links and rules with them.
"""
import subprocess

HUB = "10.77.0.1"


def sh(*args):
    done = subprocess.run(args, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(args)}: {done.stderr.strip()}")
    return done.stdout


def make_hub():
    sh("ip", "link", "set", "lo", "up")
    sh("ip", "link", "add", "hub", "type", "bridge", "forward_delay", "0")
    sh("ip", "addr", "add", f"{HUB}/24", "dev", "hub")
    sh("ip", "link", "set", "hub", "up")


class Host:
    """One machine: a namespace kept by a sleeping process, with an address on the bridge."""

    def __init__(self, name, number):
        self.name, self.ip = name, f"10.77.0.{number}"
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"], start_new_session=True)
        self.wait_for_namespace()
        sh("ip", "link", "add", f"v-{number}", "type", "veth", "peer", "name", "eth0", "netns", str(self.holder.pid))
        sh("ip", "link", "set", f"v-{number}", "master", "hub", "up")
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "addr", "add", f"{self.ip}/24", "dev", "eth0")
        self.run("ip", "link", "set", "eth0", "up")

    def wait_for_namespace(self):
        import os
        import time
        for _ in range(500):
            if os.readlink(f"/proc/{self.holder.pid}/ns/net") != os.readlink("/proc/self/ns/net"):
                return
            time.sleep(0.01)
        raise RuntimeError("no network namespace after 5 s")

    def enter(self, *args):
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", *args]

    def run(self, *args):
        return sh(*self.enter(*args))

    def rule(self, chain, *match):
        self.run("iptables", "-w", "-A", chain, *match, "-j", "DROP")

    def drop_from(self, *ips):
        """Packets of these addresses do not arrive here; the other direction works."""
        for ip in ips:
            self.rule("INPUT", "-i", "eth0", "-s", ip)

    def drop_to(self, *ips):
        for ip in ips:
            self.rule("OUTPUT", "-o", "eth0", "-d", ip)

    def lose(self, chance):
        """Each packet, in and out, is lost with this chance."""
        random = ("-m", "statistic", "--mode", "random", "--probability", f"{chance:.4f}")
        self.rule("INPUT", "-i", "eth0", *random)
        self.rule("OUTPUT", "-o", "eth0", *random)

    def heal(self):
        self.run("iptables", "-w", "-F")

"""What every scenario has: its load, and what it does before, in and after a run."""
import faults


class Scenario:
    RATE, NODES_PER_ZONE, SCRUBBED = 360.0, 1, True
    SLOTS, WIDE = 3, False  # keys of a table in use at a time; queries, batches and scans too

    def __init__(self, options):
        self.o = options

    def names(self):
        return [n for n in self.o.faults.split(",") if n] or list(faults.ALL)

    def run(self, runner):
        raise NotImplementedError

    def figures(self, runner, run):
        return {}

    def problems(self, run):
        return []

    def prepare(self, cluster):
        """Before any daemon runs."""

    def conclude(self, run):
        """After everything was judged."""

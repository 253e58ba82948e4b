#!/usr/bin/env python3
"""The shim must do to a process what its control page says, and nothing else. Usage: test_shim.py SHIM.so"""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from control import Control  # noqa: E402

SHIM = sys.argv.pop(1)
CLOCKS = "import time; print(*(time.clock_gettime_ns(c) for c in (time.CLOCK_REALTIME, time.CLOCK_MONOTONIC, time.CLOCK_BOOTTIME)))"
WRITE = "import os, sys; f = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT); os.pwrite(f, b'x' * 100, 0); os.fdatasync(f); print(len(os.pread(f, 100, 0)))"
# A futex with an absolute deadline 0.3 s ahead, as abseil waits: (FUTEX_WAIT_BITSET | PRIVATE | CLOCK_REALTIME).
FUTEX = """
import ctypes, time
libc = ctypes.CDLL(None, use_errno=True)
word, at = ctypes.c_uint32(0), time.clock_gettime_ns(time.CLOCK_REALTIME) + 300_000_000
end = (ctypes.c_long * 2)(at // 10**9, at % 10**9)
began = time.perf_counter()
libc.syscall(ctypes.c_long(202), ctypes.byref(word), ctypes.c_long(9 | 128 | 256), ctypes.c_long(0), end, None, ctypes.c_long(0xffffffff))
print(time.clock_gettime_ns(time.CLOCK_REALTIME) >= at, time.clock_gettime_ns(time.CLOCK_REALTIME) < at + 5 * 10**9)
"""
EIO = 5


class Shim(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.control = Control(f"{self.dir.name}/control")

    def tearDown(self):
        self.dir.cleanup()

    def run_in_shim(self, code, *args):
        env = {**os.environ, "LD_PRELOAD": SHIM, "TERCET_CHAOS_CONTROL": self.control.path}
        env.pop("ASAN_OPTIONS", None)
        return subprocess.run(["/usr/bin/python3", "-c", code, *args], env=env, capture_output=True, text=True, timeout=30)

    def clocks(self):
        return [int(n) for n in self.run_in_shim(CLOCKS).stdout.split()]

    def write(self):
        return self.run_in_shim(WRITE, f"{self.dir.name}/file")

    def test_steers_nothing_at_first(self):
        self.assertEqual(self.write().stdout.strip(), "100")
        self.assertEqual(self.control.get("given"), 0)

    def test_clocks_step_each_by_itself(self):
        before = self.clocks()
        hour = 3600 * 10**9
        self.control.step("realtime", -hour)
        self.control.step("boottime", hour)
        after = self.clocks()
        self.assertLess(after[0], before[0])
        self.assertTrue(before[1] < after[1] < before[1] + hour)
        self.assertGreater(after[2], before[2] + hour)

    def test_drift_does_not_step(self):
        before = self.clocks()
        self.control.drift(4000)
        self.control.drift(-4000)
        after = self.clocks()
        for a, b in zip(before, after):
            self.assertTrue(a < b < a + 30 * 10**9)

    def test_errors_by_kind(self):
        for what in ("write", "sync", "read"):
            self.control.fail(what, 1.0)
            self.assertIn(f"[Errno {EIO}]", self.write().stderr, what)
            self.control.heal_disk()
            self.assertEqual(self.write().stdout.strip(), "100")
        self.assertGreater(self.control.get("given"), 0)

    def test_a_lying_disk_does_not_sync(self):
        flags = "import os, sys, fcntl; f = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT | os.O_DSYNC); print(fcntl.fcntl(f, fcntl.F_GETFL) & os.O_DSYNC)"
        self.assertNotEqual(self.run_in_shim(flags, f"{self.dir.name}/file").stdout.strip(), "0")
        self.control.set(lies=1)
        self.assertEqual(self.run_in_shim(flags, f"{self.dir.name}/file").stdout.strip(), "0")

    def test_chance_of_nothing_is_nothing(self):
        self.control.fail("write", 0.0)
        self.assertEqual(self.write().stdout.strip(), "100")

    def test_slow_calls_are_counted_and_work(self):
        self.control.slow(5, 1.0)
        self.assertEqual(self.write().stdout.strip(), "100")
        self.assertEqual(self.control.get("given"), 2)  # a write and a sync; reads are not slowed

    def test_deadlines_follow_the_stepped_clock(self):
        for hour in (3600, -3600):
            self.control.step("realtime", hour * 10**9)
            self.assertEqual(self.run_in_shim(FUTEX).stdout.split(), ["True", "True"])


if __name__ == "__main__":
    unittest.main()

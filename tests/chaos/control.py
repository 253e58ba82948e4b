"""The harness' side of shim/control.h: one page of memory per storage daemon."""
import errno
import mmap
import struct
import time

FIELDS = ["sequence", "write_delay_us", "sync_delay_us", "write_errno", "sync_errno", "read_errno", "chance_ppm", "realtime_offset_ns",
          "monotonic_offset_ns", "boottime_offset_ns", "rate_ppm", "rate_base_ns", "given", "lies"]
BYTES = 4096
CLOCKS = ("realtime_offset_ns", "monotonic_offset_ns", "boottime_offset_ns")


class Control:
    def __init__(self, path):
        self.path = path
        with open(path, "w+b") as f:
            f.truncate(BYTES)
            self.page = mmap.mmap(f.fileno(), BYTES)

    def get(self, field):
        return struct.unpack_from("@q", self.page, 8 * FIELDS.index(field))[0]

    def set(self, **values):
        self.put("sequence", self.get("sequence") + 1)
        for field, value in values.items():
            self.put(field, value)
        self.put("sequence", self.get("sequence") + 1)

    def put(self, field, value):
        struct.pack_into("@q", self.page, 8 * FIELDS.index(field), value)

    def slow(self, delay_ms, chance):
        self.set(write_delay_us=int(delay_ms * 1000), sync_delay_us=int(delay_ms * 1000), chance_ppm=int(chance * 1e6))

    def fail(self, what, chance):
        self.set(**{f"{what}_errno": errno.EIO}, chance_ppm=int(chance * 1e6))

    def heal_disk(self):
        self.set(write_delay_us=0, sync_delay_us=0, write_errno=0, sync_errno=0, read_errno=0, chance_ppm=0)

    def drift(self, ppm):
        """All clocks run fast (or slow) from now on; what they gained until now stays, so none steps."""
        now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        gained = (now - self.get("rate_base_ns")) // 1_000_000 * self.get("rate_ppm")
        self.set(rate_ppm=ppm, rate_base_ns=now, **{c: self.get(c) + gained for c in CLOCKS})

    def step(self, clock, ns):
        self.set(**{f"{clock}_offset_ns": self.get(f"{clock}_offset_ns") + ns})

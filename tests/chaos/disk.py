"""A machine's disk: an ext4 image on a loop device, which can be filled, or lose its power with everything not synced.

Mounts live in the mount namespace that run.sh made, loop devices free themselves with the last mount: nothing outlives the run.
"""
import fcntl
import os
import pathlib
import struct
import subprocess
import time

from net import sh

EXT4_IOC_SHUTDOWN, NOLOGFLUSH = 0x8004587D, 2
LEFT_BYTES = 64 << 10  # a full disk keeps this much, less than one write of anything


class Disk:
    def __init__(self, image, path, size_bytes):
        self.image, self.path = pathlib.Path(image), pathlib.Path(path)
        self.path.mkdir(parents=True)
        with open(self.image, "wb") as f:
            f.truncate(size_bytes)
        self.format()
        self.mount()

    def mount(self):
        sh("mount", "-o", "loop", str(self.image), str(self.path))

    def unmount(self):
        """What was just killed may hold files for a moment longer."""
        for _ in range(200):
            done = subprocess.run(["umount", str(self.path)], capture_output=True, text=True)
            if done.returncode == 0:
                return
            time.sleep(0.05)
        raise RuntimeError(f"umount {self.path}: {done.stderr.strip()}")

    def cut_power(self):
        """From here on every write fails, and what was not synced is gone: no journal is written out either."""
        fd = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", NOLOGFLUSH))
        finally:
            os.close(fd)

    def restore_power(self):
        """Only after every process that used it is gone: then mount runs ext4's own recovery."""
        self.unmount()
        self.mount()

    def wipe(self):
        """A new, empty disk at the same place."""
        self.unmount()
        self.format()
        self.mount()

    def format(self):
        sh("mkfs.ext4", "-q", "-F", "-m", "0", "-E", "nodiscard", str(self.image))

    def fill(self):
        free = os.statvfs(self.path)
        size = free.f_bavail * free.f_bsize - LEFT_BYTES
        with open(self.path / "filler", "ab") as f:
            for part in (size, 1 << 20, 64 << 10, 4096):
                while part > 0:
                    try:
                        os.posix_fallocate(f.fileno(), os.fstat(f.fileno()).st_size, part)
                    except OSError:
                        break
                    if part == size:
                        break

    def empty(self):
        (self.path / "filler").unlink(missing_ok=True)

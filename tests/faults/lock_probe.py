"""Measure how long a process holds the write lock of an SQLite file, without locking it.

Run as `python -m tests.faults.lock_probe FILE PID`. It asks the kernel who holds the lock until its
input ends, and prints the milliseconds of each time as JSON.
"""

import fcntl
import json
import os
import select
import struct
import subprocess
import sys
import time
from pathlib import Path

from tests.support.paths import ROOT

# The byte that a writer locks from BEGIN IMMEDIATE to COMMIT (SQLite's os_unix.c).
RESERVED = 0x40000001
QUESTION = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, RESERVED, 1, 0)


class LockProbe:
    """A probe of this process or another one, from now to `seen`."""

    def __init__(self, file: Path, pid: int | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.lock_probe", str(file), str(pid or os.getpid())],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def seen(self) -> list[float]:
        """The milliseconds of each time that the process held the lock."""
        output, _ = self._process.communicate(timeout=120)
        return list(json.loads(output))


def main(file: str, pid: int) -> None:
    held: list[float] = []
    since = None
    with Path(file).open("r+b") as handle:
        while not select.select([sys.stdin], [], [], 0.0001)[0]:
            kind, *_, holder = struct.unpack("hhqqi", fcntl.fcntl(handle, fcntl.F_GETLK, QUESTION))
            if kind != fcntl.F_UNLCK and holder == pid:
                since = since or time.perf_counter()
            elif since is not None:
                held.append((time.perf_counter() - since) * 1000)
                since = None
    print(json.dumps(held))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

"""How long a process holds the right to write an SQLite file, seen from outside.

Run as `python -m tests.faults.lock_probe FILE PID`, it asks the system who holds the lock, which takes
none itself, until its input ends; then it prints the milliseconds of each time, as JSON.
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

# The byte that a writer locks from BEGIN IMMEDIATE to the end (os_unix.c of SQLite).
RESERVED = 0x40000001
QUESTION = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, RESERVED, 1, 0)


class LockWatch:
    """Watches a process, or this one, from the first moment to `seen`."""

    def __init__(self, file: Path, pid: int | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.lock_probe", str(file), str(pid or os.getpid())],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def seen(self) -> list[float]:
        """The milliseconds of each time that the lock was held."""
        said, _ = self._process.communicate(timeout=30)
        return list(json.loads(said))


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

"""Bare bcrypt at Strapi's cost, in some threads: what no service can exceed.

Run as `python -m tests.bench.hashes THREADS SECONDS`, it prints when each hash was done.
"""

import json
import subprocess
import sys
import threading
import time
from dataclasses import asdict

import bcrypt

from tests.bench.load import Answers
from tests.support.paths import ROOT


def play(threads: int, seconds: float) -> Answers:
    """Hash for so long, in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.hashes", str(threads), str(seconds)]
    root = ROOT
    return Answers(**json.loads(subprocess.check_output(command, cwd=root)))


def hash_all(threads: int, seconds: float) -> Answers:
    """Hash one password after the other in each of the threads."""
    done: list[tuple[float, float]] = []
    begin = time.perf_counter()

    def work() -> None:
        while (since := time.perf_counter()) < begin + seconds:
            bcrypt.hashpw(b"Quartz-Lantern-1!", bcrypt.gensalt(10, b"2a"))
            moment = time.perf_counter()
            done.append((moment - begin, 1000 * (moment - since)))

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return Answers([moment for moment, _ in done], [took for _, took in done])


if __name__ == "__main__":
    print(json.dumps(asdict(hash_all(int(sys.argv[1]), float(sys.argv[2])))))

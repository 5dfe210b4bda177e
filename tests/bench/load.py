"""Clients that send HTTP requests from a process of their own, and the times of the answers."""

import itertools
import multiprocessing
import socket
import statistics
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass

from tests.support.http_client import TIMEOUT

# Figures by name. None stands for one that cannot be measured on this machine.
Figures = dict[str, float | None]


@dataclass(frozen=True)
class Load:
    """Requests, each to be sent once, over a connection of its own as nginx does.

    Each client has one of the ports. With `per_second`, each request has its time, and waiting for
    a free client counts. Without it, a client sends the next request as soon as it is free.
    """

    ports: Sequence[int]
    requests: Sequence[bytes]
    status: int = 200
    clients: int = 4
    per_second: float = 0.0


@dataclass(frozen=True)
class Answers:
    """The seconds that all took together, and the milliseconds of each."""

    seconds: float
    milliseconds: list[float]

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.milliseconds) / self.seconds


def play(load: Load) -> Answers:
    """Send all requests, and wait for the answers. Raises AssertionError for a wrong status."""
    return start(load).result()


def start(load: Load) -> Future[Answers]:
    """Send all requests in the background."""
    # A fork of this process, which has threads, could hang.
    pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    answers = pool.submit(send_all, load)
    pool.shutdown(wait=False)
    return answers


def send_all(load: Load) -> Answers:
    """Send all requests from threads of this process."""
    left, lock = iter(enumerate(load.requests)), threading.Lock()
    took: list[float] = []
    begin = time.perf_counter()

    def work(port: int) -> None:
        while True:
            with lock:
                number, request = next(left, (0, b""))
            if not request:
                return
            due = begin + number / load.per_second if load.per_second else time.perf_counter()
            time.sleep(max(0.0, due - time.perf_counter()))
            status = send(port, request)
            took.append(1000 * (time.perf_counter() - due))
            assert status == load.status, f"{status}, not {load.status}, for {request!r}"

    with ThreadPoolExecutor(load.clients) as clients:
        list(clients.map(work, itertools.islice(itertools.cycle(load.ports), load.clients)))
    return Answers(time.perf_counter() - begin, took)


def send(port: int, request: bytes) -> int:
    """Read the whole answer, and return its status."""
    with socket.create_connection(("127.0.0.1", port), TIMEOUT) as connection:
        connection.sendall(request)
        with connection.makefile("rb") as file:
            return int(file.read().split(maxsplit=2)[1])


def speed(name: str, load: Load) -> Figures:
    """Answers per second, and the time of one."""
    answers = play(load)
    return {f"{name}, a second": answers.rate, **times(name, answers.milliseconds)}


def times(name: str, values: list[float]) -> Figures:
    """The median and the 99th percentile, where enough was measured."""
    enough = len(values) > 1
    cuts = statistics.quantiles(values, n=100, method="inclusive") if enough else [None] * 99
    return {f"{name}, p50 (ms)": cuts[49], f"{name}, p99 (ms)": cuts[98]}

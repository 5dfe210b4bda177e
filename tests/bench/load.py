"""Clients that ask, wait for the answer and ask again, in a process of their own, so that they
take as little as possible from what they measure.

Run as `python -m tests.bench.load`, it reads what to ask as JSON, and writes when each answer came
and how long it took. An answer of another status than the expected one ends it with an error.
"""

import itertools
import json
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from tests.bench.client import PATIENCE, Client
from tests.support.paths import ROOT

# The share of the time after which the rate has become steady.
WARM = 0.2


@dataclass(frozen=True)
class Load:
    """Who asks what for how long: each request once, or a single one over and over; as fast as
    answers come, or `rate` times a second."""

    port: int
    requests: Sequence[str]
    status: int
    clients: int = 1
    seconds: float = 5.0
    repeat: bool = False
    rate: float | None = None


@dataclass(frozen=True)
class Answers:
    """When each answer came, in seconds since the beginning, and the milliseconds it took."""

    came: list[float]
    took: list[float]

    @property
    def rate(self) -> float:
        """Answers per second while every client is busy. Of an answer that was under way at the
        beginning or the end of that time, the part that lies within it counts: hashes that run
        side by side end at the same moment, and whole ones would count too many or too few."""
        began = [came - took / 1000 for came, took in zip(self.came, self.took, strict=True)]
        end = max(began)
        begin = WARM * end
        asked = zip(began, self.came, strict=True)
        parts = (max(0.0, min(b, end) - max(a, begin)) / (b - a) for a, b in asked)
        return sum(parts) / (end - begin) if end > begin else len(self.came) / max(self.came)


class Running:
    """A load that is on its way."""

    def __init__(self, load: Load) -> None:
        command = [sys.executable, "-m", "tests.bench.load"]
        root = ROOT
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, cwd=root, stdin=pipe, stdout=pipe, text=True)
        assert self._process.stdin
        with self._process.stdin as stdin:
            json.dump(asdict(load), stdin)
        self._process.stdin = None

    def answers(self) -> Answers:
        """What came, once it is over."""
        said, _ = self._process.communicate()
        assert self._process.returncode == 0, "a request was not answered as it should be"
        return Answers(**json.loads(said))


def play(load: Load) -> Answers:
    """Put the load on a server, and wait for the end."""
    return Running(load).answers()


def moments(load: Load) -> Iterator[float]:
    """When each request is due, in seconds since the beginning."""
    return (number / load.rate if load.rate else 0.0 for number in itertools.count())


def ask(load: Load) -> Answers:
    """Keep every client busy until the time is over or nothing is left to ask."""
    requests = [request.encode() for request in load.requests]
    left = zip(itertools.cycle(requests) if load.repeat else requests, moments(load), strict=False)
    free = [Client(load.port, load.status) for _ in range(load.clients)]
    busy: set[Client] = set()
    answers = Answers([], [])
    begin = time.perf_counter()
    following = next(left, None)
    while busy or (following and time.perf_counter() - begin < load.seconds):
        while free and following and following[1] <= time.perf_counter() - begin < load.seconds:
            client = free.pop()
            # Where requests are due at their time, waiting for a free client counts, too.
            client.send(following[0], begin + following[1] if load.rate else time.perf_counter())
            busy.add(client)
            following = next(left, None)
        for client in ready(busy, 0.001 if free and following else PATIENCE):
            if client.receive():
                moment = time.perf_counter()
                answers.came.append(moment - begin)
                answers.took.append(1000 * (moment - client.since))
                busy.remove(client)
                free.append(client)
    return answers


def ready(busy: set[Client], patience: float) -> list[Client]:
    """The clients for whom something has come."""
    with selectors.PollSelector() as selector:
        for client in busy:
            assert client.socket
            selector.register(client.socket, selectors.EVENT_READ, client)
        found = [key.data for key, _ in selector.select(patience)]
    if not found and patience == PATIENCE:
        raise SystemExit("nobody answers")
    return found


def main() -> None:
    """From one line of JSON to another."""
    print(json.dumps(asdict(ask(Load(**json.load(sys.stdin))))))


if __name__ == "__main__":
    main()

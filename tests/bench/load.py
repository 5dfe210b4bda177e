"""Clients that ask, wait for the answer and ask again, in a process of their own, so that they
take as little as possible from what they measure.

Run as `python -m tests.bench.load`, it reads what to ask as JSON, and writes when each answer came
and how long it took. An answer of another status than the expected one ends it with an error.
"""

import itertools
import json
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

# The share of the time after which the rate has become steady.
WARM = 0.2
# Seconds without any answer after which somebody has to look.
PATIENCE = 60.0


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
        root = Path(__file__).parents[2]
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


class Client:
    """A connection that is kept as long as the server keeps it, and the request on its way."""

    def __init__(self, port: int, status: int) -> None:
        self._port = port
        self._wanted = f"HTTP/1.1 {status} ".encode()
        self._answer = b""
        self._used = False
        self.since = 0.0
        self.socket: socket.socket | None = None

    def send(self, request: bytes, since: float) -> None:
        """Ask; the answer is waited for since that moment."""
        self._request, self.since = request, since
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self._port), PATIENCE)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._used = False
        self.socket.sendall(request)

    def receive(self) -> bool:
        """Take what has come; returns whether the answer is whole."""
        assert self.socket
        try:
            part = self.socket.recv(1 << 16)
        except ConnectionResetError:
            part = b""
        if not part:
            return self._cut_off()
        self._answer += part
        head, end, body = self._answer.partition(b"\r\n\r\n")
        if not end or len(body) < length(head):
            return False
        if not head.startswith(self._wanted):
            raise SystemExit(f"wanted {self._wanted!r}, got {self._answer[:2000]!r}")
        self._answer, self._used = b"", True
        if b"\r\nconnection: close" in head.lower():
            self.hang_up()
        return True

    def hang_up(self) -> None:
        """Close the connection; the next request opens another one."""
        if self.socket:
            self.socket.close()
        self.socket = None

    def _cut_off(self) -> bool:
        """A server may close a connection that was idle, just when we ask: ask again."""
        if self._answer or not self._used:
            raise SystemExit(f"cut off after {self._answer!r}")
        self.hang_up()
        self.send(self._request, self.since)
        return False


def length(head: bytes) -> int:
    """How many bytes follow these headers."""
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    if not found:
        raise SystemExit(f"no length: {head!r}")
    return int(rest.partition(b"\r\n")[0])


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

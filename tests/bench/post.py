"""A mail server in a process of its own: quick, slow, or far away.

Run as `python -m tests.bench.post SECONDS_A_LETTER SECONDS_A_COMMAND`, it prints its port, and
answers each line it reads with the moments at which letters came, until its input ends.
"""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.stage import MailServer, free_port


class Post:
    """The mail server, as its clients and its observer see it."""

    def __init__(self, letter: float = 0.0, command: float = 0.0) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.post", str(letter), str(command)],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port = int(self._asked(""))

    def came(self) -> list[float]:
        """When each letter came, by a clock of the server's own."""
        return list(json.loads(self._asked("\n")))

    def stop(self) -> None:
        """End the process."""
        self._process.communicate()

    def _asked(self, line: str) -> str:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(line)
        self._process.stdin.flush()
        return self._process.stdout.readline()


class Distant(SMTP):
    """Whose every answer takes its time to arrive."""

    command_takes = 0.0

    async def push(self, status: str | bytes) -> None:
        await asyncio.sleep(self.command_takes)
        await super().push(status)


class Office(MailServer):
    """Counts letters, and may think about each."""

    def __init__(self, letter_takes: float) -> None:
        super().__init__(free_port())
        self.letter_takes = letter_takes
        self.came: list[float] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        await asyncio.sleep(self.letter_takes)
        self.came.append(time.monotonic())
        return "250 OK"


class Door(Controller):
    """Opens with distant servers."""

    def factory(self) -> Any:
        return Distant(self.handler)


def main(letter: float, command: float) -> None:
    """Serve until the input ends."""
    Distant.command_takes = command
    office = Office(letter)
    door = Door(office, "127.0.0.1", office.port, ready_timeout=30)
    door.start()
    print(office.port, flush=True)
    for _ in sys.stdin:
        print(json.dumps(office.came), flush=True)
    door.stop()


if __name__ == "__main__":
    main(float(sys.argv[1]), float(sys.argv[2]))

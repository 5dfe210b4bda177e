"""A mail server in a process of its own, which does next to nothing: quick, slow, or far away.

Run as `python -m tests.bench.post SECONDS_A_LETTER SECONDS_A_COMMAND`, it prints its port, and
answers each line it reads with the moments at which letters came, until its input ends.
"""

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import dataclass, field

from tests.support.paths import ROOT

# More than any letter has.
MOST = 1 << 22


class Post:
    """The mail server, as its clients and its observer see it."""

    def __init__(self, letter: float = 0.0, command: float = 0.0) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.post", str(letter), str(command)],
            cwd=ROOT,
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


@dataclass
class Office:
    """Takes every letter, each after so many seconds, and answers each command after as many."""

    letter: float
    command: float
    came: list[float] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, as RFC 5321 has it."""
        await self._say(writer, b"220 localhost")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                await self._say(writer, b"354 go on")
                await reader.readuntil(b"\r\n.\r\n")
                await asyncio.sleep(self.letter)
                self.came.append(time.monotonic())
            await self._say(writer, b"221 bye" if verb == b"QUIT" else b"250 OK")
            if verb == b"QUIT":
                break
        writer.close()

    async def _say(self, writer: asyncio.StreamWriter, answer: bytes) -> None:
        await asyncio.sleep(self.command)
        writer.write(answer + b"\r\n")


async def main(letter: float, command: float) -> None:
    """Serve until the input ends."""
    office = Office(letter, command)
    server = await asyncio.start_server(office.serve, "127.0.0.1", 0, limit=MOST)
    print(server.sockets[0].getsockname()[1], flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(office.came), flush=True)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), float(sys.argv[2])))

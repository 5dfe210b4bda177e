"""Start programs for tests, wait for them, and end them together with their children."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.support.network import free_port
from tests.support.paths import ROOT

GUNICORN = str(Path(sys.executable).with_name("gunicorn"))
# Seconds. A test waits so long only if something is broken, or if the machine is very busy.
PATIENCE = 120


def wait_until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait for something that another process or thread does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain"
        time.sleep(0.05)


def listens(port: int) -> bool:
    """Whether a program on this machine accepts connections on this port."""
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 5).close()
        return True
    return False


def environment_of(settings: Mapping[str, object]) -> dict[str, str]:
    """The environment with these settings of the service, and no others."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("SIGNUP_")}
    return others | {
        f"SIGNUP_{name}": json.dumps(value) if isinstance(value, bool | list) else str(value)
        for name, value in settings.items()
    }


class Process:
    """A program that writes into a log file, in a process group of its own.

    Use it as a context manager: at its end the whole group is killed, even if the start failed.
    """

    def __init__(self, log: Path) -> None:
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        assert self._process, "it does not run"
        return self._process.pid

    def launch(
        self, command: Sequence[str], environment: dict[str, str] | None = None, folder: Path = ROOT
    ) -> None:
        """Start the command without waiting for it."""
        assert self._process is None, "it runs already"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def ended(self) -> bool:
        """Whether the program has ended by itself."""
        return self._process is None or self._process.poll() is not None

    def wait(self, seconds: float | None = PATIENCE) -> int:
        """Wait until the program ends, and return its exit status."""
        assert self._process, "it does not run"
        status = self._process.wait(seconds)
        self._process = None
        return status

    def kill(self) -> None:
        """Kill the program and its children in the middle of their work, as a power cut would."""
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self.wait()

    def terminate(self) -> None:
        """Ask the program to stop, as systemd does, without waiting for it."""
        os.kill(self.pid, signal.SIGTERM)

    def stop(self, seconds: float = PATIENCE) -> str:
        """Ask the program to stop, wait until it has, and return what it wrote."""
        if not self.ended():
            self.terminate()
            self.wait(seconds)
        return self.output()

    def output(self) -> str:
        """What the program has written so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""


class Gunicorn(Process):
    """The service under gunicorn, on a port of its own, with these settings and no others."""

    def __init__(
        self, settings: Mapping[str, object], log: Path, *options: str, folder: Path = ROOT
    ) -> None:
        super().__init__(log)
        self.port = free_port()
        self.settings = dict(settings)
        self._options = options or ("app:serve()",)
        self._folder = folder

    def begin(self, *options: str) -> None:
        """Start without waiting."""
        command = [GUNICORN, "--bind", f"127.0.0.1:{self.port}", *options, *self._options]
        self.launch(command, environment_of(self.settings), self._folder)

    def start(self, *options: str) -> None:
        """Start, and wait until the service can be asked."""
        self.begin(*options)
        self.wait_until_up()

    def wait_until_up(self) -> None:
        wait_until(lambda: self.is_up() or self.ended())
        assert not self.ended(), self.output()

    def is_up(self) -> bool:
        return listens(self.port)

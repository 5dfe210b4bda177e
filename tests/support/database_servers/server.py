"""What a database server of the tests' own can do, whichever engine it is."""

import contextlib
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

import trustme

ADMIN = "operator"
ADMIN_PASSWORD = "Operator1only"
# PostgreSQL refuses to run as root, and MariaDB has no need to.
NOBODY = pwd.getpwnam("nobody")
# Seconds that a server may take to answer; usually it takes one.
BOOT = 60


class Server:
    """A database server that starts, dies and comes back when the test wants it to."""

    name: ClassVar[str]
    scheme: ClassVar[str]
    # What ends it as a power cut would, and what ends it in good order.
    at_once: ClassVar[signal.Signals]
    in_order: ClassVar[signal.Signals]

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="author-signup-"))
        self.data = self.folder / "data"
        self.ca = self.folder / "ca.pem"
        self.port = lasting_port()
        self._process: subprocess.Popen[bytes] | None = None
        # The kernel ends a server with the thread that started it (--pdeathsig), so that none
        # outlives the tests, whatever ends them; the thread of a test would end too early.
        self._starter = ThreadPoolExecutor(1)

    @classmethod
    def missing(cls) -> str:
        """Why it cannot be started here, if it cannot."""
        raise NotImplementedError

    def start(self) -> None:
        """Start on its data, made at the first start, and wait until it answers."""
        if not self.data.exists():
            self._furnish()
        with (self.folder / "log").open("ab") as log:
            command = [*unprivileged(), *self._command()]
            started = self._starter.submit(subprocess.Popen, command, stdout=log, stderr=log)
            self._process = started.result()
        until = time.monotonic() + BOOT
        while not self._answers():
            assert self._process.poll() is None, self.said()
            assert time.monotonic() < until, self.said()
            time.sleep(0.02)

    def stop(self) -> None:
        """End it in good order."""
        self._end(self.in_order)

    def kill(self) -> None:
        """End it in the middle of whatever it does (SIGKILL)."""
        self._end(signal.SIGKILL)

    def restart(self, immediate: bool = False) -> None:
        """End it, at once or in good order, and start it on the same port."""
        self._end(self.at_once if immediate else self.in_order)
        self.start()

    def remove(self) -> None:
        """End it and forget its data."""
        self.stop()
        self._starter.shutdown()
        shutil.rmtree(self.folder)

    def create(self, database: str) -> None:
        """Make a database that is empty, whatever was there, and whoever looked at it, before."""
        raise NotImplementedError

    def user(self, name: str, password: str) -> None:
        """Make an account, from 127.0.0.1 and without any right, or change its password."""
        raise NotImplementedError

    def give(self, database: str, user: str) -> None:
        """Let this account do everything in a database, as Strapi's needs to."""
        raise NotImplementedError

    def cut_connections(self, database: str) -> int:
        """End every connection to this database; returns how many there were."""
        raise NotImplementedError

    def run(self, sql: str, database: str | None = None) -> None:
        """Let the administrator run statements, separated by semicolons."""
        raise NotImplementedError

    def do(self, statement: str, *values: object, database: str | None = None) -> None:
        """Let the administrator run one statement; `%s` stands for a value."""
        raise NotImplementedError

    def rows(self, query: str, *values: object, database: str | None = None) -> list[Any]:
        """What the administrator finds, a dictionary for each row; `%s` stands for a value."""
        raise NotImplementedError

    def url(
        self, database: str, user: str = ADMIN, password: str = ADMIN_PASSWORD, **options: str
    ) -> str:
        """The address of a database on this server, for this account."""
        account = f"{quote(user, safe='')}:{quote(password, safe='')}"
        address = f"{self.scheme}://{account}@127.0.0.1:{self.port}/{database}"
        return f"{address}?{urlencode(options)}" if options else address

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def said(self) -> str:
        """What it wrote so far."""
        return (self.folder / "log").read_text(errors="replace")

    def _furnish(self) -> None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca)
        certificate = authority.issue_cert("127.0.0.1", "localhost")
        certificate.private_key_pem.write_to_path(self.folder / "key.pem")
        for blob in certificate.cert_chain_pems:
            blob.write_to_path(self.folder / "certificate.pem", append=True)
        (self.folder / "key.pem").chmod(0o600)
        self._prepare()
        if os.geteuid() == 0:
            for path in [self.folder, *self.folder.iterdir()]:
                os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
        self._install()

    def _prepare(self) -> None:
        """Write what the installation reads."""
        raise NotImplementedError

    def _install(self) -> None:
        """Make the data's folder."""
        raise NotImplementedError

    def _command(self) -> list[str]:
        """What starts it, in the foreground."""
        raise NotImplementedError

    def _answers(self) -> bool:
        """Whether its administrator can log in."""
        raise NotImplementedError

    def _once(self, *command: str) -> None:
        done = subprocess.run(
            [*unprivileged(), *command], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            family = children(self._process.pid) if how is signal.SIGKILL else []
            self._process.send_signal(how)
            self._process.wait(BOOT)
            self._process = None
            for child in family:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)


def unprivileged() -> list[str]:
    """What starts a program without rights, and ends it with whoever started it."""
    tied = ["setpriv", "--pdeathsig", "KILL"]
    if os.geteuid():
        return tied
    return [*tied, f"--reuid={NOBODY.pw_uid}", f"--regid={NOBODY.pw_gid}", "--clear-groups"]


def children(process: int) -> list[int]:
    """The processes that this one started itself."""
    return [
        int(pid) for pid in Path(f"/proc/{process}/task/{process}/children").read_text().split()
    ]


def lasting_port() -> int:
    """A free port below those that clients are given: nobody takes it while the server is away."""
    while True:
        port = random.randrange(20000, 32000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port

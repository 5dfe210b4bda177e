"""What the tests can do with a database server, on both engines."""

import contextlib
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

import trustme

from tests.support.processes import Process, wait_until

ADMIN = "operator"
ADMIN_PASSWORD = "Operator1only"
# PostgreSQL refuses to run as root.
NOBODY = pwd.getpwnam("nobody")


class Server(Process):
    """A database server that a test can stop, kill and start again."""

    name: ClassVar[str]
    # The scheme of its URLs.
    scheme: ClassVar[str]
    # The signals for a normal stop, and for one that ends every transaction at once.
    stop_signal: ClassVar[signal.Signals]
    abort_signal: ClassVar[signal.Signals]
    # What the driver raises while nobody can connect.
    unavailable: ClassVar[type[Exception]]

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="author-signup-"))
        super().__init__(self.folder / "log")
        self.data = self.folder / "data"
        self.ca = self.folder / "ca.pem"
        # The private key, and the certificate for it.
        self.certificate = self.folder / "both.pem"
        self.port = reserved_port()
        # The kernel kills a server when the thread that started it ends (--pdeathsig). So no server
        # outlives the tests, but a test's own thread would end too early.
        self._starter = ThreadPoolExecutor(1)

    @classmethod
    def missing(cls) -> str:
        """Why it cannot be started here, or nothing."""
        raise NotImplementedError

    def start(self) -> None:
        """Start, and wait until it answers. The first start creates its data."""
        if not self.data.exists():
            self._set_up()
        self._starter.submit(self.launch, [*unprivileged(), *self._command()]).result()
        wait_until(lambda: self._answers() or self.ended())
        assert not self.ended(), self.output()

    def kill(self) -> None:
        """Kill it and its children in the middle of their work."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """End every transaction at once, and start again on the same port."""
        self._end(self.abort_signal)
        self.start()

    def remove(self) -> None:
        """Stop it and delete its data."""
        self._end(self.stop_signal)
        self._starter.shutdown()
        shutil.rmtree(self.folder)

    def create(self, database: str) -> None:
        """Create an empty database, in place of one with this name."""
        raise NotImplementedError

    def user(self, name: str, password: str) -> None:
        """Create an account without rights, or change its password."""
        raise NotImplementedError

    def give(self, database: str, user: str) -> None:
        """Let this account do everything in a database, as Strapi's account can."""
        raise NotImplementedError

    def cut_connections(self, database: str) -> int:
        """Close every connection to this database, and return how many there were."""
        raise NotImplementedError

    def connect(self, database: str | None = None, **options: Any) -> Any:
        """The admin's connection to a database, from the engine's own driver."""
        raise NotImplementedError

    def run(self, sql: str, database: str | None = None) -> None:
        """Run statements that are separated by semicolons, as the admin."""
        with self._cursor(database) as cursor:
            cursor.execute(sql)
            while cursor.nextset():
                pass

    def do(self, statement: str, *values: object, database: str | None = None) -> None:
        """Run one statement as the admin; `%s` stands for a value."""
        with self._cursor(database) as cursor:
            cursor.execute(statement, values)

    def rows(self, query: str, *values: object, database: str | None = None) -> list[Any]:
        """What a query finds, a dictionary for each row; `%s` stands for a value."""
        with self._cursor(database) as cursor:
            cursor.execute(query, values)
            return list(cursor.fetchall())

    def url(
        self, database: str, user: str = ADMIN, password: str = ADMIN_PASSWORD, **options: str
    ) -> str:
        """The URL of a database for this account."""
        account = f"{quote(user, safe='')}:{quote(password, safe='')}"
        url = f"{self.scheme}://{account}@127.0.0.1:{self.port}/{database}"
        return f"{url}?{urlencode(options)}" if options else url

    @contextlib.contextmanager
    def _cursor(self, database: str | None) -> Iterator[Any]:
        """A cursor that commits each statement and returns rows as dictionaries."""
        raise NotImplementedError

    def _set_up(self) -> None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca)
        certificate = authority.issue_cert("127.0.0.1", "localhost")
        certificate.private_key_and_cert_chain_pem.write_to_path(self.certificate)
        self.certificate.chmod(0o600)
        (self.folder / "accounts").write_text(self._accounts())
        self._hand_over()
        command = [*unprivileged(), *self._installation()]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command} failed:\n{done.stdout}{done.stderr}"

    def _hand_over(self) -> None:
        """Let the account under which the server runs own its files."""
        if os.geteuid() == 0:
            for path in [self.folder, *self.folder.iterdir()]:
                os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)

    def _accounts(self) -> str:
        """The content of the file from which the installation takes the admin's account."""
        raise NotImplementedError

    def _installation(self) -> list[str]:
        """The command that creates the data."""
        raise NotImplementedError

    def _command(self) -> list[str]:
        """The command that runs the server in the foreground."""
        raise NotImplementedError

    def _answers(self) -> bool:
        """Whether the admin can log in."""
        with contextlib.suppress(self.unavailable), self._cursor(None):
            return True
        return False

    def _end(self, how: signal.Signals) -> None:
        if not self.ended():
            family = children(self.pid) if how is signal.SIGKILL else []
            os.kill(self.pid, how)
            self.wait()
            for child in family:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)


def unprivileged() -> list[str]:
    """The beginning of a command that runs without root's rights and dies with its parent."""
    tied = ["setpriv", "--pdeathsig", "KILL"]
    if os.geteuid():
        return tied
    return [*tied, f"--reuid={NOBODY.pw_uid}", f"--regid={NOBODY.pw_gid}", "--clear-groups"]


def children(process: int) -> list[int]:
    """The ids of the processes that this process has started itself."""
    return [
        int(pid) for pid in Path(f"/proc/{process}/task/{process}/children").read_text().split()
    ]


def reserved_port() -> int:
    """A free port that the kernel gives to no client, so that it stays free during a restart."""
    while True:
        port = random.randrange(20000, 32000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port

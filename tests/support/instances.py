"""Several instances of the service on one database server, behind the nginx of `deploy/`."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.database_servers import Server
from tests.support.deployment import SERVER, Client, Nginx, eventually
from tests.support.network import free_port
from tests.support.paths import ROOT
from tests.support.service import required
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_on_server import StrapiOnServer

GUNICORN = str(Path(sys.executable).with_name("gunicorn"))
INSTANCES = 3
# Which of them answered, for the tests to see.
WHO = "X-Instance"


class Instance:
    """A gunicorn as operators run it, that dies and comes back when the test wants it to."""

    def __init__(self, settings: Mapping[str, object], log: Path) -> None:
        self.port = free_port()
        self._log = log
        # Of gunicorn.conf.py, nothing but the port is exchanged.
        bound = {"GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{self.port}"}
        self._environment = environment_of(settings) | bound
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Start, without waiting."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [GUNICORN, "app:serve()"],
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def start(self) -> None:
        """Start, and wait until it listens."""
        self.begin()
        eventually(self.port)

    def kill(self) -> None:
        """As a power cut would: master, worker and courier at once."""
        assert self._process
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        """As a service manager does."""
        if self._process:
            self._process.terminate()
            self._process.wait(45)
            self._process = None

    def gave_up(self) -> bool:
        """Whether it ends by itself, with a complaint."""
        assert self._process
        return self._process.wait(45) != 0

    def said(self) -> str:
        return self._log.read_text() if self._log.exists() else ""


class Fleet:
    """The instances, their nginx, and what they share."""

    def __init__(
        self,
        folder: Path,
        server: Server,
        mail: SMTPServer,
        count: int = INSTANCES,
        **settings: object,
    ) -> None:
        self.mail = mail
        self.strapi = StrapiOnServer.on(server, "strapi")
        self.ledger = StrapiOnServer.empty(server, "ledger")
        needed = required(self.strapi, mail, folder) | {"LEDGER": self.ledger.url}
        named = {**needed, "PROXIES": 1, **settings}
        self.instances = [Instance(named, folder / f"log{n}") for n in range(count)]
        lines = [SERVER.replace("5000", str(each.port)) for each in self.instances]
        told = f"add_header {WHO} $upstream_addr always; proxy_read_timeout 30s;"
        self.nginx = Nginx(
            folder,
            0,
            **{SERVER: "\n".join(lines), "proxy_read_timeout 30s;": told},
        )

    def start(self) -> None:
        for instance in self.instances:
            instance.begin()
        for instance in self.instances:
            eventually(instance.port)
        self.nginx.start()

    def stop(self) -> None:
        self.nginx.stop()
        for instance in self.instances:
            instance.stop()

    def client(self, number: int = 1) -> Client:
        """A visitor with a network address of their own, who types as quickly as a program."""
        return Client(self.nginx, f"127.3.{number // 250}.{1 + number % 250}", pause=0)

    def said(self) -> str:
        """What all of them wrote."""
        return "\n".join(instance.said() for instance in self.instances)


def environment_of(settings: Mapping[str, object]) -> dict[str, str]:
    """The environment with these settings of the service, and no others."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("SIGNUP_")}
    return others | {
        f"SIGNUP_{name}": value if isinstance(value, str) else json.dumps(value)
        for name, value in settings.items()
    }

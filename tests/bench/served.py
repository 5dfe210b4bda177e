"""An application under the gunicorn that the README tells to use, and a browser's essentials."""

import http.client
import json
import os
import re
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.paths import ROOT
from tests.support.processes import listens, wait_until
from tests.support.service import MailServer, StrapiFile, free_port, required

NO_HEADERS: Mapping[str, str] = {}
PYTHON = Path(sys.executable)


class Browser:
    """Cookies, and the token of the newest form."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._cookies: dict[str, str] = {}
        self.token = ""

    @property
    def cookie(self) -> str:
        """The cookies as they are sent."""
        return "; ".join(f"{name}={value}" for name, value in self._cookies.items())

    def get(self, path: str) -> str:
        """The text of a page."""
        status, text = self._ask("GET", path)
        assert status == 200, (path, status)
        field = re.search(r'<input[^>]*name="csrf_token"[^>]*>', text)
        found = field and re.search(r'value="([^"]+)', field[0])
        self.token = found[1] if found else self.token
        return text

    def post(self, path: str, **fields: str) -> None:
        """Send a form, which must be taken."""
        if not self.token:
            self.get(path)
        body = urllib.parse.urlencode({"csrf_token": self.token, **fields})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        status, text = self._ask("POST", path, body, kind)
        assert status == 303, (path, status, text)
        if path.endswith("/login"):
            self.token = ""

    def getting(self, path: str) -> str:
        """The request for a page, as it is sent."""
        return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n\r\n"

    def posting(self, path: str, **fields: str) -> str:
        """The request that sends a form with the newest token, as it is sent."""
        body = urllib.parse.urlencode({"csrf_token": self.token, **fields})
        return (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nCookie: {self.cookie}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )

    def _ask(
        self,
        method: str,
        path: str,
        body: str | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> tuple[int, str]:
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)) as connection:
            connection.request(method, path, body, {"Cookie": self.cookie, **headers})
            answer = connection.getresponse()
            text = answer.read().decode()
        for line in answer.headers.get_all("Set-Cookie", []):
            name, _, value = line.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer.status, text


@dataclass(frozen=True)
class Served:
    """A gunicorn that runs: its port, and its processes."""

    port: int
    master: int

    @property
    def worker(self) -> int:
        """The process that answers."""
        children = Path(f"/proc/{self.master}/task/{self.master}/children")
        return int(children.read_text().split()[0])


@contextmanager
def gunicorn(
    application: str,
    log: Path,
    environment: Mapping[str, str],
    port: int = 0,
    python: Path = PYTHON,
) -> Iterator[Served]:
    """An application under this repository's `gunicorn.conf.py`, as operators run it."""
    port = port or free_port()
    bound = {**environment, "GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{port}"}
    command = [str(python.with_name("gunicorn")), application]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=bound, stdout=out, stderr=out)
        try:
            wait_until(lambda: listens(port))
            yield Served(port, process.pid)
        finally:
            process.terminate()
            process.wait(60)


def environment_of(settings: Mapping[str, object]) -> dict[str, str]:
    """The environment with these settings of the service, and no others."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("SIGNUP_")}
    return others | {
        f"SIGNUP_{name}": value if isinstance(value, str) else json.dumps(value)
        for name, value in settings.items()
    }


@contextmanager
def served(
    folder: Path, strapi: StrapiFile, mail: MailServer, settings: Mapping[str, object]
) -> Iterator[Browser]:
    """The service on a port of its own, with these settings besides what it requires."""
    port = free_port()
    here = {"PUBLIC_URL": f"http://127.0.0.1:{port}"}
    named = {**required(strapi, mail, folder / "ledger.db"), **here, **settings}
    with gunicorn("app:serve()", folder / "log", environment_of(named), port):
        yield Browser(port)

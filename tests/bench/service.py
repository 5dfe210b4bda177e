"""The service as operators run it, from any checkout of it, and the requests of visitors."""

import itertools
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from urllib.parse import urlencode

from flask import Flask

from tests.bench.people import add_people
from tests.support.http_client import TIMEOUT, Client
from tests.support.processes import Gunicorn
from tests.support.service import required, token_in
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import SQLiteFile, StrapiFile

STRAPI_VERSION = "5.54.0"
LIFTED = {"PUBLIC_URL": "http://127.0.0.1", "RATELIMIT_ENABLED": False, "MAX_WAITING": 10**9}
NAMES = {"firstname": "Ada", "lastname": "Lovelace"}
NUMBERS = itertools.count(1)


class Server(Gunicorn):
    """A gunicorn with the `gunicorn.conf.py` of a checkout, and a visitor of its pages."""

    def __enter__(self) -> Self:
        began = time.monotonic()
        self.start()
        self.client = Client(f"http://127.0.0.1:{self.port}", self._connect, pause=0)
        self.token = token_in(self.client.get("/signup").text)
        # Seconds from the start to the first page.
        self.started_in = time.monotonic() - began
        return self

    def __exit__(self, *error: object) -> None:
        if any(error):
            sys.stderr.write(self.output()[-3000:])
        self.stop()

    @property
    def strapi(self) -> Path:
        """Strapi's file, if it is one."""
        return Path(str(self.settings["STRAPI_DATABASE"]))

    @property
    def worker(self) -> int:
        """The process that answers."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return int(children.read_text().split()[0])

    def memory(self) -> float:
        """Resident memory of both processes, in MB."""
        texts = (Path(f"/proc/{pid}/status").read_text() for pid in (self.pid, self.worker))
        return sum(int(text.partition("VmRSS:")[2].split()[0]) for text in texts) / 1024

    def cpu(self) -> float:
        """Milliseconds of CPU that the worker has used."""
        facts = Path(f"/proc/{self.worker}/stat").read_text().rpartition(") ")[2].split()
        # User and system time are the fields 14 and 15 of proc(5), here without the first two.
        return 1000 * (int(facts[11]) + int(facts[12])) / os.sysconf("SC_CLK_TCK")

    def wait_until_idle(self) -> None:
        """Wait until the worker uses less than 5 % of a core."""
        used, before = self.cpu(), 0.0
        while used - before > 25:
            time.sleep(0.5)
            used, before = self.cpu(), used

    def visits(self, path: str, count: int) -> list[bytes]:
        """Requests of visitors who see this page first, without cookies."""
        return [self._request("GET", path)] * count

    def signups(self, count: int) -> list[bytes]:
        """Requests that send the form, each with a new email."""
        emails = (f"new{n}@firm{n % 977}.com" for n in itertools.islice(NUMBERS, count))
        return [self._request("POST", "/signup", email=email, **NAMES) for email in emails]

    def confirmations(self, links: Iterable[str]) -> list[bytes]:
        """Requests that choose a password behind each link."""
        fields = {"password": "Quartz-Lantern-7!", "why": "", **NAMES}
        return [self._request("POST", link, **fields) for link in links]

    def _request(self, method: str, path: str, **fields: str) -> bytes:
        cookies = "; ".join(f"{n}={v}" for n, v in self.client.cookies.items() if fields)
        body = urlencode({"csrf_token": self.token, **fields}) if fields else ""
        return (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nConnection: close\r\n"
            f"Cookie: {cookies}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    def _connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), TIMEOUT)


@contextmanager
def service(root: Path, mail_port: int, people: int = 1000) -> Iterator[Server]:
    """Run the service of this checkout on files with so many signups."""
    with tempfile.TemporaryDirectory() as name:
        strapi = StrapiFile.made_by(STRAPI_VERSION, Path(name, "strapi.db"))
        ledger = SQLiteFile(Path(name, "ledger.db"))
        # The first start creates the ledger.
        with instance(root, Path(name, "first.log"), mail_port, strapi, ledger):
            pass
        add_people(strapi.path, ledger.path, people)
        with instance(root, Path(name, "log"), mail_port, strapi, ledger) as server:
            yield server


def instance(
    root: Path, log: Path, mail_port: int, strapi: StrapiFile, ledger: SQLiteFile
) -> Server:
    """The service of this checkout on these databases."""
    settings = required(strapi, SMTPServer(mail_port), ledger.url)
    return Server(settings | LIFTED, log, folder=root)


def bare_page(log: Path) -> Server:
    """The least that a Flask application can do."""
    return Server({}, log, "tests.bench.service:bare_application()")


def bare_application() -> Flask:
    """A page that is always the same string."""
    app = Flask(__name__)
    page = "<!doctype html><title>Apply</title><h1>Apply</h1>"
    app.add_url_rule("/signup", view_func=lambda: page)
    return app

"""The service as operators run it, from any checkout of it, and a browser for it."""

import itertools
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from flask import Flask

from tests.bench.load import send
from tests.bench.people import add_people
from tests.support.network import free_port
from tests.support.paths import ROOT
from tests.support.processes import listens, wait_until
from tests.support.strapi_file import StrapiFile

STRAPI_VERSION = "5.54.0"
SETTINGS = {
    "SIGNUP_SECRET_KEY": "0123456789abcdef" * 4,
    "SIGNUP_STRAPI_ADMIN_URL": "https://cms.example.com/admin",
    "SIGNUP_PUBLIC_URL": "http://127.0.0.1",
    "SIGNUP_MAIL_SERVER": "127.0.0.1",
    "SIGNUP_MAIL_DEFAULT_SENDER": "The Magazine <post@example.com>",
    "SIGNUP_UNDO_SECONDS": "0",
    "SIGNUP_RATELIMIT_ENABLED": "false",
    "SIGNUP_MAX_WAITING": "1000000000",
}
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)')
COOKIE = re.compile(r"^set-cookie: ([^=]+)=([^;\r]*)", re.IGNORECASE | re.MULTILINE)
NAMES = {"firstname": "Ada", "lastname": "Lovelace"}
NUMBERS = itertools.count(1)


@dataclass
class Browser:
    """Cookies, and the token of the newest form."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    token: str = ""

    def get(self, path: str, expected: str = "") -> None:
        """Get a page, which has the expected text."""
        text = self._send(200, self._request("GET", path))
        assert expected in text, f"{path} is without {expected}"
        if found := TOKEN.search(text):
            self.token = found[1]

    def post(self, path: str, **fields: str) -> None:
        """Send a form with the newest token."""
        self._send(303, self._request("POST", path, **fields))

    def visits(self, path: str, count: int) -> list[bytes]:
        """Requests of visitors who see this page first, without cookies."""
        return [Browser(self.port)._request("GET", path)] * count

    def signups(self, count: int) -> list[bytes]:
        """Requests that send the form, each with a new email."""
        emails = (f"new{n}@firm{n % 977}.com" for n in itertools.islice(NUMBERS, count))
        return [self._request("POST", "/signup", email=email, **NAMES) for email in emails]

    def confirmations(self, links: Iterable[str]) -> list[bytes]:
        """Requests that choose a password behind each link."""
        fields = {"password": "Quartz-Lantern-7!", "why": "", **NAMES}
        return [self._request("POST", link, **fields) for link in links]

    def _send(self, wanted: int, request: bytes) -> str:
        status, answer = send(self.port, request)
        assert status == wanted, f"{request!r}: {answer}"
        self.cookies |= dict(COOKIE.findall(answer))
        return answer

    def _request(self, method: str, path: str, **fields: str) -> bytes:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = urlencode({"csrf_token": self.token, **fields}) if method == "POST" else ""
        return (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nConnection: close\r\n"
            f"Cookie: {cookies}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()


@dataclass
class Server:
    """A running gunicorn, its folder, and the seconds from its start to its first page."""

    pid: int
    browser: Browser
    folder: Path
    started_in: float

    @property
    def strapi(self) -> Path:
        """Strapi's file, if it is one."""
        return self.folder / "strapi.db"

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


@contextmanager
def service(root: Path, mail_port: int, people: int = 1000) -> Iterator[Server]:
    """Run the service of this checkout on files with so many signups."""
    with tempfile.TemporaryDirectory() as name:
        strapi, ledger = Path(name, "strapi.db"), Path(name, "ledger.db")
        StrapiFile.made_by(STRAPI_VERSION, strapi)
        # The first start creates the ledger.
        with instance(root, Path(name), mail_port, str(strapi), str(ledger)):
            pass
        add_people(strapi, ledger, people)
        with instance(root, Path(name), mail_port, str(strapi), str(ledger)) as server:
            yield server


def instance(
    root: Path, folder: Path, mail_port: int, strapi: str, ledger: str
) -> AbstractContextManager[Server]:
    """Run the service of this checkout on these databases."""
    databases = {"SIGNUP_STRAPI_DATABASE": strapi, "SIGNUP_LEDGER": ledger}
    settings = {**SETTINGS, **databases, "SIGNUP_MAIL_PORT": str(mail_port)}
    return gunicorn("app:serve()", "/signup", root, folder, settings)


@contextmanager
def bare_page() -> Iterator[Server]:
    """Run the least that a Flask application can do."""
    with tempfile.TemporaryDirectory() as folder:
        application = "tests.bench.service:bare_application()"
        with gunicorn(application, "/", ROOT, Path(folder), {}) as server:
            yield server


def bare_application() -> Flask:
    """A page that is always the same string."""
    app = Flask(__name__)
    app.add_url_rule("/", view_func=lambda: "<!doctype html><title>Apply</title><h1>Apply</h1>")
    return app


@contextmanager
def gunicorn(
    application: str, page: str, root: Path, folder: Path, settings: Mapping[str, str]
) -> Iterator[Server]:
    """Run an application with the `gunicorn.conf.py` of this checkout, and get a page of it."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("SIGNUP_")}
    browser, log, began = Browser(free_port()), folder / "log", time.monotonic()
    bind = f"--bind=127.0.0.1:{browser.port}"
    command = [sys.executable, "-m", "gunicorn", bind, application]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=root, env={**others, **settings}, stdout=output, stderr=output
        )
    try:
        wait_until(lambda: listens(browser.port))
        browser.get(page)
        yield Server(process.pid, browser, folder, time.monotonic() - began)
    except BaseException:
        sys.stderr.write(log.read_text()[-3000:])
        raise
    finally:
        process.terminate()
        process.wait(60)

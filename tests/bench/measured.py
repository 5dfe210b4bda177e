"""The service as it is measured: with the README's configuration, its limits lifted by the
documented setting, and with requests ready to be sent."""

import itertools
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from app import create_app
from models.ledger import database
from signup import links
from tests.bench.crowd import add_asking, fill
from tests.bench.served import Browser, Served, environment_of, gunicorn
from tests.support.network import free_port
from tests.support.service import required
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import StrapiFile

# Everybody may wait, and nobody is too quick.
LIFTED: Mapping[str, object] = {"RATELIMIT_ENABLED": False, "MAX_WAITING": 10**9}
PEOPLE = 1000


@dataclass
class Measured:
    """The service on a port of its own, beside a Strapi of its own."""

    served: Served
    browser: Browser
    strapi: StrapiFile
    settings: Mapping[str, object]
    log: Path
    started_in: float
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def port(self) -> int:
        """Where it answers."""
        return self.served.port

    def links(self, count: int) -> list[str]:
        """The paths of so many links, each of somebody who has just asked and got the letter."""
        keys = add_asking(Path(str(self.settings["LEDGER"])), count)
        app = create_app(self.settings)
        database.close()
        with app.app_context():
            return [urlsplit(links.link_url(links.CONFIRM, key)).path for key in keys]

    def confirmations(self, count: int) -> list[str]:
        """So many requests, each of which makes a new author."""
        names = {"firstname": "Ada", "lastname": "Lovelace", "why": ""}
        return [
            self.browser.posting(path, password=f"Quartz-Lantern-{number}!", **names)
            for number, path in enumerate(self.links(count))
        ]

    def applications(self, count: int) -> list[str]:
        """So many requests, each with an address that was not seen before."""
        names = {"firstname": "Ada", "lastname": "Lovelace"}
        return [
            self.browser.posting("/signup", email=f"new{number}@firm{number % 977}.com", **names)
            for number in itertools.islice(self._numbers, count)
        ]

    def forget_letters(self) -> None:
        """Owe nothing more, so that letters do not disturb what is measured next."""
        file = str(self.settings["LEDGER"])
        with closing(sqlite3.connect(file, timeout=30)) as outbox, outbox:
            outbox.execute("DELETE FROM letter WHERE sent_at IS NULL")


@contextmanager
def measured(mail_port: int, strapi: StrapiFile | None = None) -> Iterator[Measured]:
    """The service beside this Strapi, or one with a thousand people, and this mail server."""
    with tempfile.TemporaryDirectory() as place:
        folder, port = Path(place), free_port()
        if strapi is None:
            strapi = peopled(folder)
        here = {"PUBLIC_URL": f"http://127.0.0.1:{port}"}
        named = required(strapi, SMTPServer(mail_port), folder / "ledger.db")
        settings = {**named, **here, **LIFTED}
        log, began = folder / "log", time.monotonic()
        with gunicorn("app:serve()", log, environment_of(settings), port) as served:
            browser = Browser(port)
            browser.get("/signup")
            started_in = time.monotonic() - began
            yield Measured(served, browser, strapi, settings, log, started_in)


def peopled(folder: Path) -> StrapiFile:
    """The file of a Strapi with a thousand people, who are in the folder's ledger, too."""
    strapi = StrapiFile.made_by("5.54.0", folder / "strapi.db")
    fill(strapi, folder / "ledger.db", PEOPLE, waiting=50)
    return strapi

"""Several instances of the service on one PostgreSQL, as they are measured."""

import contextlib
import os
import secrets
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask

from app import create_app
from models.ledger.database import database, disconnect
from models.mail.outbox import OutgoingEmail
from models.signups.signup import Signup
from signup import links
from tests.bench.load import Answers, Load, Running
from tests.bench.measured import LIFTED, PEOPLE
from tests.bench.post import Post
from tests.bench.served import Browser, Served, environment_of, gunicorn
from tests.support.database_servers import PostgreSQL, Server
from tests.support.database_servers.server import children
from tests.support.service import MailServer, free_port, required
from tests.support.strapi_on_server import StrapiOnServer

AUTHORS = """
INSERT INTO admin_users
  (document_id, firstname, email, is_active, blocked, created_at, updated_at, published_at)
SELECT 'd' || lpad(n::text, 23, '0'), 'Ada', 'author' || n || '@firm' || n % 977 || '.example',
  true, false, now(), now(), now()
FROM generate_series({}, {}) AS n;
INSERT INTO admin_users_roles_lnk (user_id, role_id)
SELECT id, 3 FROM admin_users WHERE id > (SELECT max(user_id) FROM admin_users_roles_lnk);
ANALYZE admin_users
"""
UNSENT = "SELECT count(*) AS left FROM letter WHERE sent_at IS NULL AND due_at < {}"
TICKS = os.sysconf("SC_CLK_TCK")
# Seconds after which the last letter must have come.
PATIENCE = 300


@dataclass
class Site:
    """A PostgreSQL, the two databases on it, a mail server, and what instances are told."""

    server: Server
    post: Post
    folder: Path
    strapi: StrapiOnServer = field(init=False)
    records: StrapiOnServer = field(init=False)
    app: Flask = field(init=False)

    def __post_init__(self) -> None:
        self.strapi = StrapiOnServer.on(self.server, "strapi")
        self.records = StrapiOnServer.empty(self.server, "ledger")
        self.people = 0
        self.fill(PEOPLE)
        needed = required(self.strapi, MailServer(self.post.port), self.folder)
        here = {"PUBLIC_URL": "http://127.0.0.1", "LEDGER": self.records.address}
        self.settings = {**needed, **here, **LIFTED}
        self.app = create_app(self.settings)

    def fill(self, people: int) -> None:
        """Let so many people be in Strapi."""
        self.server.run(AUTHORS.format(self.people + 1, people), "strapi")
        self.people = people

    @contextmanager
    def served(self, count: int) -> Iterator[list[Served]]:
        """So many instances."""
        with ExitStack() as stack:
            environment = environment_of(self.settings)
            yield [
                stack.enter_context(
                    gunicorn("app:serve()", self.folder / f"log{number}", environment, free_port())
                )
                for number in range(count)
            ]

    def confirmations(self, port: int, count: int) -> list[str]:
        """So many requests for an instance, each of which makes a new author."""
        browser = Browser(port)
        browser.get("/signup")
        names = {"firstname": "Ada", "lastname": "Lovelace", "why": ""}
        with self.app.app_context(), database.atomic():
            asked = [self._asked() for _ in range(count)]
            paths = [urlsplit(links.link_url(links.CONFIRM, each.key)).path for each in asked]
        return [
            browser.posting(path, password=f"Quartz-Lantern-{number}!", **names)
            for number, path in enumerate(paths)
        ]

    def applications(self, port: int, count: int) -> list[str]:
        """So many requests for an instance, each with an address that was not seen before."""
        browser = Browser(port)
        browser.get("/signup")
        names = {"firstname": "Ada", "lastname": "Lovelace"}
        emails = (f"{secrets.token_hex(11)}@firm.com" for _ in range(count))
        return [browser.posting("/signup", email=email, **names) for email in emails]

    def enqueue(self, count: int) -> None:
        """Owe so many first letters."""
        with self.app.app_context(), database.atomic():
            for _ in range(count):
                signup = self._asked()
                OutgoingEmail.enqueue("confirm", signup.email or "", signup)

    def forget_letters(self) -> None:
        """Owe nothing more, so that letters do not disturb what is measured next."""
        self.records.do("DELETE FROM letter WHERE sent_at IS NULL")

    def wait_for_letters(self) -> None:
        """Until every letter that is due has gone out."""
        until = time.monotonic() + PATIENCE
        due = UNSENT.format("1000 * extract(epoch FROM now())")
        while self.records.rows(due)[0]["left"]:
            assert time.monotonic() < until, (self.folder / "log0").read_text()[-2000:]
            time.sleep(0.1)

    def _asked(self) -> Signup:
        key = secrets.token_hex(11)
        names = {"firstname": "Ada", "lastname": "Lovelace", "domain": "firm.com"}
        return Signup.create(key=key, email=f"{key}@firm.com", **names)


@contextmanager
def site() -> Iterator[Site]:
    """A site of its own."""
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        server, post = PostgreSQL(), Post()
        stack.callback(server.remove)
        stack.callback(post.stop)
        server.start()
        made = Site(server, post, Path(place))
        stack.callback(let_go, made)
        yield made


def let_go(made: Site) -> None:
    """Leave both databases, so that they can end."""
    disconnect()
    made.app.extensions["strapi"].disconnect()


def play_all(loads: Sequence[Load]) -> list[Answers]:
    """Put a load on each of several instances at the same time."""
    running = [Running(load) for load in loads]
    return [each.answers() for each in running]


def cpu_of(process: int) -> float:
    """Seconds of CPU that a process and its children have used, those that are gone included."""
    return sum(_seconds(pid, range(14, 16)) for pid in children(process)) + _seconds(
        process, range(14, 18)
    )


def _seconds(process: int, fields: range) -> float:
    with contextlib.suppress(FileNotFoundError):
        words = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
        # The third field is the first behind the name.
        return sum(int(words[number - 3]) for number in fields) / TICKS
    return 0.0

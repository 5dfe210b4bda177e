"""What the tests play on: Strapi's file, a mail server, the service, and a visitor's verbs."""

import contextlib
import logging
import os
import re
import shutil
import socket
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask.testing import FlaskClient
from playhouse.migrations import Runner
from time_machine import travel
from werkzeug.test import TestResponse

from app import create_app
from models import password_hashing
from models.engines import SQLite
from models.ledger import database as the_ledger
from models.ledger.database import MIGRATIONS
from models.strapi import StrapiUnavailable
from models.timestamps import now, to_milliseconds
from signup.mail.delivery import deliver_due
from signup.mail.smtp import MailServerUnavailable
from signup.settings import DEFAULTS
from tests.support.paths import DATA

# The server would write down every byte of every letter.
logging.getLogger("mail.log").setLevel("WARNING")

SHAPES = ["4.2.3", "4.26.2", "5.54.0"]
# `make language CODE=it` adds a catalogue, which is not offered until it is translated.
LANGUAGES: list[str] = sorted(DEFAULTS["LANGUAGES"])
SUE = "sue@example.com"
SUE_PASSWORD = "Super1secret"
ADA = "ada@example.org"
ADA_PASSWORD = "Analytical1engine"
PUBLIC = "https://join.example.com"
TABLES = ("signup", "event", "letter", "session", "muted")
# What Chromium says when somebody put the focus elsewhere before the page did: on a busy machine, a
# test is so quick.
QUICK = "Autofocus processing was blocked"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-quic", "--disable-background-networking"]


class StrapiFile:
    """A database as a real Strapi made it, looked at the way SQLite's own shell would."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def made_by(cls, version: str, path: Path) -> "StrapiFile":
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.executescript((DATA / f"fresh-{version}.sql").read_text())
        file = cls(path)
        file.add_admin(SUE, SUE_PASSWORD, "strapi-super-admin")
        return file

    @property
    def address(self) -> str:
        """What the service's setting says."""
        return str(self.path)

    def add_admin(
        self,
        email: str,
        password: str | None,
        role: str,
        active: bool = True,
        blocked: bool = False,
    ) -> int:
        hashed = password and password_hashing.hash_password(password)
        instant = self.present()
        self.do(
            "INSERT INTO admin_users (firstname, email, password, is_active, blocked,"
            " created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            *("Sue", email, hashed, active, blocked, instant, instant),
        )
        [added] = self.rows("SELECT max(id) AS id FROM admin_users WHERE email = ?", email)
        self.do(
            f"INSERT INTO {self.table('admin_users_roles_l')} (user_id, role_id)"
            " SELECT ?, id FROM admin_roles WHERE code = ?",
            *(added["id"], role),
        )
        return int(added["id"])

    def present(self) -> object:
        """Now, as Strapi keeps an instant there."""
        return to_milliseconds(now())

    def admins(self) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM admin_users ORDER BY id")

    def admin(self, email: str) -> dict[str, Any] | None:
        found = self.rows("SELECT * FROM admin_users WHERE lower(email) = ?", email)
        assert len(found) < 2
        return found[0] if found else None

    def links(self) -> list[dict[str, Any]]:
        return self.rows(f"SELECT * FROM {self.table('admin_users_roles_l')} ORDER BY user_id")

    def allow(self, action: str, subject: str | None = None, conditions: str = "[]") -> None:
        """What a super admin does under Settings → Roles."""
        table = self.table("admin_permissions_role_l")
        self.do(
            "INSERT INTO admin_permissions (action, subject, conditions) VALUES (?, ?, ?)",
            *(action, subject, conditions),
        )
        self.do(
            f"INSERT INTO {table} (permission_id, role_id) SELECT max(admin_permissions.id),"
            " admin_roles.id FROM admin_permissions, admin_roles"
            " WHERE admin_roles.code = 'strapi-author' GROUP BY admin_roles.id"
        )

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """It cannot be used for a while."""
        elsewhere = self.path.with_suffix(".away")
        self.path.rename(elsewhere)
        yield
        elsewhere.rename(self.path)

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        with self.connected() as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(query, values)]

    def do(self, statement: str, *values: object) -> None:
        with self.connected() as database:
            database.execute(statement, values)

    def table(self, beginning: str) -> str:
        """The table whose name begins so, and ends as its version likes it."""
        query = "SELECT name FROM sqlite_master WHERE name LIKE ? AND type = 'table'"
        return str(self.rows(query, f"{beginning}%")[0]["name"])

    def damage(self) -> Iterator[str]:
        """What no longer fits together."""
        if (sound := self.rows("PRAGMA integrity_check")) != [{"integrity_check": "ok"}]:
            yield f"{self.path.name} is damaged: {sound}"
        if orphans := self.rows("PRAGMA foreign_key_check"):
            yield f"{self.path.name} has orphans: {orphans}"

    @contextlib.contextmanager
    def connected(self) -> Iterator[sqlite3.Connection]:
        database = sqlite3.connect(self.path)
        database.execute("PRAGMA foreign_keys = on")
        try:
            with database:
                yield database
        finally:
            database.close()


class MailServer:
    """An SMTP server that keeps what it takes, and can be told to refuse."""

    def __init__(self, port: int = 0, **options: Any) -> None:
        self.letters: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        # Where each letter's connection came from: one port for all that came over one.
        self.peers: list[object] = []
        self.answer = "250 OK"
        self.port = port or free_port()
        self._options = options

    def start(self) -> None:
        self._controller = Controller(self, "127.0.0.1", self.port, **self._options)
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop()

    def forget(self) -> None:
        self.letters.clear()
        self.recipients.clear()
        self.peers.clear()
        self.answer = "250 OK"

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.original_content or b""
        self.letters.append(message_from_bytes(content, policy=policy.default))
        self.recipients.append(list(envelope.rcpt_tos))
        self.peers.append(session.peer)
        return "250 OK"


class Service:
    """The service, its mailbox, and the courier's rounds when the test wants one."""

    def __init__(
        self,
        strapi: StrapiFile,
        mail: MailServer,
        ledger: Path,
        settings: dict[str, object],
        records: StrapiFile | None = None,
    ) -> None:
        self.strapi = strapi
        self.mail = mail
        self.ledger = ledger
        self.records = records or StrapiFile(ledger)
        needed = required(strapi, mail, ledger) | {"LEDGER": self.records.address}
        self.app = create_app({**needed, **settings})
        self.public = str(self.app.config["PUBLIC_URL"])
        # What visitors' browsers prefer, where they say so.
        self.language = ""

    def visitor(self) -> "Visitor":
        return Visitor(self)

    def deliver(self) -> list[EmailMessage]:
        """Let the courier do all there is to do now; returns the letters that came."""
        before = len(self.mail.letters)
        with self.app.app_context():
            follow = self.app.extensions["reconciler"].run_if_changed
            with contextlib.suppress(StrapiUnavailable):
                follow()
            with contextlib.suppress(MailServerUnavailable):
                for _ in deliver_due():
                    with contextlib.suppress(StrapiUnavailable):
                        follow()
        return self.mail.letters[before:]

    def end(self) -> None:
        """Let go of both databases."""
        the_ledger.disconnect()
        self.app.extensions["strapi"].disconnect()

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        return self.records.rows(query, *values)

    def signup(self, email: str = ADA) -> dict[str, Any]:
        return self.rows("SELECT * FROM signup WHERE email = ? ORDER BY id DESC", email)[0]


class Visitor:
    """Somebody with a browser: the same verbs for authors and super admins."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.client: FlaskClient = service.app.test_client()
        if service.language:
            self.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = service.language

    def get(self, path: str) -> TestResponse:
        return self.client.get(path, base_url=self.service.public)

    def post(self, path: str, page: str | None = None, **fields: str) -> TestResponse:
        """Send a form with the token of the page it stands on, if that page comes."""
        with self._a_while_ago(path):
            seen = self.get(page or path)
        if seen.status_code >= 500:
            return seen
        fields = {"csrf_token": token_of(seen), **fields}
        return self.client.post(path, data=fields, base_url=self.service.public)

    def _a_while_ago(self, path: str) -> contextlib.AbstractContextManager[object]:
        """When somebody who now sends the form has opened it."""
        leisurely = travel(now() - timedelta(seconds=4), tick=True)
        return leisurely if path == "/signup" else contextlib.nullcontext()

    def ask(self, email: str = ADA, first: str = "Ada", last: str = "Lovelace") -> TestResponse:
        return self.post("/signup", email=email, firstname=first, lastname=last)

    def link(self, kind: str = "confirm", email: str = ADA) -> str:
        """The path of the newest link of this kind in the mailbox of `email`."""
        for letter in reversed(self.service.mail.letters):
            if letter["To"] == email and (found := re.search(rf"http\S+/{kind}/\S+", text(letter))):
                return urlsplit(found[0]).path
        raise AssertionError(f"no {kind} link for {email}")

    def confirm(self, link: str | None = None, **fields: str) -> TestResponse:
        given = {"password": ADA_PASSWORD, "firstname": "Ada", "lastname": "Lovelace", "why": ""}
        return self.post(link or self.link(), **{**given, **fields})

    def apply(self, email: str = ADA) -> str:
        """From the form to waiting; returns the link."""
        assert self.ask(email).status_code == 303
        self.service.deliver()
        link = self.link(email=email)
        assert self.confirm(link).status_code == 303
        self.service.deliver()
        return link

    def log_in(self, email: str = SUE, password: str = SUE_PASSWORD) -> TestResponse:
        return self.post("/review/login", email=email, password=password)

    def decide(self, verb: str, author_id: int, **fields: str) -> TestResponse:
        return self.post(f"/review/{author_id}/{verb}", page="/review", **fields)


def required(strapi: StrapiFile, mail: MailServer, ledger: Path) -> dict[str, object]:
    """The settings without which the service does not start."""
    return {
        "SECRET_KEY": "0123456789abcdef" * 4,
        "STRAPI_DATABASE": strapi.address,
        "STRAPI_ADMIN_URL": "https://cms.example.com/admin",
        "PUBLIC_URL": PUBLIC,
        "LEDGER": str(ledger),
        "UNDO_SECONDS": 0,
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": mail.port,
        "MAIL_DEFAULT_SENDER": "The Magazine <post@example.com>",
    }


def set_back(ledger: Path, newest: str) -> None:
    """Leave the ledger as a version would have, whose newest migration was this one."""
    rows = {name: StrapiFile(ledger).rows(f"SELECT * FROM {name}") for name in TABLES}
    for file in ledger.parent.glob(f"{ledger.name}*"):
        file.unlink()
    database = SQLite(str(ledger))
    with database.connection_context():
        runner: Any = Runner
        runner(database, str(MIGRATIONS)).up(newest)
        known = {table: {c.name for c in database.get_columns(table)} for table in TABLES}
    for table, columns in known.items():
        for row in rows[table] if columns else ():
            kept = {name: value for name, value in row.items() if name in columns}
            values = ", ".join("?" * len(kept))
            statement = f"INSERT INTO {table} ({', '.join(kept)}) VALUES ({values})"
            StrapiFile(ledger).do(statement, *kept.values())


def text(letter: EmailMessage) -> str:
    """The plain text of a letter."""
    body = letter.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def html(letter: EmailMessage) -> str:
    """The HTML of a letter."""
    body = letter.get_body(("html",))
    assert body is not None
    return str(body.get_content())


def token_of(page: TestResponse) -> str:
    """The CSRF token of a page."""
    found = re.search(r'name="csrf_token" type="hidden" value="([^"]+)"', page.text)
    return found[1] if found else ""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

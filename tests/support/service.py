"""The service as tests start it, and a visitor's verbs."""

import contextlib
import functools
import re
import shutil
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache
from playhouse.migrations import Runner
from werkzeug.test import TestResponse

from app import create_app
from models.engines import SQLite
from models.ledger import database as ledger_database
from models.ledger.database import MIGRATIONS
from models.password_hashing import hash_password
from models.signups.confirm import Application, record_intent
from models.signups.history import AUTHOR, Actor
from models.signups.signup import Signup
from models.strapi import Author, StrapiUnavailable
from models.timestamps import as_stored, now
from signup.mail.delivery import deliver_due
from signup.mail.smtp import MailServerUnavailable
from signup.rate_limits import MIN_FORM_SECONDS
from signup.settings import DEFAULTS
from tests.support.paths import RUN
from tests.support.smtp_server import SMTPServer, text
from tests.support.strapi_file import SUE, SUE_PASSWORD, SQLiteFile, StrapiFile

ADA = "ada@example.org"
GRACE = "grace@example.org"
TOM = "tom@example.com"
ADA_PASSWORD = "Analytical1engine"
WRONG_PASSWORD = "Wrong1password"
PUBLIC = "https://join.example.com"
OLD_KEY, NEW_KEY = "old-key-" + "abcdefgh" * 4, "new-key-" + "ijklmnop" * 4
COOKIE = "__Host-signup"
# `make language CODE=it` adds a catalogue. It is not offered before it is translated.
LANGUAGES: list[str] = sorted(DEFAULTS["LANGUAGES"])
ANSWERS = {"firstname": "Ada", "lastname": "Lovelace"}
# Templates are compiled once in a test run, not in each test.
COMPILED = FileSystemBytecodeCache(str(RUN))
TABLES = ("signup", "event", "letter", "session", "muted")


class Service:
    """The service. Its worker does nothing until a test calls `deliver`."""

    def __init__(
        self,
        strapi: StrapiFile,
        mail: SMTPServer,
        ledger: SQLiteFile,
        settings: dict[str, object],
    ) -> None:
        self.strapi = strapi
        self.mail = mail
        self.ledger = ledger
        self.app = create_app({**required(strapi, mail, ledger.url), **settings})
        self.app.jinja_env.bytecode_cache = COMPILED
        self.public = str(self.app.config["PUBLIC_URL"])
        # The Accept-Language header of visitors' browsers.
        self.language = ""

    def visitor(self) -> "Visitor":
        return Visitor(self)

    def reviewer(self, email: str = SUE) -> "Visitor":
        """A super admin who is logged in."""
        visitor = Visitor(self)
        assert visitor.log_in(email).status_code == 303
        return visitor

    def deliver(self) -> list[EmailMessage]:
        """Do all the worker's due work. Return the emails that arrived."""
        before = len(self.mail.messages)
        with self.app.app_context():
            reconcile = self.app.extensions["reconciler"].run_if_changed
            with contextlib.suppress(StrapiUnavailable):
                reconcile()
            with contextlib.suppress(MailServerUnavailable):
                for _ in deliver_due():
                    with contextlib.suppress(StrapiUnavailable):
                        reconcile()
        return self.mail.messages[before:]

    def end(self) -> None:
        """Close the connections to both databases."""
        ledger_database.disconnect()
        self.app.extensions["strapi"].disconnect()

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Rows of the ledger."""
        return self.ledger.rows(query, *values)

    def emails(self) -> list[dict[str, Any]]:
        """The rows of the outbox."""
        return self.rows("SELECT * FROM letter ORDER BY id")

    def signup(self, email: str = ADA) -> dict[str, Any]:
        return self.rows("SELECT * FROM signup WHERE email = ? ORDER BY id DESC", email)[0]

    def state(self, email: str = ADA) -> str:
        return str(self.signup(email)["state"])

    def author_id(self, email: str = ADA) -> int:
        """The id of an author's row in Strapi."""
        return int(self.signup(email)["strapi_id"])

    def ledger_bytes(self) -> bytes:
        """Every byte of the ledger's files, with the write-ahead log emptied into them."""
        with self.app.app_context():
            ledger_database.database.truncate_wal()
        files = self.ledger.path.parent.glob(f"{self.ledger.path.name}*")
        return b"".join(path.read_bytes() for path in files)

    def confirm_half(self, password: str = ADA_PASSWORD) -> None:
        """Create the row of the only signup in Strapi, and stop before the ledger says so, as a
        killed process does."""
        with self.app.app_context():
            signup, strapi = Signup.get(), self.app.extensions["strapi"]
            sent = Application("hashed", ANSWERS, Actor(AUTHOR))
            record_intent(signup, sent, as_stored(now(), strapi.zone))
            author = Author(signup.identity, "Ada", "Lovelace", hash_password(password))
            strapi.write(lambda users: users.create_author(author), signup.email or "")

    def run(self, *words: str) -> Any:
        """Run a command, as `flask --app app …` does."""
        return self.app.test_cli_runner().invoke(args=list(words))


class Visitor:
    """A person with a browser: the same verbs for authors and super admins."""

    def __init__(self, service: Service, ip: str = "127.0.0.1") -> None:
        self.service = service
        self.client: FlaskClient = service.app.test_client()
        self.client.environ_base["REMOTE_ADDR"] = ip
        if service.language:
            self.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = service.language

    def get(self, path: str) -> TestResponse:
        return self.client.get(path, base_url=self.service.public)

    def post(self, path: str, page: str | None = None, **fields: Any) -> TestResponse:
        """Send a form with the CSRF token of its page. Return the page if it fails to load."""
        opened = self.get(page or path)
        if opened.status_code >= 500:
            return opened
        if path == "/signup":
            self.take_time()
        return self.send(path, opened, **fields)

    def send(self, path: str, opened: TestResponse, **fields: Any) -> TestResponse:
        """Send the form of a page that was opened before."""
        given = {"csrf_token": token_of(opened), **fields}
        return self.client.post(path, data=given, base_url=self.service.public)

    def take_time(self) -> None:
        """Have the form for as many seconds as a person needs to fill it in.

        The clock stays: it is one for all threads, and some tests have visitors in many.
        """
        with self.client.session_transaction(base_url=self.service.public) as session:
            if came_at := session.get("came_at"):
                session["came_at"] = came_at - MIN_FORM_SECONDS

    def ask(self, email: str = ADA, first: str = "Ada", last: str = "Lovelace") -> TestResponse:
        return self.post("/signup", email=email, firstname=first, lastname=last)

    def ask_and_get_link(self, email: str = ADA, **names: str) -> str:
        """Ask, and return the link of the email that arrives."""
        self.ask(email, **names)
        self.service.deliver()
        return self.link(email=email)

    def link(self, kind: str = "confirm", email: str = ADA) -> str:
        """The path of the newest link of this kind in the mailbox of `email`."""
        for message in reversed(self.service.mail.to(email)):
            if found := re.search(rf"http\S+/{kind}/\S+", text(message)):
                return urlsplit(found[0]).path
        raise AssertionError(f"no {kind} link for {email}")

    def confirm(self, link: str | None = None, **fields: str) -> TestResponse:
        given = {"password": ADA_PASSWORD, "firstname": "Ada", "lastname": "Lovelace", "why": ""}
        return self.post(link or self.link(), **{**given, **fields})

    def apply(self, email: str = ADA) -> str:
        """Fill in the form, confirm, and wait for a decision. Return the link."""
        assert self.ask(email).status_code == 303
        self.service.deliver()
        link = self.link(email=email)
        assert self.confirm(link).status_code == 303
        self.service.deliver()
        return link

    def log_in(self, email: str = SUE, password: str = SUE_PASSWORD) -> TestResponse:
        return self.post("/review/login", email=email, password=password)

    def decide(self, verb: str, author: int | str, **fields: str) -> TestResponse:
        """Press a button of the queue for an author, named by email or id."""
        number = author if isinstance(author, int) else self.service.author_id(author)
        return self.post(f"/review/{number}/{verb}", page="/review", **fields)

    def cookie(self) -> str:
        found = self.client.get_cookie(COOKIE, domain=urlsplit(PUBLIC).hostname or "")
        assert found
        return found.value

    def use_cookie(self, value: str) -> None:
        self.client.set_cookie(COOKIE, value, domain=urlsplit(PUBLIC).hostname or "")


# What the fixtures `start` and `later` are.
Start = Callable[..., Service]
Later = Callable[[timedelta], None]


def required(strapi: StrapiFile, mail: SMTPServer, ledger: Path | str) -> dict[str, object]:
    """The settings without which the service does not start, and no time to undo a decision."""
    return {
        "SECRET_KEY": "0123456789abcdef" * 4,
        "STRAPI_DATABASE": strapi.url,
        "STRAPI_ADMIN_URL": "https://cms.example.com/admin",
        "PUBLIC_URL": PUBLIC,
        "LEDGER": str(ledger),
        "UNDO_SECONDS": 0,
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": mail.port,
        "MAIL_DEFAULT_SENDER": "The Magazine <post@example.com>",
    }


def new_ledger(path: Path) -> SQLiteFile:
    """An empty ledger file, copied from one that was migrated once in this test run."""
    shutil.copy(_migrated(), path)
    return SQLiteFile(path)


@functools.cache
def _migrated() -> Path:
    path = RUN / "ledger.db"
    migrate_at(str(path))
    return path


def migrate_at(url: str) -> None:
    """Bring the ledger at this URL up to date, or create its tables."""
    engine = ledger_database.engine_for(url)
    ledger_database.migrate(engine)
    engine.close_idle()


def downgrade(ledger: SQLiteFile, newest: str) -> None:
    """Leave the ledger as the version left it whose newest migration was this one."""
    rows = {name: ledger.rows(f"SELECT * FROM {name}") for name in TABLES}
    for file in ledger.path.parent.glob(f"{ledger.path.name}*"):
        file.unlink()
    database = SQLite(str(ledger.path))
    with database.connection_context():
        runner: Any = Runner
        runner(database, str(MIGRATIONS)).up(newest)
        known = {table: {c.name for c in database.get_columns(table)} for table in TABLES}
    for table, columns in known.items():
        for row in rows[table] if columns else ():
            kept = {name: value for name, value in row.items() if name in columns}
            values = ", ".join("?" * len(kept))
            ledger.do(f"INSERT INTO {table} ({', '.join(kept)}) VALUES ({values})", *kept.values())


def token_of(page: TestResponse) -> str:
    """The CSRF token of a page."""
    return token_in(page.text)


def token_in(text: str) -> str:
    found = re.search(r'name="csrf_token" type="hidden" value="([^"]+)"', text)
    return found[1] if found else ""

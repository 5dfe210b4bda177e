"""The service under attack, and the promises that each of its answers must keep."""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from werkzeug.test import TestResponse

from tests.attack.corpus import EVALUATED
from tests.support.paths import ROOT
from tests.support.service import PUBLIC, Service
from tests.support.smtp_server import html, text
from tests.support.strapi_file import SUE

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# What the Content-Security-Policy of every page forbids.
FORBIDDEN = ("default-src", "frame-ancestors", "base-uri")
WTFORMS = "id name type value checked required for maxlength minlength aria-invalid class"
URL = re.compile(r"(?:https?://(?:join|cms)\.example\.com)?(?:[/?#](?!/)|$)")
# Tables whose changes are no effect of an attack: the counts of limits. In a session only the idle
# time changes, and an email may be sent: for these, only new and deleted rows count.
IGNORED = {"count", "lease", "schema_migration"}
IDS_ONLY = {"session", "letter"}

Rows = dict[str, dict[Any, tuple[Any, ...]]]


class Markup(HTMLParser):
    """The elements, attributes, URLs and hidden fields of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.urls: set[str] = set()
        self.hidden: dict[str, str] = {}
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.elements.add(tag)
        self.attributes |= set(given)
        self.urls |= {given[name] for name in ("href", "src", "action") if name in given}
        if given.get("type") == "hidden":
            self.hidden[given.get("name", "")] = given.get("value", "")


@cache
def written(where: str = "**") -> Markup:
    """What the templates themselves contain: those of the pages, or those of the emails."""
    files = (ROOT / "templates").glob(f"{where}/*.html")
    sources = "".join(f.read_text() for f in files if where != "**" or "mail" not in f.parts)
    found = Markup(re.sub(r"{[{%#].*?[}%#]}", " ", sources, flags=re.DOTALL))
    # What WTForms adds, by itself and with the attributes that templates pass to it.
    found.elements |= {"input", "textarea", "label", "select"}
    found.attributes |= set(WTFORMS.split())
    for call in re.findall(r"[({]{[^}]*", sources):
        names = re.findall(r"([a-z][a-z_]*)\s*=", call)
        found.attributes |= {name.strip("_").replace("_", "-") for name in names}
    return found


@dataclass
class DatabaseWatch:
    """The rows of both databases, to find what an attack has changed."""

    ledger: Path
    strapi: Path
    _open: list[sqlite3.Connection] = field(default_factory=list)
    _versions: list[int] = field(default_factory=list)
    _seen: Rows = field(default_factory=dict)

    def start(self) -> None:
        self._open = [sqlite3.connect(path) for path in (self.ledger, self.strapi)]
        self.changes()

    def stop(self) -> None:
        for database in self._open:
            database.close()

    def changes(self) -> dict[str, int]:
        """How many rows of each table are new, deleted or changed since the last call."""
        versions = [each.execute("PRAGMA data_version").fetchone()[0] for each in self._open]
        if versions == self._versions:
            return {}
        before, self._seen, self._versions = self._seen, dict(self._rows()), versions
        changed = {
            table: len(dict(set(rows.items()) ^ set(before.get(table, {}).items())))
            for table, rows in self._seen.items()
        }
        return {table: number for table, number in changed.items() if number}

    def _rows(self) -> Iterator[tuple[str, dict[Any, tuple[Any, ...]]]]:
        for database in self._open:
            names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for (name,) in names.fetchall():
                if name not in IGNORED and not name.startswith("sqlite_"):
                    columns = "id, 0" if name in IDS_ONLY else "*"
                    found = database.execute(f'SELECT rowid, {columns} FROM "{name}"').fetchall()
                    yield name, {row[0]: row for row in found}


class Target:
    """A service with an author at every step and a super admin, all in the attacker's hand."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.author, self.sue, self.nobody, self.stranger = (service.visitor() for _ in range(4))
        self.watch = DatabaseWatch(service.ledger.path, service.strapi.path)
        self._asked = 0

    def begin(self) -> None:
        self.apply()
        self.nobody.ask("nobody@example.org")
        self.invite()
        self.sue.log_in()
        self.watch.start()

    def apply(self) -> None:
        """Have an author who waits for a decision."""
        self.waiting = self.author.apply()
        self.stop = self.author.link("stop")
        self.author_id = str(self.service.signup()["strapi_id"])

    def invite(self) -> None:
        """Have a link that is open and not used."""
        self._asked += 1
        email = f"author{self._asked}@example.org"
        self.author.ask(email)
        self.service.deliver()
        self.open = self.author.link(email=email)

    def path(self, pattern: str) -> str:
        """A path with these ids and links filled in."""
        links = {"open": self.open, "waiting": self.waiting, "stop": self.stop}
        return pattern.format(id=self.author_id, **links)

    def intruders(self) -> list[str]:
        """Active users but Sue, and holders of her role or of several roles."""
        strapi = self.service.strapi
        active = [row["email"] for row in strapi.admins() if row["is_active"]]
        roles = strapi.rows(
            "SELECT user_id FROM admin_users_roles_lnk WHERE role_id = 1 OR user_id IN"
            " (SELECT user_id FROM admin_users_roles_lnk GROUP BY user_id HAVING count(*) > 1)"
        )
        return [email for email in active if email != SUE] + [str(r) for r in roles[1:]]

    def violations(
        self,
        answer: TestResponse,
        allowed: Mapping[str, int] | None = None,
        *,
        may_be_unhealthy: bool = False,
    ) -> Iterator[str]:
        """Every promise that this answer breaks.

        Only a success may change rows: of each table as many as are `allowed`.
        """
        success = answer.status_code in (200, 303)
        most = (allowed or {}) if success else {}
        changes = self.watch.changes()
        if wrong := {name: count for name, count in changes.items() if count > most.get(name, 0)}:
            yield f"{answer.status_code} with changes that are not allowed: {wrong}"
        if answer.status_code >= 500 and not (may_be_unhealthy and answer.status_code == 503):
            yield f"answered {answer.status_code}"
        yield from bad_headers(answer)
        yield from bad_text(answer.text, answer.mimetype or "")


def bad_headers(answer: TestResponse) -> Iterator[str]:
    """The promises about headers that an answer breaks."""
    headers = answer.headers
    for name, value in HEADERS.items():
        if headers.get(name) != value:
            yield f"{name} is {headers.get(name)!r}"
    policy = headers.get("Content-Security-Policy", "")
    if not all(f"{name} 'none'" in policy for name in FORBIDDEN) or "unsafe" in policy:
        yield f"Content-Security-Policy is {policy!r}"
    may_be_cached = answer.request.path.startswith("/static/")
    if "no-store" not in headers.get("Cache-Control", "") and not may_be_cached:
        yield "may be cached"
    if not headers.get("Strict-Transport-Security", "").startswith("max-age=31536000"):
        yield "no Strict-Transport-Security"
    location = headers.get("Location", "/")
    if urlsplit(location).netloc not in ("", urlsplit(PUBLIC).netloc) or "\\" in location:
        yield f"redirects to another site: {location}"
    for name, value in headers:
        if name.startswith("Access-Control-") or "evil" in name.lower():
            yield f"header {name}: {value}"
    yield from (f"cookie {each}" for each in headers.getlist("Set-Cookie") if not is_safe(each))


def is_safe(cookie: str) -> bool:
    """Whether a cookie belongs to this host only, and no script can read it."""
    return cookie.startswith("__Host-") and "HttpOnly" in cookie


def bad_text(page: str, kind: str = "text/html", where: str = "**") -> Iterator[str]:
    """The promises about text that a page breaks: what was typed stays text."""
    for sign in (*EVALUATED, "Traceback (most recent", 'File "/'):
        if sign in page:
            yield f"{sign} in the page"
    if kind != "text/html":
        return
    found = Markup(page)
    known = written(where)
    if strange := found.elements - known.elements:
        yield f"foreign elements: {strange}"
    if strange := found.attributes - known.attributes:
        yield f"foreign attributes: {strange}"
    if strange := {url for url in found.urls if not URL.match(url)}:
        yield f"foreign URLs: {strange}"


def bad_emails(service: Service) -> Iterator[str]:
    """The promises that the sent emails break. Each must have one recipient."""
    known = {row["email"] for row in service.rows("SELECT DISTINCT email FROM signup")} | {SUE}
    for message, recipients in zip(service.mail.messages, service.mail.recipients, strict=True):
        if len(recipients) != 1 or not known.issuperset(recipients):
            yield f"an email to {recipients}"
        for name in ("Bcc", "Cc", "Reply-To"):
            if message[name] is not None:
                yield f"{name}: {message[name]}"
        yield from (f"in an email: {each}" for each in bad_text(html(message), where="mail/**"))
        if evaluated := [sign for sign in EVALUATED if sign in text(message)]:
            yield f"in an email: {evaluated}"


def escape(value: str) -> str:
    """A value as a form or a URL contains it, lone surrogates included."""
    return quote(value.encode("utf-8", "surrogatepass"), safe="")


def form_body(fields: Mapping[str, str] | list[tuple[str, str]]) -> bytes:
    """The body of a form with these fields."""
    pairs = fields.items() if isinstance(fields, Mapping) else fields
    return "&".join(f"{escape(n)}={escape(v)}" for n, v in pairs).encode()

"""The service under attack, and the claims that every one of its answers is held to."""

import contextlib
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
# What the policy of every page denies.
FORBIDDEN = ("default-src", "frame-ancestors", "base-uri")
WTFORMS = "id name type value checked required for maxlength minlength aria-invalid class"
# Counts are what limits are made of; and neither is it an effect that a session was idle for a
# while, nor that the courier has sent a letter that was due.
UNCOUNTED = {"count", "schema_migration"}
IDENTITY_ALONE = {"session", "letter"}

Rows = dict[str, dict[Any, tuple[Any, ...]]]


class Markup(HTMLParser):
    """The elements of a page, its attributes, and where its addresses lead."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: set[str] = set()
        self.hidden: dict[str, str] = {}
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.elements.add(tag)
        self.attributes |= set(given)
        self.addresses |= {given[name] for name in ("href", "src", "action") if name in given}
        if given.get("type") == "hidden":
            self.hidden[given.get("name", "")] = given.get("value", "")


@cache
def written(where: str = "**") -> Markup:
    """What stands in the templates themselves, and so in every page, or in every letter."""
    files = (ROOT / "templates").glob(f"{where}/*.html")
    sources = [file.read_text() for file in files if where != "**" or "mail" not in file.parts]
    found = Markup(re.sub(r"{[{%#].*?[}%#]}", " ", "".join(sources), flags=re.DOTALL))
    # What WTForms writes by itself, and what templates ask it to.
    found.elements |= {"input", "textarea", "label", "select"}
    found.attributes |= set(WTFORMS.split())
    for asked in re.findall(r"[({]{[^}]*", "".join(sources)):
        names = re.findall(r"([a-z][a-z_]*)\s*=", asked)
        found.attributes |= {name.strip("_").replace("_", "-") for name in names}
    return found


@dataclass
class Watch:
    """What both databases hold; asked for the difference that an attack makes."""

    ledger: Path
    strapi: Path
    _open: list[sqlite3.Connection] = field(default_factory=list)
    _versions: list[int] = field(default_factory=list)
    _seen: Rows = field(default_factory=dict)

    def start(self) -> None:
        self._open = [sqlite3.connect(path) for path in (self.ledger, self.strapi)]
        self.effects()

    def stop(self) -> None:
        for database in self._open:
            database.close()

    def effects(self) -> dict[str, int]:
        """How many rows of which table came, went or changed since this was last asked."""
        versions = [each.execute("PRAGMA data_version").fetchone()[0] for each in self._open]
        if versions == self._versions:
            return {}
        before, self._seen, self._versions = self._seen, dict(self._rows()), versions
        changes = {
            table: len(dict(set(rows.items()) ^ set(before.get(table, {}).items())))
            for table, rows in self._seen.items()
        }
        return {table: number for table, number in changes.items() if number}

    def _rows(self) -> Iterator[tuple[str, dict[Any, tuple[Any, ...]]]]:
        for database in self._open:
            names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for (name,) in names.fetchall():
                if name not in UNCOUNTED and not name.startswith("sqlite_"):
                    what = "id, 0" if name in IDENTITY_ALONE else "*"
                    found = database.execute(f'SELECT rowid, {what} FROM "{name}"').fetchall()
                    yield name, {row[0]: row for row in found}


class Target:
    """A service with an author at every step of the way and a super admin at the desk, whom an
    attacker has in his hand; and what it answers, judged."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.author, self.sue, self.nobody, self.stranger = (service.visitor() for _ in range(4))
        self.watch = Watch(service.ledger.path, service.strapi.path)
        self._asked = 0

    def begin(self) -> None:
        """Bring the cast into their places."""
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
        """Have an open link that nobody has used."""
        self._asked += 1
        email = f"author{self._asked}@example.org"
        self.author.ask(email)
        self.service.deliver()
        self.open = self.author.link(email=email)

    def path(self, pattern: str) -> str:
        """An address with the ids and links of the cast."""
        links = {"open": self.open, "waiting": self.waiting, "stop": self.stop}
        return pattern.format(id=self.author_id, **links)

    def intruders(self) -> list[str]:
        """Who may do what nobody decided that they may."""
        strapi = self.service.strapi
        active = [row["email"] for row in strapi.admins() if row["is_active"]]
        roles = strapi.rows(
            "SELECT user_id FROM admin_users_roles_lnk WHERE role_id = 1 OR user_id IN"
            " (SELECT user_id FROM admin_users_roles_lnk GROUP BY user_id HAVING count(*) > 1)"
        )
        return [email for email in active if email != SUE] + [str(r) for r in roles[1:]]

    def judged(
        self, answer: TestResponse, due: Mapping[str, int] | None = None, *, busy: bool = False
    ) -> list[str]:
        """Every promise that this answer breaks. What is `due` where it says yes are rows that
        may come or change, so many to a table; `busy` says that 503 may be an answer."""
        said_yes = answer.status_code in (200, 303)
        allowed = (due or {}) if said_yes else {}
        effects = self.watch.effects()
        undue = {name: count for name, count in effects.items() if count > allowed.get(name, 0)}
        wrong = [f"{answer.status_code} with effects that are not due: {undue}"] if undue else []
        if answer.status_code >= 500 and not (busy and answer.status_code == 503):
            wrong.append(f"answered {answer.status_code}")
        return [*wrong, *bad_headers(answer), *bad_text(answer.text, answer.mimetype or "")]


def bad_headers(answer: TestResponse) -> Iterator[str]:
    """The promises about headers that an answer breaks."""
    headers = answer.headers
    for name, value in HEADERS.items():
        if headers.get(name) != value:
            yield f"{name} is {headers.get(name)!r}"
    policy = headers.get("Content-Security-Policy", "")
    if not all(f"{name} 'none'" in policy for name in FORBIDDEN) or "unsafe" in policy:
        yield f"Content-Security-Policy is {policy!r}"
    may_be_kept = answer.request.path.startswith("/static/")
    if "no-store" not in headers.get("Cache-Control", "") and not may_be_kept:
        yield "may be cached"
    if not headers.get("Strict-Transport-Security", "").startswith("max-age=31536000"):
        yield "no Strict-Transport-Security"
    place = headers.get("Location", "/")
    if urlsplit(place).netloc not in ("", urlsplit(PUBLIC).netloc) or "\\" in place:
        yield f"leads elsewhere: {place}"
    for name, value in headers:
        if name.startswith("Access-Control-") or "evil" in name.lower():
            yield f"header {name}: {value}"
    yield from bad_cookies(headers.getlist("Set-Cookie"))


def bad_cookies(cookies: list[str]) -> Iterator[str]:
    """The cookies that are not kept to this host and from scripts."""
    for cookie in cookies:
        if not cookie.startswith("__Host-") or "HttpOnly" not in cookie:
            yield f"cookie {cookie}"


def bad_text(page: str, kind: str = "text/html", where: str = "**") -> Iterator[str]:
    """The promises about text that a page breaks: what was typed is text, and no more."""
    for sign in (*EVALUATED, "Traceback (most recent", 'File "/'):
        # JSON and HTML quote differently; what is evaluated looks the same in both.
        if sign in page:
            yield f"{sign} in the page"
    if kind != "text/html":
        return
    found = Markup(page)
    known = written(where)
    if strange := found.elements - known.elements:
        yield f"elements from outside: {strange}"
    if strange := found.attributes - known.attributes:
        yield f"attributes from outside: {strange}"
    for address in found.addresses:
        if not re.match(r"(?:https?://(?:join|cms)\.example\.com)?(?:[/?#](?!/)|$)", address):
            yield f"an address from outside: {address}"


def bad_letters(service: Service) -> Iterator[str]:
    """The promises that the letters sent break, each of which has one recipient."""
    known = {row["email"] for row in service.rows("SELECT DISTINCT email FROM signup")} | {SUE}
    for letter, taken in zip(service.mail.messages, service.mail.recipients, strict=True):
        if len(taken) != 1 or not known.issuperset(taken):
            yield f"a letter to {taken}"
        for name in ("Bcc", "Cc", "Reply-To"):
            if letter[name] is not None:
                yield f"{name}: {letter[name]}"
        yield from (f"in a letter: {what}" for what in bad_text(html(letter), where="mail/**"))
        if evaluated := [sign for sign in EVALUATED if sign in text(letter)]:
            yield f"in a letter: {evaluated}"


def on_the_wire(value: str) -> str:
    """A value as a form or an address carries it, lone surrogates too."""
    return quote(value.encode("utf-8", "surrogatepass"), safe="")


def form_body(fields: Mapping[str, str] | list[tuple[str, str]]) -> bytes:
    """Fields as a body, whatever is in them."""
    pairs = fields.items() if isinstance(fields, Mapping) else fields
    return "&".join(f"{on_the_wire(n)}={on_the_wire(v)}" for n, v in pairs).encode()


@contextlib.contextmanager
def watched(service: Service) -> Iterator[Target]:
    """A target, ready, until it is no more looked at."""
    target = Target(service)
    target.begin()
    yield target
    target.watch.stop()

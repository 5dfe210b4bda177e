"""Many people: signups in a ledger, administrators in Strapi, and letters in the outbox."""

import itertools
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from models.ledger import database as ledger
from models.strapi import new_document_id
from models.timestamps import now, to_milliseconds
from tests.support.strapi_file import SUE, StrapiFile

STATES = ("active", "declined", "active", "removed")
HOUR = 3_600_000
Rows = Iterator[Mapping[str, object]]


def fill(strapi: StrapiFile, ledger_file: Path, size: int, waiting: int) -> None:
    """Let `size` people have applied, of whom so many wait, most with a row in Strapi; each was
    sent a letter."""
    ledger.open_ledger(ledger_file)
    ledger.close()
    crowd = Crowd(size, waiting, 1 + len(strapi.admins()))
    with strapi.connected() as people:
        insert(people, "admin_users", crowd.authors())
        insert(people, "admin_users_roles_lnk", crowd.roles())
    with closing(sqlite3.connect(ledger_file)) as signups, signups:
        insert(signups, "signup", crowd.signups())
        insert(signups, "event", crowd.events())
        insert(signups, "letter", crowd.letters())


class Crowd:
    """People by number, each with the same facts in both databases."""

    def __init__(self, size: int, waiting: int, first_id: int) -> None:
        self._numbers = range(size)
        self._waiting = waiting
        self._first_id = first_id
        # They applied within the last days, one behind the other.
        self._begin = to_milliseconds(now()) - 100 * HOUR

    def authors(self) -> Rows:
        """Rows of Strapi's administrators."""
        for number in self._in_strapi():
            born = self._begin + number
            timestamp_field = dict.fromkeys(("created_at", "updated_at", "published_at"), born)
            active = self._state(number) == "active"
            rest = {"password": "$2a$10$" + "x" * 53, "is_active": active, "blocked": 0}
            yield {"id": self._first_id + number, **self._person(number), **rest, **timestamp_field}

    def roles(self) -> Rows:
        """Strapi's links between administrators and the authors' role."""
        for number in self._in_strapi():
            author = self._first_id + number
            yield {"user_id": author, "role_id": 3, "role_ord": 1, "user_ord": author}

    def signups(self) -> Rows:
        """Rows of the ledger."""
        for number in self._numbers:
            born, state = self._begin + number, self._state(number)
            told = dict.fromkeys(("born_at", "asked_at", "confirmed_at", "announced_at"), born)
            waits, decided = state == "waiting", born + HOUR
            yield {
                "id": number + 1,
                "key": f"k{number:021d}",
                "domain": domain(number),
                "state": state,
                "strapi_id": None if state == "removed" else self._first_id + number,
                "reminded_at": to_milliseconds(now()) if waits else born,
                "decided_at": None if waits else decided,
                "decided_by": None if waits else SUE,
                "welcomed_at": None if waits else decided,
                **self._person(number),
                **told,
            }

    def events(self) -> Rows:
        """What happened: each has asked."""
        for number in self._numbers:
            at = self._begin + number
            yield {"signup_id": number + 1, "at": at, "what": "asked", "by": "author"}

    def letters(self) -> Rows:
        """A letter to each, sent."""
        for number in self._numbers:
            signup = {"id": number + 1, "email": self._person(number)["email"]}
            yield letter_to(signup, self._begin + number, sent=True)

    def _in_strapi(self) -> Iterator[int]:
        return (number for number in self._numbers if self._state(number) != "removed")

    def _state(self, number: int) -> str:
        return "waiting" if number < self._waiting else STATES[number % len(STATES)]

    def _person(self, number: int) -> dict[str, object]:
        who = "waiting" if number < self._waiting else "author"
        return {
            "email": f"{who}{number}@{domain(number)}",
            "firstname": "Ada",
            "lastname": f"Lovelace {number}",
            "document_id": f"d{number:023d}",
        }


def add_asking(ledger_file: Path, count: int, sent: bool = True) -> list[str]:
    """Let so many others have asked just now, whose letters were sent, or are owed; returns the
    keys of their links."""
    instant = to_milliseconds(now())
    names: dict[str, object] = {"firstname": "Ada", "lastname": "Lovelace", "domain": "firm.com"}
    keys = [secrets.token_hex(11) for _ in range(count)]
    with closing(sqlite3.connect(ledger_file, timeout=30)) as signups, signups:
        signups.execute("BEGIN IMMEDIATE")
        [(first,)] = signups.execute("SELECT coalesce(max(id), 0) + 1 FROM signup")
        rows = [
            {"id": number, "key": key, "email": f"{key}@firm.com", **names}
            for number, key in enumerate(keys, first)
        ]
        asked = {"state": "asked", "asked_at": instant}
        insert(
            signups,
            "signup",
            ({**row, **asked, "document_id": new_document_id()} for row in rows),
        )
        insert(signups, "letter", (letter_to(row, instant, sent) for row in rows))
    return keys


def letter_to(signup: Mapping[str, object], instant: int, sent: bool) -> Mapping[str, object]:
    """The first letter, sent at an instant, or owed since then."""
    return {
        "kind": "confirm",
        "recipient": signup["email"],
        "signup_id": signup["id"],
        "reference": secrets.token_hex(16),
        "leased_until": 0,
        "tries": 0,
        "owed_at": instant,
        "due_at": instant,
        "sent_at": instant if sent else None,
    }


def domain(number: int) -> str:
    """One of many domains."""
    return f"firm{number % 977}.example"


def insert(database: sqlite3.Connection, table: str, rows: Rows) -> None:
    """Write many rows, all of the same columns."""
    first = next(rows, None)
    if first is None:
        return
    names, values = ", ".join(first), ", ".join(f":{name}" for name in first)
    statement = f"INSERT INTO {table} ({names}) VALUES ({values})"
    database.executemany(statement, itertools.chain([first], rows))

"""Strapi's database: somebody else's house, entered rarely, for milliseconds, by the door."""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, tzinfo
from typing import TypeVar

from models.engines import file_of, server_of
from models.strapi.administrators import Administrators
from models.strapi.file import File, Mark
from models.strapi.people import Author
from models.strapi.server import Server
from models.strapi.shape import StrapiBusy

T = TypeVar("T")


class _TakenBack(Exception):
    """A transaction has come to its end, and shall leave nothing."""


# Seconds for which a busy database is tried again before the visitor is asked to come back.
PATIENCE = 5.0


class Strapi:
    """Strapi's database, as its address names it at each moment, and never created or migrated."""

    def __init__(self, address: str | None, author_role: str, zone: tzinfo = UTC) -> None:
        """Name the database, on whose server dates are in the local time of `zone`; it is not
        looked at before it is asked. Raises ValueError where the address names none."""
        server = server_of(address or "", zone)
        self.house = Server(server) if server else File(file_of(address) if address else None)
        self.author_role = author_role
        self.zone = zone

    def read(self, question: Callable[[Administrators], T]) -> T:
        """The answer to `question`. Raises StrapiUnavailable."""
        return self._patiently(lambda: question(self._people()))

    def write(self, change: Callable[[Administrators], T], about: str = "") -> T:
        """Run `change` in one transaction, in which nobody else of us writes `about` this address,
        and the whole of it again while the database is busy: do nothing slow in it, and nothing
        that must not happen twice.

        Raises StrapiUnavailable, and then nothing was written, or the same change will find what
        was.
        """

        def transaction() -> T:
            with self.house.alone(about, self._people) as people:
                return change(people)

        return self._patiently(transaction)

    def rehearse(self, author: Author) -> None:
        """Do all that is ever done with an author's row, in a transaction that is taken back: not
        even the look of a file changes. Raises what stands in the way."""

        def attempt(people: Administrators) -> None:
            people.rehearse(author)
            raise _TakenBack

        with suppress(_TakenBack):
            self.write(attempt)

    def leave(self) -> None:
        """Let go of connections that nobody uses."""
        self.house.leave()

    def mark(self) -> Mark | None:
        """The look of the database from outside, which differs where it may have changed; None
        where only asking tells."""
        return self.house.mark()

    def _people(self) -> Administrators:
        return Administrators(self.house.engine, self.author_role)

    def _patiently(self, work: Callable[[], T]) -> T:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                with self.house.opened():
                    return work()
            except StrapiBusy:
                if time.monotonic() > until:
                    raise
            time.sleep(random.uniform(0.01, 0.1))

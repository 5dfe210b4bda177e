"""Strapi's database: somebody else's house, entered rarely, for milliseconds, by the door."""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, tzinfo
from typing import TypeVar

from models.engines import file_from_url, server_from_url
from models.strapi.admin_users import AdminUsers
from models.strapi.models import Author
from models.strapi.schema import StrapiBusy
from models.strapi.server import DatabaseServer
from models.strapi.sqlite import Fingerprint, SQLiteFile

T = TypeVar("T")


class _TakenBack(Exception):
    """A transaction has come to its end, and shall leave nothing."""


# Seconds for which a busy database is tried again before the visitor is asked to come back.
PATIENCE = 5.0


class StrapiClient:
    """Strapi's database, as its address names it at each moment, and never created or migrated."""

    def __init__(self, address: str | None, author_role: str, zone: tzinfo = UTC) -> None:
        """Name the database, on whose server dates are in the local time of `zone`; it is not
        looked at before it is asked. Raises ValueError where the address names none."""
        server = server_from_url(address or "", zone)
        self.connection = (
            DatabaseServer(server)
            if server
            else SQLiteFile(file_from_url(address) if address else None)
        )
        self.author_role = author_role
        self.zone = zone

    def read(self, question: Callable[[AdminUsers], T]) -> T:
        """The answer to `question`. Raises StrapiUnavailable."""
        return self._patiently(lambda: question(self._people()))

    def write(self, change: Callable[[AdminUsers], T], about: str = "") -> T:
        """Run `change` in one transaction, in which nobody else of us writes `about` this address,
        and the whole of it again while the database is busy: do nothing slow in it, and nothing
        that must not happen twice.

        Raises StrapiUnavailable, and then nothing was written, or the same change will find what
        was.
        """

        def transaction() -> T:
            with self.connection.alone(about, self._people) as admin_users:
                return change(admin_users)

        return self._patiently(transaction)

    def dry_run(self, author: Author) -> None:
        """Do all that is ever done with an author's row, in a transaction that is taken back: not
        even the look of a file changes. Raises what stands in the way."""

        def attempt(admin_users: AdminUsers) -> None:
            admin_users.dry_run(author)
            raise _TakenBack

        with suppress(_TakenBack):
            self.write(attempt)

    def disconnect(self) -> None:
        """Let go of connections that nobody uses."""
        self.connection.disconnect()

    def fingerprint(self) -> Fingerprint | None:
        """The look of the database from outside, which differs where it may have changed; None
        where only asking tells."""
        return self.connection.fingerprint()

    def _people(self) -> AdminUsers:
        return AdminUsers(self.connection.engine, self.author_role)

    def _patiently(self, work: Callable[[], T]) -> T:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                with self.connection.opened():
                    return work()
            except StrapiBusy:
                if time.monotonic() > until:
                    raise
            time.sleep(random.uniform(0.01, 0.1))

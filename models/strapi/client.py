"""Read and write Strapi's database, and try again while it is locked."""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, tzinfo
from typing import TypeVar

from models.engines import file_from_url, server_from_url
from models.strapi.admin_users import AdminUsers
from models.strapi.errors import StrapiBusy
from models.strapi.models import Author
from models.strapi.server import DatabaseServer
from models.strapi.sqlite import Fingerprint, SQLiteFile

T = TypeVar("T")

# Seconds for which a busy database is tried again.
PATIENCE = 5.0


class _RollBack(Exception):
    """Ends a transaction without keeping its changes."""


class StrapiClient:
    """Access to Strapi's database, which is never created or migrated here."""

    def __init__(self, url: str | None, author_role: str, zone: tzinfo = UTC) -> None:
        """Name the database by a URL or the path of an SQLite file. Nothing is opened yet.

        On a server, Strapi stores dates in the local time of `zone`.

        Raises: ValueError when `url` names no database.
        """
        server = server_from_url(url or "", zone)
        file = file_from_url(url) if url else None
        self.connection = DatabaseServer(server) if server else SQLiteFile(file)
        self.author_role = author_role
        self.zone = zone

    def read(self, query: Callable[[AdminUsers], T]) -> T:
        """Return what `query` returns. Raises: StrapiUnavailable."""
        return self._with_retries(lambda: query(self._admin_users()))

    def write(self, change: Callable[[AdminUsers], T], email: str) -> T:
        """Run `change` in a transaction, and return what it returns.

        No other instance of this service writes about `email` meanwhile. While the database is
        busy, the whole transaction runs again, so `change` does nothing slow. It may read the
        ledger, but changes nothing outside Strapi's database.

        Raises: StrapiUnavailable. Then nothing was written, or, when the connection died during
        COMMIT, the same call finds what was.
        """

        def transaction() -> T:
            with self.connection.transaction(email, self._admin_users) as admin_users:
                return change(admin_users)

        return self._with_retries(transaction)

    def dry_run(self, author: Author) -> None:
        """Do everything that is done with an author's row, and roll it back.

        Raises: StrapiUnavailable, saying what prevents it.
        """

        def attempt(admin_users: AdminUsers) -> None:
            admin_users.dry_run(author)
            raise _RollBack

        with suppress(_RollBack):
            self.write(attempt, author.identity.email)

    def fingerprint(self) -> Fingerprint | None:
        """Return what changes when the file changes, or None for a server. Opens nothing."""
        return self.connection.fingerprint()

    def disconnect(self) -> None:
        """Close connections that nothing uses."""
        self.connection.disconnect()

    def _admin_users(self) -> AdminUsers:
        return AdminUsers(self.connection.engine, self.author_role)

    def _with_retries(self, work: Callable[[], T]) -> T:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                with self.connection.connected():
                    return work()
            except StrapiBusy:
                if time.monotonic() > until:
                    raise
            time.sleep(random.uniform(0.01, 0.1))

"""SQLite: one writer at a time, whatever about."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any

from peewee import SqliteDatabase

from models.engines.engine import Engine, Unavailable


class SQLite(Engine, SqliteDatabase):
    """An SQLite file."""

    PASSING = ("locked", "busy")

    def alone(self, what: str) -> AbstractContextManager[Any]:  # noqa: ARG002
        """An IMMEDIATE transaction: SQLite has one lock for everything."""
        return self.atomic("IMMEDIATE")

    def still(self, *tables: str) -> AbstractContextManager[Any]:  # noqa: ARG002
        """An IMMEDIATE transaction."""
        return self.atomic("IMMEDIATE")

    def only_one(self, what: str) -> AbstractContextManager[bool]:  # noqa: ARG002
        """Several processes on one machine do no harm to each other: every step of theirs is
        compare and set."""
        return nullcontext(True)

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Keep the write-ahead log while requests come and go: whoever closes the last connection
        has to fold it into the file, and to wait for the disk."""
        keeper = SqliteDatabase(self.database)
        with suppress(*Unavailable):
            # A connection that never read is none yet.
            keeper.execute_sql("SELECT COUNT(*) FROM sqlite_master").fetchall()
        try:
            yield
        finally:
            keeper.close()

    def scrub(self) -> None:
        """Empty the log of writes ahead, which still holds what was overwritten."""
        self.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")

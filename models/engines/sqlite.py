"""SQLite: a file, with one writer at a time."""

import sqlite3
import threading
from contextlib import AbstractContextManager
from typing import Any

from peewee import OperationalError, SqliteDatabase

from models.engines.engine import Engine, driver_error

BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


class WriterBusy(OperationalError):
    """Another thread of this process did not end its transaction in time."""


class SQLite(Engine, SqliteDatabase):
    """An SQLite file."""

    # Set by Peewee: seconds to wait for a lock that another process holds.
    _timeout: float

    def __init__(self, database: str | None, **options: Any) -> None:
        """Name the file. It is opened with the first connection."""
        super().__init__(database, **options)
        # Threads wait for this lock before they ask for SQLite's. SQLite itself makes a waiting
        # connection sleep for up to 0.1 s at a time, while others overtake it: p99 of POST
        # /signup was 112 to 136 ms without this lock, and is 22 ms with it (docs/bench.md).
        self._writer = threading.Lock()

    def begin(self, *options: Any) -> None:
        """Begin a transaction when no other thread is in one. Raises WriterBusy."""
        if not self._writer.acquire(timeout=self._timeout):
            raise WriterBusy("database is locked")
        try:
            super().begin(*options)
        except BaseException:
            self._writer.release()
            raise

    def commit(self) -> None:
        """Commit. Where that fails, Peewee calls `rollback`, which releases the lock."""
        super().commit()
        self._writer.release()

    def rollback(self) -> None:
        """Roll the transaction back."""
        try:
            super().rollback()
        finally:
            self._writer.release()

    def exclusive_transaction(self, name: str) -> AbstractContextManager[Any]:  # noqa: ARG002
        """An IMMEDIATE transaction: SQLite has one write lock, whatever the name."""
        return self.atomic("IMMEDIATE")

    def frozen_tables(self, *tables: str) -> AbstractContextManager[Any]:  # noqa: ARG002
        """An IMMEDIATE transaction."""
        return self.atomic("IMMEDIATE")

    def truncate_wal(self) -> None:
        """Empty the write-ahead log, which still holds rows that were overwritten."""
        self.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def is_temporary(self, error: Exception) -> bool:
        """Return whether another connection held a lock."""
        # The low byte is the primary code: SQLITE_BUSY_SNAPSHOT is a kind of SQLITE_BUSY.
        return isinstance(error, WriterBusy) or _code(error) & 0xFF in BUSY

    def explain(self, error: Exception) -> str:
        """Return SQLite's text. It names tables, columns and constraints, and no values."""
        # A trigger chooses its own text.
        triggered = _code(error) == sqlite3.SQLITE_CONSTRAINT_TRIGGER
        return "a trigger refuses the row" if triggered else str(error)


def _code(error: Exception) -> int:
    return int(getattr(driver_error(error), "sqlite_errorcode", 0))

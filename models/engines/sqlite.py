"""SQLite: one writer at a time, whatever about."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any

from peewee import OperationalError, SqliteDatabase

from models.engines.engine import Engine, Unavailable


class SQLite(Engine, SqliteDatabase):
    """An SQLite file."""

    TEMPORARY = ("locked", "busy")
    # Peewee's: seconds that another process's lock is waited for.
    _timeout: float

    def __init__(self, database: str | None, **options: Any) -> None:
        """Name the file; it is opened when it is asked."""
        super().__init__(database, **options)
        self._turn = threading.Lock()

    def begin(self, *options: Any) -> None:
        """Begin when it is this thread's turn: it is waited for as long as another process is.
        SQLite lets who waits sleep, up to 0.1 s at a time, while others come and go."""
        if not self._turn.acquire(timeout=self._timeout):
            raise OperationalError("database is locked")
        try:
            super().begin(*options)
        except BaseException:
            self._turn.release()
            raise

    def commit(self) -> None:
        """Commit; where that fails, there is a rollback to follow."""
        super().commit()
        self._turn.release()

    def rollback(self) -> None:
        """Take a transaction back."""
        try:
            super().rollback()
        finally:
            self._turn.release()

    def alone(self, what: str) -> AbstractContextManager[Any]:  # noqa: ARG002
        """An IMMEDIATE transaction: SQLite has one lock for everything."""
        return self.atomic("IMMEDIATE")

    def still(self, *tables: str) -> AbstractContextManager[Any]:  # noqa: ARG002
        """An IMMEDIATE transaction."""
        return self.atomic("IMMEDIATE")

    def try_lock(self, what: str) -> AbstractContextManager[bool]:  # noqa: ARG002
        """Several processes on one machine do no harm to each other: every step of theirs is
        compare and set."""
        return nullcontext(True)

    @contextmanager
    def keep_wal_open(self) -> Iterator[None]:
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

    def lower(self, text: Any) -> Any:
        """In half of the time that it takes to change every text."""
        return text.collate("NOCASE")

    def truncate_wal(self) -> None:
        """Empty the log of writes ahead, which still holds what was overwritten."""
        self.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")

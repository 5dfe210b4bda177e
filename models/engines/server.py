"""What a database on a server needs beyond a file: connections that are used again, and
patience with a server that is away for a moment."""

import os
import random
import threading
import time
import weakref
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar

from peewee import OperationalError
from playhouse.pool import MaxConnectionsExceeded, PooledDatabase

from models.engines.engine import Columns, Engine, Unavailable

# As many connections as an instance has threads, and its courier; who finds none waits so many
# seconds.
POOL = {"max_connections": 40, "timeout": 5}
# Seconds for which a server is waited for, from when it was first missed; after that, nobody waits
# until it is back.
PATIENCE = 5.0


class ServerEngine(PooledDatabase, Engine):
    """A database of a server."""

    # Asks of a list of tables: table, column, and whether it must be filled.
    COLUMNS: ClassVar[str]
    # Peewee's, of each thread: its connection, and since when it has wanted one.
    _state: Any

    def __init__(self, database: str, **address: Any) -> None:
        """Name the database; it is connected to when it is asked."""
        super().__init__(database, **{**POOL, **address})
        self._missed_at: float | None = None
        self._refusal: Exception | None = None
        self._refused_at = 0.0
        os.register_at_fork(after_in_child=partial(_orphan, weakref.ref(self)))

    def connect(self, reuse_if_open: bool = False) -> bool:
        """Connect. Nothing has been asked of the server yet: one that is away is tried again."""
        while True:
            self._state.asked_at = time.monotonic()
            try:
                connected: bool = super().connect(reuse_if_open)
            except OperationalError as error:
                self._missed_at = self._missed_at or self._state.asked_at
                if not self.is_temporary(error) or time.monotonic() - self._missed_at > PATIENCE:
                    raise
            else:
                self._missed_at = None
                return connected
            time.sleep(random.uniform(0.05, 0.2))

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        """Ask over a new connection where this one is known to have died."""
        self._revive()
        return super().execute_sql(sql, params)

    def begin(self, *options: Any) -> None:
        """Begin a transaction, which dies with its connection."""
        self._revive()
        super().begin(*options)

    def rollback(self) -> None:
        """Take a transaction back that has not died with its connection; of what, is to be told."""
        if not self._died():
            super().rollback()

    def columns_of(self, *tables: str) -> dict[str, Columns]:
        """One look tells of all."""
        found: dict[str, Columns] = {}
        for table, column, must_be_filled in self.execute_sql(self.COLUMNS, ([*tables],)):
            found[table] = (*found.get(table, ()), (column, bool(must_be_filled)))
        return found

    def disconnect(self) -> None:
        """Let go of connections that nobody uses."""
        self.close_idle()

    def drop_inherited(self) -> None:
        """Leave every connection to the process that this one was forked from."""
        self._lock = threading.Lock()
        self._pool_lock = threading.RLock()
        self._pool_available = threading.Condition(self._pool_lock)
        self.dispose()

    def is_dead(self, connection: Any) -> bool:
        """Whether this connection is known to have died."""
        raise NotImplementedError

    def _revive(self) -> None:
        if not self._died() or self.in_transaction():
            return
        contexts = self._state.ctx
        self.close()
        try:
            self.connect()
        finally:
            # Whoever opened the old connection will close this one.
            self._state.ctx = contexts

    def _release(self, statement: str, lock: str) -> None:
        """Give back what this session holds. Without the session, it is gone already."""
        with suppress(*Unavailable):
            if not self._died():
                self.execute_sql(statement, (lock,))

    def _died(self) -> bool:
        return not self.is_closed() and self.is_dead(self._state.conn)

    def _connect(self) -> Any:
        # One at a time gets here: who has waited behind somebody who was refused is refused, too.
        if self._refusal and self._refused_at > self._state.asked_at:
            raise self._refusal
        try:
            return super()._connect()
        except MaxConnectionsExceeded:
            raise
        except Exception as error:
            self._refusal, self._refused_at = error, time.monotonic()
            raise

    def _is_closed(self, connection: Any) -> bool:
        closed: bool = super()._is_closed(connection)
        if closed:
            # What ended one, as a restart does, has ended those that lie beside it.
            self.close_idle()
        return closed


def _orphan(engine: "weakref.ref[ServerEngine]") -> None:
    if found := engine():
        found.drop_inherited()

"""What PostgreSQL and MySQL have in common: pooled connections, and new ones after a restart."""

import os
import random
import threading
import time
import weakref
from functools import partial
from typing import Any, ClassVar

from peewee import OperationalError
from playhouse.pool import MaxConnectionsExceeded, PooledDatabase

from models.engines.engine import Column, Columns, Engine

# One connection for each of the 32 threads and for the worker, and some to spare. A thread that
# finds none waits for this many seconds.
POOL = {"max_connections": 40, "timeout": 5}
# Seconds for which threads try to reach a server that is away, counted from the first failure.
# After that, each attempt fails at once until the server is back.
RECONNECT_SECONDS = 5.0
# The end of each advice about a missing grant.
NEEDED_GRANTS = "see docs/databases.md for what it needs"


class ServerEngine(PooledDatabase, Engine):
    """A database on a server."""

    # A query with a list of tables as its parameter: table, then the values of Column.
    COLUMNS_QUERY: ClassVar[str]
    # Set by Peewee for each thread: its connection and, added here, when it asked for one.
    _state: Any

    def __init__(self, database: str, **options: Any) -> None:
        """Name the database. It is connected with the first statement."""
        super().__init__(database, **{**POOL, **options})
        self._unreachable_since: float | None = None
        self._connect_error: Exception | None = None
        self._connect_error_at = 0.0
        os.register_at_fork(after_in_child=partial(_reset_after_fork, weakref.ref(self)))

    def connect(self, reuse_if_open: bool = False) -> bool:
        """Connect, and try again while the server is away: no statement was sent yet."""
        while True:
            self._state.asked_at = time.monotonic()
            try:
                connected: bool = super().connect(reuse_if_open)
            except OperationalError as error:
                self._unreachable_since = self._unreachable_since or self._state.asked_at
                waited = time.monotonic() - self._unreachable_since
                if not self.is_temporary(error) or waited > RECONNECT_SECONDS:
                    raise
            else:
                self._unreachable_since = None
                return connected
            time.sleep(random.uniform(0.05, 0.2))

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        """Execute a statement, over a new connection where this one was lost."""
        self._replace_lost_connection()
        return super().execute_sql(sql, params)

    def begin(self, *options: Any) -> None:
        """Begin a transaction, over a new connection where this one was lost."""
        self._replace_lost_connection()
        super().begin(*options)

    def rollback(self) -> None:
        """Roll back, unless the connection was lost: the server did it then.

        A second error here would hide the one that ended the transaction.
        """
        if not self._is_lost():
            super().rollback()

    def columns_of(self, *tables: str) -> dict[str, Columns]:
        """Return the columns of each of these tables that exists, by one query."""
        found: dict[str, Columns] = {}
        for table, name, must_be_filled, *others in self.execute_sql(
            self.COLUMNS_QUERY, ([*tables],)
        ):
            column = Column(name, bool(must_be_filled), *others)
            found[table] = (*found.get(table, ()), column)
        return found

    def drop_inherited_connections(self) -> None:
        """Forget every connection after a fork, without closing it: the parent uses it."""
        self._lock = threading.Lock()
        self._pool_lock = threading.RLock()
        self._pool_available = threading.Condition(self._pool_lock)
        self.dispose()

    def is_dead(self, connection: Any) -> bool:
        """Return whether the driver knows that this connection was lost."""
        raise NotImplementedError

    def _replace_lost_connection(self) -> None:
        # What a transaction had done is gone with its connection: it must fail as a whole.
        if not self._is_lost() or self.in_transaction():
            return
        contexts = self._state.ctx
        self.close()
        try:
            self.connect()
        finally:
            # The connection_context() around this statement will close the new connection.
            self._state.ctx = contexts

    def _is_lost(self) -> bool:
        return not self.is_closed() and self.is_dead(self._state.conn)

    def _connect(self) -> Any:
        # One thread at a time is here. A thread that waited while another one failed fails with
        # the same error: eight visitors wait 5 s together, not 5 s each.
        if self._connect_error and self._connect_error_at > self._state.asked_at:
            raise self._connect_error
        try:
            return super()._connect()
        except MaxConnectionsExceeded:
            raise
        except Exception as error:
            self._connect_error, self._connect_error_at = error, time.monotonic()
            raise

    def _is_closed(self, connection: Any) -> bool:
        closed: bool = super()._is_closed(connection)
        if closed:
            # A restart ends all connections: close the idle ones, too.
            self.close_idle()
        return closed


def _reset_after_fork(reference: "weakref.ref[ServerEngine]") -> None:
    if engine := reference():
        engine.drop_inherited_connections()

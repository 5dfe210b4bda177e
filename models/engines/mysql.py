"""MySQL and MariaDB: locks by name, which are gone with the session that took them."""

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

from peewee import OperationalError
from playhouse.pool import PooledMySQLDatabase

from models.engines.engine import POOL, Engine, Unavailable

# Seconds that a lock is waited for, to connect, and for an answer.
PATIENCE = 5
REACH = {"connect_timeout": 5, "read_timeout": 15, "write_timeout": 15}
# Count the rows that an UPDATE finds, as other engines do, not only those that it changes
# (CLIENT_FOUND_ROWS).
FOUND_ROWS = 2
# A lock must show what others have written since the transaction began.
ISOLATION = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"


class MySQL(Engine, PooledMySQLDatabase):  # type: ignore[misc]  # the stubs of `init`
    """A database of a MySQL or MariaDB server, through PyMySQL."""

    PASSING = (
        "(1040,",  # too many connections
        "(1053,",  # shutdown in progress
        "(1205,",  # lock wait timeout
        "(1213,",  # deadlock
        "(1317,",  # query interrupted
        "(1927,",  # connection killed
        "(2002,",
        "(2003,",  # cannot connect
        "(2006,",
        "(2013,",  # connection lost
        "(0, '')",  # PyMySQL's connection that was closed
        "Exceeded maximum connections",
        "Max connections exceeded",
        "is busy",
    )
    ADVICE = {  # noqa: RUF012
        "(1045,": "refuses this user or password, or a connection without TLS",
        "(1044,": "lets this user not into this database: see docs/scale.md for what it needs",
        "(1142,": "grants this user too little: see docs/scale.md for what it needs",
        "(1143,": "grants this user too little: see docs/scale.md for what it needs",
        "(1049,": "has no such database: create it, or correct the address",
        "(3159,": "lets nobody in without TLS: add ?ssl_ca=… to the address",
        "CERTIFICATE_VERIFY_FAILED": "has a certificate that is not trusted: name its authority"
        " with ?ssl_ca=…",
        "doesn't support SSL": "speaks no TLS: set it up there",
        "Connection refused": "does not answer: is it running, at this host and port?",
        "timed out": "does not answer: is it running, at this host and port?",
        "Name or service not known": "has a name that is not known here",
        "driver not installed": "needs a driver: make servers",
    }

    def __init__(self, database: str, **address: Any) -> None:
        """Name the database; it is connected to when it is asked."""
        known = {"init_command": ISOLATION, "client_flag": FOUND_ROWS, **REACH, **POOL}
        super().__init__(database, **{**known, **address})

    def leave(self) -> None:
        """Let go of connections that nobody uses."""
        self.close_idle()

    @contextmanager
    def alone(self, what: str) -> Iterator[None]:
        """A transaction inside the lock of this name."""
        with self._locked(what), self.atomic():
            yield

    def only_one(self, what: str) -> AbstractContextManager[bool]:
        """Hold the lock of this name on this session, if nobody else does."""
        return self._held(what, 0)

    def migrating(self) -> AbstractContextManager[Any]:
        """The lock alone: a change of tables ends any transaction here."""
        return self._locked("migration")

    def lay_index(self, name: str, on: str, where: str = "") -> None:  # noqa: ARG002
        """Make an index of all rows: MySQL has no others."""
        super().lay_index(name, on)

    @contextmanager
    def _locked(self, what: str) -> Iterator[None]:
        with self._held(what, PATIENCE) as mine:
            if not mine:
                raise OperationalError(f"{self.database} is busy")
            yield

    @contextmanager
    def _held(self, what: str, seconds: int) -> Iterator[bool]:
        # One server has one list of locks, whose names have at most 64 characters.
        name = hashlib.sha256(f"author-signup {self.database} {what}".encode()).hexdigest()
        [got] = self.execute_sql("SELECT GET_LOCK(%s, %s)", (name, seconds)).fetchone()
        try:
            yield got == 1
        finally:
            # Without the session, the lock is gone already.
            with suppress(*Unavailable):
                if got == 1:
                    self.execute_sql("DO RELEASE_LOCK(%s)", (name,))

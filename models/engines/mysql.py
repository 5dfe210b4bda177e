"""MySQL and MariaDB: locks by name, which are gone with the session that took them."""

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from peewee import SQL, OperationalError, Table, fn
from playhouse.pool import MaxConnectionsExceeded, PooledMySQLDatabase

from models.engines.server import ServerEngine

# Seconds that a lock is waited for, to connect, and for an answer.
LOCKS = 5
REACH = {"connect_timeout": 5, "read_timeout": 15, "write_timeout": 15}
# Count the rows that an UPDATE finds, as other engines do, not only those that it changes
# (CLIENT_FOUND_ROWS).
FOUND_ROWS = 2
# PyMySQL's own way is to take an authority and trust everybody.
VERIFIED = ("ssl_verify_cert", "ssl_verify_identity")
# A lock must show what others have written since the transaction began. Its level has a name in
# MariaDB, and another in MySQL, which look into the comments of their own.
SESSION = (
    f"SET SESSION innodb_lock_wait_timeout = {LOCKS}, lock_wait_timeout = {LOCKS},"
    " /*M! tx_isolation */ /*!50720 transaction_isolation */ = 'READ-COMMITTED'"
)


class MySQL(ServerEngine, PooledMySQLDatabase):  # type: ignore[misc]  # the stubs of `init`
    """A database of a MySQL or MariaDB server, through PyMySQL."""

    TEMPORARY = (
        "(1040,",  # too many connections
        "(1205,",  # lock wait timeout
        "(1213,",  # deadlock
        "(1317,",  # query interrupted
        "(1226,",  # too many connections of this user
        "(2003,",  # cannot connect
        "(2006,",
        "(2013,",  # connection lost
        "(0, '')",  # PyMySQL's connection that was closed
        "Max connections exceeded",
        "is busy",
    )
    ADVICE = {  # noqa: RUF012
        "(1045,": "refuses this user or password, or a connection without TLS",
        "(1044,": "lets this user not into this database: see docs/databases.md for what it needs",
        "(1142,": "grants this user too little ({}): see docs/databases.md for what it needs",
        "(1143,": "grants this user too little ({}): see docs/databases.md for what it needs",
        "(1146,": "has no such table ({}): correct the address",
        "(1049,": "has no such database: create it, or correct the address",
        "No such file": "cannot be checked: the file that ssl_ca names is not there",
        "(3159,": "lets nobody in without TLS: add ?ssl_ca=… to the address",
        "CERTIFICATE_VERIFY_FAILED": "has a certificate that is not trusted: name its authority"
        " with ?ssl_ca=…",
        "SSL is required": "speaks no TLS: set it up there",
        "Connection refused": "does not answer: is it running, at this host and port?",
        "timed out": "does not answer: is it running, at this host and port?",
        "Name or service not known": "has a name that is not known here",
        "name resolution": "has a name that is not known here",
        "unexpected keyword argument": "cannot be reached: its address has an unknown option ({})",
        "driver not installed": "needs a driver: make servers",
    }

    COLUMNS = (
        "SELECT table_name, column_name, is_nullable = 'NO' AND column_default IS NULL"
        " AND extra NOT LIKE '%%auto_increment%%' FROM information_schema.columns"
        " WHERE table_schema = DATABASE() AND table_name IN %s"
    )
    HIDDEN = " that this user may SELECT: see docs/databases.md for what it needs"

    def __init__(self, database: str, **address: Any) -> None:
        """Name the database; it is connected to when it is asked."""
        known = {"init_command": SESSION, "client_flag": FOUND_ROWS, **REACH}
        # Whoever names an authority wants to know that it is the right server.
        known |= dict.fromkeys(VERIFIED, True) if "ssl_ca" in address else {}
        super().__init__(database, **{**known, **address})

    def is_dead(self, connection: Any) -> bool:
        """Whether this connection is known to have died."""
        return not connection.open

    @contextmanager
    def alone(self, what: str) -> Iterator[None]:
        """A transaction inside the lock of this name."""
        with self._locked(what), self.atomic():
            yield

    @contextmanager
    def still(self, *tables: str) -> Iterator[None]:
        """A transaction in which whatever is read stays as it is, and nothing comes in between."""
        self.execute_sql("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        with self.atomic():
            for table in tables:
                self.execute(Table(table).select(fn.COUNT(SQL("1"))))
            yield

    def try_lock(self, what: str) -> AbstractContextManager[bool]:
        """Hold the lock of this name on this session, if nobody else does."""
        return self._held(what, 0)

    def migration_lock(self) -> AbstractContextManager[Any]:
        """The lock alone: a change of tables ends any transaction here."""
        return self._locked("migration")

    def locations_of(self, table: str) -> list[str]:
        """The databases that have it, as far as this user may know."""
        query = "SELECT table_schema FROM information_schema.tables WHERE table_name = %s"
        found = self.execute_sql(query, (table,)).fetchall()
        return [f"the database {database}: correct the address" for (database,) in found]

    def unsuitable(self) -> str | None:
        """Addresses that differ must differ, and names may be written in any script."""
        query = (
            "SELECT @@collation_database UNION SELECT table_collation"
            " FROM information_schema.tables WHERE table_schema = DATABASE()"
        )
        for (collation,) in self.execute_sql(query).fetchall():
            if collation and not (collation.startswith("utf8mb4") and collation.endswith("_bin")):
                return (
                    f"may take different addresses for one ({collation}): make another with"
                    " CREATE DATABASE … CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
                )
        return None

    def add_index(self, name: str, on: str, where: str = "") -> None:  # noqa: ARG002
        """Make an index of all rows: MySQL has no others."""
        super().add_index(name, on)

    def _connect(self) -> Any:
        try:
            return super()._connect()
        except MaxConnectionsExceeded:
            # Who asks too soon is no fault of the options, and may wait.
            raise
        except (TypeError, ValueError, OSError) as error:
            # PyMySQL looks at its options before anything else, and complains in its own ways.
            raise OperationalError(str(error)) from error

    @contextmanager
    def _locked(self, what: str) -> Iterator[None]:
        with self._held(what, LOCKS) as mine:
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
            if got == 1:
                self._release("DO RELEASE_LOCK(%s)", name)

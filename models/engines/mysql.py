"""MySQL and MariaDB. Locks are named, and the server releases them when their session ends."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from peewee import SQL, DatabaseError, OperationalError, Table, fn
from playhouse.pool import MaxConnectionsExceeded, PooledMySQLDatabase

from models.engines.engine import Unavailable
from models.engines.server import NEEDED_GRANTS, ServerEngine

# Seconds to wait for a lock, and for the network.
LOCK_TIMEOUT = 5
NETWORK_TIMEOUTS = {"connect_timeout": 5, "read_timeout": 15, "write_timeout": 15}
# Seconds to wait while another instance migrates: less than the read_timeout.
MIGRATION_LOCK_TIMEOUT = 12
# A migration that was cut off is run again. These errors say that a part of it is done: the table,
# the column or the index exists, or the index to drop does not.
DONE_ALREADY = (1050, 1060, 1061, 1091)
# An UPDATE returns the number of rows that it found, as on other engines, not of those that it
# changed (CLIENT_FOUND_ROWS).
FOUND_ROWS = 2
# By default, PyMySQL accepts any certificate, even if ssl_ca names an authority.
VERIFY_OPTIONS = ("ssl_verify_cert", "ssl_verify_identity")
# READ COMMITTED: a transaction that waited for a lock must see what others committed meanwhile.
# MariaDB and MySQL name this variable differently, and each runs only its own kind of comment.
SESSION_SETTINGS = (
    f"SET SESSION innodb_lock_wait_timeout = {LOCK_TIMEOUT}, lock_wait_timeout = {LOCK_TIMEOUT},"
    " /*M! tx_isolation */ /*!50720 transaction_isolation */ = 'READ-COMMITTED'"
)


class MySQL(ServerEngine, PooledMySQLDatabase):  # type: ignore[misc]  # the stubs of `init`
    """A database on a MySQL or MariaDB server, through PyMySQL."""

    # By error number, where the server or PyMySQL gives one.
    TEMPORARY_ERRORS = (
        "(1040,",  # too many connections
        "(1205,",  # lock wait timeout
        "(1213,",  # deadlock
        "(1317,",  # query interrupted
        "(1226,",  # too many connections of this user
        "(2003,",  # cannot connect
        "(2006,",  # server has gone away
        "(2013,",  # connection lost
        "(0, '')",  # PyMySQL: the connection was closed
        "Max connections exceeded",
        "is busy",
    )
    ERROR_ADVICE = {  # noqa: RUF012
        "(1045,": "refuses this user or password, or a connection without TLS",
        "(1044,": f"does not let this user into this database: {NEEDED_GRANTS}",
        "(1142,": f"grants this user too little ({{}}): {NEEDED_GRANTS}",
        "(1143,": f"grants this user too little ({{}}): {NEEDED_GRANTS}",
        "(1146,": "has no such table ({}): correct the URL",
        "(1049,": "has no such database: create it, or correct the URL",
        "No such file": "cannot be checked: the file that ssl_ca names is not there",
        "(3159,": "accepts no connection without TLS: add ?ssl_ca=… to the URL",
        "CERTIFICATE_VERIFY_FAILED": "has a certificate that is not trusted: name its authority"
        " with ?ssl_ca=…",
        "SSL is required": "offers no TLS: turn it on there",
        "Connection refused": "does not answer: is it running, at this host and port?",
        "timed out": "does not answer: is it running, at this host and port?",
        "Name or service not known": "has a host name that is not known here: correct the URL",
        "name resolution": "has a host name that is not known here: correct the URL",
        "unexpected keyword argument": "cannot be reached: its URL has an unknown option ({})",
        "driver not installed": "needs a driver: make servers",
    }

    COLUMNS_QUERY = (
        "SELECT table_name, column_name, is_nullable = 'NO' AND column_default IS NULL"
        " AND extra NOT LIKE '%%auto_increment%%', datetime_precision"
        " FROM information_schema.columns"
        " WHERE table_schema = DATABASE() AND table_name IN %s"
    )
    VISIBILITY_HINT = f" that this user may SELECT: {NEEDED_GRANTS}"

    def __init__(self, database: str, **options: Any) -> None:
        """Name the database. It is connected with the first statement."""
        defaults = {"init_command": SESSION_SETTINGS, "client_flag": FOUND_ROWS, **NETWORK_TIMEOUTS}
        if "ssl_ca" in options:
            defaults |= dict.fromkeys(VERIFY_OPTIONS, True)
        super().__init__(database, **{**defaults, **options})
        self._migrating = False

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        """Execute a statement. During a migration, skip one that an earlier process did."""
        try:
            return super().execute_sql(sql, params)
        except DatabaseError as error:
            if not self._migrating or error.args[0] not in DONE_ALREADY:
                raise
            return None

    def create_tables(self, models: Any, **options: Any) -> None:
        """Create tables and indexes. By default, a table that exists would get no index."""
        super().create_tables(models, **{**options, "safe": not self._migrating})

    def is_dead(self, connection: Any) -> bool:
        """Return whether PyMySQL knows that this connection was lost."""
        return not connection.open

    @contextmanager
    def exclusive_transaction(self, name: str) -> Iterator[None]:
        """A transaction inside the lock of this name."""
        with self._session_lock(name), self.atomic():
            yield

    @contextmanager
    def frozen_tables(self, *tables: str) -> Iterator[None]:
        """A SERIALIZABLE transaction that has read each of the tables."""
        self.execute_sql("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        with self.atomic():
            for table in tables:
                self.execute(Table(table).select(fn.COUNT(SQL("1"))))
            yield

    @contextmanager
    def migration_lock(self) -> Iterator[None]:
        """The lock without a transaction: here, each change of a table would commit it."""
        with self._session_lock("migration", MIGRATION_LOCK_TIMEOUT):
            self._migrating = True
            try:
                yield
            finally:
                self._migrating = False

    def locations_of(self, table: str) -> list[str]:
        """Name the databases that have this table, as far as this user may see them."""
        query = "SELECT table_schema FROM information_schema.tables WHERE table_name = %s"
        found = self.execute_sql(query, (table,)).fetchall()
        return [f"the database {database}: correct the URL" for (database,) in found]

    def ledger_fault(self) -> str | None:
        """Require a collation that keeps different emails apart, and any script."""
        query = (
            "SELECT @@collation_database UNION SELECT table_collation"
            " FROM information_schema.tables WHERE table_schema = DATABASE()"
        )
        for (collation,) in self.execute_sql(query).fetchall():
            if collation and not (collation.startswith("utf8mb4") and collation.endswith("_bin")):
                return (
                    f"may take different emails for the same ({collation}): make another with"
                    " CREATE DATABASE … CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
                )
        return None

    def add_index(self, name: str, on: str, where: str = "") -> None:  # noqa: ARG002
        """Create an index of all rows: MySQL has no index with a condition."""
        super().add_index(name, on)

    def _connect(self) -> Any:
        try:
            return super()._connect()
        except MaxConnectionsExceeded:
            # This is a ValueError, too, but no fault of the options.
            raise
        except (TypeError, ValueError, OSError) as error:
            # PyMySQL raises these for options that it does not know or cannot use.
            raise OperationalError(str(error)) from error

    @contextmanager
    def _session_lock(self, name: str, timeout: int = LOCK_TIMEOUT) -> Iterator[None]:
        # The server has one list of locks for all databases. A name has at most 64 characters.
        # Older versions, running beside this one, use the same names: they cannot change.
        lock = hashlib.sha256(f"author-signup {self.database} {name}".encode()).hexdigest()
        [taken] = self.execute_sql("SELECT GET_LOCK(%s, %s)", (lock, timeout)).fetchone()
        if taken != 1:
            raise OperationalError(f"{self.database} is busy")
        try:
            yield
        finally:
            # The server has released the lock if the session was lost.
            with suppress(*Unavailable):
                if not self._is_lost():
                    self.execute_sql("DO RELEASE_LOCK(%s)", (lock,))

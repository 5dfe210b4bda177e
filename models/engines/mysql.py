"""MySQL and MariaDB. Locks are named, and the server releases them when their session ends."""

import hashlib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from peewee import SQL, DatabaseError, ImproperlyConfigured, OperationalError, Table, fn
from playhouse.pool import MaxConnectionsExceeded, PooledMySQLDatabase

from models.engines import mysql_errors
from models.engines.engine import Unavailable, driver_error
from models.engines.mysql_errors import UNKNOWN_OPTION
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
# STRICT: else a server may store `?` for a character that a column does not hold, or 0 for a key.
SESSION_SETTINGS = (
    f"SET SESSION innodb_lock_wait_timeout = {LOCK_TIMEOUT}, lock_wait_timeout = {LOCK_TIMEOUT},"
    " sql_mode = CONCAT(@@sql_mode, ',STRICT_TRANS_TABLES'),"
    " /*M! tx_isolation */ /*!50720 transaction_isolation */ = 'READ-COMMITTED'"
)


class MySQL(ServerEngine, PooledMySQLDatabase):  # type: ignore[misc]  # the stubs of `init`
    """A database on a MySQL or MariaDB server, through PyMySQL."""

    TEMPORARY_ERRORS = mysql_errors.TEMPORARY_ERRORS
    VALUE_ERRORS = mysql_errors.VALUE_ERRORS
    ERROR_ADVICE = mysql_errors.ADVICE
    ENCODING_ADVICE = "type ALTER TABLE admin_users CONVERT TO CHARACTER SET utf8mb4"

    COLUMNS_QUERY = (
        "SELECT table_name, column_name, is_nullable = 'NO' AND column_default IS NULL"
        " AND extra NOT LIKE '%%auto_increment%%', datetime_precision,"
        # The encodings that hold every character.
        " CASE WHEN character_set_name NOT IN ('utf8mb4', 'utf16', 'utf16le', 'utf32', 'gb18030')"
        " THEN character_set_name END, character_maximum_length"
        " FROM information_schema.columns"
        " WHERE table_schema = DATABASE() AND table_name IN %s"
    )
    VISIBILITY_HINT = f" that this user may SELECT: {NEEDED_GRANTS}"

    def __init__(self, database: str, **options: Any) -> None:
        """Name the database. It is connected with the first statement."""
        defaults = {"init_command": SESSION_SETTINGS, "client_flag": FOUND_ROWS, **NETWORK_TIMEOUTS}
        if "ssl_ca" in options:
            defaults |= dict.fromkeys(VERIFY_OPTIONS, True)
        options |= {"charset": "utf8mb4", **_tls(options.pop("ssl", None))}
        if isinstance(password := options.get("password"), str):
            # PyMySQL would encode it in Latin-1.
            options["password"] = password.encode()
        super().__init__(database, **{**defaults, **options})
        self._migrating = False

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        """Execute a statement. During a migration, skip one that an earlier process did.

        Where a column has no default, add the table to the error.
        """
        try:
            return super().execute_sql(sql, params)
        except DatabaseError as error:
            number = mysql_errors.error_number(error)
            if self._migrating and number in DONE_ALREADY:
                return None
            if number == mysql_errors.NO_DEFAULT:
                table = sql.partition("INTO `")[2].partition("`")[0]
                text = f"{table}: {error.args[1]}"
                raise DatabaseError(driver_error(error), number, text) from error
            raise

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

    def can_hold(self, character: str, encoding: str) -> bool:
        """Return whether the encoding, as information_schema names it, has the character."""
        # A parameter cannot stand for an encoding.
        query = f"SELECT CONVERT(%s USING {encoding})"
        try:
            [held] = self.execute_sql(query, (character,)).fetchone()
        except DatabaseError as error:
            if not self.is_about_value(error):
                raise
            return False
        return bool(held == character)

    def error_text(self, error: Exception) -> str:
        """Return the number of the error, and the text of an error of PyMySQL."""
        return mysql_errors.error_text(error)

    def details(self, error: Exception) -> str:
        """Return the text where it holds no data, or a code."""
        return mysql_errors.details(error)

    def explain(self, error: Exception) -> str:
        """Return what an operator can do about an error."""
        socket = self.connect_params.get("unix_socket")
        if socket and "(2003," in self.error_text(error):
            return f"does not answer at the socket {socket}: is it running, and readable?"
        return super().explain(error)

    def _connect(self) -> Any:
        try:
            return super()._connect()
        except (DatabaseError, ImproperlyConfigured, MaxConnectionsExceeded):
            raise
        except Exception as error:
            if type(error).__module__.startswith("pymysql"):
                raise
            # PyMySQL raises anything for an option or a file that it cannot use.
            text = str(error)
            if not (isinstance(error, OSError | RuntimeError) or UNKNOWN_OPTION in text):
                text = "invalid option"
            raise OperationalError(error, text) from error

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


def _tls(wanted: object) -> dict[str, Any]:
    """Return PyMySQL's options for `?ssl=…`: true is TLS with an authority that the system trusts.

    Raises ValueError for another value than true and false.
    """
    if wanted is None:
        return {}
    if not isinstance(wanted, bool):
        raise ValueError("?ssl= must be true or false; see docs/databases.md for TLS")
    return {"ssl": ssl.create_default_context()} if wanted else {"ssl_disabled": True}

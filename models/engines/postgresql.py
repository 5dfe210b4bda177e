"""PostgreSQL, directly or through a pooler that shares its sessions, like PgBouncer.

Such a pooler may give each transaction another session. So locks and settings belong to a
transaction, and nothing is prepared on the server.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from peewee import DatabaseError, OperationalError, ProgrammingError, Table, fn
from playhouse.pool import MaxConnectionsExceeded, PooledPostgresqlDatabase

from models.engines import postgresql_errors, row_security
from models.engines.engine import Columns, driver_error
from models.engines.server import ServerEngine

# The server gives up waiting for a lock, and ends a transaction whose client is silent.
TIMEOUTS = {"lock_timeout": "5s", "idle_in_transaction_session_timeout": "30s"}
SESSION_TIMEOUTS = " ".join(f"-c {name}={value}" for name, value in TIMEOUTS.items())
# The same for one transaction, where a pooler has dropped those of the session. They hold already
# while the same statement waits for a lock.
SET_TIMEOUTS = "SELECT " + ", ".join(
    f"set_config('{name}', '{value}', true)" for name, value in TIMEOUTS.items()
)
TAKE_LOCK = f"{SET_TIMEOUTS}, pg_advisory_xact_lock(hashtextextended(%s, 0))"
# The server ends a session, with its locks, one minute after the client's machine is gone:
# 30 s of silence and 3 probes, one every 10 s.
SERVER_KEEPALIVE = (
    "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
)
# The client does the same after 2 s of silence, and gives up a silent server after 5 s.
# All are seconds, but tcp_user_timeout is milliseconds.
CLIENT_TIMEOUTS = {
    "connect_timeout": 5,
    "tcp_user_timeout": 5000,
    "keepalives_idle": 2,
    "keepalives_interval": 1,
}
# How often two sessions are compared: a pool of PgBouncer that takes turns has 20 by default.
COMPARISONS = 25


class PostgreSQL(ServerEngine, PooledPostgresqlDatabase):  # type: ignore[misc]  # the stubs of `init`
    """A database on a PostgreSQL server, through psycopg 3."""

    TEMPORARY_ERRORS = postgresql_errors.TEMPORARY_ERRORS
    VALUE_ERRORS = postgresql_errors.VALUE_ERRORS
    ERROR_ADVICE = postgresql_errors.ADVICE
    ENCODING_ADVICE = (
        "restore Strapi's database into one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE"
        " template0"
    )

    # From pg_attribute: information_schema shows a column's default to the table's owner only.
    # A table in the search_path, wherever it is, is the one that the other queries use.
    COLUMNS_QUERY = (
        "SELECT relname, attname, attnotnull AND NOT atthasdef AND attidentity = '',"
        " CASE WHEN atttypid = 'timestamp'::regtype AND atttypmod >= 0 THEN atttypmod END,"
        " CASE WHEN attcollation > 0 AND current_setting('server_encoding') NOT IN"
        " ('UTF8', 'SQL_ASCII') THEN current_setting('server_encoding') END,"
        " CASE WHEN atttypid = 'varchar'::regtype AND atttypmod > 0 THEN atttypmod - 4 END,"
        " row_security_active(pg_class.oid)"
        " FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
        " WHERE pg_table_is_visible(pg_class.oid) AND relkind IN ('r', 'p')"
        " AND relname = ANY(%s) AND attnum > 0 AND NOT attisdropped"
    )

    def __init__(self, database: str, *, options: str = "", **others: Any) -> None:
        """Name the database. It is connected with the first statement."""
        self._url_options = options
        options = f"{options} {SESSION_TIMEOUTS} {SERVER_KEEPALIVE}".strip()
        defaults = {
            "application_name": "author-signup",
            "prefer_psycopg3": True,
            "prepare_threshold": None,
            **CLIENT_TIMEOUTS,
        }
        # Without an encoding of its own, a client gets the server's: SQL_ASCII means bytes.
        encoding = {"client_encoding": "UTF8"}
        super().__init__(database, options=options, **{**defaults, **others, **encoding})

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        """Execute a statement. Where a grant is missing, add its verb to the error."""
        try:
            return super().execute_sql(sql, params)
        except ProgrammingError as error:
            if postgresql_errors.sqlstate(error) != postgresql_errors.PERMISSION_DENIED:
                raise
            verb = sql.partition(" ")[0]
            raise ProgrammingError(driver_error(error), f"{verb}: {error}") from error

    def columns_of(self, *tables: str) -> dict[str, Columns]:
        """Return the columns of each of these tables that exists.

        Raises OperationalError where row level security hides rows: it would look as if they had
        been deleted.
        """
        found = super().columns_of(*tables)
        if any(column.row_security for columns in found.values() for column in columns):
            hidden = self.execute_sql(row_security.HIDDEN_QUERY, ([*tables],)).fetchall()
            if fault := row_security.fault(hidden):
                raise OperationalError(fault)
        return found

    def locations_of(self, table: str) -> list[str]:
        """Name the schemas of this database that have this table."""
        query = (
            "SELECT quote_ident(nspname), has_schema_privilege(pg_namespace.oid, 'USAGE')"
            " FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"
            " WHERE relname = %s AND relkind IN ('r', 'p')"
        )
        return [
            f"the schema {name}: add ?options={_search_path(name)} to the URL"
            if usable
            else f"the schema {name}: GRANT USAGE ON SCHEMA {name} to this user"
            for name, usable in self.execute_sql(query, (table,)).fetchall()
        ]

    def ledger_fault(self) -> str | None:
        """Require an encoding that can store any script."""
        [encoding] = self.execute_sql("SHOW server_encoding").fetchone()
        if encoding == "UTF8":
            return None
        return (
            f"cannot keep every name, in {encoding}: make another with"
            " CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        )

    def reset_sequence(self, table: str) -> None:
        """Set the sequence to the highest id: rows inserted with ids do not advance it."""
        rows = Table(table)
        sequence = fn.pg_get_serial_sequence(table, "id")
        self.execute(rows.select(fn.setval(sequence, fn.MAX(rows.c.id))))

    def can_hold(self, character: str, encoding: str) -> bool:  # noqa: ARG002
        """Return whether the database can hold the character: it has one encoding."""
        try:
            self.execute_sql("SELECT %s::text", (character,))
        except DatabaseError as error:
            if not self.is_about_value(error):
                raise
            return False
        return True

    def error_text(self, error: Exception) -> str:
        """Return the SQLSTATE, or the text of an error of connecting, which has none."""
        state = postgresql_errors.sqlstate(error)
        return f"SQLSTATE {state}" if state else str(error)

    def details(self, error: Exception) -> str:
        """Return the code and the names of table, column and constraint."""
        return postgresql_errors.details(error)

    def explain(self, error: Exception) -> str:
        """Return what an operator can do about an error."""
        return postgresql_errors.key_advice(error) or super().explain(error)

    def is_dead(self, connection: Any) -> bool:
        """Return whether psycopg knows that this connection was lost."""
        return bool(connection.closed)

    @contextmanager
    def exclusive_transaction(self, name: str) -> Iterator[None]:
        """A transaction that holds the lock of this name until it ends."""
        with self.atomic():
            self.execute_sql(TAKE_LOCK, (name,))
            yield

    @contextmanager
    def frozen_tables(self, *tables: str) -> Iterator[None]:
        """A transaction that holds a SHARE lock on each of the tables."""
        with self.atomic():
            self.execute_sql(SET_TIMEOUTS)
            names = ", ".join(f'"{table}"' for table in tables)
            # A parameter cannot stand for a table. These names come from our own models.
            self.execute_sql(f"LOCK TABLE {names} IN SHARE MODE")  # nosemgrep: sql-has-parameters
            yield

    def uses_transaction_pooling(self) -> bool:
        """Return whether a pooler gives each transaction any of its sessions.

        Call it outside a transaction. Without such a pooler, two connections have two sessions,
        and keep them.
        """
        other = PostgreSQL(self.database, **self.connect_params)
        seen: set[int] = set()
        others: set[int] = set()
        with other.connection_context():
            for _ in range(COMPARISONS):
                seen.add(self._session())
                others.add(other._session())
                if len(seen) > 1 or seen & others:
                    break
        other.close_idle()
        return len(seen) > 1 or bool(seen & others)

    def _session(self) -> int:
        """Return the id of the session that runs a statement now."""
        [pid] = self.execute_sql("SELECT pg_backend_pid()").fetchone()
        return int(pid)

    def _connect(self) -> Any:
        try:
            return self._connect_explained()
        except Exception as error:
            # psycopg's own error: Peewee translates it later.
            if postgresql_errors.OPTIONS_REFUSED not in str(error):
                raise
        # Keep what the URL asks for, which is needed, such as a search_path.
        self.connect_params["options"] = self._url_options
        self._connect_error = None
        return self._connect_explained()

    def _connect_explained(self) -> Any:
        try:
            return super()._connect()
        except (TypeError, ValueError, AttributeError) as error:
            if isinstance(error, MaxConnectionsExceeded):
                raise
            raise OperationalError(error, "invalid option") from error
        except Exception as error:
            text = str(error)
            if getattr(error, "sqlstate", "") is None and not any(
                sign in text for sign in (*self.TEMPORARY_ERRORS, *self.ERROR_ADVICE)
            ):
                postgresql_errors.set_sqlstate(error, self.database, self.connect_params)
            raise


def _search_path(schema: str) -> str:
    """Return the option of a URL that names this quoted schema."""
    # libpq splits options at blanks (PQconnectdb, `options`).
    return quote("-csearch_path=" + re.sub(r"([\\ ])", r"\\\1", schema), safe="-")

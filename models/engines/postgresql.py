"""PostgreSQL, directly or through a pooler that shares its sessions, like PgBouncer.

Such a pooler may give each transaction another session. So locks and settings belong to a
transaction, and nothing is prepared on the server.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from peewee import ProgrammingError, Table, fn
from playhouse.pool import PooledPostgresqlDatabase

from models.engines.server import NEEDED_GRANTS, ServerEngine

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
# https://www.postgresql.org/docs/current/errcodes-appendix.html
PERMISSION_DENIED = "42501"
# What PgBouncer says of start-up options that it does not pass on.
OPTIONS_REFUSED = "unsupported startup parameter"
# How often two sessions are compared: a pool of PgBouncer that takes turns has 20 by default.
COMPARISONS = 25


class PostgreSQL(ServerEngine, PooledPostgresqlDatabase):  # type: ignore[misc]  # the stubs of `init`
    """A database on a PostgreSQL server, through psycopg 3."""

    # By SQLSTATE, and by text where there is none: while connecting, and when a connection ends.
    TEMPORARY_ERRORS = (
        "SQLSTATE 25P03",  # idle in transaction for too long
        "SQLSTATE 40001",  # could not serialize
        "SQLSTATE 40P01",  # deadlock
        "SQLSTATE 53300",  # too many connections
        "SQLSTATE 55P03",  # lock timeout
        "SQLSTATE 57014",  # query canceled
        "SQLSTATE 57P0",  # the server, or this session, is ended or is starting
        "Connection refused",
        "server closed the connection",
        "the database system is",
        "terminating connection",
        "too many connections",
        "too many clients",
        "connection slots are reserved",
        "the connection is",
        "Max connections exceeded",
        "timeout expired",
        "consuming input failed",
        # PgBouncer: it has no free session, or lost it, or cannot reach the server.
        "SQLSTATE 08P01",
        "no more connections allowed",
        "server_login_retry",
    )
    ERROR_ADVICE = {  # noqa: RUF012
        "password authentication failed": "refuses this user or password",
        "pg_hba.conf": "accepts no connection of this user from this host, or none without TLS:"
        " see its pg_hba.conf, and add ?sslmode=verify-full&sslrootcert=… to the URL",
        "server does not support SSL": "offers no TLS: turn it on there",
        "root certificate file": "cannot be checked: the file that sslrootcert names is not there",
        "certificate": "has a certificate that is not trusted: name its authority with"
        " ?sslmode=verify-full&sslrootcert=…",
        "permission denied for database": "does not let this user into this database: "
        + NEEDED_GRANTS,
        f"SQLSTATE {PERMISSION_DENIED}": f"grants this user too little ({{}}): {NEEDED_GRANTS}",
        "Connection refused": "does not answer: is it running, at this host and port?",
        "could not translate host name": "has a host name that is not known here: correct the URL",
        "failed to resolve host": "has a host name that is not known here: correct the URL",
        "timeout expired": "does not answer: is it running, at this host and port?",
        "name resolution": "has a host name that is not known here: correct the URL",
        "FATAL:  database": "has no such database: create it, or correct the URL",
        "SQLSTATE 42P01": "has no such table ({}): correct the URL",
        OPTIONS_REFUSED: "is behind a PgBouncer that refuses ?options=… of the URL: see"
        " docs/databases.md",
        "invalid connection option": "cannot be reached: its URL has an unknown option ({})",
        "driver not found": "needs a driver: make servers",
    }

    # From pg_attribute: information_schema shows a column's default to the table's owner only.
    COLUMNS_QUERY = (
        "SELECT relname, attname, attnotnull AND NOT atthasdef AND attidentity = '',"
        " CASE WHEN atttypid = 'timestamp'::regtype AND atttypmod >= 0 THEN atttypmod END"
        " FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
        " WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')"
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
        super().__init__(database, options=options, **{**defaults, **others})

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        """Execute a statement. Where a grant is missing, add its verb to the error."""
        try:
            return super().execute_sql(sql, params)
        except ProgrammingError as error:
            if _sqlstate(error) != PERMISSION_DENIED:
                raise
            verb = sql.partition(" ")[0]
            raise ProgrammingError(_original(error), f"{verb}: {error}") from error

    def locations_of(self, table: str) -> list[str]:
        """Name the schemas of this database that have this table."""
        query = (
            "SELECT relnamespace::regnamespace::text, has_schema_privilege(relnamespace, 'USAGE')"
            " FROM pg_class WHERE relname = %s"
        )
        option = "add ?options=-csearch_path%3D"
        return [
            f"the schema {name}: {option}{name} to the URL"
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

    def error_text(self, error: Exception) -> str:
        """Return the SQLSTATE, which no server translates, and the message."""
        return f"SQLSTATE {_sqlstate(error)}: {error}"

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
            return super()._connect()
        except Exception as error:
            # psycopg's own error: Peewee translates it later.
            if OPTIONS_REFUSED not in str(error):
                raise
        # Keep what the URL asks for, which is needed, such as a search_path.
        self.connect_params["options"] = self._url_options
        self._connect_error = None
        return super()._connect()


def _sqlstate(error: Exception) -> str | None:
    """Return the five characters that name the error; None where psycopg has no code for it."""
    state: str | None = getattr(_original(error), "sqlstate", None)
    return state


def _original(error: Exception) -> Exception:
    """Return the error of psycopg that Peewee translated."""
    original: Exception = getattr(error, "orig", error)
    return original

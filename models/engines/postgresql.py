"""PostgreSQL: advisory locks, which are gone with the session or transaction that took them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from peewee import ProgrammingError, Table, fn
from playhouse.pool import PooledPostgresqlDatabase

from models.engines.server import ServerEngine

# A lock that somebody holds for longer, or a transaction that nobody goes on with, is given up.
PATIENCE = "-c lock_timeout=5s -c idle_in_transaction_session_timeout=30s"
# The server looks after a client that says nothing, and ends its session and locks after a minute
# when its machine is gone.
ALIVE = "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
# Seconds to connect, and milliseconds after which a machine that says nothing is away; it is asked
# after seconds of silence.
REACH = {
    "connect_timeout": 5,
    "tcp_user_timeout": 5000,
    "keepalives_idle": 2,
    "keepalives_interval": 1,
}


class PostgreSQL(ServerEngine, PooledPostgresqlDatabase):  # type: ignore[misc]  # the stubs of `init`
    """A database of a PostgreSQL server, through psycopg 3."""

    TEMPORARY = (
        "Connection refused",
        "deadlock detected",
        "could not serialize",
        "canceling statement",
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
    )
    ADVICE = {  # noqa: RUF012
        "password authentication failed": "refuses this user or password",
        "pg_hba.conf": "lets this user in from nowhere near, or not without TLS: see its"
        " pg_hba.conf, and add ?sslmode=verify-full&sslrootcert=… to the address",
        "server does not support SSL": "speaks no TLS: set it up there",
        "root certificate file": "cannot be checked: the file that sslrootcert names is not there",
        "certificate": "has a certificate that is not trusted: name its authority with"
        " ?sslmode=verify-full&sslrootcert=…",
        "permission denied for database": "lets this user not into this database: see"
        " docs/databases.md for what it needs",
        "permission denied": "grants this user too little ({}): see docs/databases.md for what it"
        " needs",
        "Connection refused": "does not answer: is it running, at this host and port?",
        "could not translate host name": "has a name that is not known here",
        "failed to resolve host": "has a name that is not known here",
        "timeout expired": "does not answer: is it running, at this host and port?",
        "name resolution": "has a name that is not known here",
        "FATAL:  database": "has no such database: create it, or correct the address",
        'relation "': "has no such table ({}): correct the address",
        "invalid connection option": "cannot be reached: its address has an unknown option ({})",
        "driver not found": "needs a driver: make servers",
    }

    # The views of the standard hide defaults from all but owners.
    COLUMNS = (
        "SELECT relname, attname, attnotnull AND NOT atthasdef AND attidentity = ''"
        " FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
        " WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')"
        " AND relname = ANY(%s) AND attnum > 0 AND NOT attisdropped"
    )

    def __init__(self, database: str, *, options: str = "", **address: Any) -> None:
        """Name the database; it is connected to when it is asked."""
        options = f"{options} {PATIENCE} {ALIVE}".strip()
        known = {"application_name": "author-signup", "prefer_psycopg3": True, **REACH}
        super().__init__(database, options=options, **{**known, **address})

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        """The statement's answer. Whoever may not do it is told what, not only to which table."""
        try:
            return super().execute_sql(sql, params)
        except ProgrammingError as error:
            if "permission denied" not in str(error):
                raise
            raise ProgrammingError(f"{sql.partition(' ')[0]}: {error}") from error

    def locations_of(self, table: str) -> list[str]:
        """The schemas of this database that have it."""
        query = (
            "SELECT relnamespace::regnamespace::text, has_schema_privilege(relnamespace, 'USAGE')"
            " FROM pg_class WHERE relname = %s"
        )
        option = "add ?options=-csearch_path%3D"
        return [
            f"the schema {name}: {option}{name} to the address"
            if usable
            else f"the schema {name}: GRANT USAGE ON SCHEMA {name} to this user"
            for name, usable in self.execute_sql(query, (table,)).fetchall()
        ]

    def unsuitable(self) -> str | None:
        """Names may be written in any script."""
        [encoding] = self.execute_sql("SHOW server_encoding").fetchone()
        if encoding == "UTF8":
            return None
        return (
            f"cannot keep every name, in {encoding}: make another with"
            " CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        )

    def reset_sequence(self, table: str) -> None:
        """Set the sequence, which knows nothing of rows that brought their numbers."""
        rows = Table(table)
        sequence = fn.pg_get_serial_sequence(table, "id")
        self.execute(rows.select(fn.setval(sequence, fn.MAX(rows.c.id))))

    def is_dead(self, connection: Any) -> bool:
        """Whether this connection is known to have died."""
        return bool(connection.closed)

    @contextmanager
    def alone(self, what: str) -> Iterator[None]:
        """A transaction that holds the lock of this name until it ends."""
        with self.atomic():
            self.execute_sql("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (what,))
            yield

    @contextmanager
    def still(self, *tables: str) -> Iterator[None]:
        """A transaction that holds the lock of each."""
        with self.atomic():
            names = ", ".join(f'"{table}"' for table in tables)
            # No engine takes names as parameters; these are our own tables'.
            self.execute_sql(f"LOCK TABLE {names} IN SHARE MODE")  # nosemgrep: sql-has-parameters
            yield

    @contextmanager
    def try_lock(self, what: str) -> Iterator[bool]:
        """Hold the lock of this name on this session, if nobody else does."""
        take = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
        [mine] = self.execute_sql(take, (what,)).fetchone()
        try:
            yield mine
        finally:
            if mine:
                self._release("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", what)

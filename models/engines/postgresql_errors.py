"""What the errors of PostgreSQL mean, by SQLSTATE: a server may write its texts in any language.

https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from typing import Any

from models.engines.engine import driver_error
from models.engines.server import NEEDED_GRANTS

PERMISSION_DENIED = "42501"
NOT_NULL, NOT_UNIQUE = "23502", "23505"
# Errors whose text names tables, schemas and verbs only.
HARMLESS_TEXTS = (PERMISSION_DENIED, "42P01", "3F000")
# What PgBouncer says of start-up options that it does not pass on.
OPTIONS_REFUSED = "unsupported startup parameter"
# Codes for an error of connecting, of which libpq tells the text alone.
STARTING, NO_ANSWER, REFUSED, LOGIN_REFUSED = "57P03", "08001", "08004", "28000"

TEMPORARY_ERRORS = (
    "SQLSTATE 08001",  # it does not answer
    "SQLSTATE 08004",  # it refuses the connection, before it asks for a password
    "SQLSTATE 25P03",  # idle in transaction for too long
    "SQLSTATE 40001",  # could not serialize
    "SQLSTATE 40P01",  # deadlock
    "SQLSTATE 53300",  # too many connections
    "SQLSTATE 55P03",  # lock timeout
    "SQLSTATE 57014",  # query canceled
    "SQLSTATE 57P0",  # the server, or this session, is ended or is starting
    # libpq and psycopg, which speak English, and servers that do.
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
VALUE_ERRORS = (
    "SQLSTATE 22001",  # too long
    "SQLSTATE 22021",  # not in the encoding of the database
    "SQLSTATE 22P05",  # no equivalent in that encoding
)

_NO_ANSWER = "does not answer: is it running, at this host and port?"
_WRONG_OPTION = "cannot be reached: an option of its URL has a wrong value"
_UNKNOWN_HOST = "has a host name that is not known here: correct the URL"
ADVICE = {
    "SQLSTATE 08001": _NO_ANSWER,
    "SQLSTATE 08004": "refuses the connection: all of its connections are in use, or its"
    " pg_hba.conf accepts none of this user from this host",
    "SQLSTATE 22001": "has a column that is too short for a text ({})",
    "SQLSTATE 22021": "holds a text that is not in its encoding ({})",
    "SQLSTATE 22P05": "cannot hold a character, in its encoding ({})",
    "SQLSTATE 23514": "refuses the row, because of a constraint that somebody added ({}): change"
    " or drop it",
    "SQLSTATE 25006": "is read-only, as a replica is: name the primary server in the URL",
    "SQLSTATE 28": "refuses this user or password, or has no such database: correct the URL",
    "SQLSTATE 3D000": "has no such database: create it, or correct the URL",
    "SQLSTATE 42P01": "has no such table ({}): correct the URL",
    f"SQLSTATE {PERMISSION_DENIED}": f"grants this user too little ({{}}): {NEEDED_GRANTS}",
    "SQLSTATE 53100": "cannot be written: its disk is full",
    "SQLSTATE P0001": "has a trigger that refuses the row ({})",
    # While connecting: the texts of libpq, and of servers that speak English.
    "password authentication failed": "refuses this user or password",
    "no password supplied": "refuses this user or password",
    "pg_hba.conf": "accepts no connection of this user from this host, or none without TLS:"
    " see its pg_hba.conf, and add ?sslmode=verify-full&sslrootcert=… to the URL",
    "server does not support SSL": "offers no TLS: turn it on there",
    "root certificate file": "cannot be checked: the file that sslrootcert names is not there",
    "does not match host name": "has a certificate for another host name: write that name in the"
    " URL, or sslmode=verify-ca to check the authority alone",
    "certificate": "has a certificate that is not trusted: name its authority with"
    " ?sslmode=verify-full&sslrootcert=…",
    "permission denied for database": "does not let this user into this database: " + NEEDED_GRANTS,
    "Connection refused": _NO_ANSWER,
    "No such file or directory": "does not answer: is it running, with its socket in this folder?",
    "could not translate host name": _UNKNOWN_HOST,
    "failed to resolve host": _UNKNOWN_HOST,
    "timeout expired": _NO_ANSWER,
    "name resolution": _UNKNOWN_HOST,
    "FATAL:  database": "has no such database: create it, or correct the URL",
    OPTIONS_REFUSED: "is behind a PgBouncer that refuses ?options=… of the URL: see"
    " docs/databases.md",
    "invalid connection option": "cannot be reached: its URL has an unknown option ({})",
    "invalid": _WRONG_OPTION,
    "bad value": _WRONG_OPTION,
}


def sqlstate(error: Exception) -> str | None:
    """Return the five characters that name the error; None where psycopg has no code for it."""
    state: str | None = getattr(driver_error(error), "sqlstate", None)
    return state


def details(error: Exception) -> str:
    """Return the code and the names of table, column and constraint, without a value."""
    state, original = sqlstate(error), driver_error(error)
    text = str(error).strip().partition("\n")[0]
    if state in HARMLESS_TEXTS or "invalid connection option" in text:
        return text
    known = {
        each: getattr(getattr(original, "diag", None), f"{each}_name", None)
        for each in ("table", "column", "constraint")
    }
    code = f"SQLSTATE {state}" if state else type(original).__name__
    return ", ".join([code, *(f"{what} {name}" for what, name in known.items() if name)])


def key_advice(error: Exception) -> str | None:
    """Return how to repair a table that gives new rows no id, or one that exists already."""
    diag: Any = getattr(driver_error(error), "diag", None)
    state = sqlstate(error)
    if state not in (NOT_NULL, NOT_UNIQUE):
        return None
    schema, table = f'"{diag.schema_name}".', diag.table_name
    table = table if schema == '"public".' else schema + table
    if state == NOT_NULL and diag.column_name == "id":
        return (
            f"has lost the default of {table}.id: type ALTER TABLE {table} ALTER id SET DEFAULT"
            f" nextval('{table}_id_seq')"
        )
    # The detail names the columns between brackets, in every language.
    if state == NOT_UNIQUE and "(id)=" in (diag.message_detail or ""):
        repair = f"setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
        return f"has a sequence that is behind its table: type SELECT {repair}"
    return None


def set_sqlstate(error: Any, database: str, options: dict[str, Any]) -> None:
    """Give an error of connecting its code, where its text is in a language not known here.

    libpq keeps the code to itself. Asking again (PQping) tells whether the server takes
    connections. Where it does, it has refused this one, before or after it asked for a password.
    """
    from psycopg import pq  # noqa: PLC0415 (the driver need not be installed)
    from psycopg.conninfo import make_conninfo  # noqa: PLC0415

    known = {each.keyword.decode() for each in pq.Conninfo.get_defaults()}
    given = {name: value for name, value in options.items() if name in known}
    answer = pq.PGconn.ping(make_conninfo(**{"dbname": database, **given}).encode())
    asked = error.pgconn and (error.pgconn.used_password or error.pgconn.needs_password)
    states = {pq.Ping.REJECT: STARTING, pq.Ping.OK: LOGIN_REFUSED if asked else REFUSED}
    error.sqlstate = states.get(pq.Ping(answer), NO_ANSWER)

"""The ledger: signups, their history, outgoing emails, review sessions and counts."""

from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from peewee import BigAutoField, DatabaseError, DatabaseProxy, Model, OperationalError
from playhouse.migrations import Runner

from models.engines import (
    Engine,
    SQLite,
    Unavailable,
    file_from_url,
    server_from_url,
    without_credentials,
)
from models.engines.mounts import MOUNTED_ALONE, is_mount_point

# An id has 64 bits on every engine.
MAX_ID = 2**63 - 1
MIGRATIONS = Path(__file__).parent / "migrations"
NEEDS_SESSION = (
    "must be migrated, which needs a session, and a pooler (PgBouncer) shares the sessions by"
    " transactions: once, type SIGNUP_LEDGER=… flask --app app check, with the URL of PostgreSQL"
    " itself or of a pool in session mode"
)

# The ledger in use, on whichever engine.
proxy = DatabaseProxy()
proxy.initialize(SQLite(None))
database = cast("Engine", proxy)

LedgerUnavailable = Unavailable
"""The errors of a ledger that is away, locked for too long or damaged, or whose disk is full."""


class LedgerTooNew(Exception):
    """A newer version of this service has migrated the ledger; this one would misread it."""


class Record(Model):
    """A row of the ledger."""

    id = BigAutoField()

    class Meta:
        """Use the ledger's database for every model."""

        database = database

    @classmethod
    def delete_where(cls, *where: Any) -> int:
        """Delete the rows that match, or all; return how many there were."""
        # The stubs give `delete` a type that depends on the order in which mypy reads files.
        model: Any = cls
        rows = model.delete().where(*where) if where else model.delete()
        return int(rows.execute())


def open_ledger(url: str | Path) -> None:
    """Make the database at this URL or path the ledger of this process, and migrate it.

    A file that does not exist is created, readable by its owner alone.

    Raises LedgerTooNew, LedgerUnavailable.
    """
    disconnect()
    proxy.initialize(engine_for(str(url)))
    try:
        migrate(proxy.obj)
    except LedgerUnavailable as error:
        shown = without_credentials(str(url))
        raise OperationalError(f"the ledger {shown}: {database.explain(error)}") from error


def engine_for(url: str) -> Engine:
    """Return the database at this URL or path, set up to hold a ledger, not migrated.

    Raises LedgerUnavailable.
    """
    try:
        return server_from_url(url) or _sqlite_for(Path(file_from_url(url) or ""))
    except ValueError as error:
        raise OperationalError(f"the ledger cannot be found: {error}") from error


def close() -> None:
    """Close the connection of this thread."""
    if not database.is_closed():
        database.close()


def disconnect() -> None:
    """Close the connection of this thread and the idle ones."""
    close()
    database.close_idle()


def migrate(engine: Engine) -> None:
    """Run the migrations that are missing, one process at a time.

    Raises LedgerTooNew, LedgerUnavailable.
    """
    with engine.connection_context():
        runner = Runner(engine, str(MIGRATIONS))
        _check_can_migrate(engine, runner)
        with engine.migration_lock():
            _check_is_ledger(engine)
            _check_not_newer(runner)
            engine.create_tables([runner.History])
            runner.up()


def _sqlite_for(path: Path) -> Engine:
    if is_mount_point(path):
        raise OperationalError(f"the ledger {path} {MOUNTED_ALONE}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError as error:
        raise OperationalError(f"the ledger {path} cannot be made: {error.strerror}") from error
    _check_file(path)
    return SQLite(
        str(path),
        # A transaction takes the write lock when it begins. A deferred one that reads first
        # fails at once, whatever the timeout, if another connection wrote meanwhile.
        lock_type="IMMEDIATE",
        pragmas={
            "journal_mode": "wal",
            # A commit survives a power cut.
            "synchronous": "full",
            "foreign_keys": 1,
            "secure_delete": 1,
        },
        timeout=5,
    )


def _check_file(path: Path) -> None:
    """Check that the file is a ledger or empty, without a change: setting its pragmas is one."""
    reader = SQLite(f"file:{quote(str(path))}?mode=ro", uri=True)
    try:
        with reader.connection_context():
            _check_is_ledger(reader)
    except DatabaseError as error:
        raise OperationalError(f"the ledger {path}: {reader.explain(error)}") from error


def _check_can_migrate(engine: Engine, runner: Runner) -> None:
    """Refuse migrations through a pooler that shares sessions. Nothing else needs a session."""
    known = {migration.name for migration in runner.migrations()}
    if known - set(runner.applied()) and engine.uses_transaction_pooling():
        _check_is_ledger(engine)
        raise OperationalError(NEEDS_SESSION)


def _check_not_newer(runner: Runner) -> None:
    known = {migration.name for migration in runner.migrations()}
    if unknown := set(runner.applied()) - known:
        raise LedgerTooNew(
            f"the ledger was migrated by a newer version ({', '.join(sorted(unknown))}):"
            " run that version, or restore the backup made before it"
        )


def _check_is_ledger(engine: Engine) -> None:
    """Refuse to migrate a database that belongs to another program."""
    tables = engine.get_tables()
    if tables and "schema_migration" not in tables:
        raise OperationalError("is another program's database: correct SIGNUP_LEDGER")
    if fault := engine.ledger_fault():
        raise OperationalError(fault)

"""The service's own database: what was asked, confirmed, decided, and is still owed."""

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

# An id has 64 bits on every engine.
MAX_ID = 2**63 - 1
MIGRATIONS = Path(__file__).parent / "migrations"

# The ledger in use, whatever engine holds it.
proxy = DatabaseProxy()
proxy.initialize(SQLite(None))
database = cast("Engine", proxy)

LedgerUnavailable = Unavailable
"""What the ledger raises when its disk is full, its file or server away or damaged, or somebody
else too busy."""


class LedgerTooNew(Exception):
    """A newer version of this service has migrated the ledger; this one would misread it."""


class Record(Model):
    """A row of the ledger."""

    id = BigAutoField()

    class Meta:
        """Every record lives in the one ledger."""

        database = database

    @classmethod
    def delete_where(cls, *where: Any) -> int:
        """Delete the rows that match, or all; returns how many there were."""
        # The stubs' own type of `delete` holds or fails with the order of files.
        model: Any = cls
        rows = model.delete().where(*where) if where else model.delete()
        return int(rows.execute())


def open_ledger(address: str | Path) -> None:
    """Make the database at `address` this process's ledger, brought up to date; a file is created
    for its owner's eyes alone where it is missing.

    Raises LedgerTooNew, LedgerUnavailable.
    """
    disconnect()
    proxy.initialize(engine_for(str(address)))
    try:
        migrate(proxy.obj)
    except LedgerUnavailable as error:
        where = without_credentials(str(address))
        raise OperationalError(f"the ledger {where}: {database.explain(error)}") from error


def engine_for(address: str) -> Engine:
    """The database at `address`, as a ledger is kept there. Raises LedgerUnavailable."""
    try:
        return server_from_url(address) or _file(Path(file_from_url(address) or ""))
    except ValueError as error:
        raise OperationalError(f"the ledger cannot be found: {error}") from error


def close() -> None:
    """Let go of this thread's connection."""
    if not database.is_closed():
        database.close()


def disconnect() -> None:
    """Let go of every connection."""
    close()
    database.disconnect()


def migrate(engine: Engine) -> None:
    """Bring a ledger's tables up to date, alone. Raises LedgerTooNew, LedgerUnavailable."""
    with engine.connection_context(), engine.migration_lock():
        _refuse_strangers(engine)
        runner = Runner(engine, str(MIGRATIONS))
        known = {migration.name for migration in runner.migrations()}
        if unknown := set(runner.applied()) - known:
            raise LedgerTooNew(
                f"the ledger was migrated by a newer version ({', '.join(sorted(unknown))}):"
                " run that version, or restore the backup made before it"
            )
        runner.up()


def _file(file: Path) -> Engine:
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.touch(mode=0o600)
    except OSError as error:
        raise OperationalError(f"the ledger {file} cannot be made: {error.strerror}") from error
    _look_at(file)
    return SQLite(
        str(file),
        # A read that leads to a write must hold the lock from the start: a deferred transaction
        # would fail at once, whatever the timeout, when somebody else wrote in between.
        lock_type="IMMEDIATE",
        pragmas={
            "journal_mode": "wal",
            # What we answered "yes" to must survive a power cut.
            "synchronous": "full",
            "foreign_keys": 1,
            "secure_delete": 1,
        },
        timeout=5,
    )


def _look_at(file: Path) -> None:
    """Read the file, which changes nothing yet, not even what log it keeps."""
    look = SQLite(f"file:{quote(str(file))}?mode=ro", uri=True)
    try:
        with look.connection_context():
            _refuse_strangers(look)
    except DatabaseError as error:
        raise OperationalError(f"the ledger {file}: {error}") from error


def _refuse_strangers(engine: Engine) -> None:
    """Keep a wrong address from migrating somebody else's database."""
    tables = engine.get_tables()
    if tables and "schema_migration" not in tables:
        raise OperationalError("is another program's database: correct SIGNUP_LEDGER")
    if unsuitable := engine.unsuitable():
        raise OperationalError(unsuitable)

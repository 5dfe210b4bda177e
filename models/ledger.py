"""The service's own database: what was asked, confirmed, decided, and is still owed."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from peewee import (
    AutoField,
    DatabaseError,
    InterfaceError,
    Model,
    OperationalError,
    SqliteDatabase,
)
from playhouse.migrations import Runner

# An INTEGER of SQLite has 64 bits.
LARGEST_ID = 2**63 - 1
MIGRATIONS = Path(__file__).parent / "migrations"

# A read that leads to a write must hold the lock from the start: a deferred transaction
# would fail at once, whatever the timeout, when somebody else wrote in between.
database = SqliteDatabase(None, lock_type="IMMEDIATE")

LedgerUnavailable = (DatabaseError, InterfaceError)
"""What the ledger raises when its disk is full, its file away or damaged, or somebody else
too busy."""


class LedgerTooNew(Exception):
    """A newer version of this service has migrated the ledger; this one would misread it."""


class Record(Model):
    """A row of the ledger."""

    id = AutoField()

    class Meta:
        """Every record lives in the one ledger."""

        database = database

    @classmethod
    def forget(cls, *where: Any) -> int:
        """Delete the rows that match, or all; returns how many there were."""
        # The stubs' own type of `delete` holds or fails with the order of files.
        model: Any = cls
        rows = model.delete().where(*where) if where else model.delete()
        return int(rows.execute())


def use(path: str | Path) -> None:
    """Make the SQLite file `path` this process's ledger: created for its owner's eyes alone
    where it is missing, and brought up to date.

    Raises LedgerTooNew, LedgerUnavailable.
    """
    file = Path(str(path).removeprefix("sqlite:///")).absolute()
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.touch(mode=0o600)
    except OSError as error:
        raise OperationalError(f"the ledger {file} cannot be made: {error.strerror}") from error
    _refuse_strangers(file)
    if not database.is_closed():
        database.close()
    database.init(
        str(file),
        pragmas={
            "journal_mode": "wal",
            # What we answered "yes" to must survive a power cut.
            "synchronous": "full",
            "foreign_keys": 1,
            "secure_delete": 1,
        },
        timeout=5,
    )
    migrate()


def _refuse_strangers(file: Path) -> None:
    """Keep a wrong path from migrating somebody else's database."""
    stranger = SqliteDatabase(f"file:{quote(str(file))}?mode=ro", uri=True)
    try:
        with stranger.connection_context():
            tables = stranger.get_tables()
    except DatabaseError as error:
        raise OperationalError(f"the ledger {file} cannot be read: {error}") from error
    if tables and "schema_migration" not in tables:
        raise OperationalError(f"{file} is another program's database: correct SIGNUP_LEDGER")


@contextmanager
def kept_open() -> Iterator[None]:
    """Keep the write-ahead log while requests come and go: whoever closes the last connection
    has to fold it into the file, and to wait for the disk."""
    keeper = SqliteDatabase(database.database)
    with suppress(*LedgerUnavailable):
        # A connection that never read is none yet.
        keeper.execute_sql("SELECT COUNT(*) FROM sqlite_master").fetchall()
    try:
        yield
    finally:
        keeper.close()


def migrate() -> None:
    """Bring the ledger's tables up to date, in one transaction. Raises LedgerTooNew."""
    with database.connection_context(), database.atomic():
        runner = Runner(database, str(MIGRATIONS))
        known = {migration.name for migration in runner.migrations()}
        if unknown := set(runner.applied()) - known:
            raise LedgerTooNew(
                f"the ledger was migrated by a newer version ({', '.join(sorted(unknown))}):"
                " run that version, or restore the backup made before it"
            )
        runner.up()

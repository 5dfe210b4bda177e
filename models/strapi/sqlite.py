"""Strapi's SQLite file: one lock for all who write, and a look from outside."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from peewee import DatabaseError

from models.engines import SQLite
from models.strapi.admin_users import AdminUsers
from models.strapi.schema import StrapiBusy, StrapiUnavailable

# Seconds that SQLite itself waits for a lock. Short, because a COMMIT that waits for a
# reader keeps Strapi from writing, and Strapi's driver waits with its whole event loop.
LOCK_TIMEOUT = 0.1


# What SQLite counts: how often anybody changed a table's columns, and somebody else its rows.
SCHEMA, ROWS = "PRAGMA schema_version", "PRAGMA data_version"

# A file system stamps writes with the tick of a clock: a file written this lately, in
# nanoseconds, may be written once more without looking any newer.
TICK = 1_000_000_000

# What SQLite says, and what an operator can do about it.
ADVICE = {
    "unable to open": "is not there or may not be opened: correct SIGNUP_STRAPI_DATABASE,"
    " or let the service's user read and write the file and its folder",
    "not a database": "is not an SQLite database: correct SIGNUP_STRAPI_DATABASE",
    "readonly": "cannot be written: let the service's user write the file and its folder",
    "malformed": "is damaged: restore it from a backup",
    "disk is full": "cannot be written: its disk is full",
}


@dataclass(frozen=True)
class Fingerprint:
    """How the file looks from outside: it differs from an earlier mark where the file, or its
    write-ahead log, may have changed. `written` is in nanoseconds since 1970."""

    written: tuple[int, ...]
    looks: tuple[tuple[int, int] | None, ...]

    @property
    def file(self) -> int | None:
        """Which file it is, however it has changed: its inode."""
        return self.looks[0][0] if self.looks[0] else None

    @property
    def stable(self) -> "Fingerprint | None":
        """The same mark; None where the file was written so lately that another write may not
        show."""
        return self if time.time_ns() - max(self.written) >= TICK else None


class SQLiteFile:
    """Strapi's SQLite file as its path names it at each moment: opened for every operation, so
    that a restored or moved file is noticed, and never created or kept open."""

    def __init__(self, path: Path | None) -> None:
        """Name the file; it is not looked at before it is asked."""
        self.path = path
        self.engine = SQLite(
            # Without mode=rw, SQLite would create a file that is not there.
            f"file:{quote(str(path))}?mode=rw",
            uri=True,
            pragmas={"foreign_keys": 1},
            timeout=LOCK_TIMEOUT,
        )

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Open the file meanwhile. Raises StrapiUnavailable for whatever SQLite complains of."""
        if self.path is None:
            raise StrapiUnavailable("no Strapi database is named: set SIGNUP_STRAPI_DATABASE")
        try:
            with self.engine.connection_context():
                yield
        except DatabaseError as error:
            raise self._translated(error) from error

    @contextmanager
    def alone(self, about: str, admin_users: Callable[[], AdminUsers]) -> Iterator[AdminUsers]:
        """An IMMEDIATE transaction. Looking at the tables, and for the address, takes most of the
        time: Strapi need not wait for that, unless somebody writes in between."""
        described = self._counted(SCHEMA)
        written = self._counted(ROWS)
        administrators = admin_users()
        if about:
            administrators.foresee(about)
        with self.engine.exclusive_transaction(about):
            if self._counted(ROWS) != written:
                if self._counted(SCHEMA) != described:
                    raise StrapiBusy(f"{self.path} is being migrated")
                administrators.forget()
            yield administrators

    def disconnect(self) -> None:
        """No connection outlives its operation."""

    def fingerprint(self) -> Fingerprint:
        """The look of the file now: taken with `stat` alone, because closing a plain handle
        would drop this process's SQLite locks."""
        found = [_stat(path) for path in (self.path, Path(f"{self.path}-wal"))]
        return Fingerprint(
            tuple(each.st_mtime_ns if each else 0 for each in found),
            tuple((each.st_ino, each.st_size) if each else None for each in found),
        )

    def _counted(self, changes: str) -> int:
        """What SQLite has counted of these changes."""
        [count] = self.engine.execute_sql(changes).fetchone()
        return int(count)

    def _translated(self, error: DatabaseError) -> StrapiUnavailable:
        if self.engine.is_temporary(error):
            return StrapiBusy(f"{self.path} is busy")
        reason = str(error)
        for sign, advice in ADVICE.items():
            if sign in reason:
                return StrapiUnavailable(f"{self.path} {advice}")
        return StrapiUnavailable(f"{self.path}: {reason}")


def _stat(path: Path | None) -> os.stat_result | None:
    try:
        return path.stat() if path else None
    except OSError:
        return None

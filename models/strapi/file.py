"""Strapi's SQLite file: somebody else's house, entered rarely, for milliseconds, by the door."""

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from peewee import DatabaseError, SqliteDatabase

from models.strapi.administrators import Administrators
from models.strapi.shape import StrapiUnavailable

T = TypeVar("T")

# Seconds for which a busy file is tried again before the visitor is asked to come back.
PATIENCE = 5.0
# Seconds that SQLite itself waits for a lock. Short, because a COMMIT that waits for a
# reader keeps Strapi from writing, and Strapi's driver waits with its whole event loop.
LOCK_TIMEOUT = 0.1


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


class StrapiBusy(StrapiUnavailable):
    """Somebody else has been writing for longer than we care to wait."""


@dataclass(frozen=True)
class Mark:
    """How the file looks from outside: it differs from an earlier mark where the file, or its
    write-ahead log, may have changed. `written` is in nanoseconds since 1970."""

    written: tuple[int, ...]
    looks: tuple[tuple[int, int] | None, ...]

    @property
    def file(self) -> int | None:
        """Which file it is, however it has changed: its inode."""
        return self.looks[0][0] if self.looks[0] else None

    @property
    def is_fresh(self) -> bool:
        """Whether the file was written so lately that another write may not show."""
        return time.time_ns() - max(self.written) < TICK


class Strapi:
    """Strapi's database as its path names it at each moment: opened for every operation, so
    that a restored or moved file is noticed, and never created, migrated or kept open."""

    def __init__(self, path: str | None, author_role: str) -> None:
        """Name the file; it is not looked at before it is asked."""
        self.path = Path(path.removeprefix("sqlite:///")).absolute() if path else None
        self.author_role = author_role

    def read(self, question: Callable[[Administrators], T]) -> T:
        """The answer to `question`. Raises StrapiUnavailable."""
        return self._patiently(
            lambda database: question(Administrators(database, self.author_role))
        )

    def write(self, change: Callable[[Administrators], T]) -> T:
        """Run `change` in one IMMEDIATE transaction, the whole of it again while Strapi is
        busy: do nothing slow in it, and nothing that must not happen twice.

        Raises StrapiUnavailable, and then nothing was written.
        """

        def transaction(database: SqliteDatabase) -> T:
            # Looking at the tables takes most of the time: Strapi need not wait for that.
            described = _schema_version(database)
            people = Administrators(database, self.author_role)
            with database.atomic("IMMEDIATE"):
                if _schema_version(database) != described:
                    raise StrapiBusy(f"{self.path} is being migrated")
                return change(people)

        return self._patiently(transaction)

    def mark(self) -> Mark:
        """The look of the file now: taken with `stat` alone, because closing a plain handle
        would drop this process's SQLite locks."""
        found = [_stat(path) for path in (self.path, Path(f"{self.path}-wal"))]
        return Mark(
            tuple(each.st_mtime_ns if each else 0 for each in found),
            tuple((each.st_ino, each.st_size) if each else None for each in found),
        )

    def _patiently(self, work: Callable[[SqliteDatabase], T]) -> T:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                with self._connected() as database:
                    return work(database)
            except StrapiBusy:
                if time.monotonic() > until:
                    raise
            time.sleep(random.uniform(0.01, 0.1))

    @contextmanager
    def _connected(self) -> Iterator[SqliteDatabase]:
        if self.path is None:
            raise StrapiUnavailable("no Strapi database is named: set SIGNUP_STRAPI_DATABASE")
        database = SqliteDatabase(
            # Without mode=rw, SQLite would create a file that is not there.
            f"file:{quote(str(self.path))}?mode=rw",
            uri=True,
            pragmas={"foreign_keys": 1},
            timeout=LOCK_TIMEOUT,
        )
        try:
            with database.connection_context():
                yield database
        except DatabaseError as error:
            raise self._translated(error) from error

    def _translated(self, error: DatabaseError) -> StrapiUnavailable:
        reason = str(error)
        if "locked" in reason or "busy" in reason:
            return StrapiBusy(f"{self.path} is busy")
        for sign, advice in ADVICE.items():
            if sign in reason:
                return StrapiUnavailable(f"{self.path} {advice}")
        return StrapiUnavailable(f"{self.path}: {reason}")


def _schema_version(database: SqliteDatabase) -> int:
    """What SQLite counts up whenever somebody changes a table."""
    [version] = database.execute_sql("PRAGMA schema_version").fetchone()
    return int(version)


def _stat(path: Path | None) -> os.stat_result | None:
    try:
        return path.stat() if path else None
    except OSError:
        return None

"""Strapi's SQLite file. It is opened for each operation, so that a restored file is noticed."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from peewee import DatabaseError

from models.engines import SQLite
from models.engines.mounts import MOUNTED_ALONE, is_mount_point
from models.strapi.admin_users import AdminUsers
from models.strapi.errors import StrapiBusy, StrapiUnavailable

# Seconds that SQLite itself waits for a lock. A COMMIT that waits for a reader keeps Strapi from
# writing, and Strapi's driver then stops its whole event loop.
LOCK_TIMEOUT = 0.1
# SQLite counts how often the tables' columns changed, and how often another connection wrote.
SCHEMA_VERSION, DATA_VERSION = "PRAGMA schema_version", "PRAGMA data_version"
# Nanoseconds. File systems round modification times, so a file that was written this recently
# may change again without a new modification time.
CLOCK_TICK = 1_000_000_000
# What SQLite says, and what an operator can do.
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
    """Times and sizes of the file and its write-ahead log. It changes when one of them does.

    `written` holds nanoseconds since 1970, `inodes_and_sizes` None for a file that is missing.
    """

    written: tuple[int, ...]
    inodes_and_sizes: tuple[tuple[int, int] | None, ...]

    @property
    def stable(self) -> "Fingerprint | None":
        """The same fingerprint, or None when the file may still change without changing it."""
        return self if time.time_ns() - max(self.written) >= CLOCK_TICK else None


class SQLiteFile:
    """Strapi's SQLite file, wherever its path leads now. It is never created or kept open."""

    def __init__(self, path: Path | None) -> None:
        """Name the file. It is not opened yet."""
        self.path = path
        self.engine = SQLite(
            # Without mode=rw, SQLite would create a missing file.
            f"file:{quote(str(path))}?mode=rw",
            uri=True,
            pragmas={"foreign_keys": 1},
            timeout=LOCK_TIMEOUT,
        )

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Open the file. Raises: StrapiUnavailable for each error of SQLite."""
        if self.path is None:
            raise StrapiUnavailable("no Strapi database is named: set SIGNUP_STRAPI_DATABASE")
        if is_mount_point(self.path):
            raise StrapiUnavailable(f"{self.path} {MOUNTED_ALONE}")
        try:
            with self.engine.connection_context():
                yield
        except DatabaseError as error:
            raise self._translated(error) from error

    @contextmanager
    def transaction(
        self, email: str, admin_users: Callable[[], AdminUsers]
    ) -> Iterator[AdminUsers]:
        """Hold an IMMEDIATE transaction, for as short a time as possible.

        1. Read the schema and what the write needs to know. Strapi need not wait for that.
        2. Take the lock.
        3. If another connection has written since step 1, read again.

        Raises: StrapiBusy when the tables' columns changed since step 1.
        """
        schema_version = self._pragma(SCHEMA_VERSION)
        data_version = self._pragma(DATA_VERSION)
        users = admin_users()
        users.prepare(email)
        with self.engine.exclusive_transaction(email):
            if self._pragma(DATA_VERSION) != data_version:
                if self._pragma(SCHEMA_VERSION) != schema_version:
                    raise StrapiBusy(f"{self.path} is being migrated")
                users.prepare(email)
            yield users

    def fingerprint(self) -> Fingerprint:
        """Return the fingerprint of the file now.

        It uses `stat` alone: closing a file handle would drop this process's SQLite locks.
        """
        # SQLite keeps the log beside the file itself, not beside a symbolic link to it.
        file = self.path and self.path.resolve()
        found = [_stat(path) for path in (file, Path(f"{file}-wal"))]
        return Fingerprint(
            tuple(each.st_mtime_ns if each else 0 for each in found),
            tuple((each.st_ino, each.st_size) if each else None for each in found),
        )

    def disconnect(self) -> None:
        """Do nothing: each operation closes its connection."""

    def _pragma(self, name: str) -> int:
        [value] = self.engine.execute_sql(name).fetchone()
        return int(value)

    def _translated(self, error: DatabaseError) -> StrapiUnavailable:
        if self.engine.is_temporary(error):
            return StrapiBusy(f"{self.path} is busy")
        reason = self.engine.explain(error)
        for part, advice in ADVICE.items():
            if part in reason:
                return StrapiUnavailable(f"{self.path} {advice}")
        return StrapiUnavailable(f"{self.path}: {reason}")


def _stat(path: Path | None) -> os.stat_result | None:
    try:
        return path.stat() if path else None
    except OSError:
        return None

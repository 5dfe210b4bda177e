"""SQLite files that tests read and change as SQLite's own shell would: Strapi's, and the ledger."""

import contextlib
import functools
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bcrypt

from models import password_hashing
from models.timestamps import now, to_milliseconds
from tests.support.paths import DATA, RUN

# The versions whose files are in tests/data, the newest last.
STRAPI_VERSIONS = ["4.2.3", "4.26.2", "5.54.0"]
SUE = "sue@example.com"
SUE_PASSWORD = "Super1secret"


class SQLiteFile:
    """A database in a file. The path may not exist yet."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def url(self) -> str:
        """The value of the setting that names this database."""
        return str(self.path)

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        with self.connected() as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(query, values)]

    def do(self, statement: str, *values: object) -> None:
        with self.connected() as database:
            database.execute(statement, values)

    def damage(self) -> Iterator[str]:
        """What SQLite finds wrong in the file."""
        if (found := self.rows("PRAGMA integrity_check")) != [{"integrity_check": "ok"}]:
            yield f"{self.path.name} is damaged: {found}"
        if orphans := self.rows("PRAGMA foreign_key_check"):
            yield f"{self.path.name} has orphans: {orphans}"

    @contextlib.contextmanager
    def connected(self) -> Iterator[sqlite3.Connection]:
        database = sqlite3.connect(self.path)
        database.execute("PRAGMA foreign_keys = on")
        try:
            with database:
                yield database
        finally:
            database.close()


class StrapiFile(SQLiteFile):
    """A database that a real Strapi made, with verbs for what happens in Strapi's panel."""

    @classmethod
    def made_by(cls, version: str, path: Path) -> "StrapiFile":
        """A fresh database of this version, with Sue, its super admin."""
        shutil.copy(_fresh(version, password_hashing.COST), path)
        return cls(path)

    def add_admin(
        self,
        email: str,
        password: str | None,
        role: str,
        active: bool = True,
        blocked: bool = False,
    ) -> int:
        hashed = password and hash_once(password, password_hashing.COST)
        time = self.present()
        self.do(
            "INSERT INTO admin_users (firstname, email, password, is_active, blocked,"
            " created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            *("Sue", email, hashed, active, blocked, time, time),
        )
        [added] = self.rows("SELECT max(id) AS id FROM admin_users WHERE email = ?", email)
        self.do(
            f"INSERT INTO {self.table('admin_users_roles_l')} (user_id, role_id)"
            " SELECT ?, id FROM admin_roles WHERE code = ?",
            *(added["id"], role),
        )
        return int(added["id"])

    def change(self, email: str, what: str) -> None:
        """Change the columns of one admin user, as in `is_active = true`."""
        self.do(f"UPDATE admin_users SET {what} WHERE email = ?", email)

    def remove(self, email: str) -> None:
        self.do("DELETE FROM admin_users WHERE email = ?", email)

    def present(self) -> object:
        """Now, as Strapi stores a time in this database."""
        return to_milliseconds(now())

    def admins(self) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM admin_users ORDER BY id")

    def admin(self, email: str) -> dict[str, Any] | None:
        found = self.rows("SELECT * FROM admin_users WHERE lower(email) = ?", email)
        assert len(found) < 2
        return found[0] if found else None

    def is_active(self, email: str) -> bool:
        row = self.admin(email)
        assert row
        return bool(row["is_active"])

    def links(self) -> list[dict[str, Any]]:
        """The rows that link admin users to roles."""
        return self.rows(f"SELECT * FROM {self.table('admin_users_roles_l')} ORDER BY user_id")

    def allow(self, action: str, subject: str | None = None, conditions: str = "[]") -> None:
        """Give the author role a permission, as a super admin does under Settings → Roles."""
        table = self.table("admin_permissions_role_l")
        self.do(
            "INSERT INTO admin_permissions (action, subject, conditions) VALUES (?, ?, ?)",
            *(action, subject, conditions),
        )
        self.do(
            f"INSERT INTO {table} (permission_id, role_id) SELECT max(admin_permissions.id),"
            " admin_roles.id FROM admin_permissions, admin_roles"
            " WHERE admin_roles.code = 'strapi-author' GROUP BY admin_roles.id"
        )

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Make the database unusable for a while."""
        elsewhere = self.path.with_suffix(".away")
        self.path.rename(elsewhere)
        yield
        elsewhere.rename(self.path)

    def table(self, beginning: str) -> str:
        """The table whose name begins so. Strapi 4 and 5 end these names differently."""
        query = "SELECT name FROM sqlite_master WHERE name LIKE ? AND type = 'table'"
        return str(self.rows(query, f"{beginning}%")[0]["name"])


@functools.cache
def hash_once(password: str, cost: int) -> str:
    """The hash that Strapi would store, made once in a test run: at cost 10 it takes 50 ms."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost, b"2a")).decode()


@functools.cache
def _fresh(version: str, cost: int) -> Path:
    """A database of this version with Sue, made once in a test run."""
    file = StrapiFile(RUN / f"strapi-{version}-{cost}.db")
    with contextlib.closing(sqlite3.connect(file.path)) as database:
        database.executescript((DATA / f"fresh-{version}.sql").read_text())
    file.add_admin(SUE, SUE_PASSWORD, "strapi-super-admin")
    return file.path

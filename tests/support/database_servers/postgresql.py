"""A PostgreSQL that starts, dies and comes back when the test wants it to."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.support.database_servers.server import ADMIN, ADMIN_PASSWORD, Server


class PostgreSQL(Server):
    """A PostgreSQL: passwords for everybody, TLS for those who ask for it."""

    name = "postgresql"
    scheme = "postgresql"
    at_once, in_order = signal.SIGQUIT, signal.SIGINT

    @classmethod
    def programs(cls) -> Path | None:
        """The folder of the newest that is installed, or of the one that POSTGRESQL names."""
        named = os.environ.get("POSTGRESQL")
        folders = [Path(named)] if named else Path("/usr/lib/postgresql").glob("*/bin")
        found = [folder for folder in folders if (folder / "postgres").exists()]
        return max(found, key=lambda folder: folder.parent.name.zfill(3), default=None)

    @classmethod
    def missing(cls) -> str:
        advice = "install postgresql, or name its folder with POSTGRESQL=/path/bin"
        return "" if cls.programs() else f"no PostgreSQL: {advice}"

    def create(self, database: str) -> None:
        if self.rows("SELECT 1 FROM pg_database WHERE datname = %s", database):
            self._empty(database)
        else:
            self.run(f'CREATE DATABASE "{database}"')

    def user(self, name: str, password: str) -> None:
        known = self.rows("SELECT 1 FROM pg_roles WHERE rolname = %s", name)
        verb = "ALTER" if known else "CREATE"
        self.run(f"{verb} ROLE \"{name}\" LOGIN PASSWORD '{password}'")

    def give(self, database: str, user: str) -> None:
        self.run(f'ALTER DATABASE "{database}" OWNER TO "{user}"')

    def cut_connections(self, database: str) -> int:
        query = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = %s AND pid <> pg_backend_pid()"
        )
        return len(self.rows(query, database))

    def run(self, sql: str, database: str | None = None) -> None:
        with self._connected(database) as admin:
            admin.execute(sql.encode())

    def do(self, statement: str, *values: object, database: str | None = None) -> None:
        with self._connected(database) as admin:
            admin.execute(statement.encode(), values)

    def rows(self, query: str, *values: object, database: str | None = None) -> list[Any]:
        with self._connected(database) as admin:
            return admin.execute(query.encode(), values).fetchall()

    def _empty(self, database: str) -> None:
        """Leave it as it was made: ten times as fast as making another."""
        self.cut_connections(database)
        self.give(database, ADMIN)
        self.run(
            "DROP SCHEMA public CASCADE;"
            " CREATE SCHEMA public AUTHORIZATION pg_database_owner;"
            " GRANT USAGE ON SCHEMA public TO PUBLIC",
            database,
        )

    @contextlib.contextmanager
    def _connected(self, database: str | None = None) -> Iterator[psycopg.Connection[Any]]:
        url = self.url(database or "postgres")
        with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
            yield connection

    def _prepare(self) -> None:
        (self.folder / "password").write_text(ADMIN_PASSWORD)

    def _install(self) -> None:
        self._once(
            f"{self.programs()}/initdb",
            f"--pgdata={self.data}",
            f"--username={ADMIN}",
            f"--pwfile={self.folder}/password",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        )

    def _command(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "16MB",
            "ssl": "on",
            "ssl_cert_file": self.folder / "certificate.pem",
            "ssl_key_file": self.folder / "key.pem",
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [f"{self.programs()}/postgres", "-D", str(self.data), f"-p{self.port}", *options]

    def _answers(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError), self._connected():
            return True
        return False

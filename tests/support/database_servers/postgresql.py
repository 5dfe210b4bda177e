"""PostgreSQL for the tests."""

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
    """A PostgreSQL that asks everybody for a password and offers TLS."""

    name = "postgresql"
    scheme = "postgresql"
    stop_signal, abort_signal = signal.SIGINT, signal.SIGQUIT
    unavailable = psycopg.OperationalError

    @classmethod
    def programs(cls) -> Path | None:
        """The folder of the newest version, or the one that POSTGRESQL names."""
        named = os.environ.get("POSTGRESQL")
        folders = [Path(named)] if named else Path("/usr/lib/postgresql").glob("*/bin")
        found = [folder for folder in folders if (folder / "postgres").exists()]
        return max(found, key=lambda folder: folder.parent.name.zfill(3), default=None)

    @classmethod
    def missing(cls) -> str:
        advice = "install postgresql, or name its folder with POSTGRESQL=/path/bin"
        return "" if cls.programs() else f"no PostgreSQL: {advice}"

    def create(self, database: str) -> None:
        if not self.rows("SELECT 1 FROM pg_database WHERE datname = %s", database):
            self.run(f'CREATE DATABASE "{database}"')
            return
        # Emptying a database is ten times as fast as creating one.
        self.cut_connections(database)
        self.give(database, ADMIN)
        self.run(
            "DROP SCHEMA public CASCADE;"
            " CREATE SCHEMA public AUTHORIZATION pg_database_owner;"
            " GRANT USAGE ON SCHEMA public TO PUBLIC",
            database,
        )

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

    def connect(self, database: str | None = None, **options: Any) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url(database or "postgres", sslmode="disable"), **options)

    @contextlib.contextmanager
    def _cursor(self, database: str | None) -> Iterator[Any]:
        with self.connect(database, autocommit=True, row_factory=dict_row) as connection:
            yield connection.cursor()

    def _accounts(self) -> str:
        return ADMIN_PASSWORD

    def _installation(self) -> list[str]:
        return [
            f"{self.programs()}/initdb",
            f"--pgdata={self.data}",
            f"--username={ADMIN}",
            f"--pwfile={self.folder}/accounts",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]

    def _command(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "16MB",
            # The tests kill the server, never the machine.
            "fsync": "off",
            "ssl": "on",
            "ssl_cert_file": self.certificate,
            "ssl_key_file": self.certificate,
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [f"{self.programs()}/postgres", "-D", str(self.data), f"-p{self.port}", *options]

"""The two databases before an act, to restore them for each trial."""

import shutil
import time
from pathlib import Path
from typing import Any

from tests.support.database_servers import Server
from tests.support.strapi_file import StrapiFile
from tests.support.strapi_on_server import StrapiOnServer

# The tables that the service writes. Those that refer to others come later.
STRAPI = ("admin_users", "admin_users_roles_lnk")
LEDGER = ("signup", "event", "letter", "session", "stop", "count", "muted")


class FileSnapshot:
    """Two SQLite files in a folder. Each trial gets a copy."""

    def __init__(self, folder: Path, backend: str, journal: str) -> None:
        self.folder = folder / "before"
        self.folder.mkdir()
        self.strapi = StrapiFile.made_by(backend, self.folder / "strapi.db")
        self.strapi.do(f"PRAGMA journal_mode = {journal}")
        self.ledger = StrapiFile(self.folder / "ledger.db")

    def take(self) -> None:
        """Do nothing: no trial changes these files."""

    def restore(self) -> tuple[StrapiFile, StrapiFile]:
        """Return Strapi's database and the ledger, as they were."""
        trial = self.folder.with_name("trial")
        shutil.rmtree(trial, ignore_errors=True)
        shutil.copytree(self.folder, trial)
        return StrapiFile(trial / "strapi.db"), StrapiFile(trial / "ledger.db")


class ServerSnapshot:
    """Two databases of a server. Their rows are put back for each trial."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.strapi = StrapiOnServer.on(server, "strapi")
        self.ledger = StrapiOnServer.empty(server, "ledger")
        self._tables = [(self.strapi, STRAPI), (self.ledger, LEDGER)]
        self._rows: list[tuple[StrapiOnServer, str, list[dict[str, Any]]]] = []

    def take(self) -> None:
        """Remember every row that the service writes."""
        for database, tables in self._tables:
            for table in tables:
                columns = self._quoted(self._columns(database, table))
                rows = database.rows(f"SELECT {columns} FROM {table} ORDER BY 1")
                self._rows.append((database, table, rows))

    def restore(self) -> tuple[StrapiFile, StrapiFile]:
        """Return Strapi's database and the ledger, as they were."""
        for database, tables in self._tables:
            # The server notices late that a client was killed.
            while self.server.cut_connections(database.database):
                time.sleep(0.01)
            deletions = [f"DELETE FROM {table}" for table in reversed(tables)]
            self.server.run("; ".join(deletions), database.database)
        for database, table, rows in self._rows:
            if rows:
                marks = ", ".join(f"({', '.join('?' * len(row))})" for row in rows)
                values = [value for row in rows for value in row.values()]
                columns = self._quoted(list(rows[0]))
                database.do(f"INSERT INTO {table} ({columns}) VALUES {marks}", *values)
        return self.strapi, self.ledger

    def _columns(self, database: StrapiOnServer, table: str) -> list[str]:
        """The columns that the server does not generate."""
        found = database.rows(
            "SELECT column_name AS name FROM information_schema.columns"
            " WHERE table_schema IN ('public', ?) AND table_name = ? AND is_generated = 'NEVER'"
            " ORDER BY ordinal_position",
            *(database.database, table),
        )
        return [row["name"] for row in found]

    def _quoted(self, names: list[str]) -> str:
        quote = "`" if self.server.name == "mariadb" else '"'
        return ", ".join(f"{quote}{name}{quote}" for name in names)

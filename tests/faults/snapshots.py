"""The two databases as they are before an act, to be tried again and again."""

import shutil
import time
from pathlib import Path
from typing import Any

from tests.support.database_servers import Server
from tests.support.service import StrapiFile
from tests.support.strapi_on_server import StrapiOnServer

# What the service writes; a row comes after those that it refers to.
STRAPI = ("admin_users", "admin_users_roles_lnk")
LEDGER = ("signup", "event", "letter", "session", "stop", "count", "muted")


class Files:
    """Two SQLite files in a folder, of which each trial gets a copy."""

    def __init__(self, folder: Path, shape: str, journal: str) -> None:
        self.folder = folder / "before"
        self.folder.mkdir()
        self.strapi = StrapiFile.made_by(shape, self.folder / "strapi.db")
        self.strapi.do(f"PRAGMA journal_mode = {journal}")
        self.ledger = StrapiFile(self.folder / "ledger.db")

    def keep(self) -> None:
        """They stay as they are."""

    def again(self) -> tuple[StrapiFile, StrapiFile]:
        """Strapi's database and the ledger, as they were kept."""
        trial = self.folder.with_name("trial")
        shutil.rmtree(trial, ignore_errors=True)
        shutil.copytree(self.folder, trial)
        return StrapiFile(trial / "strapi.db"), StrapiFile(trial / "ledger.db")


class Tables:
    """Two databases of a server, whose rows are put back for each trial."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.strapi = StrapiOnServer.on(server, "strapi")
        self.ledger = StrapiOnServer.empty(server, "ledger")
        self._kept: list[tuple[StrapiOnServer, str, list[dict[str, Any]]]] = []

    def keep(self) -> None:
        """Remember every row that the service writes."""
        for database, tables in ((self.strapi, STRAPI), (self.ledger, LEDGER)):
            for table in tables:
                columns = self._quoted(self._columns(database, table))
                rows = database.rows(f"SELECT {columns} FROM {table} ORDER BY 1")
                self._kept.append((database, table, rows))

    def again(self) -> tuple[StrapiFile, StrapiFile]:
        """Strapi's database and the ledger, as they were kept."""
        for database, tables in ((self.strapi, STRAPI), (self.ledger, LEDGER)):
            # Whoever was killed may not be quite dead there.
            while self.server.cut_connections(database.database):
                time.sleep(0.01)
            deletions = [f"DELETE FROM {table}" for table in reversed(tables)]
            self.server.run("; ".join(deletions), database.database)
        for database, table, rows in self._kept:
            if rows:
                marks = ", ".join(f"({', '.join('?' * len(row))})" for row in rows)
                values = [value for row in rows for value in row.values()]
                columns = self._quoted(list(rows[0]))
                database.do(f"INSERT INTO {table} ({columns}) VALUES {marks}", *values)
        return self.strapi, self.ledger

    def _columns(self, database: StrapiOnServer, table: str) -> list[str]:
        """Those that the server does not fill by itself."""
        found = database.rows(
            "SELECT column_name AS name FROM information_schema.columns"
            " WHERE table_schema IN ('public', ?) AND table_name = ? AND is_generated = 'NEVER'"
            " ORDER BY ordinal_position",
            *(database, table),
        )
        return [row["name"] for row in found]

    def _quoted(self, names: list[str]) -> str:
        mark = "`" if self.server.name == "mariadb" else '"'
        return ", ".join(f"{mark}{name}{mark}" for name in names)

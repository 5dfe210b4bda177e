"""Strapi's database on PostgreSQL or MariaDB, with the methods of `StrapiFile`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from models.timestamps import now
from tests.support.database_servers import Server
from tests.support.paths import DATA
from tests.support.strapi_file import STRAPI_VERSIONS, SUE, SUE_PASSWORD, StrapiFile

# The fixtures of the servers. As a `backend`, each stands for the newest Strapi on that server.
ENGINES = ["postgresql", "mariadb"]
on_servers = pytest.mark.parametrize("backend", ENGINES, indirect=True)


class StrapiOnServer(StrapiFile):
    """A database on a server, as its admin sees it.

    The service reaches it at `url`, if that is given: through a proxy or a pooler.
    """

    def __init__(self, server: Server, database: str, url: str = "") -> None:
        self.server = server
        self.database = database
        self._url = url or server.url(database)

    @classmethod
    def on(cls, server: Server, database: str) -> "StrapiOnServer":
        """Strapi's database with Sue, its super admin."""
        strapi = cls.without_admins(server, database)
        strapi.add_admin(SUE, SUE_PASSWORD, "strapi-super-admin")
        return strapi

    @classmethod
    def without_admins(cls, server: Server, database: str) -> "StrapiOnServer":
        """Strapi's database after its first start: with roles, without admin users."""
        server.create(database)
        server.run((DATA / f"fresh-{STRAPI_VERSIONS[-1]}.{server.name}.sql").read_text(), database)
        return cls(server, database)

    @classmethod
    def empty(cls, server: Server, database: str) -> "StrapiOnServer":
        """A database without tables."""
        server.create(database)
        return cls(server, database)

    @property
    def url(self) -> str:
        return self._url

    def present(self) -> object:
        return now().replace(tzinfo=None)

    def table(self, beginning: str) -> str:
        return f"{beginning}nk"

    @contextmanager
    def away(self) -> Iterator[None]:
        self.do("ALTER TABLE admin_users RENAME TO elsewhere")
        yield
        self.do("ALTER TABLE elsewhere RENAME TO admin_users")

    def damage(self) -> Iterator[str]:
        """Nothing: a server checks its own files and keys."""
        yield from ()

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        return self.server.rows(for_drivers(query), *values, database=self.database)

    def do(self, statement: str, *values: object) -> None:
        self.server.do(for_drivers(statement), *values, database=self.database)


def for_drivers(query: str) -> str:
    """Rewrite SQLite's `?` as the `%s` of these drivers."""
    return query.replace("%", "%%").replace("?", "%s")

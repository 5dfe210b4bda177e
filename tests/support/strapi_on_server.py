"""The database of a Strapi that outgrew its file: the same verbs, on PostgreSQL or MariaDB."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from models.timestamps import now
from tests.support.database_servers import PgBouncer, Server
from tests.support.paths import DATA
from tests.support.service import SHAPES, SUE, SUE_PASSWORD, StrapiFile

# The fixtures that start them, and what stands for each in a list of shapes.
ENGINES = ["postgresql", "mariadb"]


def fresh(server: Server, database: str) -> None:
    """Make a database as Strapi's first start leaves it: with roles, without administrators."""
    server.create(database)
    server.run((DATA / f"fresh-{SHAPES[-1]}.{server.name}.sql").read_text(), database)


class StrapiServed(StrapiFile):
    """A database as a real Strapi made it, looked at as the server's administrator."""

    def __init__(self, server: Server, database: str) -> None:
        self.server = server
        self.database = database

    @classmethod
    def on(cls, server: Server, database: str) -> "StrapiServed":
        """A fresh one with Sue, its super admin."""
        fresh(server, database)
        served = cls(server, database)
        served.add_admin(SUE, SUE_PASSWORD, "strapi-super-admin")
        return served

    @classmethod
    def empty(cls, server: Server, database: str) -> "StrapiServed":
        """A database without tables."""
        server.create(database)
        return cls(server, database)

    @property
    def address(self) -> str:
        return self.server.url(self.database)

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
        """A server sees to that by itself."""
        yield from ()

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        return self.server.rows(marked(query), *values, database=self.database)

    def do(self, statement: str, *values: object) -> None:
        self.server.do(marked(statement), *values, database=self.database)


class StrapiPooled(StrapiServed):
    """A database that the service reaches through PgBouncer, and the tests directly."""

    def __init__(self, server: Server, database: str, bouncer: PgBouncer) -> None:
        super().__init__(server, database)
        self.bouncer = bouncer

    @property
    def address(self) -> str:
        return self.bouncer.url(self.database)


def marked(query: str) -> str:
    """A query of SQLite's with the marks of these drivers."""
    return query.replace("%", "%%").replace("?", "%s")

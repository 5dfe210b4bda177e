"""Strapi's database on a server: as many as like may write, but for the same address."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from models.engines import Engine, Unavailable
from models.strapi.administrators import Administrators
from models.strapi.shape import StrapiBusy, StrapiUnavailable


class Server:
    """A database of a PostgreSQL or MySQL server, whose connections are used again."""

    def __init__(self, engine: Engine) -> None:
        """Name the database; it is connected to when it is asked."""
        self.engine = engine

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Connect meanwhile. Raises StrapiUnavailable for whatever the database complains of."""
        try:
            with self.engine.connection_context():
                yield
        except Unavailable as error:
            trouble = f"the server of Strapi's database {self.engine.advice(error)}"
            kind = StrapiBusy if self.engine.passes(error) else StrapiUnavailable
            raise kind(trouble) from error

    @contextmanager
    def alone(self, about: str, people: Callable[[], Administrators]) -> Iterator[Administrators]:
        """A transaction in which nobody else of us writes about the same address. Strapi takes
        no lock that we could wait for, and need not wait for us."""
        with self.engine.alone(about):
            # Who has read a table keeps everybody from changing its columns until the end.
            self.engine.execute_sql("SELECT COUNT(*) FROM admin_users WHERE 1 = 0")
            yield people()

    def leave(self) -> None:
        """Let go of connections that nobody uses."""
        self.engine.leave()

    def mark(self) -> None:
        """A server has no look from outside."""

"""Strapi's database on a server: as many as like may write, but for the same address."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from models.engines import Engine, Unavailable
from models.strapi.admin_users import AdminUsers
from models.strapi.schema import StrapiBusy, StrapiUnavailable


class DatabaseServer:
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
            problem = f"the server of Strapi's database {self.engine.explain(error)}"
            kind = StrapiBusy if self.engine.is_temporary(error) else StrapiUnavailable
            raise kind(problem) from error

    @contextmanager
    def alone(self, about: str, admin_users: Callable[[], AdminUsers]) -> Iterator[AdminUsers]:
        """A transaction in which nobody else of us writes about the same address. Strapi takes
        no lock that we could wait for, and need not wait for us."""
        with self.engine.exclusive_transaction(about):
            # Who has read a table keeps everybody from changing its columns until the end.
            self.engine.execute_sql("SELECT COUNT(*) FROM admin_users WHERE 1 = 0")
            yield admin_users()

    def disconnect(self) -> None:
        """Let go of connections that nobody uses."""
        self.engine.close_idle()

    def fingerprint(self) -> None:
        """A server has no look from outside."""

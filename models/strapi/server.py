"""Strapi's database on a PostgreSQL or MySQL server."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from models.engines import Engine, Unavailable
from models.strapi.admin_users import AdminUsers
from models.strapi.errors import StrapiBusy, StrapiUnavailable, ValueRefused


class DatabaseServer:
    """A database on a server. Its connections are pooled."""

    def __init__(self, engine: Engine) -> None:
        """Name the database. Nothing is connected yet."""
        self.engine = engine

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Hold a connection. Raises: StrapiUnavailable for each error of the database."""
        try:
            with self.engine.connection_context():
                yield
        except Unavailable as error:
            message = f"the server of Strapi's database {self.engine.explain(error)}"
            raise self._kind(error)(message) from error

    @contextmanager
    def transaction(
        self, email: str, admin_users: Callable[[], AdminUsers]
    ) -> Iterator[AdminUsers]:
        """Hold a transaction in which no other instance of this service writes about `email`.

        Strapi takes no lock that could be waited for, and does not wait for this one.
        """
        with self.engine.exclusive_transaction(email):
            # A transaction that has read a table keeps its columns from being changed.
            self.engine.execute_sql("SELECT COUNT(*) FROM admin_users WHERE 1 = 0")
            users = admin_users()
            users.prepare(email)
            yield users

    def _kind(self, error: Exception) -> type[StrapiUnavailable]:
        if self.engine.is_temporary(error):
            return StrapiBusy
        return ValueRefused if self.engine.is_about_value(error) else StrapiUnavailable

    def fingerprint(self) -> None:
        """Return None: whether a server's data has changed cannot be seen without a query."""

    def disconnect(self) -> None:
        """Close connections that nothing uses."""
        self.engine.close_idle()

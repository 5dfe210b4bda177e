"""Engine: what the ledger and Strapi's people ask of a database, whichever it is."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar

from peewee import Database, DatabaseError, Field, ImproperlyConfigured, InterfaceError, fn
from playhouse.pool import MaxConnectionsExceeded

from models.timestamps import MillisecondsField

Unavailable = (DatabaseError, InterfaceError, ImproperlyConfigured, MaxConnectionsExceeded)
"""What an engine raises that is out of order, away or too busy, or that has no driver."""

Columns = tuple[tuple[str, bool], ...]
"""The columns of a table, and whether each must be filled."""

# Whom a server refuses, and what it cannot take twice.
PRIVATE = re.compile(r"""\b(user|role|entry) ["'`][^"'`]*["'`](?:@["'`][^"'`]*["'`])?""")


class Engine(Database):
    """A database, with the verbs that Peewee does not have."""

    # How Strapi keeps an instant there.
    timestamp_field: Callable[..., Field] = MillisecondsField
    # What the engine says of trouble that passes, and of other trouble, with what an operator
    # can do about it.
    TEMPORARY: ClassVar[tuple[str, ...]] = ()
    ADVICE: ClassVar[Mapping[str, str]] = {}

    # What to say of a table or column that is not there, where a user sees only what it may use.
    HIDDEN = ""

    def alone(self, what: str) -> AbstractContextManager[Any]:
        """A transaction in which nobody else is who asks for the same `what`."""
        raise NotImplementedError

    def still(self, *tables: str) -> AbstractContextManager[Any]:
        """Nobody writes these tables meanwhile."""
        raise NotImplementedError

    def try_lock(self, what: str) -> AbstractContextManager[bool]:
        """Whether nobody else is at `what`; if so, nobody else is until this is over."""
        raise NotImplementedError

    def migration_lock(self) -> AbstractContextManager[Any]:
        """Nobody else migrates meanwhile."""
        return self.alone("migration")

    @contextmanager
    def keep_wal_open(self) -> Iterator[None]:
        """Spare those who come and go the work of the last to leave."""
        yield

    def disconnect(self) -> None:
        """Let go of connections that nobody uses."""

    def truncate_wal(self) -> None:
        """Forget what was overwritten; a server sees to that by itself."""

    def add_index(self, name: str, on: str, where: str = "") -> None:
        """Make an index: `on` is its table and columns, `where` which rows it holds."""
        rows = where and f" WHERE {where}"
        # Names and conditions are a migration's own.
        self.execute_sql(f"CREATE INDEX {name} ON {on}{rows}")  # nosemgrep: sql-has-parameters

    def lower(self, text: Any) -> Any:
        """A column of text, to be compared as if its letters were in lower case."""
        return fn.LOWER(text)

    def columns_of(self, *tables: str) -> dict[str, Columns]:
        """The columns of those of the tables that there are."""
        there = set(self.get_tables()) & set(tables)
        return {
            table: tuple(
                (each.name, not (each.null or each.primary_key or each.default is not None))
                for each in self.get_columns(table)
            )
            for table in there
        }

    def locations_of(self, table: str) -> list[str]:  # noqa: ARG002
        """Where else on the server there is such a table, and how to get there."""
        return []

    def unsuitable(self) -> str | None:
        """Why no ledger can be kept here, and what to do about it."""
        return None

    def reset_sequence(self, table: str) -> None:
        """Give the next row of a table the number after its last, where rows brought theirs."""

    def is_temporary(self, error: Exception) -> bool:
        """Whether the same may work in a moment."""
        return any(sign in str(error) for sign in self.TEMPORARY)

    def explain(self, error: Exception) -> str:
        """What an operator can do about the error, or else what it says, without whom and what
        it says it of."""
        reason, said = str(error), str(error.args[-1] if error.args else error).strip()
        plain = PRIVATE.sub(r"\1", said.partition("\n")[0])
        told = next((told for sign, told in self.ADVICE.items() if sign in reason), plain)
        return told.replace("{}", plain)

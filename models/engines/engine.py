"""The base class of the engines: what the ledger and Strapi's database need from each of them."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, ClassVar, NamedTuple

from peewee import Database, DatabaseError, Field, ImproperlyConfigured, InterfaceError
from playhouse.pool import MaxConnectionsExceeded

from models.timestamps import MillisecondsField

Unavailable = (DatabaseError, InterfaceError, ImproperlyConfigured, MaxConnectionsExceeded)
"""The errors of a database that is away, too busy or damaged, or whose driver is not installed."""


class Column(NamedTuple):
    """A column, and what it can hold.

    `must_be_filled` says whether an INSERT must give it a value. `second_digits` is how many digits
    of a second a timestamp keeps. A text has an `encoding` where that cannot hold every character,
    and a `max_length` in characters where it has one. `row_security` says whether the server may
    hide rows of the table.
    """

    name: str
    must_be_filled: bool
    second_digits: int | None = None
    encoding: str | None = None
    max_length: int | None = None
    row_security: bool = False


Columns = tuple[Column, ...]
"""The columns of a table."""


class Engine(Database):
    """A Peewee database with locks by name, and with advice about its errors."""

    # The field class for the columns in which Strapi keeps a time.
    timestamp_field: Callable[..., Field] = MillisecondsField
    # Parts of `error_text` that mean: the same statement may succeed in a moment.
    TEMPORARY_ERRORS: ClassVar[tuple[str, ...]] = ()
    # Parts of `error_text` that mean: a column cannot hold a text.
    VALUE_ERRORS: ClassVar[tuple[str, ...]] = ()
    # Parts of `error_text`, and what an operator can do; {} becomes `details`.
    ERROR_ADVICE: ClassVar[Mapping[str, str]] = {}
    # What an operator can do where a text column cannot hold every character.
    ENCODING_ADVICE = ""
    # The end of "… has no table X", on an engine that hides tables without a grant.
    VISIBILITY_HINT = ""

    def exclusive_transaction(self, name: str) -> AbstractContextManager[Any]:
        """A transaction that waits until no other one of this name is open."""
        raise NotImplementedError

    def frozen_tables(self, *tables: str) -> AbstractContextManager[Any]:
        """A transaction during which no other connection can write these tables."""
        raise NotImplementedError

    def migration_lock(self) -> AbstractContextManager[Any]:
        """A lock that only one process at a time can hold, to migrate the ledger."""
        return self.exclusive_transaction("migration")

    def close_idle(self) -> None:
        """Close the pooled connections that no thread uses."""

    def truncate_wal(self) -> None:
        """Erase overwritten rows from the write-ahead log, where the engine leaves that to us."""

    def add_index(self, name: str, on: str, where: str = "") -> None:
        """Create an index on "table (columns)", of the rows that meet the condition `where`."""
        rows = where and f" WHERE {where}"
        # Names and conditions come from migrations, never from a request.
        self.execute_sql(f"CREATE INDEX {name} ON {on}{rows}")  # nosemgrep: sql-has-parameters

    def columns_of(self, *tables: str) -> dict[str, Columns]:
        """Return the columns of each of these tables that exists."""
        existing = set(self.get_tables()) & set(tables)
        return {
            table: tuple(
                Column(
                    column.name,
                    not (column.null or column.primary_key or column.default is not None),
                )
                for column in self.get_columns(table)
            )
            for table in existing
        }

    def locations_of(self, table: str) -> list[str]:  # noqa: ARG002
        """Name other places on the server that have this table, and how to reach each."""
        return []

    def ledger_fault(self) -> str | None:
        """Return why this database cannot hold a ledger, and what to do; None if it can."""
        return None

    def uses_transaction_pooling(self) -> bool:
        """Return whether a pooler between us and the server shares sessions by transactions."""
        return False

    def reset_sequence(self, table: str) -> None:
        """Make the next id follow the highest, after rows were inserted with their ids."""

    def lost_characters(self, text: str, encoding: str | None) -> str:
        """Return the characters of `text` that a column of this encoding cannot hold."""
        if encoding is None:
            return ""
        foreign = (each for each in dict.fromkeys(text) if not each.isascii())
        return "".join(each for each in foreign if not self.can_hold(each, encoding))

    def can_hold(self, character: str, encoding: str) -> bool:  # noqa: ARG002
        """Return whether this encoding has the character. Call it outside a transaction."""
        return True

    def error_text(self, error: Exception) -> str:
        """Return what known errors are found by: a code, or a text that holds no data."""
        return str(error)

    def details(self, error: Exception) -> str:
        """Return what an error says about tables and columns, without users and values."""
        return type(driver_error(error)).__name__

    def is_temporary(self, error: Exception) -> bool:
        """Return whether the same statement may succeed in a moment."""
        text = self.error_text(error)
        return any(sign in text for sign in self.TEMPORARY_ERRORS)

    def is_about_value(self, error: Exception) -> bool:
        """Return whether a column cannot hold a text: one of its characters, or its length."""
        text = self.error_text(error)
        return any(sign in text for sign in self.VALUE_ERRORS)

    def explain(self, error: Exception) -> str:
        """Return what an operator can do about an error.

        The text of a driver or server is never returned as it is: it may hold users, values of a
        row, or parts of them, in any language.
        """
        if isinstance(error, ImproperlyConfigured):
            return "needs a driver: make servers"
        if driver_error(error) is error:
            # It is raised here or by Peewee.
            return str(error)
        text = self.error_text(error)
        known = (advice for sign, advice in self.ERROR_ADVICE.items() if sign in text)
        return next(known, "refuses a statement ({})").replace("{}", self.details(error))


def driver_error(error: Exception) -> Exception:
    """Return the error of the driver that Peewee translated, once or several times."""
    while (original := getattr(error, "orig", None)) is not None:
        error = original
    return error

"""Moving: a whole ledger goes to another engine, or none of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from typing import Any

from peewee import DataError, chunked

from models.engines import Engine
from models.ledger.database import LedgerUnavailable, database, engine_for, migrate
from models.mail.outbox import OutgoingEmail
from models.mail.suppressions import Suppression
from models.rate_limits import Count
from models.reviewers.notices import MutedReviewer
from models.reviewers.sessions import Session
from models.signups.history import Event
from models.signups.signup import Signup

# Rows that are looked at together.
SOME = 1000
# A row comes after those that it refers to.
TABLES: tuple[Any, ...] = (Signup, Event, OutgoingEmail, Session, Suppression, Count, MutedReviewer)


class NotEmpty(Exception):
    """Somebody keeps a ledger there already."""


def move(address: str) -> int:
    """Copy the ledger into the database at `address`, which has none yet, and compare row by row;
    returns how many there are. The ledger itself stays as it is, and nobody writes it meanwhile.

    Raises NotEmpty, LedgerTooNew, LedgerUnavailable, after which nothing was copied.
    """
    target = engine_for(address)
    try:
        with _told("", target):
            migrate(target)
            return _moved(target)
    finally:
        target.disconnect()


def _moved(target: Engine) -> int:
    still = database.still(*(table._meta.table_name for table in TABLES))
    with target.connection_context(), still, target.atomic():
        if any(table.select().exists(target) for table in TABLES):
            raise NotEmpty
        for table in TABLES:
            with _told(f"rows of {table._meta.table_name}: ", target):
                _copy(table, target)
        return sum(_compared(table, target) for table in TABLES)


@contextmanager
def _told(what: str, target: Engine) -> Iterator[None]:
    """Whatever the target complains of, told so that an operator can do something about it."""
    try:
        yield
    except LedgerUnavailable as error:
        raise DataError(f"{what}{target.explain(error)}") from error


def _copy(table: Any, target: Engine) -> None:
    fields = table._meta.sorted_fields
    for rows in chunked(_rows_of(table, database), 200):
        with table.bind_ctx(target, bind_refs=False, bind_backrefs=False):
            table.insert_many(rows, fields).execute()
    target.reset_sequence(table._meta.table_name)


def _compared(table: Any, target: Engine) -> int:
    number = 0
    for one, other in zip_longest(_rows_of(table, database), _rows_of(table, target)):
        if one != other:
            raise DataError(f"{table._meta.table_name} {(one or other)[0]} is not the same there")
        number += 1
    return number


def _rows_of(table: Any, engine: Engine) -> Iterator[tuple[Any, ...]]:
    """Every row by its id, some at a time: drivers would fetch a million at once."""
    last: Any = 0
    while last is not None:
        some = table.select().where(table.id > last).order_by(table.id).limit(SOME)
        rows = list(some.tuples().execute(engine))
        yield from rows
        last = rows[-1][0] if rows else None

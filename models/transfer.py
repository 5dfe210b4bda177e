"""Copy a whole ledger to another database, or nothing of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from typing import Any

from peewee import DataError, chunked

from models.engines import Engine
from models.ledger.database import LedgerUnavailable, database, engine_for, migrate
from models.ledger.leases import Lease
from models.mail.outbox import OutgoingEmail
from models.mail.suppressions import Suppression
from models.rate_limits import Count
from models.reviewers.known_networks import KnownNetwork
from models.reviewers.notices import MutedReviewer
from models.reviewers.sessions import Session
from models.signups.history import Event
from models.signups.signup import Signup

ROWS_PER_SELECT = 1000
ROWS_PER_INSERT = 200
# In an order in which each row comes after the rows that it refers to.
TABLES: tuple[Any, ...] = (
    Signup,
    Event,
    OutgoingEmail,
    Session,
    Suppression,
    Count,
    MutedReviewer,
    Lease,
    KnownNetwork,
)


class TargetNotEmpty(Exception):
    """The target database holds a ledger with rows."""


def move(url: str) -> int:
    """Copy the ledger into the empty database at `url`; return the number of rows.

    The copy is compared row by row. The ledger stays as it is, and cannot be written meanwhile.

    Raises TargetNotEmpty, LedgerTooNew or LedgerUnavailable; then nothing was copied.
    """
    target = engine_for(url)
    try:
        with _explained("", target):
            migrate(target)
            return _copy_all(target)
    finally:
        target.close_idle()


def _copy_all(target: Engine) -> int:
    frozen = database.frozen_tables(*(table._meta.table_name for table in TABLES))
    with target.connection_context(), frozen, target.atomic():
        if any(table.select().exists(target) for table in TABLES):
            raise TargetNotEmpty
        for table in TABLES:
            with _explained(f"rows of {table._meta.table_name}: ", target):
                _copy(table, target)
        return sum(_compare(table, target) for table in TABLES)


@contextmanager
def _explained(prefix: str, target: Engine) -> Iterator[None]:
    """Replace an error of the target by one that tells an operator what to do."""
    try:
        yield
    except LedgerUnavailable as error:
        raise DataError(f"{prefix}{target.explain(error)}") from error


def _copy(table: Any, target: Engine) -> None:
    fields = table._meta.sorted_fields
    for rows in chunked(_rows_of(table, database), ROWS_PER_INSERT):
        with table.bind_ctx(target, bind_refs=False, bind_backrefs=False):
            table.insert_many(rows, fields).execute()
    target.reset_sequence(table._meta.table_name)


def _compare(table: Any, target: Engine) -> int:
    """Return how many rows are equal. Raises DataError at the first that differs."""
    number = 0
    for row, copy in zip_longest(_rows_of(table, database), _rows_of(table, target)):
        if row != copy:
            raise DataError(f"{table._meta.table_name} {(row or copy)[0]} is not the same there")
        number += 1
    return number


def _rows_of(table: Any, engine: Engine) -> Iterator[tuple[Any, ...]]:
    """Yield every row in the order of ids. Drivers would hold the answer to one query in memory."""
    last: Any = 0
    while last is not None:
        query = table.select().where(table.id > last).order_by(table.id).limit(ROWS_PER_SELECT)
        rows = list(query.tuples().execute(engine))
        yield from rows
        last = rows[-1][0] if rows else None

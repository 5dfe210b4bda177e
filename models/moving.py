"""Moving: a whole ledger goes to another engine, or none of it."""

from itertools import zip_longest
from typing import Any

from peewee import DataError, Model, chunked

from models import ledger
from models.engines import Engine
from models.history import Event
from models.ledger import database
from models.limits import Count
from models.notices import Muted
from models.outbox import Letter
from models.sessions import Session
from models.signups import Signup
from models.stops import Stop

# A row comes after those that it refers to.
TABLES: tuple[Any, ...] = (Signup, Event, Letter, Session, Stop, Count, Muted)


class NotEmpty(Exception):
    """Somebody keeps a ledger there already."""


def move(address: str) -> int:
    """Copy the ledger into the database at `address`, which has none yet, and compare row by row;
    returns how many there are. The ledger itself stays as it is.

    Raises NotEmpty, LedgerTooNew, LedgerUnavailable, after which nothing was copied.
    """
    target = ledger.at(address)
    ledger.migrate(target)
    with target.connection_context(), database.alone("moving"), target.atomic():
        if any(_rows_of(target, table) for table in TABLES):
            raise NotEmpty
        for table in TABLES:
            _copy(table, target)
        return sum(_compared(table, target) for table in TABLES)


def _rows_of(engine: Engine, table: type[Model]) -> int:
    with table.bind_ctx(engine, bind_refs=False, bind_backrefs=False):
        return table.select().count()


def _copy(table: Any, target: Engine) -> None:
    fields = table._meta.sorted_fields
    for rows in chunked(_read(table), 200):
        with table.bind_ctx(target, bind_refs=False, bind_backrefs=False):
            table.insert_many(rows, fields).execute()
    target.number_on(table._meta.table_name)


def _compared(table: Any, target: Engine) -> int:
    mine = list(_read(table))
    with table.bind_ctx(target, bind_refs=False, bind_backrefs=False):
        theirs = list(_read(table))
    for one, other in zip_longest(mine, theirs):
        if one != other:
            raise DataError(f"{table._meta.table_name} {(one or other)[0]} is not the same there")
    return len(mine)


def _read(table: Any) -> Any:
    return table.select().order_by(table.id).tuples()

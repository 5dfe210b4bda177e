"""Compare the ledger with all of Strapi's rows, without making an object of each."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from peewee import fn

from models.ledger.database import database
from models.signups.signup import Signup, State, watched
from models.strapi import StrapiClient
from models.strapi.row_states import RowState, states_between

# Rows are compared in ranges of ids, so that Strapi can write in between.
RANGE = 5_000
# States in which the row in Strapi may stay as it is.
STEADY = (State.WAITING, State.ACTIVE, State.DEACTIVATED, State.DECLINED)


def differing_signups(strapi: StrapiClient) -> Iterator[int]:
    """Yield the ids of watched signups whose row is not what the ledger says."""
    for first, last in _ranges_of_rows():
        signups = _watched_between(first, last)
        rows = strapi.read(partial(states_between, first=first, last=last))
        for number, strapi_id, state, expected in signups:
            found = rows.get(strapi_id)
            if state in STEADY:
                agrees = found is not None and found.agrees_with(expected)
            else:
                agrees = found is None
            if not agrees:
                yield number


Watched = tuple[int, int, str, RowState]
"""The id of a signup, the id of its row, its state, and what its row should be."""


def _ranges_of_rows() -> Iterator[tuple[int, int]]:
    """Yield the first and last id of each range of rows that has a watched signup."""
    lowest: Any = Signup.select(fn.MIN(Signup.strapi_id)).where(watched())
    first = lowest.scalar()
    while first is not None:
        last = first + RANGE - 1
        yield first, last
        first = lowest.where(Signup.strapi_id > last).scalar()


def _watched_between(first: int, last: int) -> list[Watched]:
    columns = (
        Signup.id,
        Signup.strapi_id,
        Signup.email,
        Signup.strapi_created_at,
        Signup.state,
    )
    query = Signup.select(*columns).where(watched(), Signup.strapi_id.between(first, last))
    # Raw rows: 10,000 model instances take 250 ms, 10,000 tuples take 30 ms.
    rows = database.execute(query).fetchall()
    as_datetime = Signup.strapi_created_at.python_value
    return [
        (number, row_id, state, _expected(email, as_datetime(created_at), state))
        for number, row_id, email, created_at, state in rows
    ]


def _expected(email: str, created_at: datetime | None, state: str) -> RowState:
    return RowState(email, created_at, state == State.ACTIVE, timedelta())

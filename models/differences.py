"""Differences: which signups Strapi's rows no longer agree with, found without making an object
of each."""

from collections.abc import Iterator
from typing import Any

from peewee import fn

from models.signups import Signup, State
from models.strapi import Standing, Strapi, standings

# Ids of Strapi's that are compared at a time; in between, its file is let go of.
SPAN = 10_000
# States in which a signup's row may stay as it is.
SETTLED = (State.WAITING, State.ACTIVE, State.DEACTIVATED, State.DECLINED)


def watched() -> Any:
    """The condition of signups that Strapi's panel can still change, whose row must still go, or
    whose row may come back with a backup."""
    past = Signup.state.not_in((State.ASKED, State.STOPPED))
    return past & Signup.strapi_id.is_null(False) & Signup.email.is_null(False)


def differing(strapi: Strapi) -> Iterator[Signup]:
    """The watched signups whose row in Strapi is not what the ledger says of it. Raises
    StrapiUnavailable."""
    last = 0
    while first := _first_after(last):
        last = first + SPAN - 1
        numbers = _differing_between(strapi, first, last)
        yield from Signup.select().where(Signup.id.in_(numbers))


def _first_after(strapi_id: int) -> int | None:
    later = watched(), Signup.strapi_id > strapi_id
    return Signup.select(fn.MIN(Signup.strapi_id)).where(*later).scalar()


def _differing_between(strapi: Strapi, first: int, last: int) -> list[int]:
    facts = Signup.id, Signup.strapi_id, Signup.email, Signup.born_at, Signup.state
    mine: Any = Signup.select(*facts).where(watched(), Signup.strapi_id.between(first, last))
    expected = list(mine.tuples())
    found = strapi.read(lambda people: standings(people, first, last))
    return [
        number
        for number, strapi_id, email, born_at, state in expected
        if not _agree(state, Standing(email, born_at, state == State.ACTIVE), found.get(strapi_id))
    ]


def _agree(state: str, expected: Standing, found: Standing | None) -> bool:
    return found == expected if state in SETTLED else found is None and state == State.REMOVED

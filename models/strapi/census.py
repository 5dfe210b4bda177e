"""Census: how all the administrators stand, in few words, for whoever follows many of them."""

from datetime import datetime
from typing import Any, NamedTuple

from peewee import Case, fn

from models.strapi.administrators import Administrators


class Standing(NamedTuple):
    """How an administrator stands: differs where the row was saved over, switched, or replaced."""

    email: str | None
    born_at: datetime | None
    active: bool


def census(people: Administrators) -> tuple[object, ...]:
    """Something that differs when an administrator was added, removed, switched on or off, or
    saved. It is one look at the table, where comparing everybody takes as many as there are."""
    admins: Any = people.shape.admins
    active = Case(None, [(admins.is_active == True, admins.id)])  # noqa: E712 (SQL)
    sums = fn.COUNT(admins.id), fn.SUM(admins.id), fn.SUM(active), fn.MAX(admins.updated_at)
    return tuple(admins.select(*sums).tuples().get())


def standings(people: Administrators, first: int, last: int) -> dict[int, Standing]:
    """How the administrators with an id from `first` to `last` stand, by their ids."""
    admins: Any = people.shape.admins
    facts = admins.id, fn.LOWER(admins.email), admins.created_at, admins.is_active
    rows = admins.select(*facts).where(admins.id.between(first, last)).tuples()
    return {row[0]: Standing(row[1], row[2], bool(row[3])) for row in rows}


def doubled(people: Administrators) -> set[str]:
    """The lower-case addresses that several administrators have: Strapi keeps no index on them,
    and takes no lock between looking and writing."""
    admins: Any = people.shape.admins
    address = fn.LOWER(admins.email)
    grouped = admins.select(address).where(admins.email.is_null(False)).group_by(address)
    found = [each for (each,) in grouped.having(fn.COUNT(admins.id) > 1).tuples()]
    # Where a collation takes different addresses for one, another's may stand for ours.
    return {row.address for row in people.named(*found)}

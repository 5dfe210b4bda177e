"""Census: how all the administrators stand, in few words, for whoever follows many of them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from peewee import Case, fn

from models.strapi.admin_users import AdminUsers

# So many ids are counted, or compared, at a time: in between, Strapi can write.
SPAN = 5_000


class Standing(NamedTuple):
    """How an administrator stands: differs where the row was saved over, switched, or replaced."""

    email: str | None
    strapi_created_at: datetime | None
    active: bool


Census = dict[int, tuple[object, ...]]
"""By the first id of a span of ids, something that differs when an administrator in it was added,
removed, switched on or off, or saved."""


def census(admin_users: AdminUsers) -> Census:
    """Count everybody. It is one look at the table, where comparing everybody takes as many as
    there are."""
    admins: Any = admin_users.shape.admins
    active = Case(None, [(admins.is_active == True, admins.id)])  # noqa: E712 (SQL)
    sums = fn.COUNT(admins.id), fn.SUM(admins.id), fn.SUM(active), fn.MAX(admins.updated_at)
    counted: Census = {}
    later = admins.select(fn.MIN(admins.id))
    found = later.scalar()
    while found is not None:
        first = span_of(found)
        [counted[first]] = admins.select(*sums).where(_within(admins, first)).tuples()
        found = later.where(admins.id >= first + SPAN).scalar()
    return counted


def standings(admin_users: AdminUsers, first: int) -> dict[int, Standing]:
    """How the administrators in the span from `first` on stand, by their ids."""
    admins: Any = admin_users.shape.admins
    facts = admins.id, fn.LOWER(admins.email), admins.created_at, admins.is_active
    query = admins.select(*facts).where(_within(admins, first))
    # Peewee would take longer over so many rows than all the rest does.
    rows = admins._meta.database.execute(query).fetchall()
    instant = admins.created_at.python_value
    return {row[0]: Standing(row[1], instant(row[2]), bool(row[3])) for row in rows}


def sharing(admin_users: AdminUsers, strangers: Mapping[int, str]) -> set[str]:
    """The addresses of other administrators that Strapi takes for the same as those of strangers,
    who are given by their ids. It is one look at the table, where `doubled` has to sort it."""
    return {
        row.address for row in admin_users.by_email(*strangers.values()) if row.id not in strangers
    }


def duplicated(admin_users: AdminUsers) -> set[str]:
    """The lower-case addresses that several administrators have: Strapi keeps no index on them,
    and takes no lock between looking and writing."""
    admins: Any = admin_users.shape.admins
    address = fn.LOWER(admins.email)
    grouped = admins.select(address).where(admins.email.is_null(False)).group_by(address)
    found = [each for (each,) in grouped.having(fn.COUNT(admins.id) > 1).tuples()]
    # Where a collation takes different addresses for one, another's may stand for ours.
    return {row.address for row in admin_users.by_email(*found)}


def span_of(number: int) -> int:
    """The first id of the span that the id is in."""
    return number - number % SPAN


def _within(admins: Any, first: int) -> Any:
    return admins.id.between(first, first + SPAN - 1)

"""Read what the ledger is compared with from all admin users at once."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from peewee import Case, fn

from models.emails import comparable
from models.strapi.admin_users import AdminUsers
from models.strapi.models import same_time
from models.timestamps import now

# A time that is this far from now may be that of another change in the same second.
CLOCK_TICK = timedelta(seconds=2)


class RowState(NamedTuple):
    """The columns of an admin user that the ledger is compared with."""

    # Comparable; empty where Strapi has none.
    email: str
    created_at: datetime | None
    is_active: bool
    time_precision: timedelta

    def agrees_with(self, expected: "RowState") -> bool:
        """Return whether the row is what the ledger expects, as precisely as the row can tell."""
        same = self.email in ("", expected.email) and self.is_active == expected.is_active
        return same and same_time(self.created_at, expected.created_at, self.time_precision)


def states_between(users: AdminUsers, first: int, last: int) -> dict[int, RowState]:
    """Return the compared columns of the admin users with these ids, by id."""
    table: Any = users.schema.admin_users
    columns = table.id, table.email, table.created_at, table.is_active
    query = table.select(*columns).where(table.id.between(first, last))
    # Raw rows: 10,000 model instances take 250 ms, 10,000 tuples take 30 ms.
    rows = table._meta.database.execute(query).fetchall()
    as_datetime, precision = table.created_at.python_value, table.time_precision
    return {
        number: RowState(comparable(email), as_datetime(created_at), bool(active), precision)
        for number, email, created_at, active in rows
    }


def duplicated_emails(users: AdminUsers) -> set[str]:
    """Return the comparable emails that several admin users have.

    Strapi has no unique index on emails, takes no lock between its check and its insert, and
    compares domains as they were typed.
    """
    table: Any = users.schema.admin_users
    has_email = table.email.is_null(False) & (table.email != "")
    rows = table._meta.database.execute(table.select(table.email).where(has_email)).fetchall()
    counted = Counter(comparable(email) for (email,) in rows)
    email = fn.LOWER(table.email)
    grouped = table.select(email).where(has_email).group_by(email)
    found = [each for (each,) in grouped.having(fn.COUNT(table.id) > 1).tuples()]
    # A collation may take different emails for the same: return them all.
    same_by_collation = {row.comparable_email for row in users.by_email(*found)}
    return {each for each, number in counted.items() if number > 1} | same_by_collation


@dataclass(frozen=True)
class Totals:
    """Numbers that change when an admin user is added, deleted, switched or saved."""

    numbers: tuple[object, ...]
    newest: datetime | None

    @property
    def stable(self) -> "Totals | None":
        """The same totals, or None when a row may be saved again without changing them.

        Some columns keep whole seconds, rounded up or down.
        """
        return None if self.newest and abs(now() - self.newest) < CLOCK_TICK else self


def totals(users: AdminUsers) -> Totals:
    """Return the totals of all admin users."""
    table: Any = users.schema.admin_users
    active = Case(None, [(table.is_active == True, table.id)])  # noqa: E712 (SQL)
    sums = fn.COUNT(table.id), fn.SUM(table.id), fn.SUM(active)
    [found] = table.select(*sums, fn.MAX(table.updated_at)).tuples()
    return Totals(tuple(found[:-1]), found[-1])

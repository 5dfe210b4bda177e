"""Find rows of Strapi's admin_users by id, by email, and by what this service wrote into them."""

from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Any

from peewee import chunked, fn

from models.strapi.encodings import storable
from models.strapi.models import AdminUser, Identity
from models.strapi.roles import SUPER_ADMIN, users_with_role
from models.strapi.schema import Schema


def by_email(schema: Schema, *emails: str) -> list[AdminUser]:
    """Return the admin users with these comparable emails, in the order of their ids.

    Also those whose email Strapi takes for the same, by the collation of its database.
    """
    rows: list[AdminUser] = []
    for some in chunked(storable(schema, emails), 100):
        rows.extend(_having_emails(schema.admin_users, some))
    return sorted(rows, key=lambda row: row.id)


def by_id(schema: Schema, ids: Iterable[int]) -> dict[int, AdminUser]:
    """Return the admin users with these ids, by id."""
    table = schema.admin_users
    rows: list[AdminUser] = []
    for some in chunked(ids, 500):
        rows.extend(table.select().where(table.id.in_(some)))
    return {row.id: row for row in rows}


def by_identity(schema: Schema, identities: Iterable[Identity]) -> list[AdminUser | None]:
    """Return the row of each identity, or None where it does not exist."""
    wanted = list(identities)
    rows = list(by_id(schema, (each.id for each in wanted if each.id is not None)).values())
    rows += _with_unknown_id(schema, [each for each in wanted if each.id is None])
    return [next((row for row in rows if row.belongs_to(each)), None) for each in wanted]


def super_admins(schema: Schema) -> list[AdminUser]:
    """Return the active super admins that are not blocked."""
    table = schema.admin_users
    query = (
        table.select()
        .where(table.id.in_(users_with_role(schema, SUPER_ADMIN)))
        .where(table.is_active == True)  # noqa: E712 (SQL)
        .where(table.blocked.is_null() | (table.blocked == False))  # noqa: E712
    )
    return list(query.order_by(table.id))


def _having_emails(table: Any, emails: list[str]) -> list[AdminUser]:
    email = fn.LOWER(table.email)
    same = email.in_(emails)
    # SQL knows no IDNA. So it finds who has the same local part, and Python compares.
    parts = {each.rpartition("@")[0] for each in emails}
    alike = reduce(or_, (email.startswith(f"{part}@") for part in parts), same)
    found = table.select(table, same.alias("same")).where(alike)
    return [row for row in found if row.same or row.comparable_email in emails]


def _with_unknown_id(schema: Schema, identities: list[Identity]) -> list[AdminUser]:
    """Return the rows that may be those of confirmations that were cut off."""
    table: Any = schema.admin_users
    if table.document_id is None:
        return by_email(schema, *(each.email for each in identities))
    found: list[AdminUser] = []
    for some in chunked((each.document_id for each in identities), 500):
        found.extend(table.select().where(table.document_id.in_(some)))
    return found

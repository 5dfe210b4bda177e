"""Roles, as Strapi links its administrators to them."""

from typing import Any

from peewee import fn

from models.strapi.models import AdminUser
from models.strapi.schema import Schema

# So many of those who were given a role last are looked through for the last of one.
NEWEST = 100


def given(shape: Schema, code: str) -> Any:
    """The ids of who has the role of this code, as a part of a query: written as a join, SQLite
    would begin with every administrator there is."""
    roles, links = shape.roles, shape.links
    joined = links.select(links.user_id).join(roles, on=(roles.id == links.role_id))
    return joined.where(roles.code == code)


def role_ids_of(shape: Schema, row: AdminUser) -> set[int | None]:
    """The ids of the roles that the administrator has."""
    links = shape.links
    return {link.role_id for link in links.select(links.role_id).where(links.user_id == row.id)}


def give(shape: Schema, row: AdminUser, role: int, place: float) -> None:
    """Give the administrator this role alone, at this place among the others who have it."""
    orders = {shape.role_order: 1, shape.user_order: place}
    known = {name: order for name, order in orders.items() if name}
    shape.links.insert(user_id=row.id, role_id=role, **known).execute()


def remove_roles(shape: Schema, row: AdminUser) -> None:
    """Take every role from the administrator."""
    links = shape.links
    links.delete().where(links.user_id == row.id).execute()


def last_user_order(shape: Schema, role: int) -> float:
    """The place of the last who has the role, most often one of the last of all roles, whom an
    index of Strapi's finds at once."""
    if shape.user_order is None:
        return 0
    links, place = shape.links, getattr(shape.links, shape.user_order)
    newest: Any = links.select(links.role_id, place).where(place.is_null(False))
    for found, last in newest.order_by(place.desc()).limit(NEWEST).tuples():
        if found == role:
            return float(last)
    return links.select(fn.MAX(place)).where(links.role_id == role).scalar() or 0

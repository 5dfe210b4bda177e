"""Read and write the links between Strapi's admin users and their roles."""

from typing import Any

from peewee import fn

from models.strapi.models import AdminUser
from models.strapi.schema import Schema

SUPER_ADMIN = "strapi-super-admin"


def users_with_role(schema: Schema, code: str) -> Any:
    """A subquery of the ids of the admin users who have the role with this code."""
    roles, links = schema.roles, schema.role_links
    joined = links.select(links.user_id).join(roles, on=(roles.id == links.role_id))
    return joined.where(roles.code == code)


def advice_about_role(schema: Schema, code: str) -> str:
    """Return which roles Strapi has, and which of them is probably meant by a code it has not.

    A role that was made in Strapi's panel has a code of its own, which the panel does not show.
    """
    roles = schema.roles
    known = roles.select().where((roles.code != SUPER_ADMIN) & (roles.code != ""))
    found = sorted((str(role.name), str(role.code)) for role in known)
    if not found:
        return "make a role for authors in Strapi's panel, and run flask check again"
    listed = ", ".join(f"{each} ({name})" for name, each in found)
    by_name = {name.lower(): each for name, each in found}
    meant = next(filter(None, map(by_name.get, (code.lower(), "author", "authors"))), "")
    otherwise = "the code of the one for authors, or make one in its panel"
    return f"it has {listed}: set SIGNUP_AUTHOR_ROLE{f'={meant}' if meant else f' to {otherwise}'}"


def role_ids_of(schema: Schema, user: AdminUser) -> set[int | None]:
    """Return the ids of the admin user's roles."""
    links = schema.role_links
    return {link.role_id for link in links.select(links.role_id).where(links.user_id == user.id)}


def add_role(schema: Schema, user: AdminUser, role_id: int, user_order: float) -> None:
    """Link the admin user to this role, as the only role of the user."""
    orders = {schema.role_order: 1, schema.user_order: user_order}
    present = {name: order for name, order in orders.items() if name}
    schema.role_links.insert(user_id=user.id, role_id=role_id, **present).execute()


def remove_roles(schema: Schema, user: AdminUser) -> None:
    """Delete all role links of the admin user."""
    links = schema.role_links
    links.delete().where(links.user_id == user.id).execute()


def last_user_order(schema: Schema, role_id: int) -> float:
    """Return the highest order of a user in this role, or 0."""
    if schema.user_order is None:
        return 0
    links, order = schema.role_links, getattr(schema.role_links, schema.user_order)
    return links.select(fn.MAX(order)).where(links.role_id == role_id).scalar() or 0

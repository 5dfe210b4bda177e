"""Which tables and columns an open Strapi database has: read from it, never from a version."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from peewee import Field, FloatField, Model, TextField

from models.engines import Columns, Engine
from models.strapi.models import AdminUser, Link, Role

M = TypeVar("M", bound=Model)

# Strapi 5 and Strapi 4; a file that was upgraded may still hold the older one, unused.
LINK_TABLES = ("admin_users_roles_lnk", "admin_users_roles_links")
# The place of a role among a person's, and of a person among a role's; the older names are
# Strapi 4's, since 4.5.
ROLE_ORDERS = ("role_ord", "role_order")
USER_ORDERS = ("user_ord", "user_order")
# Columns that some versions have and every row of theirs fills, but for its instants.
OPTIONAL: dict[type[Model], dict[str, Callable[..., Field]]] = {
    AdminUser: dict.fromkeys(("document_id", "prefered_language"), TextField),
    Link: dict.fromkeys((*ROLE_ORDERS, *USER_ORDERS), FloatField),
    Role: {},
}
# Columns of instants, which engines keep in their own ways; the last is Strapi 5's.
INSTANTS: dict[type[Model], tuple[str, ...]] = {
    AdminUser: ("created_at", "updated_at", "published_at")
}


class StrapiUnavailable(Exception):
    """Strapi's database cannot be used at this moment; the message says why and what to do."""


class StrapiBusy(StrapiUnavailable):
    """Somebody else has been writing for longer than we care to wait."""


class UnknownSchema(StrapiUnavailable):
    """The file is not Strapi's, or of a shape that this service does not know."""


@dataclass(frozen=True)
class Schema:
    """The tables of one open database, as models with the columns that it has."""

    admins: type[AdminUser]
    roles: type[Role]
    links: type[Link]
    role_order: str | None
    user_order: str | None

    @classmethod
    def of(cls, database: Engine) -> "Schema":
        """Describe the open `database`. Raises UnknownShape with the exact difference."""
        tables = database.columns_of("admin_users", "admin_roles", *LINK_TABLES)
        link = next((name for name in LINK_TABLES if name in tables), LINK_TABLES[0])
        if missing := {"admin_users", "admin_roles", link} - set(tables):
            raise UnknownSchema(_not_there(database, *sorted(missing)))
        links = _model(database, Link, link, tables[link])
        return cls(
            _model(database, AdminUser, "admin_users", tables["admin_users"]),
            _model(database, Role, "admin_roles", tables["admin_roles"]),
            links,
            next((name for name in ROLE_ORDERS if hasattr(links, name)), None),
            next((name for name in USER_ORDERS if hasattr(links, name)), None),
        )


def _not_there(database: Engine, *tables: str) -> str:
    homes = "; there is one in ".join(["", *database.locations_of(tables[0])])
    return f"Strapi's database has no table {', '.join(tables)}{database.VISIBILITY_HINT}{homes}"


@lru_cache(maxsize=16)
def _model(database: Engine, base: type[M], table: str, columns: Columns) -> type[M]:
    """`base` as a model of this database's own, which threads may use beside others. A table has
    the same columns for months, and making a class takes as long as a query."""
    needed = {field.column_name for field in base._meta.sorted_fields}
    optional = {**OPTIONAL[base], **dict.fromkeys(INSTANTS.get(base, ()), database.timestamp_field)}
    there = {name for name, _ in columns}
    if missing := needed - there:
        names = ", ".join(sorted(missing))
        raise UnknownSchema(
            f"Strapi's table {table} has no column {names}{database.VISIBILITY_HINT}"
        )
    for name, must_be_filled in columns:
        if must_be_filled and name not in needed | set(optional):
            raise UnknownSchema(
                f"Strapi's table {table} has a column {name} that must be filled"
                " and that this service does not know"
            )
    extra = {name: kind(null=True) for name, kind in optional.items() if name in there}
    meta = type("Meta", (), {"database": database, "table_name": table})
    return type(base.__name__, (base,), {**extra, "Meta": meta, "__module__": __name__})

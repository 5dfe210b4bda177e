"""Find out which tables and columns an open Strapi database has, whatever version made it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from peewee import Field, FloatField, Model, TextField

from models.engines import Column, Columns, Engine
from models.strapi.errors import UnknownSchema
from models.strapi.link_tables import STRAPI_4, STRAPI_5, link_tables_in_use
from models.strapi.models import AdminUser, Role, RoleLink, time_precision

M = TypeVar("M", bound=Model)

# The position of a role among a user's roles, and of a user among a role's users. Strapi 4 has
# had the second name of each since 4.5.
ROLE_ORDERS = ("role_ord", "role_order")
USER_ORDERS = ("user_ord", "user_order")
# Columns that only some versions have.
OPTIONAL: dict[type[Model], dict[str, Callable[..., Field]]] = {
    AdminUser: dict.fromkeys(("document_id", "prefered_language"), TextField),
    RoleLink: dict.fromkeys((*ROLE_ORDERS, *USER_ORDERS), FloatField),
    Role: {},
}
# Columns of times, which each engine stores in its own way. Only Strapi 5 has the last one.
TIMESTAMPS: dict[type[Model], tuple[str, ...]] = {
    AdminUser: ("created_at", "updated_at", "published_at")
}


@dataclass(frozen=True)
class Schema:
    """The tables of one open database, as models with the columns that it has."""

    admin_users: type[AdminUser]
    roles: type[Role]
    role_links: type[RoleLink]
    role_order: str | None
    user_order: str | None
    # The table that links permissions to roles.
    permission_links: str
    # The columns of admin_users, by name.
    columns: dict[str, Column]

    @classmethod
    def of(cls, database: Engine) -> "Schema":
        """Describe the open `database`.

        Raises: UnknownSchema, naming the table or column that is missing or not known.
        """
        names = (STRAPI_5.users_roles, STRAPI_4.users_roles)
        tables = database.columns_of("admin_users", "admin_roles", *names)
        columns = {column.name: column for column in tables.get("admin_users", ())}
        links = link_tables_in_use(database, set(tables), "document_id" in columns)
        link_table = links.users_roles
        if missing := {"admin_users", "admin_roles", link_table} - set(tables):
            raise UnknownSchema(_missing_tables(database, *sorted(missing)))
        role_links = _model(database, RoleLink, link_table, tables[link_table])
        return cls(
            _model(database, AdminUser, "admin_users", tables["admin_users"]),
            _model(database, Role, "admin_roles", tables["admin_roles"]),
            role_links,
            next((name for name in ROLE_ORDERS if hasattr(role_links, name)), None),
            next((name for name in USER_ORDERS if hasattr(role_links, name)), None),
            links.permissions_role,
            columns,
        )


def _missing_tables(database: Engine, *tables: str) -> str:
    elsewhere = "; there is one in ".join(["", *database.locations_of(tables[0])])
    return (
        f"Strapi's database has no table {', '.join(tables)}{database.VISIBILITY_HINT}{elsewhere}"
    )


# Making a model class takes as long as a query, and tables keep their columns for months.
@lru_cache(maxsize=16)
def _model(database: Engine, base: type[M], table: str, columns: Columns) -> type[M]:
    """Return a subclass of `base` that is bound to `database` and has these columns."""
    needed = {field.column_name for field in base._meta.sorted_fields}
    timestamps = dict.fromkeys(TIMESTAMPS.get(base, ()), database.timestamp_field)
    optional = {**OPTIONAL[base], **timestamps}
    present = {column.name for column in columns}
    if missing := needed - present:
        names = ", ".join(sorted(missing))
        raise UnknownSchema(
            f"Strapi's table {table} has no column {names}{database.VISIBILITY_HINT}"
        )
    for name, must_be_filled, *_ in columns:
        # A table that has lost the counter of its key can still be read and changed.
        if must_be_filled and name not in needed | set(optional) | {"id"}:
            raise UnknownSchema(
                f"Strapi's table {table} has a column {name} that must be filled"
                " and that this service does not know"
            )
    extra = {name: field(null=True) for name, field in optional.items() if name in present}
    meta = type("Meta", (), {"database": database, "table_name": table})
    described = {**extra, "Meta": meta, "__module__": __name__}
    digits = {column.name: column.second_digits for column in columns}.get("created_at")
    return type(base.__name__, (base,), {**described, "time_precision": time_precision(digits)})

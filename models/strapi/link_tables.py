"""Find the link tables that the running Strapi uses, when a database has those of two versions."""

from typing import NamedTuple

from peewee import Table

from models.engines import Engine, Unavailable
from models.strapi.errors import UnknownSchema


class LinkTables(NamedTuple):
    """The tables that link admin users to roles, and permissions to roles."""

    users_roles: str
    permissions_role: str


STRAPI_5 = LinkTables("admin_users_roles_lnk", "admin_permissions_role_lnk")
STRAPI_4 = LinkTables("admin_users_roles_links", "admin_permissions_role_links")


def link_tables_in_use(database: Engine, present: set[str], has_document_ids: bool) -> LinkTables:
    """Return the link tables of the Strapi that uses the database.

    `present` are the tables that exist, `has_document_ids` says whether admin_users has that
    column. An upgrade to Strapi 5 renames the tables of Strapi 4. One that broke off, or that was
    undone, can leave both (seen with Strapi 4.26.2 and `forceMigration: false`).

    Raises: UnknownSchema when both tables exist and nothing tells which one is in use.
    """
    if STRAPI_4.users_roles not in present:
        return STRAPI_5
    if STRAPI_5.users_roles not in present or not has_document_ids:
        return STRAPI_4
    if found := _tables_of_stored_schema(database) or _tables_of_newest_user(database):
        return found
    raise UnknownSchema(
        f"Strapi's database has two tables of roles, {STRAPI_4.users_roles} and"
        f" {STRAPI_5.users_roles}, and nothing tells which one Strapi uses: an upgrade between"
        " Strapi 4 and 5 broke off; finish it, then drop the table that is left over"
    )


def _tables_of_stored_schema(database: Engine) -> LinkTables | None:
    """Return the tables in the newest schema that Strapi stored, or None without one.

    Strapi stores its schema when it starts with another one than before (`schema/index.ts` and
    `schema/storage.ts` of @strapi/database).
    """
    stored = Table("strapi_database_schema")
    query = stored.select(stored.c.schema).order_by(stored.c.id.desc()).limit(1)
    try:
        with database.atomic():
            newest = str([*query.tuples().execute(database)])
    except Unavailable as error:
        if database.is_temporary(error):
            raise
        return None
    return next((each for each in (STRAPI_5, STRAPI_4) if each.users_roles in newest), None)


def _tables_of_newest_user(database: Engine) -> LinkTables | None:
    """Return the tables that the newest admin user belongs to, or None when that is unclear.

    Only the running Strapi gives a new user a role. Strapi 5 gives each user a document id.
    """
    users = Table("admin_users")
    query = users.select(users.c.id, users.c.document_id).order_by(users.c.id.desc()).limit(1)
    newest = list(query.tuples().execute(database))
    if not newest:
        return None
    [(user_id, document_id)] = newest
    in_4, in_5 = _links(database, STRAPI_4), _links(database, STRAPI_5)
    has_role_in_4 = any(user == user_id for user, _ in in_4)
    has_role_in_5 = any(user == user_id for user, _ in in_5)
    if has_role_in_4 and not (has_role_in_5 and document_id):
        return STRAPI_4
    if has_role_in_5 and document_id and (in_4 == in_5 or not has_role_in_4):
        return STRAPI_5
    return None


def _links(database: Engine, tables: LinkTables) -> set[tuple[int, int]]:
    links = Table(tables.users_roles)
    return set(links.select(links.c.user_id, links.c.role_id).tuples().execute(database))

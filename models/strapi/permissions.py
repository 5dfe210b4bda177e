"""What a role may do, read from Strapi's admin_permissions, and what of it an author should
not (packages/core/admin/server/src/config/admin-actions)."""

from collections import defaultdict
from dataclasses import dataclass, field

from peewee import Table

from models.engines import Engine
from models.strapi.schema import StrapiUnavailable

# Strapi 5 and Strapi 4.
LINK_TABLES = ("admin_permissions_role_lnk", "admin_permissions_role_links")
CONTENT = "plugin::content-manager.explorer."
MEDIA = "plugin::upload."
# What Strapi lets authors do out of the box, beside writing.
HARMLESS = (
    "plugin::content-manager.",
    "plugin::upload.assets.",
    "plugin::upload.read",
    "plugin::upload.configure-view",
)


@dataclass
class RolePermissions:
    """What a role may do: verbs by kind of content, and those that end with what the person
    made; verbs in the media library; and actions that are more than an author needs."""

    content: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    own: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    media: list[str] = field(default_factory=list)
    risky: list[str] = field(default_factory=list)

    def add(self, action: str, subject: str, conditions: str) -> None:
        """Take in one permission, as Strapi writes it down."""
        if not action.startswith(HARMLESS) or subject.startswith(("admin::", "plugin::")):
            self.risky.append(f"{action} {subject}".strip())
        elif action.startswith(CONTENT):
            mine = "admin::is-creator" in (conditions or "[]")
            where = self.own if mine else self.content
            where[subject.rpartition(".")[2]].append(action.removeprefix(CONTENT))
        elif action.startswith(MEDIA):
            self.media.append(action.removeprefix(MEDIA).removeprefix("assets."))


def role_permissions(database: Engine, role: str) -> RolePermissions:
    """What the role with this code may do in the open `database`; nothing where its tables
    are of a shape that is not known. Raises StrapiUnavailable."""
    allowed = RolePermissions()
    tables = set(database.get_tables())
    link = next((name for name in LINK_TABLES if name in tables), None)
    if link is None or "admin_permissions" not in tables:
        if database.VISIBILITY_HINT:
            names = "admin_permissions, admin_permissions_role_lnk"
            raise StrapiUnavailable(
                f"Strapi's database has no table {names}{database.VISIBILITY_HINT}"
            )
        return allowed
    permissions = Table("admin_permissions")
    links = Table(link).alias("links")
    roles = Table("admin_roles").alias("roles")
    query = (
        permissions.select(permissions.c.action, permissions.c.subject, permissions.c.conditions)
        .join(links, on=(links.c.permission_id == permissions.c.id))
        .join(roles, on=(roles.c.id == links.c.role_id))
        .where(roles.c.code == role)
        .order_by(permissions.c.id)
    )
    for action, subject, conditions in query.tuples().execute(database):
        allowed.add(action or "", subject or "", conditions)
    return allowed

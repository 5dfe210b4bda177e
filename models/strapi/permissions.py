"""Read what a role may do from Strapi's admin_permissions, and find what an author should not do.

The names of actions are in Strapi's packages/core/admin/server/src/config/admin-actions.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field

from peewee import Table

from models.engines import Engine
from models.strapi.errors import StrapiUnavailable

CONTENT = "plugin::content-manager.explorer."
MEDIA = "plugin::upload."
# What a new Strapi lets authors do besides writing.
HARMLESS = (
    "plugin::content-manager.",
    "plugin::upload.assets.",
    "plugin::upload.read",
    "plugin::upload.configure-view",
)
# Plugins add actions of their own, such as plugin::navigation.read. Those that only read are no
# danger, except where they show accounts and the secrets of other login providers.
READ_ONLY, SHOWS_SECRETS = ".read", "plugin::users-permissions."


@dataclass
class RolePermissions:
    """What a role may do.

    `content` and `own` map a content type to actions such as `create`; `own` ones are allowed only
    on entries that the person created. `media` lists actions in the media library. `risky` lists
    actions that may give an author power over accounts or settings, except the `accepted` ones.
    """

    content: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    own: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    media: list[str] = field(default_factory=list)
    risky: list[str] = field(default_factory=list)
    accepted: Collection[str] = ()
    # Whether Strapi's tables of permissions were found.
    known: bool = False

    @property
    def include_writing(self) -> bool:
        """Whether an author can create or change some kind of content."""
        kinds = [*self.content.values(), *self.own.values()]
        return any("create" in actions or "update" in actions for actions in kinds)

    def add(self, action: str, subject: str, conditions: str) -> None:
        """Add one permission in Strapi's notation."""
        if _is_risky(action, subject):
            if (named := f"{action} {subject}".strip()) not in self.accepted:
                self.risky.append(named)
        elif action.startswith(CONTENT):
            mine = "admin::is-creator" in (conditions or "[]")
            where = self.own if mine else self.content
            where[subject.rpartition(".")[2]].append(action.removeprefix(CONTENT))
        elif action.startswith(MEDIA):
            self.media.append(action.removeprefix(MEDIA).removeprefix("assets."))


def role_permissions(
    database: Engine, role: str, link_table: str, accepted: Collection[str] = ()
) -> RolePermissions:
    """Return what the role with this code may do, or nothing when the tables are unknown.

    Raises: StrapiUnavailable when the database user may not read the tables.
    """
    allowed = RolePermissions(accepted=accepted)
    needed = "admin_permissions", link_table
    if len(database.columns_of(*needed)) < len(needed):
        if database.VISIBILITY_HINT:
            raise StrapiUnavailable(
                f"Strapi's database has no table {', '.join(needed)}{database.VISIBILITY_HINT}"
            )
        return allowed
    permissions = Table("admin_permissions")
    links = Table(link_table).alias("links")
    roles = Table("admin_roles").alias("roles")
    query = (
        permissions.select(permissions.c.action, permissions.c.subject, permissions.c.conditions)
        .join(links, on=(links.c.permission_id == permissions.c.id))
        .join(roles, on=(roles.c.id == links.c.role_id))
        .where(roles.c.code == role)
        .order_by(permissions.c.id)
    )
    allowed.known = True
    for action, subject, conditions in query.tuples().execute(database):
        allowed.add(action or "", subject or "", conditions)
    return allowed


def _is_risky(action: str, subject: str) -> bool:
    if subject.startswith(("admin::", "plugin::")):
        return True
    only_reads = action.startswith("plugin::") and action.endswith(READ_ONLY)
    if only_reads and not action.startswith(SHOWS_SECRETS):
        return False
    return not action.startswith(HARMLESS)

"""Find, create, activate and delete rows of Strapi's admin_users in one open database."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from models.engines import Engine
from models.strapi import lookups
from models.strapi.errors import (
    EmailTaken,
    NoAdminUserYet,
    RoleUnusable,
    RowActive,
    RowChanged,
    RowGone,
)
from models.strapi.models import AdminUser, Author, Identity
from models.strapi.permissions import RolePermissions, role_permissions
from models.strapi.roles import (
    SUPER_ADMIN,
    add_role,
    advice_about_role,
    last_user_order,
    remove_roles,
    role_ids_of,
)
from models.strapi.schema import Schema
from models.timestamps import now

# Strapi stores no language for the one that its panel has by default.
DEFAULT_LANGUAGE = "en"


@dataclass(frozen=True)
class Prepared:
    """What a write needs to know, read before the lock is taken so that the lock stays short."""

    author_role_ids: list[int]
    any_admin_user: bool
    same_email: list[AdminUser]
    last_user_order: float


class AdminUsers:
    """The admin users of one open database."""

    def __init__(self, database: Engine, author_role: str) -> None:
        """Read the schema of the open `database`. `author_role` is the code of the authors' role.

        Raises: UnknownSchema.
        """
        self.schema = Schema.of(database)
        self.author_role = author_role
        self._database = database
        self._prepared: Prepared | None = None

    def prepare(self, email: str) -> None:
        """Read what a write about `email` needs to know. Call it before each write."""
        role_ids = self._author_role_ids()
        self._prepared = Prepared(
            author_role_ids=role_ids,
            any_admin_user=self.any_exist(),
            same_email=self.by_email(email),
            last_user_order=last_user_order(self.schema, role_ids[0]) if role_ids else 0,
        )

    def create_author(self, author: Author, replaces: Identity | None = None) -> AdminUser:
        """Create the author's inactive row and return it.

        A row that an earlier attempt left under the same identity gets these names and this
        password instead. The row `replaces` is deleted first.

        Raises: NoAdminUserYet, RoleUnusable, EmailTaken.
        """
        role_id = self._only_role(self._facts.author_role_ids)
        if not self._facts.any_admin_user:
            raise NoAdminUserYet("Strapi has no admin user yet: register its first super admin")
        for row in self._facts.same_email:
            if row.belongs_to(author.identity) and not row.is_active:
                self._update(row, **self._personal_values(author))
                return row
            if replaces is None or not row.belongs_to(replaces):
                raise EmailTaken
            try:
                self.remove(replaces)
            except RowChanged as error:
                raise EmailTaken from error
        return self._insert(author, role_id)

    def set_active(self, identity: Identity, active: bool, at: datetime) -> AdminUser:
        """Activate or deactivate the author's row, and return it. Raises: RowGone, RowChanged."""
        row = self.get_ours(identity)
        if bool(row.is_active) != active:
            self._refuse_changed(row)
            self._update(row, is_active=active, updated_at=at)
        return row

    def remove(self, identity: Identity) -> None:
        """Delete the author's inactive row and its role. Raises: RowGone, RowChanged."""
        row = self.get_ours(identity)
        if row.is_active:
            raise RowActive("The account is active")
        self._refuse_changed(row)
        remove_roles(self.schema, row)
        row.delete_instance()

    def dry_run(self, author: Author) -> None:
        """Do everything that is ever done with an author's row. Raises what prevents it."""
        email = author.identity.email
        row = self.create_author(author)
        self.prepare(email)
        self.create_author(author)
        identity = replace(author.identity, id=row.id)
        for active in (True, False):
            self.set_active(identity, active, now())
        self.remove(identity)

    def any_exist(self) -> bool:
        """Return whether Strapi has an admin user."""
        return self.schema.admin_users.select().exists()

    def get_ours(self, identity: Identity) -> AdminUser:
        """Return the row that this service made for `identity`. Raises: RowGone."""
        [row] = self.find_all([identity])
        if row is None:
            raise RowGone
        return row

    def find_all(self, identities: Iterable[Identity]) -> list[AdminUser | None]:
        """Return the row of each identity, or None where it does not exist."""
        return lookups.by_identity(self.schema, identities)

    def by_email(self, *emails: str) -> list[AdminUser]:
        """Return the admin users with these comparable emails, in the order of their ids."""
        return lookups.by_email(self.schema, *emails)

    def by_id(self, ids: Iterable[int]) -> dict[int, AdminUser]:
        """Return the admin users with these ids, by id."""
        return lookups.by_id(self.schema, ids)

    def super_admins(self) -> list[AdminUser]:
        """Return the active super admins that are not blocked."""
        return lookups.super_admins(self.schema)

    def permissions(self, accepted: Collection[str] = ()) -> RolePermissions:
        """Return what the authors' role may do. `accepted` lists actions that are no risk here."""
        links = self.schema.permission_links
        return role_permissions(self._database, self.author_role, links, accepted)

    def role_id(self) -> int:
        """Return the id of the authors' role. Raises: RoleUnusable."""
        return self._only_role(self._author_role_ids())

    @property
    def _facts(self) -> Prepared:
        if self._prepared is None:
            raise RuntimeError("call prepare() before a write")
        return self._prepared

    def _author_role_ids(self) -> list[int]:
        roles = self.schema.roles
        return [role.id for role in roles.select().where(roles.code == self.author_role)]

    def _only_role(self, role_ids: list[int]) -> int:
        if self.author_role == SUPER_ADMIN:
            raise RoleUnusable("authors cannot be given the super admins' role")
        if not role_ids:
            advice = advice_about_role(self.schema, self.author_role)
            raise RoleUnusable(f"Strapi has no role with the code {self.author_role!r}; {advice}")
        if len(role_ids) > 1:
            raise RoleUnusable(
                f"Strapi has {len(role_ids)} roles with the code {self.author_role!r}: delete one"
            )
        return role_ids[0]

    def _insert(self, author: Author, role_id: int) -> AdminUser:
        created_at = author.identity.created_at
        strapi_5 = {"document_id": author.identity.document_id, "published_at": created_at}
        row = self.schema.admin_users.create(
            **self._personal_values(author),
            **self._existing_columns(strapi_5),
            email=author.identity.email,
            is_active=False,
            blocked=False,
            created_at=created_at,
            updated_at=created_at,
        )
        add_role(self.schema, row, role_id, self._facts.last_user_order + 1)
        return row

    def _personal_values(self, author: Author) -> dict[str, object]:
        language = author.language if author.language != DEFAULT_LANGUAGE else None
        return {
            "firstname": author.firstname,
            "lastname": author.lastname,
            "password": author.password_hash,
            **self._existing_columns({"prefered_language": language}),
        }

    def _existing_columns(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return those of the values that this version of Strapi has a column for."""
        fields = self.schema.admin_users._meta.fields
        return {name: value for name, value in values.items() if name in fields}

    def _update(self, row: AdminUser, **values: object) -> None:
        admin_users = self.schema.admin_users
        admin_users.update(**values).where(admin_users.id == row.id).execute()

    def _refuse_changed(self, row: AdminUser) -> None:
        if role_ids_of(self.schema, row) != {self._only_role(self._facts.author_role_ids)}:
            raise RowChanged(
                "The account was given other roles in Strapi: decide in Strapi's panel"
            )
        same_email = self._facts.same_email
        if row.id not in [each.id for each in same_email]:
            # The row has another email than the signup knows.
            same_email = self.by_email(row.comparable_email)
        if len(same_email) > 1:
            raise RowChanged(
                "Strapi has two accounts of this address: delete one in Strapi's panel"
            )

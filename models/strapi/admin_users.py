"""The people in Strapi's admin_users: found, let in as inactive authors, activated, removed."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from peewee import chunked, fn

from models.engines import Engine
from models.strapi.errors import EmailTaken, NoAdminUserYet, RoleUnusable, RowChanged, RowGone
from models.strapi.models import AdminUser, Author, Identity
from models.strapi.permissions import RolePermissions, role_permissions
from models.strapi.roles import give, given, last_user_order, remove_roles, role_ids_of
from models.strapi.schema import Schema
from models.timestamps import now

T = TypeVar("T")

SUPER_ADMIN = "strapi-super-admin"
# Strapi's own language, which it leaves empty.
ENGLISH = "en"


class AdminUsers:
    """The administrators of one open database; inside a transaction where it writes."""

    def __init__(self, database: Engine, author_role: str) -> None:
        """Look into the open `database`, whose authors have the role `author_role`."""
        self.shape = Schema.of(database)
        self.author_role = author_role
        self._foreseen: dict[tuple[Any, ...], Any] = {}

    def foresee(self, email: str) -> None:
        """Find out, before anybody has to wait for it, what a change of the administrator of this
        address will ask."""
        with suppress(RoleUnusable):
            self._foreseen[self.by_email, email] = self.by_email(email)
            role = self._foreseen[(self.role_id,)] = self.role_id()
            self._foreseen[(self.any_exist,)] = self.any_exist()
            self._foreseen[self._last_in, role] = self._last_in(role)

    def forget(self) -> None:
        """Ask anew what was foreseen: somebody has written since."""
        self._foreseen = {}

    def create_author(self, author: Author, replaced: Identity | None = None) -> AdminUser:
        """Make `author`'s row, inactive, in the place of the one that was `replaced`, if any; a
        row made before under the same identity is given these names and this password
        instead, so that an attempt that a crash cut short can be repeated.

        Raises NoAdministratorYet, RoleUnusable, AddressTaken.
        """
        role = self._known(self.role_id)
        if not self._known(self.any_exist):
            raise NoAdminUserYet("Strapi has no administrator yet: register its first one")
        for row in self._known(self.by_email, author.identity.email):
            if row.belongs_to(author.identity) and not row.is_active:
                self._update(row, **self._person(author))
                return row
            if replaced is None or not row.belongs_to(replaced):
                raise EmailTaken
            try:
                self.remove(replaced)
            except RowChanged as error:
                raise EmailTaken from error
        return self._insert(author, role)

    def set_active(self, identity: Identity, active: bool, at: datetime) -> None:
        """Let the author in, or take that back. Raises Gone, Altered."""
        row = self.get_ours(identity)
        if bool(row.is_active) != active:
            self._refuse_altered(row)
            self._update(row, is_active=active, updated_at=at)

    def remove(self, identity: Identity) -> None:
        """Delete the author's row, which must still be as we made it. Raises Gone, Altered."""
        row = self.get_ours(identity)
        if row.is_active:
            raise RowChanged("The account is active")
        self._refuse_altered(row)
        remove_roles(self.shape, row)
        row.delete_instance()

    def dry_run(self, author: Author) -> None:
        """Do all that is ever done with an author's row. Raises what stands in the way."""
        row = self.create_author(author)
        self.create_author(author)
        identity = replace(author.identity, id=row.id)
        for active in (True, False):
            self.set_active(identity, active, now())
        self.remove(identity)

    def any_exist(self) -> bool:
        """Whether there is any administrator: before, a row of ours would make Strapi refuse
        to register its first super admin, for ever."""
        return self.shape.admins.select().exists()

    def get_ours(self, identity: Identity) -> AdminUser:
        """The row that we made. Raises Gone."""
        [row] = self.find_all([identity])
        if row is None:
            raise RowGone
        return row

    def find_all(self, identities: Iterable[Identity]) -> list[AdminUser | None]:
        """The row that we made for each of the identities, None where there is none."""
        wanted = list(identities)
        rows = list(self.by_id(each.id for each in wanted if each.id is not None).values())
        # Strapi has no index on addresses: one look at every row finds them all.
        rows += self.by_email(*(each.email for each in wanted if each.id is None))
        return [next((row for row in rows if row.belongs_to(each)), None) for each in wanted]

    def by_email(self, *emails: str) -> list[AdminUser]:
        """Every administrator of these lower-case addresses, however Strapi spells them."""
        admins = self.shape.admins
        address = fn.LOWER(admins.email)
        found = admins.select().where(address.in_(emails)) if emails else ()
        return sorted(found, key=lambda row: row.id)

    def by_id(self, ids: Iterable[int]) -> dict[int, AdminUser]:
        """The administrators of these ids, those that there are."""
        admins = self.shape.admins
        rows: list[AdminUser] = []
        for some in chunked(ids, 500):
            rows.extend(admins.select().where(admins.id.in_(some)))
        return {row.id: row for row in rows}

    def super_admins(self) -> list[AdminUser]:
        """The active super admins."""
        admins = self.shape.admins
        query = (
            admins.select()
            .where(admins.id.in_(given(self.shape, SUPER_ADMIN)))
            .where(admins.is_active == True)  # noqa: E712 (SQL)
            .where(admins.blocked.is_null() | (admins.blocked == False))  # noqa: E712 (SQL)
        )
        return list(query.order_by(admins.id))

    def permissions(self) -> RolePermissions:
        """What the authors' role may do."""
        return role_permissions(self.shape.admins._meta.database, self.author_role)

    def role_id(self) -> int:
        """The id of the authors' role. Raises RoleUnusable."""
        roles = self.shape.roles
        found = list(roles.select().where(roles.code == self.author_role))
        if self.author_role == SUPER_ADMIN:
            raise RoleUnusable("authors cannot be given the super admins' role")
        if len(found) != 1:
            raise RoleUnusable(
                f"Strapi has {len(found)} roles with the code {self.author_role!r}, not one:"
                " set SIGNUP_AUTHOR_ROLE to a role's code"
            )
        return found[0].id

    def _insert(self, author: Author, role: int) -> AdminUser:
        born = author.identity.strapi_created_at
        strapi_5 = {"document_id": author.identity.document_id, "published_at": born}
        row = self.shape.admins.create(
            **self._person(author),
            **self._had(strapi_5),
            email=author.identity.email,
            is_active=False,
            blocked=False,
            created_at=born,
            updated_at=born,
        )
        give(self.shape, row, role, self._known(self._last_in, role) + 1)
        return row

    def _person(self, author: Author) -> dict[str, object]:
        language = author.language if author.language != ENGLISH else None
        return {
            "firstname": author.firstname,
            "lastname": author.lastname,
            "password": author.password,
            **self._had({"prefered_language": language}),
        }

    def _had(self, values: dict[str, Any]) -> dict[str, Any]:
        """Those of the values that this Strapi has columns for."""
        fields = self.shape.admins._meta.fields
        return {name: value for name, value in values.items() if name in fields}

    def _last_in(self, role: int) -> float:
        return last_user_order(self.shape, role)

    def _known(self, question: Callable[..., T], *about: Any) -> T:
        """What was foreseen, or else the answer of this moment."""
        key = question, *about
        return self._foreseen[key] if key in self._foreseen else question(*about)

    def _update(self, row: AdminUser, **values: object) -> None:
        admins = self.shape.admins
        admins.update(**values).where(admins.id == row.id).execute()

    def _refuse_altered(self, row: AdminUser) -> None:
        if role_ids_of(self.shape, row) != {self._known(self.role_id)}:
            raise RowChanged(
                "The account was given other roles in Strapi: decide in Strapi's panel"
            )
        if len(self._known(self.by_email, row.address)) > 1:
            raise RowChanged(
                "Strapi has two accounts of this address: delete one in Strapi's panel"
            )

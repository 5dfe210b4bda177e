"""The people in Strapi's admin_users: found, let in as inactive authors, activated, removed."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from peewee import chunked, fn

from models.engines import Engine
from models.instant import now
from models.strapi.people import Administrator, Author, Identity
from models.strapi.permissions import Powers, powers_of
from models.strapi.refusals import (
    AddressTaken,
    Altered,
    Gone,
    NoAdministratorYet,
    RoleUnusable,
)
from models.strapi.shape import Shape

SUPER_ADMIN = "strapi-super-admin"
# Strapi's own language, which it leaves empty.
ENGLISH = "en"


class Administrators:
    """The administrators of one open database; inside a transaction where it writes."""

    def __init__(self, database: Engine, author_role: str) -> None:
        """Look into the open `database`, whose authors have the role `author_role`."""
        self.shape = Shape.of(database)
        self.author_role = author_role
        self._foreseen: dict[str, list[Administrator]] = {}

    def foresee(self, *emails: str) -> None:
        """Look for the administrators of these addresses, to whom `at` then answers without
        another look, and forget those of earlier ones."""
        self._foreseen = {email: self.named(email) for email in emails if email}

    def admit(self, author: Author, replaced: Identity | None = None) -> Administrator:
        """Make `author`'s row, inactive, in the place of the one that was `replaced`, if any; a
        row made before under the same identity is given these names and this password
        instead, so that an attempt that a crash cut short can be repeated.

        Raises NoAdministratorYet, RoleUnusable, AddressTaken.
        """
        role = self.role_id()
        if not self.exist():
            raise NoAdministratorYet("Strapi has no administrator yet: register its first one")
        for row in self.at(author.identity.email):
            if row.belongs_to(author.identity) and not row.is_active:
                self._update(row, **self._person(author))
                return row
            if replaced is None or not row.belongs_to(replaced):
                raise AddressTaken
            try:
                self.remove(replaced)
            except Altered as error:
                raise AddressTaken from error
        return self._insert(author, role)

    def set_active(self, identity: Identity, active: bool, at: datetime) -> None:
        """Let the author in, or take that back. Raises Gone, Altered."""
        row = self.ours(identity)
        if bool(row.is_active) != active:
            self._refuse_altered(row)
            self._update(row, is_active=active, updated_at=at)

    def remove(self, identity: Identity) -> None:
        """Delete the author's row, which must still be as we made it. Raises Gone, Altered."""
        row = self.ours(identity)
        if row.is_active:
            raise Altered("The account is active")
        self._refuse_altered(row)
        links = self.shape.links
        links.delete().where(links.user_id == row.id).execute()
        row.delete_instance()

    def rehearse(self, author: Author) -> None:
        """Do all that is ever done with an author's row, and take it back, inside a transaction.
        Raises what stands in the way."""
        with self.shape.admins._meta.database.savepoint() as attempt:
            row = self.admit(author)
            self.admit(author)
            identity = replace(author.identity, id=row.id)
            for active in (True, False):
                self.set_active(identity, active, now())
            self.remove(identity)
            attempt.rollback()

    def exist(self) -> bool:
        """Whether there is any administrator: before, a row of ours would make Strapi refuse
        to register its first super admin, for ever."""
        return self.shape.admins.select().exists()

    def ours(self, identity: Identity) -> Administrator:
        """The row that we made. Raises Gone."""
        [row] = self.all_of([identity])
        if row is None:
            raise Gone
        return row

    def all_of(self, identities: Iterable[Identity]) -> list[Administrator | None]:
        """The row that we made for each of the identities, None where there is none."""
        wanted = list(identities)
        rows = list(self.by_id(each.id for each in wanted if each.id is not None).values())
        # Strapi has no index on addresses: one look at every row finds them all.
        rows += self.named(*(each.email for each in wanted if each.id is None))
        return [next((row for row in rows if row.belongs_to(each)), None) for each in wanted]

    def at(self, email: str) -> list[Administrator]:
        """Every administrator of this lower-case address."""
        found = self._foreseen.get(email)
        return self.named(email) if found is None else found

    def named(self, *emails: str) -> list[Administrator]:
        """Every administrator of these lower-case addresses, however Strapi spells them."""
        admins = self.shape.admins
        found = admins.select().where(fn.LOWER(admins.email).in_(emails)) if emails else ()
        return sorted(found, key=lambda row: row.id)

    def by_id(self, ids: Iterable[int]) -> dict[int, Administrator]:
        """The administrators of these ids, those that there are."""
        admins = self.shape.admins
        rows: list[Administrator] = []
        for some in chunked(ids, 500):
            rows.extend(admins.select().where(admins.id.in_(some)))
        return {row.id: row for row in rows}

    def super_admins(self) -> list[Administrator]:
        """The active super admins."""
        admins, roles, links = self.shape.admins, self.shape.roles, self.shape.links
        # Written as a join, SQLite would begin with every administrator there is.
        supers = (
            links.select(links.user_id)
            .join(roles, on=(roles.id == links.role_id))
            .where(roles.code == SUPER_ADMIN)
        )
        query = (
            admins.select()
            .where(admins.id.in_(supers), admins.is_active == True)  # noqa: E712 (SQL)
            .where(admins.blocked.is_null() | (admins.blocked == False))  # noqa: E712 (SQL)
        )
        return list(query.order_by(admins.id))

    def powers(self) -> Powers:
        """What the authors' role may do."""
        return powers_of(self.shape.admins._meta.database, self.author_role)

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

    def _insert(self, author: Author, role: int) -> Administrator:
        born = author.identity.born_at
        strapi_5 = {"document_id": author.identity.document_id, "published_at": born}
        row = self.shape.admins.create(
            **self._person(author),
            **self._known(strapi_5),
            email=author.identity.email,
            is_active=False,
            blocked=False,
            created_at=born,
            updated_at=born,
        )
        self._link(row, role)
        return row

    def _person(self, author: Author) -> dict[str, object]:
        language = author.language if author.language != ENGLISH else None
        return {
            "firstname": author.firstname,
            "lastname": author.lastname,
            "password": author.password,
            **self._known({"prefered_language": language}),
        }

    def _known(self, values: dict[str, Any]) -> dict[str, Any]:
        """Those of the values that this Strapi has columns for."""
        fields = self.shape.admins._meta.fields
        return {name: value for name, value in values.items() if name in fields}

    def _link(self, row: Administrator, role: int) -> None:
        links, shape = self.shape.links, self.shape
        link: dict[str, float] = {"user_id": row.id, "role_id": role}
        if shape.role_order:
            link[shape.role_order] = 1
        if shape.user_order:
            order = fn.MAX(getattr(links, shape.user_order))
            last = links.select(order).where(links.role_id == role).scalar()
            link[shape.user_order] = (last or 0) + 1
        links.insert(**link).execute()

    def _update(self, row: Administrator, **values: object) -> None:
        admins = self.shape.admins
        admins.update(**values).where(admins.id == row.id).execute()

    def _refuse_altered(self, row: Administrator) -> None:
        links = self.shape.links
        given = links.select(links.role_id).where(links.user_id == row.id)
        if {link.role_id for link in given} != {self.role_id()}:
            raise Altered("The account was given other roles in Strapi: decide in Strapi's panel")
        if len(self.at(row.address)) > 1:
            raise Altered("Strapi has two accounts of this address: delete one in Strapi's panel")

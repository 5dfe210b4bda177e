"""Strapi's people and roles as models, with the columns that every Strapi since 4.0 has."""

import secrets
import string
from dataclasses import dataclass
from datetime import datetime

from peewee import AutoField, BooleanField, IntegerField, Model, TextField

from models.timestamps import MillisecondsField


def new_document_id() -> str:
    """A document id as Strapi 5 makes them: 24 characters, a letter first (cuid2)."""
    letters = string.ascii_lowercase
    rest = "".join(secrets.choice(letters + string.digits) for _ in range(23))
    return secrets.choice(letters) + rest


@dataclass(frozen=True)
class Identity:
    """What must all match before a row counts as the one that we made."""

    email: str
    id: int | None
    document_id: str | None
    strapi_created_at: datetime | None


@dataclass(frozen=True)
class Author:
    """A person to be let in, with the password already hashed."""

    identity: Identity
    firstname: str
    lastname: str | None
    password: str
    language: str | None = None


class AdminUser(Model):
    """A row of `admin_users`; `Shape` adds the columns that not every version has."""

    id = AutoField()
    firstname = TextField(null=True)
    lastname = TextField(null=True)
    email = TextField(null=True)
    password = TextField(null=True)
    registration_token = TextField(null=True)
    is_active = BooleanField(null=True)
    blocked = BooleanField(null=True)
    created_at = MillisecondsField(null=True)
    updated_at = MillisecondsField(null=True)

    document_id: str | None = None
    prefered_language: str | None = None

    @property
    def address(self) -> str:
        """The e-mail address in lower case: old Strapis stored what was typed."""
        return (self.email or "").lower()

    def belongs_to(self, identity: Identity) -> bool:
        """Whether this is the row that we made for `identity`."""
        if self.address != identity.email or identity.id not in (None, self.id):
            return False
        if self.document_id is not None and identity.document_id is not None:
            return self.document_id == identity.document_id
        # Strapi 4 has no document ids; a row's birth is never changed afterwards.
        return self.created_at is not None and self.created_at == identity.strapi_created_at


class Link(Model):
    """A row of the table that links administrators to roles: in Strapi 4.0 to 4.4 nothing
    but the pair, later with an id and the orders that `Shape` adds."""

    user_id = IntegerField(null=True)
    role_id = IntegerField(null=True)

    class Meta:
        """An id, where there is one, is SQLite's to choose."""

        primary_key = False


class Role(Model):
    """A row of `admin_roles`."""

    id = AutoField()
    name = TextField(null=True)
    code = TextField(null=True)

"""Strapi's tables as Peewee models, with the columns that every Strapi since 4.0 has."""

import secrets
import string
from dataclasses import dataclass
from datetime import datetime, timedelta

from peewee import AutoField, BooleanField, IntegerField, Model, TextField

from models.emails import comparable
from models.timestamps import MillisecondsField


def new_document_id() -> str:
    """Return a random document id like Strapi 5's: 24 characters, a letter first (cuid2)."""
    letters = string.ascii_lowercase
    rest = "".join(secrets.choice(letters + string.digits) for _ in range(23))
    return secrets.choice(letters) + rest


def time_precision(second_digits: int | None) -> timedelta:
    """Return the smallest difference between two times that a column can keep.

    The ledger keeps milliseconds, so it is never smaller.
    """
    return timedelta(seconds=10 ** -min(3 if second_digits is None else second_digits, 3))


def same_time(one: datetime | None, other: datetime | None, precision: timedelta) -> bool:
    """Return whether two times are the same after one was rounded, or cut, to `precision`."""
    return one is not None and other is not None and abs(one - other) < precision


@dataclass(frozen=True)
class Identity:
    """What a row must match to be the one that this service made.

    The email is a value that its owner and super admins can change. It is compared only on Strapi
    4, and only while the id is not known, between the two writes of a confirmation.
    """

    email: str
    id: int | None
    document_id: str | None
    created_at: datetime | None


@dataclass(frozen=True)
class Author:
    """The values of an author's row."""

    identity: Identity
    firstname: str
    lastname: str | None
    password_hash: str
    language: str | None = None


class AdminUser(Model):
    """A row of `admin_users`. `Schema` adds the columns that only some versions have."""

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

    # What the column `created_at` keeps: some converted databases keep whole seconds only.
    time_precision = time_precision(None)
    document_id: str | None = None
    prefered_language: str | None = None

    @property
    def comparable_email(self) -> str:
        """The email as emails are compared."""
        return comparable(self.email)

    def belongs_to(self, identity: Identity) -> bool:
        """Return whether this is the row that this service made for `identity`."""
        if identity.id not in (None, self.id):
            return False
        if self.document_id is not None and identity.document_id is not None:
            return self.document_id == identity.document_id
        if identity.id is None and self.comparable_email != identity.email:
            return False
        # Strapi 4 has no document ids, and never changes the creation time of a row.
        return same_time(self.created_at, identity.created_at, self.time_precision)


class RoleLink(Model):
    """A row of the table that links admin users to roles.

    Strapi 4.0 to 4.4 has only these two columns. `Schema` adds the order columns of later versions.
    """

    user_id = IntegerField(null=True)
    role_id = IntegerField(null=True)

    class Meta:
        """Where the table has an id, the database chooses it."""

        primary_key = False


class Role(Model):
    """A row of `admin_roles`."""

    id = AutoField()
    name = TextField(null=True)
    code = TextField(null=True)

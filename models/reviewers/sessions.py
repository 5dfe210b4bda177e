"""Who may review: Strapi's own super admins, with their own passwords, for a while."""

import hashlib
import secrets
from contextlib import suppress
from datetime import timedelta

from peewee import CharField, IntegerField

from models import password_hashing
from models.ledger.database import LedgerUnavailable, Record
from models.strapi import AdminUser, StrapiClient
from models.timestamps import MillisecondsField, now

# However busy, a reviewer logs in afresh after this; and after so long without a request.
LONGEST = timedelta(hours=8)
IDLE = timedelta(minutes=30)
# A session's last request is written down no oftener, so that pages stay cheap; of its idle
# time, so much may therefore be cut off.
PRECISION = timedelta(minutes=1)
# By so much may the clock that wrote an instant have been ahead of ours.
SKEW = timedelta(minutes=2)


def authenticate(strapi: StrapiClient, email: str, password: str) -> AdminUser | None:
    """The active super admin with these credentials; None for everybody else, after the
    same work. Raises StrapiUnavailable."""
    email = email.strip().lower()
    admins = strapi.read(lambda admin_users: admin_users.super_admins())
    admin = next((each for each in admins if each.address == email), None)
    cost = password_hashing.highest_cost(each.password for each in admins)
    right = password_hashing.verify(password, admin.password if admin else None, cost)
    return admin if right else None


class Session(Record):
    """A reviewer's session: ended here, it is ended, whoever copied the cookie."""

    digest = CharField(unique=True)
    strapi_id = IntegerField()
    fingerprint = CharField()
    began_at = MillisecondsField(default=now, index=True)
    seen_at = MillisecondsField(default=now)

    @classmethod
    def begin(cls, admin: AdminUser) -> str:
        """Start a session for `admin`; returns the token that proves it, kept only as a hash."""
        token = secrets.token_urlsafe(32)
        instant = now()
        cls.delete_where((cls.began_at <= instant - LONGEST) | (cls.seen_at <= instant - IDLE))
        fingerprint = _digest(admin.password or "")
        cls.create(digest=_digest(token), strapi_id=admin.id, fingerprint=fingerprint)
        return token

    @classmethod
    def reviewer(cls, token: str, strapi: StrapiClient) -> AdminUser | None:
        """The reviewer behind `token`, if Strapi still calls them an active super admin with
        the password of the login; for anybody else, the session ends here and now. Raises
        StrapiUnavailable."""
        session = cls.get_or_none(cls.digest == _digest(token))
        if session is None:
            return None
        admins = (
            [] if session.is_over else strapi.read(lambda admin_users: admin_users.super_admins())
        )
        for admin in admins:
            if session.belongs_to(admin):
                session.touch()
                return admin
        cls.end(token)
        return None

    @classmethod
    def end(cls, token: str) -> None:
        """End the session of `token`."""
        cls.delete_where(cls.digest == _digest(token))

    @classmethod
    def end_all(cls, strapi_id: int | None = None) -> int:
        """End every session, or every one of a reviewer; returns how many there were."""
        return cls.delete_where(*([] if strapi_id is None else [cls.strapi_id == strapi_id]))

    @property
    def is_over(self) -> bool:
        """Whether it began, or was last used, too long ago, or by a clock far ahead of ours."""
        instant = now()
        lasts = self.began_at + LONGEST > instant and self.seen_at + IDLE > instant
        return not lasts or max(self.began_at, self.seen_at) > instant + SKEW

    def belongs_to(self, admin: AdminUser) -> bool:
        """Whether it was begun by `admin`, with the password that is theirs still."""
        same = _digest(admin.password or "") == self.fingerprint
        return same and admin.id == self.strapi_id

    def touch(self) -> None:
        """Remember that it is in use. That is all that a GET ever writes, and about nothing but
        the session itself; a ledger that cannot take it ends the session sooner."""
        if self.seen_at + PRECISION < now():
            self.seen_at = now()
            with suppress(*LedgerUnavailable):
                self.save(only=[Session.seen_at])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

"""Who may review: Strapi's own super admins, with their own passwords, for a while."""

import hashlib
import secrets
from datetime import timedelta

from peewee import CharField, IntegerField

from models import passwords
from models.instant import InstantField, now
from models.ledger import Record
from models.strapi import Administrator, Strapi

# However busy, a reviewer logs in afresh after this.
LONGEST = timedelta(hours=8)


def authenticate(strapi: Strapi, email: str, password: str) -> Administrator | None:
    """The active super admin with these credentials; None for everybody else, after the
    same work. Raises StrapiUnavailable."""
    email = email.strip().lower()
    admins = strapi.read(lambda people: people.super_admins())
    admin = next((each for each in admins if each.address == email), None)
    right = passwords.matches(password, admin.password if admin else None)
    return admin if right else None


class Session(Record):
    """A reviewer's session: ended here, it is ended, whoever copied the cookie."""

    digest = CharField(unique=True)
    strapi_id = IntegerField()
    fingerprint = CharField()
    began_at = InstantField(default=now, index=True)

    @classmethod
    def begin(cls, admin: Administrator) -> str:
        """Start a session for `admin`; returns the token that proves it, kept only as a hash."""
        token = secrets.token_urlsafe(32)
        cls.forget(cls.began_at < now() - LONGEST)
        cls.create(
            digest=_digest(token), strapi_id=admin.id, fingerprint=_digest(admin.password or "")
        )
        return token

    @classmethod
    def reviewer(cls, token: str, strapi: Strapi) -> Administrator | None:
        """The reviewer behind `token`, if Strapi still calls them an active super admin with
        the password of the login. Raises StrapiUnavailable."""
        session = cls.get_or_none(cls.digest == _digest(token), cls.began_at > now() - LONGEST)
        if session is None:
            return None
        for admin in strapi.read(lambda people: people.super_admins()):
            if admin.id == session.strapi_id:
                same = _digest(admin.password or "") == session.fingerprint
                return admin if same else None
        return None

    @classmethod
    def end(cls, token: str) -> None:
        """End the session of `token`."""
        cls.forget(cls.digest == _digest(token))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

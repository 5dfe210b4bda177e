"""Sessions of reviewers. A session is a row, so that logout ends every copy of its cookie."""

import hashlib
import secrets
from contextlib import suppress
from datetime import timedelta

from peewee import CharField, IntegerField

from models.ledger.database import LedgerUnavailable, Record
from models.strapi import AdminUser, StrapiClient
from models.timestamps import MillisecondsField, now

MAX_AGE = timedelta(hours=8)
MAX_IDLE = timedelta(minutes=30)
# The time of the last request is written at most this often.
SEEN_PRECISION = timedelta(minutes=1)
# How far the clock of another instance may be ahead.
CLOCK_SKEW = timedelta(minutes=2)


class Session(Record):
    """A reviewer's session. The token and the reviewer's password hash are stored as hashes."""

    digest = CharField(unique=True)
    strapi_id = IntegerField()
    fingerprint = CharField()
    began_at = MillisecondsField(default=now, index=True)
    seen_at = MillisecondsField(default=now)

    @classmethod
    def begin(cls, reviewer: AdminUser) -> str:
        """Start a session and return its secret token. Deletes sessions that are over."""
        token = secrets.token_urlsafe(32)
        instant = now()
        cls.delete_where((cls.began_at <= instant - MAX_AGE) | (cls.seen_at <= instant - MAX_IDLE))
        fingerprint = _digest(reviewer.password or "")
        cls.create(digest=_digest(token), strapi_id=reviewer.id, fingerprint=fingerprint)
        return token

    @classmethod
    def reviewer(cls, token: str, strapi: StrapiClient) -> AdminUser | None:
        """Return the reviewer of this session, or None.

        The session ends when the reviewer is no longer an active super admin, or has changed the
        password.

        Raises: StrapiUnavailable.
        """
        session = cls.get_or_none(cls.digest == _digest(token))
        if session is None:
            return None
        if not session.has_expired:
            for reviewer in strapi.read(lambda admin_users: admin_users.super_admins()):
                if session.belongs_to(reviewer):
                    session.touch()
                    return reviewer
        cls.end(token)
        return None

    @classmethod
    def end(cls, token: str) -> None:
        """End the session of `token`."""
        cls.delete_where(cls.digest == _digest(token))

    @classmethod
    def end_all(cls, strapi_id: int | None = None) -> int:
        """End all sessions, or those of one reviewer. Returns how many."""
        return cls.delete_where(*([] if strapi_id is None else [cls.strapi_id == strapi_id]))

    @property
    def has_expired(self) -> bool:
        """Whether the session is too old, was idle for too long, or has times in the future."""
        instant = now()
        in_time = self.began_at + MAX_AGE > instant and self.seen_at + MAX_IDLE > instant
        return not in_time or max(self.began_at, self.seen_at) > instant + CLOCK_SKEW

    def belongs_to(self, reviewer: AdminUser) -> bool:
        """Return whether the reviewer began this session with the password that is set now."""
        same_password = _digest(reviewer.password or "") == self.fingerprint
        return same_password and reviewer.id == self.strapi_id

    def touch(self) -> None:
        """Record that the session is in use. This is all that a GET of a page ever writes.

        A ledger that cannot be written ends the session sooner.
        """
        if self.seen_at + SEEN_PRECISION < now():
            self.seen_at = now()
            with suppress(*LedgerUnavailable):
                self.save(only=[Session.seen_at])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

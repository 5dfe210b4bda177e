"""Emails whose owners said "this wasn't me". Nothing is ever sent to them again."""

import hashlib
import hmac
from collections.abc import Sequence

from peewee import CharField

from models.ledger.database import Record
from models.timestamps import MillisecondsField, now

# Part of the stored hashes.
PREFIX = b"stop "


class Suppression(Record):
    """An email that nothing is sent to. Only a keyed hash of it is stored."""

    digest = CharField(unique=True)
    stopped_at = MillisecondsField(default=now)

    class Meta:
        """The table was created under this name."""

        table_name = "stop"

    @classmethod
    def add(cls, email: str, keys: Sequence[str]) -> None:
        """Suppress `email`. It is hashed with the first of `keys`."""
        cls.insert(digest=digest(email, keys[0])).on_conflict_ignore().execute()

    @classmethod
    def covers(cls, email: str, keys: Sequence[str]) -> bool:
        """Return whether `email` was suppressed with any of `keys`."""
        digests = [digest(email, key) for key in keys]
        return cls.select().where(cls.digest.in_(digests)).exists()


def digest(email: str, key: str) -> str:
    """Return the keyed hash (HMAC-SHA-256) of an email."""
    return hmac.new(key.encode(), PREFIX + email.encode(), hashlib.sha256).hexdigest()

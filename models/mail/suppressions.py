"""Addresses whose owners said "this wasn't me": nothing is ever sent to them again."""

import hashlib
import hmac
from collections.abc import Sequence

from peewee import CharField

from models.ledger.database import Record
from models.timestamps import MillisecondsField, now


class Suppression(Record):
    """An address that is never written to, known only by a keyed hash of it."""

    digest = CharField(unique=True)
    stopped_at = MillisecondsField(default=now)

    class Meta:
        """Stored under an older name."""

        table_name = "stop"

    @classmethod
    def add(cls, email: str, keys: Sequence[str]) -> None:
        """Never write to `email` again; hashed under the first of `keys`."""
        cls.insert(digest=digest(email, keys[0])).on_conflict_ignore().execute()

    @classmethod
    def covers(cls, email: str, keys: Sequence[str]) -> bool:
        """Whether `email` was stopped, under any of `keys`."""
        digests = [digest(email, key) for key in keys]
        return cls.select().where(cls.digest.in_(digests)).exists()


def digest(email: str, key: str) -> str:
    """The keyed hash of an address."""
    return hmac.new(key.encode(), b"stop " + email.encode(), hashlib.sha256).hexdigest()

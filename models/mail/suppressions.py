"""Mailboxes whose owners said "this wasn't me". Nothing is ever sent to them again."""

from collections.abc import Sequence

from peewee import CharField

from models.keyed_hash import keyed_hash
from models.ledger.database import Record
from models.mail import mailboxes
from models.timestamps import MillisecondsField, now

# Part of the stored hashes.
PREFIX = "stop "


class Suppression(Record):
    """A mailbox that nothing is sent to. Only a keyed hash of it is stored.

    Up to version 0.3, the hash is that of one exact email. It suppresses this email alone.
    """

    digest = CharField(unique=True)
    stopped_at = MillisecondsField(default=now)

    class Meta:
        """The table was created under this name."""

        table_name = "stop"

    @classmethod
    def add(cls, email: str, keys: Sequence[str]) -> None:
        """Suppress the mailbox of `email`. It is hashed with the first of `keys`."""
        cls.add_digest(mailbox_digest(email, keys))

    @classmethod
    def add_digest(cls, digest: str) -> None:
        """Suppress the mailbox with this hash."""
        cls.insert(digest=digest).on_conflict_ignore().execute()

    @classmethod
    def remove(cls, email: str, keys: Sequence[str]) -> bool:
        """Suppress `email` no longer; return whether it was suppressed."""
        return cls.delete_where(cls.digest.in_(_digests(email, keys))) > 0

    @classmethod
    def covers(cls, email: str, keys: Sequence[str]) -> bool:
        """Return whether `email` was suppressed with any of `keys`."""
        return cls.has_any(_digests(email, keys))

    @classmethod
    def has_any(cls, digests: Sequence[str]) -> bool:
        """Return whether a mailbox with one of these hashes is suppressed."""
        return cls.select().where(cls.digest.in_(digests)).exists()


def mailbox_digest(email: str, keys: Sequence[str]) -> str:
    """Return the keyed hash of the mailbox of `email`, made with the first of `keys`."""
    return keyed_hash(PREFIX + mailboxes.base(email), keys[0])


def _digests(email: str, keys: Sequence[str]) -> list[str]:
    forms = mailboxes.base(email), email
    return [keyed_hash(PREFIX + form, key) for form in forms for key in keys]

"""The networks from which an account has logged in: limits on guesses from elsewhere spare them."""

from collections.abc import Sequence
from datetime import timedelta

from peewee import CharField

from models.keyed_hash import keyed_hash
from models.ledger.database import Record
from models.timestamps import MillisecondsField, now

# A network is forgotten when the account has not logged in from it for this time.
KEEP = timedelta(days=90)
# The time of the last login is written at most this often.
SEEN_PRECISION = timedelta(days=1)


class KnownNetwork(Record):
    """An account and a network. Only a keyed hash of both is stored."""

    digest = CharField(unique=True)
    seen_at = MillisecondsField(default=now, index=True)

    class Meta:
        """The name of the table."""

        table_name = "known_network"

    @classmethod
    def remember(cls, account: str, network: str, keys: Sequence[str]) -> None:
        """Record that the account has logged in from this network just now."""
        digest = _digest(account, network, keys[0])
        lately = cls.select().where(cls.digest == digest, cls.seen_at > now() - SEEN_PRECISION)
        if not lately.exists():
            cls.insert(digest=digest, seen_at=now()).on_conflict_ignore().execute()
            cls.update(seen_at=now()).where(cls.digest == digest).execute()

    @classmethod
    def knows(cls, account: str, network: str, keys: Sequence[str]) -> bool:
        """Return whether the account has logged in from this network, with any of `keys`."""
        digests = [_digest(account, network, key) for key in keys]
        recent = cls.seen_at > now() - KEEP
        return cls.select().where(cls.digest.in_(digests), recent).exists()

    @classmethod
    def purge(cls) -> None:
        """Delete what is no longer used."""
        cls.delete_where(cls.seen_at <= now() - KEEP)


def _digest(account: str, network: str, key: str) -> str:
    return keyed_hash(f"{network} {account}", key)

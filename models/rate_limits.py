"""The storage of rate limits: counts in the ledger, shared by all threads and processes."""

from datetime import timedelta

from limits.storage import Storage
from peewee import CharField, IntegerField

from models.ledger.database import LedgerUnavailable, Record, database
from models.timestamps import MillisecondsField, now


class Count(Record):
    """How often a key was counted in the window that ends at `expires_at`."""

    key = CharField(unique=True)
    amount = IntegerField()
    expires_at = MillisecondsField(index=True)

    @classmethod
    def current(cls, key: str) -> "Count | None":
        """The count of this key, if its window has not ended."""
        return cls.get_or_none(cls.key == key, cls.expires_at > now())


def is_first(event: str, within: timedelta) -> bool:
    """Count an event; return whether no process counted it in the window before."""
    # The beginning of the key is stored: older versions use the same.
    return LedgerStorage().incr(f"alarm {event}", int(within.total_seconds())) == 1


class LedgerStorage(Storage):
    """Storage for Flask-Limiter, chosen by the URL ledger://.

    Without the ledger, its methods raise LedgerUnavailable, and the request is refused.
    """

    STORAGE_SCHEME = ["ledger"]  # noqa: RUF012 (`limits` registers the class by this list)

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """The exceptions of a storage that cannot be reached."""
        return LedgerUnavailable

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add to a count and return it. Its window begins here and lasts `expiry` seconds."""
        # The name of the lock is shared with older versions that run beside this one.
        with database.exclusive_transaction(f"count {key}"):
            count = Count.current(key)
            if count is None:
                Count.delete_where(Count.key == key)
                ends = now() + timedelta(seconds=expiry)
                count = Count.create(key=key, amount=0, expires_at=ends)
            count.amount += amount
            count.save()
        return int(count.amount)

    def get(self, key: str) -> int:
        """Return the count of a key."""
        count = Count.current(key)
        return count.amount if count else 0

    def get_expiry(self, key: str) -> float:
        """Return when the window of a key ends, in seconds since 1970."""
        count = Count.current(key)
        return (count.expires_at if count else now()).timestamp()

    def check(self) -> bool:
        """Return whether the storage can be used."""
        return Count.table_exists()

    def reset(self) -> int:
        """Delete all counts; return how many there were."""
        return Count.delete_where()

    def clear(self, key: str) -> None:
        """Delete the count of a key."""
        Count.delete_where(Count.key == key)

"""How often something may be done: counts in the ledger, so that they hold over threads,
workers and restarts."""

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
    def running(cls, key: str) -> "Count | None":
        """The count of a window that has not ended."""
        return cls.get_or_none(cls.key == key, cls.expires_at > now())


def is_first(what: str, within: timedelta) -> bool:
    """Whether this has not happened `within` a while, whichever worker it happened to."""
    seconds = int(within.total_seconds())
    return LedgerStorage().incr(f"alarm {what}", seconds) == 1


class LedgerStorage(Storage):
    """Where the library `limits` keeps its counts; a ledger out of order raises, which closes
    what is limited."""

    STORAGE_SCHEME = ["ledger"]  # noqa: RUF012 (the library's way to register)

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """What a broken storage raises."""
        return LedgerUnavailable

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count `key` up, in a window of `expiry` seconds that begins with the first."""
        with database.alone(f"count {key}"):
            count = Count.running(key)
            if count is None:
                Count.delete_where(Count.key == key)
                ends = now() + timedelta(seconds=expiry)
                count = Count.create(key=key, amount=0, expires_at=ends)
            count.amount += amount
            count.save()
        return int(count.amount)

    def get(self, key: str) -> int:
        """How often `key` was counted."""
        count = Count.running(key)
        return count.amount if count else 0

    def get_expiry(self, key: str) -> float:
        """When the window of `key` ends, in seconds since 1970."""
        count = Count.running(key)
        return (count.expires_at if count else now()).timestamp()

    def check(self) -> bool:
        """Whether counts can be kept."""
        return Count.table_exists()

    def reset(self) -> int:
        """Forget every count."""
        return Count.delete_where()

    def clear(self, key: str) -> None:
        """Forget a count."""
        Count.delete_where(Count.key == key)

"""The storage of rate limits: counts in the ledger, shared by all threads and processes."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from limits.storage import Storage
from peewee import CharField, IntegerField

from models.ledger.database import LedgerUnavailable, Record, database
from models.timestamps import MillisecondsField, now

HOUR = timedelta(hours=1)


class Count(Record):
    """How often a key was counted in the window that ends at `expires_at`."""

    key = CharField(unique=True)
    amount = IntegerField()
    expires_at = MillisecondsField(index=True)

    @classmethod
    def current(cls, key: str) -> "Count | None":
        """The count of this key, if its window has not ended."""
        return cls.get_or_none(cls.key == key, cls.expires_at > now())


@dataclass(frozen=True)
class Places:
    """At most `amount` of something within any hour; None for any number.

    Each place is a row that is taken for an hour. A count would allow twice as many around the
    end of its window.
    """

    name: str
    amount: int | None

    def seconds_until_free(self) -> int:
        """Return how long to wait for a place, 0 when one is free. This only reads."""
        if self.amount is None:
            return 0
        ends = sorted(count.expires_at for count in self._rows() if count.expires_at > now())
        return seconds_until(ends[-self.amount]) if len(ends) >= self.amount else 0

    def take(self) -> bool:
        """Take a place, if one is free. Call it in an exclusive transaction of one name."""
        if self.amount is None:
            return True
        rows = {count.key: count for count in self._rows()}
        for key in self._keys():
            count = rows.get(key) or Count(key=key, amount=1, expires_at=now())
            if count.expires_at <= now():
                count.expires_at = now() + HOUR
                count.save()
                return True
        return False

    def _keys(self) -> list[str]:
        return [f"{self.name} {number}" for number in range(self.amount or 0)]

    def _rows(self) -> list[Count]:
        return list(Count.select().where(Count.key.in_(self._keys())))


def seconds_until(instant: datetime) -> int:
    """Return the seconds from now to `instant`, rounded up, at least 1."""
    return max(1, math.ceil((instant - now()).total_seconds()))


def amounts(keys: Iterable[str]) -> dict[str, int]:
    """Return the counts of the keys that were counted in a window that has not ended."""
    found = Count.select().where(Count.key.in_(list(keys)), Count.expires_at > now())
    return {count.key: count.amount for count in found}


def is_first(event: str, within: timedelta) -> bool:
    """Count an event; return whether no process counted it in the window before."""
    key = alarm_key(event)
    # Reading first spares a transaction for each of many events.
    return (
        Count.current(key) is None and LedgerStorage().incr(key, int(within.total_seconds())) == 1
    )


def alarm_key(event: str) -> str:
    """Return the key under which `is_first` counts an event."""
    # The key is stored: older versions use the same.
    return f"alarm {event}"


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
            count = Count.get_or_none(Count.key == key) or Count(key=key, expires_at=now())
            if count.expires_at <= now():
                count.amount, count.expires_at = 0, now() + timedelta(seconds=expiry)
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

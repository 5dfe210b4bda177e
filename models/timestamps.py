"""Times: aware UTC in Python, a number of milliseconds or a local timestamp in a database.

Strapi stores milliseconds in SQLite, and timestamps in its own local time on servers.
"""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from peewee import BigIntegerField, DateTimeField

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> datetime:
    """Return the current time, cut to milliseconds, as a database stores it."""
    instant = datetime.now(UTC)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def to_milliseconds(instant: datetime) -> int:
    """Return the milliseconds from 1970 to `instant`."""
    return (instant - EPOCH) // timedelta(milliseconds=1)


def as_stored(instant: datetime, zone: tzinfo) -> datetime:
    """Return what is read back after `instant` was stored in the local time of `zone`.

    One hour occurs twice in autumn; a stored time in it is read as the first of the two.
    """
    return instant.astimezone(zone).replace(fold=0).astimezone(UTC)


class MillisecondsField(BigIntegerField):
    """A column of milliseconds since 1970, an aware datetime in Python."""

    def db_value(self, value: Any) -> int | None:
        """Return milliseconds for the database."""
        return to_milliseconds(value) if isinstance(value, datetime) else value

    def python_value(self, value: Any) -> datetime | None:
        """Return an aware datetime; None where the column holds anything but a number."""
        return EPOCH + timedelta(milliseconds=value) if isinstance(value, int) else None


class TimestampField(DateTimeField):
    """A column of timestamps in the local time of a zone, an aware datetime in Python."""

    def __init__(self, zone: tzinfo, **options: Any) -> None:
        """Set the time zone in which Strapi writes its timestamps."""
        self.zone = zone
        super().__init__(**options)

    def db_value(self, value: Any) -> Any:
        """Return a local timestamp, without its zone, for the database."""
        aware = isinstance(value, datetime) and value.tzinfo is not None
        return value.astimezone(self.zone).replace(tzinfo=None) if aware else value

    def python_value(self, value: Any) -> datetime | None:
        """Return an aware datetime; None where the column holds anything but a timestamp."""
        if not isinstance(value, datetime):
            return None
        return value.replace(tzinfo=self.zone).astimezone(UTC)

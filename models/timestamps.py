"""Instants: aware UTC in Python, integer milliseconds in SQLite, as Strapi stores them there; on
other engines, Strapi has timestamps in its own local time."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from peewee import BigIntegerField, DateTimeField

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> datetime:
    """The present, cut to the milliseconds that a database keeps."""
    instant = datetime.now(UTC)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def to_milliseconds(instant: datetime) -> int:
    """`instant` in milliseconds since 1970."""
    return (instant - EPOCH) // timedelta(milliseconds=1)


def as_stored(instant: datetime, zone: tzinfo) -> datetime:
    """`instant` as it is read again from a timestamp in the local time of `zone`: of an hour that
    comes twice in autumn, the first one."""
    return instant.astimezone(zone).replace(fold=0).astimezone(UTC)


class MillisecondsField(BigIntegerField):
    """A column of milliseconds since 1970, read and written as an aware datetime."""

    def db_value(self, value: Any) -> int | None:
        """Milliseconds for the database."""
        return to_milliseconds(value) if isinstance(value, datetime) else value

    def python_value(self, value: Any) -> datetime | None:
        """An aware datetime for Python; None where somebody stored anything but a number."""
        return EPOCH + timedelta(milliseconds=value) if isinstance(value, int) else None


class TimestampField(DateTimeField):
    """A column of timestamps in the local time of `zone`, read and written as an aware datetime."""

    def __init__(self, zone: tzinfo, **options: Any) -> None:
        """Take the zone of whoever else writes these timestamps."""
        self.zone = zone
        super().__init__(**options)

    def db_value(self, value: Any) -> Any:
        """A timestamp without a zone for the database."""
        aware = isinstance(value, datetime) and value.tzinfo is not None
        return value.astimezone(self.zone).replace(tzinfo=None) if aware else value

    def python_value(self, value: Any) -> datetime | None:
        """An aware datetime for Python."""
        if not isinstance(value, datetime):
            return None
        return value.replace(tzinfo=self.zone).astimezone(UTC)

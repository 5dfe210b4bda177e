"""Instants: aware UTC in Python, integer milliseconds in SQLite, as Strapi stores them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from peewee import BigIntegerField

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> datetime:
    """The present, cut to the milliseconds that a database keeps."""
    instant = datetime.now(UTC)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def milliseconds(instant: datetime) -> int:
    """`instant` in milliseconds since 1970."""
    return (instant - EPOCH) // timedelta(milliseconds=1)


class InstantField(BigIntegerField):
    """A column of milliseconds since 1970, read and written as an aware datetime."""

    def db_value(self, value: Any) -> int | None:
        """Milliseconds for the database."""
        return milliseconds(value) if isinstance(value, datetime) else value

    def python_value(self, value: Any) -> datetime | None:
        """An aware datetime for Python; None where somebody stored anything but a number."""
        return EPOCH + timedelta(milliseconds=value) if isinstance(value, int) else None

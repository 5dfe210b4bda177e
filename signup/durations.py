"""Spans of time: in words, and as the settings have them."""

from datetime import datetime, timedelta

from babel.units import format_unit
from flask import current_app

from signup.i18n import get_locale

UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def exactly(seconds: int) -> str:
    """A span in the largest unit that divides it."""
    name, length = next((u for u in UNITS if seconds >= u[1] and seconds % u[1] == 0), UNITS[-1])
    return _counted(seconds // length, name)


def about(span: timedelta) -> str:
    """A span in the largest unit of which it has two, or in minutes."""
    seconds = span.total_seconds()
    name, length = next((u for u in UNITS[:-1] if seconds >= 2 * u[1]), UNITS[-2])
    return _counted(max(round(seconds / length), 1), name)


def undo() -> timedelta:
    """For how long a decision can be taken back."""
    return timedelta(seconds=current_app.config["UNDO_SECONDS"])


def reapply_at(decided_at: datetime) -> datetime:
    """When somebody who was declined at this instant may apply again."""
    return decided_at + timedelta(days=current_app.config["REAPPLY_DAYS"])


def _counted(count: int, name: str) -> str:
    return format_unit(count, f"duration-{name}", locale=get_locale())

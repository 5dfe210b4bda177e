"""Durations in the current language, and the durations that settings give."""

from datetime import datetime, timedelta

from babel.units import format_unit
from flask import current_app

from signup.i18n import get_locale

# Names as Babel writes them, with their lengths in seconds.
UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def exact(seconds: int) -> str:
    """Return a duration in the largest unit that divides it."""
    name, length = next((u for u in UNITS if seconds >= u[1] and seconds % u[1] == 0), UNITS[-1])
    return _in_words(seconds // length, name)


def approximate(duration: timedelta) -> str:
    """Return a duration rounded to days or hours if it has two of them, else to minutes."""
    seconds = duration.total_seconds()
    name, length = next((u for u in UNITS[:-1] if seconds >= 2 * u[1]), UNITS[-2])
    return _in_words(max(round(seconds / length), 1), name)


def undo_period() -> timedelta:
    """Return how long a decision can be undone."""
    return timedelta(seconds=current_app.config["UNDO_SECONDS"])


def reapply_period() -> timedelta:
    """Return how long a mailbox that was declined may not apply again."""
    return timedelta(days=current_app.config["REAPPLY_DAYS"])


def reapply_at(decided_at: datetime) -> datetime:
    """Return when a person who was declined at `decided_at` may apply again."""
    return decided_at + reapply_period()


def _in_words(count: int, unit: str) -> str:
    return format_unit(count, f"duration-{unit}", locale=get_locale())

"""Log errors that an operator should see, rarely enough to be read."""

import logging
from datetime import timedelta

from models.log_events import LogEvent
from models.rate_limits import Count, alarm_key, is_first

log = logging.getLogger(__name__)

# Between two lines about the same event, in all instances together.
INTERVAL = timedelta(minutes=10)


def alert(event: LogEvent, problem: str) -> None:
    """Log an error, unless the same event was logged within INTERVAL."""
    if is_first(event, INTERVAL):
        log.error(event, extra={"error": problem})


def logged_lately(event: LogEvent) -> bool:
    """Return whether `alert` logged this event within INTERVAL."""
    return Count.current(alarm_key(event)) is not None

"""Alarms: what somebody should look at now, as errors in the log, and seldom enough to be read."""

import logging
from datetime import timedelta

from models.rate_limits import is_first

log = logging.getLogger(__name__)

# Between two lines about the same trouble.
QUIET = timedelta(minutes=10)


def alert(event: str, problem: str) -> None:
    """Log an error, unless it was logged a moment ago."""
    if is_first(event, QUIET):
        log.error(event, extra={"error": problem})

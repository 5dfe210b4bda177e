"""Sum up log lines about refused requests: one line of a kind in a minute for each network."""

import logging
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, current_app, has_request_context, request

from models.log_events import LogEvent
from models.timestamps import now
from signup.rate_limits import visitor_network

log = logging.getLogger(__name__)

# Anybody can cause these events as often as they like.
SUMMED = {
    LogEvent.LINK_INVALID,
    LogEvent.CONFIRMATION_POSTPONED,
    LogEvent.LOGIN_LIMITED,
    LogEvent.SESSION_REFUSED,
    LogEvent.FORM_REFUSED,
    LogEvent.SITE_REFUSED,
    LogEvent.HOST_REFUSED,
    LogEvent.RATE_LIMITED,
    LogEvent.REQUEST_FAILED,
}
# The modules that log them.
LOGGERS = (
    "signup.csrf",
    "signup.errors",
    "signup.logging",
    "signup.login_limits",
    "signup.public",
    "signup.public.link",
    "signup.rate_limits",
    "signup.review.login",
    "signup.security",
)
# Lines of one event with other values of these fields are of another kind.
FIELDS = ("status", "token", "limit")
MINUTE = timedelta(minutes=1)
# Kinds that are told apart at a time. All further ones count as one.
MAX_KINDS = 10_000

Kind = tuple[Any, ...]


@dataclass
class Sum:
    """The level of a kind of lines, when the last one was logged, and how many were left out."""

    level: int
    logged_at: datetime
    left_out: int = 0


class LogSums:
    """The lines that were left out. Each instance of the service has its own."""

    def __init__(self) -> None:
        """Start with none."""
        self._lock = threading.Lock()
        self._sums: dict[Kind, Sum] = {}

    def admit(self, record: logging.LogRecord) -> bool:
        """Return whether to log this line of the current request; if not, count it.

        A line says in `left_out` how many before it were not logged.
        """
        fields = (getattr(record, name, None) for name in FIELDS)
        kind = (record.msg, request.endpoint, visitor_network(), *fields)
        with self._lock:
            if len(self._sums) >= MAX_KINDS and kind not in self._sums:
                kind = (record.msg, None, "all others", *[None for _ in FIELDS])
            found = self._sums.get(kind)
            if found and now() - found.logged_at < MINUTE:
                found.left_out += 1
                return False
            if found and found.left_out:
                record.left_out = found.left_out
            self._sums[kind] = Sum(record.levelno, now())
        return True

    def log_ended(self) -> None:
        """Log the sums of minutes that are over. The worker calls this."""
        with self._lock:
            ended = {k: s for k, s in self._sums.items() if now() - s.logged_at >= MINUTE}
            for kind in ended:
                del self._sums[kind]
        for (event, page, network, *values), found in ended.items():
            if found.left_out:
                facts = {"page": page, "network": network, "left_out": found.left_out}
                log.log(found.level, event, extra=dict(zip(FIELDS, values, strict=True)) | facts)


def init_app(app: Flask) -> None:
    """Sum up the lines of the modules that log refused requests."""
    app.extensions["log_sums"] = LogSums()
    for name in LOGGERS:
        logging.getLogger(name).addFilter(is_admitted)


def is_admitted(record: logging.LogRecord) -> bool:
    """Return whether to log a line. Failures of the service are logged one by one."""
    if record.msg not in SUMMED or record.levelno >= logging.ERROR or not has_request_context():
        return True
    return bool(current_app.extensions["log_sums"].admit(record))

"""Attempts: how often a wrong password may be tried, at the desk and the API together."""

import hashlib
import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from flask import abort, current_app, g
from limits import RateLimitItem, parse

from models.log_events import LogEvent
from signup.logging import loggable_email
from signup.rate_limits import limiter, network

log = logging.getLogger(__name__)
T = TypeVar("T")

# Failures of a network address, whatever account it tries, and of an account from there, which
# is Strapi's own limit. A stranger elsewhere locks nobody out.
OF_NETWORK = parse("20/hour")
OF_ACCOUNT = parse("5/5 minutes")
# Failures of an account from everywhere: above, somebody guesses from many addresses. That only
# raises an alarm, because a limit would lock the account's owner out.
ALARMING = parse("100/day")
# A network address tries one password at a time: of many at once, none would have been counted
# when the others are let through.
TURNS = [threading.Lock() for _ in range(64)]

Count = tuple[RateLimitItem, str, str]


def attempt(account: str, trial: Callable[[], T | None]) -> T | None:
    """What `trial` yields, with a password for `account`; nothing is a failure, and after too
    many of them nobody may try: 429. A success counts for nothing, and clears nothing."""
    if not current_app.config["RATELIMIT_ENABLED"]:
        return trial()
    # Hashed, because people type their password into the wrong field.
    key = hashlib.sha256(account.strip().lower().encode(errors="replace")).hexdigest()
    counts: list[Count] = [
        (OF_NETWORK, "failed logins", network()),
        (OF_ACCOUNT, "failed logins", f"{network()} {key}"),
    ]
    with TURNS[hash(network()) % len(TURNS)]:
        if not all(limiter.limiter.test(*count) for count in counts):
            _refuse(account, counts)
        found = trial()
        if found is not None:
            return found
        within = [limiter.limiter.hit(*count) for count in counts]
    _watch(account, key)
    if not all(within):
        # Another process has counted meanwhile, and this trial was one too many.
        _refuse(account, counts)
    return None


def _refuse(account: str, counts: list[Count]) -> None:
    windows = [limiter.limiter.get_window_stats(*count) for count in counts]
    # A window may have ended just now.
    ends = [window.reset_time for window in windows if window.remaining == 0]
    g.closed_until = max(ends, default=0)
    log.warning(LogEvent.LOGIN_LIMITED, extra={"account": loggable_email(account)})
    abort(429)


def _watch(account: str, key: str) -> None:
    count = ALARMING, "failed logins everywhere", key
    last = limiter.limiter.hit(*count) and not limiter.limiter.get_window_stats(*count).remaining
    if last:
        fields = {"account": loggable_email(account), "failures": 100}
        log.error(LogEvent.PASSWORD_GUESSING, extra=fields)

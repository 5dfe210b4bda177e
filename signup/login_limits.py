"""Limits on wrong passwords, for the review pages and the API together."""

import hashlib
import logging
import threading
from collections.abc import Callable
from typing import NoReturn, TypeVar

from limits import RateLimitItem

from models.emails import comparable
from models.log_events import LogEvent
from signup import rate_limits
from signup.logging import loggable_email
from signup.rate_limits import LIMITS, limiter, visitor_ip

log = logging.getLogger(__name__)
T = TypeVar("T")

# One IP tries one password at a time. Many tries at once would all pass before one is counted.
LOCKS = [threading.Lock() for _ in range(64)]

# A limit, and the two parts of the key that it is stored under.
Count = tuple[RateLimitItem, str, str]


def try_login(account: str, authenticate: Callable[[], T | None]) -> T | None:
    """Return what `authenticate` returns for `account`, and count None as a failed login.

    Too many failures answer 429. A successful login counts nothing and resets nothing.
    """
    if not rate_limits.enabled():
        return authenticate()
    # Hashed, because people type their password into the wrong field.
    key = hashlib.sha256(comparable(account).encode(errors="replace")).hexdigest()
    ip = visitor_ip()
    # "failed logins" is part of the stored key.
    counts: list[Count] = [
        (LIMITS["failed logins of an IP"].item, "failed logins", ip),
        (LIMITS["failed logins of an account"].item, "failed logins", f"{ip} {key}"),
    ]
    with LOCKS[hash(ip) % len(LOCKS)]:
        if not all(limiter.limiter.test(*count) for count in counts):
            _refuse(account, counts)
        found = authenticate()
        if found is not None:
            return found
        within = [limiter.limiter.hit(*count) for count in counts]
    _watch_for_guessing(account, key)
    if not all(within):
        # Another process counted a failure in the meantime, so this try was one too many.
        _refuse(account, counts)
    return None


def _refuse(account: str, counts: list[Count]) -> NoReturn:
    windows = [limiter.limiter.get_window_stats(*count) for count in counts]
    # The list is empty when a window has ended just now.
    ends = [window.reset_time for window in windows if window.remaining == 0]
    log.warning(LogEvent.LOGIN_LIMITED, extra={"account": loggable_email(account)})
    rate_limits.refuse(max(ends, default=0))


def _watch_for_guessing(account: str, key: str) -> None:
    """Log an error once, when the failures of an account from all IPs reach the limit."""
    limit = LIMITS["password guessing"]
    # "failed logins everywhere" is part of the stored key.
    count = limit.item, "failed logins everywhere", key
    last = limiter.limiter.hit(*count) and not limiter.limiter.get_window_stats(*count).remaining
    if last:
        facts = {"account": loggable_email(account), "failures": limit.amount}
        log.error(LogEvent.PASSWORD_GUESSING, extra=facts)

"""Limits on wrong passwords, for the review pages and the API together."""

import hashlib
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn, TypeVar

from limits import RateLimitItem

from models.emails import comparable
from models.ledger.database import LedgerUnavailable
from models.log_events import LogEvent
from models.rate_limits import amounts
from models.reviewers.known_networks import KnownNetwork
from signup import links, rate_limits
from signup.logging import loggable_email
from signup.rate_limits import LIMITS, limiter, visitor_ip, visitor_network

log = logging.getLogger(__name__)
T = TypeVar("T")

# Many tries at once would all pass before one is counted. So an IP tries one password at a time,
# and so do all IPs together whose network the account does not know.
LOCKS = [threading.Lock() for _ in range(64)]
UNKNOWN_LOCK = threading.Lock()

# A limit, and the two parts of the key that it is stored under.
Count = tuple[RateLimitItem, str, str]


def try_login(account: str, authenticate: Callable[[], T | None]) -> T | None:
    """Return what `authenticate` returns for `account`, and count None as a failed login.

    Too many failures answer 429. A successful login counts nothing and resets nothing, but makes
    its network a known one of this account.
    """
    if not rate_limits.enabled():
        return authenticate()
    # Hashed, because people type their password into the wrong field.
    key = hashlib.sha256(comparable(account).encode(errors="replace")).hexdigest()
    is_known = KnownNetwork.knows(key, visitor_network(), links.signing_keys())
    counts = _counts(key, is_known)
    _refuse_above(account, counts)
    with LOCKS[hash(visitor_ip()) % len(LOCKS)] if is_known else UNKNOWN_LOCK:
        _refuse_above(account, counts)
        found = authenticate()
        if found is not None:
            _remember_network(key)
            return found
        within = [limiter.limiter.hit(*count) for count in counts]
    _watch_for_guessing(account, key, counts)
    if not all(within):
        # Another process or IP counted a failure in the meantime: this try was one too many.
        _refuse(account, counts)
    return None


def _counts(key: str, is_known: bool) -> list[Count]:
    """Return the limits of a login to an account, from a network that it knows or not."""
    # "failed logins" is part of the stored key.
    ip, network = visitor_ip(), visitor_network()
    of_account = LIMITS["failed logins of an account"].item, "failed logins", f"{ip} {key}"
    if is_known:
        return [of_account]
    return [
        of_account,
        (LIMITS["failed logins of an IP"].item, "failed logins", ip),
        (LIMITS["failed logins of a network"].item, "failed logins", f"network {network}"),
        (LIMITS["failed logins from unknown networks"].item, "failed logins", f"unknown {key}"),
    ]


def _remember_network(key: str) -> None:
    # A full disk keeps nobody from logging in.
    with suppress(*LedgerUnavailable):
        KnownNetwork.remember(key, visitor_network(), links.signing_keys())


def _refuse_above(account: str, counts: list[Count]) -> None:
    found = amounts(item.key_for(*key) for item, *key in counts)
    if any(found.get(item.key_for(*key), 0) >= item.amount for item, *key in counts):
        _refuse(account, counts)


def _refuse(account: str, counts: list[Count]) -> NoReturn:
    windows = [limiter.limiter.get_window_stats(*count) for count in counts]
    # The list is empty when a window has ended just now.
    ends = [window.reset_time for window in windows if window.remaining == 0]
    log.warning(LogEvent.LOGIN_LIMITED, extra={"account": loggable_email(account)})
    rate_limits.refuse(max(ends, default=0))


def _watch_for_guessing(account: str, key: str, counts: list[Count]) -> None:
    """Log an error once, when the failures of an account from many IPs reach a limit."""
    # "failed logins everywhere" is part of the stored key.
    of_day = LIMITS["password guessing"].item, "failed logins everywhere", key
    reached = [of_day] if limiter.limiter.hit(*of_day) and _is_used_up(of_day) else []
    reached += [count for count in counts if count[2].startswith("unknown ") and _is_used_up(count)]
    if reached:
        facts = {"account": loggable_email(account), "failures": reached[0][0].amount}
        log.error(LogEvent.PASSWORD_GUESSING, extra=facts)


def _is_used_up(count: Count) -> bool:
    return limiter.limiter.get_window_stats(*count).remaining == 0

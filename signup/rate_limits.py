"""Limits: every number in one table, one switch for all of them, and how they are counted."""

import logging
import math
import time
from dataclasses import dataclass
from typing import NoReturn

from flask import Flask, abort, current_app, g, request
from flask_limiter import Limiter
from limits import RateLimitItem, parse

import models.rate_limits  # noqa: F401 (registers the storage "ledger://")
from models import networks
from models.log_events import LogEvent

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limit:
    """At most `amount` in each `period` for each of those that `counted_for` names."""

    amount: int
    period: str
    counted_for: str

    @property
    def item(self) -> RateLimitItem:
        """The limit as the library `limits` counts it."""
        return parse(str(self))

    def __str__(self) -> str:
        """The limit in the notation of the library `limits`."""
        return f"{self.amount}/{self.period}"


# Every limit that `RATELIMIT_ENABLED=false` lifts. "IP" means the /64 network for IPv6, and
# "network" the /24 network for IPv4 and the /48 network for IPv6.
# Two limits always hold: the setting MAX_WAITING, and the sizes of a request in security.py.
# No limit refuses a link whose signature verifies (P17).
LIMITS = {
    # Signup forms. Above: 429.
    "link requests": Limit(30, "hour", "IP"),
    # Links that are not ours. Each process counts them in memory. Above: 429.
    "wrong links": Limit(20, "hour", "IP"),
    # Passwords that were hashed for a link. Above: 503 with the form, and the link still works.
    "hashes of a link": Limit(10, "10 minutes", "link"),
    # Hashes that made no author. Above: the same, for links with a hash in these 10 minutes.
    "wasted hashes": Limit(20, "hour", "IP"),
    # Failed logins, on the review pages and in the API together. Above: 429.
    # Only the limit of an account holds for networks from which this account has logged in (P17).
    "failed logins of an IP": Limit(20, "hour", "IP"),
    "failed logins of a network": Limit(40, "hour", "network"),
    # Strapi has this limit, too. It counts for the IP, so nobody elsewhere is locked out.
    "failed logins of an account": Limit(5, "5 minutes", "account and IP"),
    # From all networks that never logged in to this account.
    "failed logins from unknown networks": Limit(30, "hour", "account"),
    # From all IPs. Above: an error in the log. A refusal would lock out the owner of the account.
    "password guessing": Limit(100, "day", "account"),
    # First emails: the ones with a link. Above: the usual page, and no email.
    "emails to a mailbox in an hour": Limit(3, "hour", "mailbox"),
    "emails to a mailbox in a day": Limit(6, "day", "mailbox"),
    # First emails to everyone have a setting, MAX_LETTERS in an hour. Above: 503. See shares.py.
}
# Seconds that a person needs at least to fill in the signup form. Faster: the usual page, no email.
MIN_FORM_SECONDS = 3


def enabled() -> bool:
    """Whether limits hold. Flask-Limiter reads the same setting at the start."""
    return bool(current_app.config["RATELIMIT_ENABLED"])


def visitor_ip() -> str:
    """The visitor's IP; for IPv6 its /64 network."""
    return networks.of_visitor(request.remote_addr)


def visitor_network() -> str:
    """The network of the visitor's IP: /24 for IPv4, /48 for IPv6."""
    return networks.of_provider(request.remote_addr)


limiter = Limiter(visitor_ip, storage_uri="ledger://", strategy="fixed-window")
# A GET changes nothing in the ledger, not even a count. So wrong links are counted in memory.
memory_limiter = Limiter(visitor_ip, storage_uri="memory://", strategy="fixed-window")


def init_app(app: Flask) -> None:
    """Start counting, unless `RATELIMIT_ENABLED` is false."""
    limiter.init_app(app)
    memory_limiter.init_app(app)


def count_wrong_link() -> None:
    """Count a link that is not ours, or answer 429."""
    count("wrong links", visitor_ip(), "wrong links", limiter=memory_limiter)


def count(name: str, *key: str, limiter: Limiter = limiter) -> None:
    """Count one more for this limit and key, or answer 429. A refusal only reads."""
    refuse_above(name, *key, limiter=limiter)
    if enabled() and not limiter.limiter.hit(LIMITS[name].item, *key):
        _refuse_above(name, key, limiter)


def refuse_above(name: str, *key: str, limiter: Limiter = limiter) -> None:
    """Answer 429 when this limit is reached for this key."""
    if enabled() and not limiter.limiter.test(LIMITS[name].item, *key):
        _refuse_above(name, key, limiter)


def refuse(until: float) -> NoReturn:
    """Answer 429 until a time, in seconds since 1970."""
    g.refused_until = until
    abort(429)


def retry_after() -> int:
    """Seconds until the limit that was reached is lifted, at least 1."""
    return max(1, math.ceil(g.get("refused_until", 0) - time.time()))


def _refuse_above(name: str, key: tuple[str, ...], limiter: Limiter) -> NoReturn:
    item = LIMITS[name].item
    log.warning(LogEvent.RATE_LIMITED, extra={"limit": str(item)})
    refuse(limiter.limiter.get_window_stats(item, *key).reset_time)

"""Limits: every number in one table, one switch for all of them, and what Flask-Limiter counts."""

import ipaddress
import time
from dataclasses import dataclass

from flask import Flask, Response, current_app, g, request
from flask_limiter import Limiter
from limits import RateLimitItem, parse

import models.rate_limits  # noqa: F401 (registers the storage "ledger://")
from models.signups.start import EmailLimits


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


# Every limit that `RATELIMIT_ENABLED=false` lifts. "IP" means the /64 network for IPv6.
# Two limits always hold: the setting MAX_WAITING, and the sizes of a request in security.py.
LIMITS = {
    # Signup forms, and requests for another link. Above: 429.
    "link requests": Limit(30, "hour", "IP"),
    # Links that are not ours. Each process counts them in memory. Above: 429.
    "wrong links": Limit(20, "hour", "IP"),
    # Failed logins, on the review pages and in the API together. Above: 429.
    "failed logins of an IP": Limit(20, "hour", "IP"),
    # Strapi has this limit, too. It counts for the IP, so nobody elsewhere is locked out.
    "failed logins of an account": Limit(5, "5 minutes", "account and IP"),
    # From all IPs. Above: an error in the log. A refusal would lock out the owner of the account.
    "password guessing": Limit(100, "day", "account"),
    # First emails: the ones with a link. Above: the usual page, and no email.
    "emails to a mailbox in an hour": Limit(3, "hour", "mailbox"),
    "emails to a mailbox in a day": Limit(6, "day", "mailbox"),
    # First emails to everyone have a setting, MAX_LETTERS in an hour. Above: 503.
}
# Seconds that a person needs at least to fill in the signup form. Faster: the usual page, no email.
MIN_FORM_SECONDS = 3


def enabled() -> bool:
    """Whether limits hold. Flask-Limiter reads the same setting at the start."""
    return bool(current_app.config["RATELIMIT_ENABLED"])


def email_limits() -> EmailLimits | None:
    """The limits on first emails; None when limits are off."""
    if not enabled():
        return None
    return EmailLimits(
        mailbox_hour=LIMITS["emails to a mailbox in an hour"].amount,
        mailbox_day=LIMITS["emails to a mailbox in a day"].amount,
        everyone_hour=current_app.config["MAX_LETTERS"],
    )


def visitor_ip() -> str:
    """The visitor's IP; for IPv6 its /64 network, because a visitor can use all of that."""
    try:
        ip = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        # A proxy on a Unix socket sends no IP, and some proxies send "unknown".
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)


def is_not_found(response: Response) -> bool:
    """Whether a link was not ours."""
    return response.status_code == 404


limiter = Limiter(visitor_ip, storage_uri="ledger://", strategy="fixed-window")
# A GET changes nothing in the ledger, not even a count. So wrong links are counted in memory.
memory_limiter = Limiter(visitor_ip, storage_uri="memory://", strategy="fixed-window")

# Decorators for views. The stored keys contain the scope "wrong links" and the endpoints' names.
limit_link_requests = limiter.limit(str(LIMITS["link requests"]))
limit_wrong_links = memory_limiter.shared_limit(
    str(LIMITS["wrong links"]), "wrong links", deduct_when=is_not_found
)


def init_app(app: Flask) -> None:
    """Start counting, unless `RATELIMIT_ENABLED` is false."""
    limiter.init_app(app)
    memory_limiter.init_app(app)


def retry_after() -> int:
    """Seconds until the limit that was reached is lifted, at least 1."""
    limits = [limiter.current_limit, memory_limiter.current_limit]
    ends = [limit.reset_at for limit in limits if limit is not None and limit.breached]
    return max([1, *(int(end - time.time()) for end in [*ends, g.get("login_blocked_until", 0)])])

"""Who may do what how often: the numbers, and whom they are counted for."""

import ipaddress
import time

from flask import Flask, Response, current_app, g, request
from flask_limiter import Limiter

import models.rate_limits  # noqa: F401 (registers the storage in the ledger)
from models.signups.start import EmailLimits


def network() -> str:
    """The network address of a visitor; of IPv6 the /64, which one visitor has for himself."""
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        # A proxy on a Unix socket names none, and some write "unknown".
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def not_found(response: Response) -> bool:
    """Whether a link was none of ours."""
    return response.status_code == 404


limiter = Limiter(network, storage_uri="ledger://", strategy="fixed-window")
# Looking changes nothing, not even a count: what is looked up in vain is counted in memory.
looks = Limiter(network, storage_uri="memory://", strategy="fixed-window")

requests = limiter.limit("30/hour")
wrong_links = looks.shared_limit("20/hour", "wrong links", deduct_when=not_found)


def init_app(app: Flask) -> None:
    """Count in the ledger, unless `RATELIMIT_ENABLED` is false."""
    limiter.init_app(app)
    looks.init_app(app)


def letters() -> EmailLimits | None:
    """How many first letters go out in an hour, in all; more is an attack, or fame that somebody
    should see. None where nothing is limited."""
    config = current_app.config
    return EmailLimits(3, 6, config["MAX_LETTERS"]) if config["RATELIMIT_ENABLED"] else None


def retry_after() -> int:
    """In how many seconds the limit that was reached will be lifted."""
    limits = [limiter.current_limit, looks.current_limit]
    ends = [limit.reset_at for limit in limits if limit is not None and limit.breached]
    return max([1, *(int(end - time.time()) for end in [*ends, g.get("closed_until", 0)])])

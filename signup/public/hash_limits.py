"""Limits on hashing passwords for a link. One hash keeps a core busy for 60 ms."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from models.rate_limits import seconds_until
from models.signups.signup import Signup
from signup import rate_limits
from signup.rate_limits import LIMITS, limiter, visitor_ip


class TooManyHashes(Exception):
    """Too many passwords were hashed for this link. It works again after `seconds`."""

    def __init__(self, until: float) -> None:
        """`until` is in seconds since 1970."""
        super().__init__("too many passwords were hashed for this link")
        self.seconds = seconds_until(datetime.fromtimestamp(until, UTC))


@contextmanager
def counted_hash(signup: Signup) -> Iterator[None]:
    """Count a hash for its link. When an exception ends it, count it for the IP, too.

    The first hash of a link is never refused, whatever others of this IP have done (P17).

    Raises: TooManyHashes.
    """
    if not rate_limits.enabled():
        yield
        return
    of_link = LIMITS["hashes of a link"].item, "hashes", f"signup {signup.id}"
    of_ip = LIMITS["wasted hashes"].item, "hashes", visitor_ip()
    already = limiter.limiter.storage.get(of_link[0].key_for(*of_link[1:]))
    if already and not limiter.limiter.test(*of_ip):
        raise TooManyHashes(limiter.limiter.get_window_stats(*of_ip).reset_time)
    if already >= of_link[0].amount or not limiter.limiter.hit(*of_link):
        raise TooManyHashes(limiter.limiter.get_window_stats(*of_link).reset_time)
    try:
        yield
    except Exception:
        limiter.limiter.hit(*of_ip)
        raise

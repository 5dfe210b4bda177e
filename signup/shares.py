"""How much of MAX_LETTERS and MAX_WAITING one network or one email domain may take."""

from collections.abc import Callable
from functools import wraps

from flask import current_app, request
from flask.typing import ResponseReturnValue

from models.keyed_hash import keyed_hash
from models.mail import mailboxes
from models.rate_limits import Places
from models.signups import start
from models.signups.queue import QueueLimits
from models.signups.start import EmailLimits
from signup.rate_limits import (
    LIMITS,
    count,
    enabled,
    refuse_above,
    visitor_ip,
    visitor_network,
)
from signup.validation import domains

View = Callable[..., ResponseReturnValue]

# MAX_LETTERS is divided by these numbers, and MAX_WAITING by the others.
NETWORK_EMAILS, DOMAIN_EMAILS, FREE_MAIL_EMAILS = 10, 5, 2
NETWORK_WAITING, DOMAIN_WAITING = 5, 5
# The largest share of MAX_LETTERS. Each place in it is a row, and all are read at once.
MAX_PLACES = 1000


def email_limits(email: str) -> EmailLimits | None:
    """Return the limits on first emails to `email` for this visitor; None when limits are off."""
    if not enabled():
        return None
    total, domain = current_app.config["MAX_LETTERS"], mailboxes.owner_domain(email)
    parts = FREE_MAIL_EMAILS if domain in domains.COMMON else DOMAIN_EMAILS
    return EmailLimits(
        mailbox_hour=LIMITS["emails to a mailbox in an hour"].amount,
        mailbox_day=LIMITS["emails to a mailbox in a day"].amount,
        everyone_hour=total,
        network=_network_places(),
        domain=_places("domain", domain, None if _is_expected(domain) else share(total, parts)),
    )


def queue_limits(email: str) -> QueueLimits:
    """Return the limits on waiting signups for this author. MAX_WAITING always holds."""
    total, domain = current_app.config["MAX_WAITING"], mailboxes.owner_domain(email)
    if not enabled():
        return QueueLimits(total)
    unlimited = domain in domains.COMMON or _is_expected(domain)
    return QueueLimits(
        total,
        network=share(total, NETWORK_WAITING),
        domain=None if unlimited else share(total, DOMAIN_WAITING),
    )


def share(total: int, parts: int) -> int:
    """Return one part of a total. A total of less than one for each part is not divided."""
    return total // parts or total


def limit_link_requests(view: View) -> View:
    """Return the view with a limit on its requests from an IP.

    While no first email is left for the visitor, a request is not counted: the view refuses it.
    """

    @wraps(view)
    def limited(**arguments: str) -> ResponseReturnValue:
        # The key is stored. It contains the name of the endpoint.
        key = visitor_ip(), str(request.endpoint)
        check = refuse_above if enabled() and _are_used_up() else count
        check("link requests", *key)
        return view(**arguments)

    return limited


def _are_used_up() -> bool:
    total = current_app.config["MAX_LETTERS"]
    return bool(start.seconds_until_free(total) or _network_places().seconds_until_free())


def _network_places() -> Places:
    amount = share(current_app.config["MAX_LETTERS"], NETWORK_EMAILS)
    return _places("network", visitor_network(), amount)


def _places(kind: str, name: str, amount: int | None) -> Places:
    """Return the places of a network or domain. A keyed hash stands for it in the ledger."""
    digest = keyed_hash(name, current_app.config["SECRET_KEY"])
    return Places(f"first emails of {kind} {digest}", amount and min(amount, MAX_PLACES))


def _is_expected(domain: str) -> bool:
    """Return whether the operator has named this domain as one that applies."""
    return domain in current_app.config["ALLOWED_DOMAINS"]

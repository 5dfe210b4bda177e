"""The queue of signups that wait for a decision, and how many may wait."""

import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from models import networks
from models.ledger.database import LedgerUnavailable, database
from models.mail import mailboxes
from models.rate_limits import Count
from models.signups.history import Event, EventKind
from models.signups.signup import Signup, State
from models.timestamps import now

# How long a place stays reserved when the process dies. Longer than Strapi's database is tried.
RESERVATION = timedelta(minutes=1)
# The beginning of the keys of reserved places.
CONFIRMING = "confirming "


class QueueFull(Exception):
    """As many signups wait for a decision as are allowed."""


@dataclass(frozen=True)
class QueueLimits:
    """How many signups may wait: in all, from one network, and of one email domain.

    None lifts a limit.
    """

    total: int
    network: int | None = None
    domain: int | None = None


def number_waiting() -> int:
    """Return how many signups wait for a decision."""
    return int(Signup.select().where(Signup.state == State.WAITING).count())


@contextmanager
def reserved_place(signup: Signup, ip: str | None, limits: QueueLimits) -> Iterator[None]:
    """Hold a place for a signup that is being confirmed, so that others at once count it.

    Raises: QueueFull.
    """
    key = f"{CONFIRMING}{signup.id} {secrets.token_hex(4)}"
    with database.exclusive_transaction("queue"):
        refuse_above(signup, ip, limits)
        Count.create(key=key, amount=1, expires_at=now() + RESERVATION)
    try:
        yield
    finally:
        # A place that cannot be given back now ends by itself.
        with suppress(*LedgerUnavailable):
            Count.delete_where(Count.key == key)


def refuse_above(signup: Signup, ip: str | None, limits: QueueLimits) -> None:
    """Raise QueueFull when there is no place for this signup. This only reads."""
    others = _being_confirmed(signup)
    if number_waiting() + others >= limits.total:
        raise QueueFull("the queue is full")
    if limits.domain is None and limits.network is None:
        return
    domain, network = mailboxes.owner_domain(signup.email or ""), networks.of_provider(ip)
    domains, in_networks = _domains_and_networks()
    if limits.domain is not None and domains[domain] + others >= limits.domain:
        raise QueueFull("as many signups of this email domain wait as may wait of one")
    if limits.network is not None and in_networks[network] + others >= limits.network:
        raise QueueFull("as many signups from this network wait as may wait from one")


def _being_confirmed(signup: Signup) -> int:
    """Return how many other signups are being confirmed. Each may be of any network or domain."""
    others = Count.key.startswith(CONFIRMING) & ~Count.key.startswith(f"{CONFIRMING}{signup.id} ")
    return int(Count.select().where(others, Count.expires_at > now()).count())


def _domains_and_networks() -> tuple[Counter[str], Counter[str]]:
    """Count the waiting signups of each email domain, and those confirmed from each network."""
    confirmed: Any = Event.select(Event.ip, Signup.email).join(Signup, on=Event.signup == Signup.id)
    where = Signup.state == State.WAITING, Event.kind == EventKind.CONFIRMED
    found = list(confirmed.where(*where).tuples())
    domains = Counter(mailboxes.owner_domain(email or "") for _, email in found)
    return domains, Counter(networks.of_provider(ip) for ip, _ in found)

"""The queue of signups that wait for a decision, and how many may wait."""

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
    return int(_waiting().count())


@contextmanager
def reserved_place(signup: Signup, ip: str | None, limits: QueueLimits) -> Iterator[None]:
    """Hold a place for a signup that is being confirmed, so that others at once count it.

    Raises: QueueFull.
    """
    key = f"{CONFIRMING}{signup.id}"
    with database.exclusive_transaction("queue"):
        refuse_above(signup, ip, limits)
        Count.delete_where(Count.key == key)
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
    if limits.domain is not None and _of_domain(signup) + others >= limits.domain:
        raise QueueFull("as many signups of this email domain wait as may wait of one")
    if limits.network is not None and _of_network(ip) + others >= limits.network:
        raise QueueFull("as many signups from this network wait as may wait from one")


def _waiting() -> Any:
    return Signup.select().where(Signup.state == State.WAITING)


def _being_confirmed(signup: Signup) -> int:
    """Return how many other signups are being confirmed. Each may be of any network or domain."""
    others = Count.key.startswith(CONFIRMING) & (Count.key != f"{CONFIRMING}{signup.id}")
    return Count.select().where(others, Count.expires_at > now()).count()


def _of_domain(signup: Signup) -> int:
    domain = mailboxes.owner_domain(signup.email or "")
    same = (Signup.domain == domain) | Signup.domain.endswith(f".{domain}")
    return int(_waiting().where(same).count())


def _of_network(ip: str | None) -> int:
    """Return how many waiting signups were confirmed from the network of this IP."""
    confirmed = Event.select(Event.ip).join(Signup, on=(Event.signup == Signup.id))
    found = confirmed.where(Signup.state == State.WAITING, Event.kind == EventKind.CONFIRMED)
    ours = networks.of_provider(ip)
    return sum(networks.of_provider(event.ip) == ours for event in found)

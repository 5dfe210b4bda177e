"""Asking: somebody gives an address, and its owner is owed the letter that fits."""

import secrets
from datetime import timedelta
from typing import Any

from models.history import Actor, Event
from models.instant import now
from models.ledger import database
from models.outbox import Letter
from models.signups import Signup, State

# How many first letters one mailbox gets, and how long an unconfirmed request is kept.
LETTERS_AN_HOUR = 3
LETTERS_A_DAY = 6
UNCONFIRMED = timedelta(days=7)


def ask(
    email: str,
    firstname: str,
    lastname: str | None,
    *,
    by: Actor,
    reapply_after: timedelta,
    throttled: bool = True,
) -> bool:
    """Take a request for an account and owe its address the letter that fits, in one
    transaction, with the same work for every address.

    A mailbox gets 3 such letters an hour and 6 a day, unless `throttled` is false; returns
    whether it gets one.
    """
    names: dict[str, Any] = {"firstname": firstname, "lastname": lastname}
    with database.atomic():
        signup = Signup.current(email, reapply_after)
        if signup is None:
            key, domain = secrets.token_urlsafe(16), email.rpartition("@")[2]
            signup = Signup.create(key=key, email=email, domain=domain, generation=0, **names)
        elif signup.state == State.ASKED and signup.born_at is None:
            signup.turn(State.ASKED, State.ASKED, **names)
        return _owe_link(signup, by, throttled)


def renew(signup: Signup, *, by: Actor, throttled: bool = True) -> bool:
    """Owe the owner of a link that has expired, or was replaced, a fresh one; False where
    that mailbox gets no more letters for now."""
    with database.atomic():
        return _owe_link(signup, by, throttled)


def _owe_link(signup: Signup, by: Actor, throttled: bool) -> bool:
    if throttled and not _letters_left(signup.email or ""):
        return False
    # The older links of a signup that is not confirmed end here.
    fresh: dict[str, Any] = {"generation": Signup.generation + 1, "asked_at": now()}
    signup.turn(State.ASKED, State.ASKED, **fresh)
    Event.note(signup, "asked", by)
    Letter.owe("confirm", signup.email or "", signup)
    return True


def _letters_left(email: str) -> bool:
    an_hour_ago, a_day_ago = now() - timedelta(hours=1), now() - timedelta(days=1)
    return (
        Letter.asked_since(email, an_hour_ago) < LETTERS_AN_HOUR
        and Letter.asked_since(email, a_day_ago) < LETTERS_A_DAY
    )

"""Deciding: a super admin activates or declines, the author withdraws or says stop.

A decision is noted in the ledger before Strapi's file is touched: killed in between, `settle`
carries it out. When Strapi's file refuses, it is taken back, and whoever decided is told.
"""

from collections.abc import Sequence

from models.instant import now
from models.ledger import database
from models.outbox import Letter
from models.signups import Signup, State
from models.stops import Stop
from models.strapi import Altered, Gone, Strapi, StrapiUnavailable


class Decided(Exception):
    """The signup was decided before, and otherwise."""


def activate(signup: Signup, strapi: Strapi, by: str) -> None:
    """Let the author in; a second time changes nothing.

    Raises Decided, Gone, Altered, StrapiUnavailable.
    """
    decision = {"decided_by": by, "decided_at": now()}
    if not signup.turn(State.ACTIVATING, State.WAITING, **decision):
        if signup.state == State.ACTIVE:
            return
        raise Decided
    try:
        carry_out(signup, strapi)
    except (Altered, StrapiUnavailable):
        signup.turn(State.WAITING, State.ACTIVATING, decided_by=None, decided_at=None)
        raise


def carry_out(signup: Signup, strapi: Strapi) -> None:
    """Make a noted activation true in Strapi. Raises Gone, Altered, StrapiUnavailable."""
    try:
        strapi.write(lambda people: people.activate(signup.identity, now()))
    except Gone:
        signup.removed()
        raise
    signup.activated(signup.decided_by)


def decline(signup: Signup, strapi: Strapi, by: str, reason: str | None, tell: bool) -> None:
    """Refuse the author, whose row stays in Strapi, inactive; a second time changes nothing.

    Raises Decided, Gone, StrapiUnavailable.
    """
    if signup.state == State.DECLINED:
        return
    try:
        row = strapi.read(lambda people: people.ours(signup.identity))
    except Gone:
        signup.removed()
        raise
    if row.is_active:
        signup.activated(None)
    if not signup.declined(by, reason, tell):
        raise Decided


def withdraw(signup: Signup) -> bool:
    """The author takes the application back; `settle` then removes the row from Strapi.
    False when it was decided before."""
    return signup.turn(State.WITHDRAWN, State.WAITING, decided_at=now())


def stop(email: str, keys: Sequence[str]) -> None:
    """Never write to `email` again, and drop what is undecided; `settle` then erases it."""
    with database.atomic():
        Stop.add(email, keys)
        open_states = (State.ASKED, State.WAITING)
        mine = (Signup.email == email) & Signup.state.in_(open_states)
        Signup.update(state=State.STOPPED, decided_at=now()).where(mine).execute()
        Letter.forget(Letter.recipient == email)

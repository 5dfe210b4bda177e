"""Deciding: a super admin activates or declines, the author withdraws or says stop.

A decision is noted in the ledger before Strapi's file is touched: killed in between, or with a
file that is busy or away, `settle` carries it out.
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


class Postponed(Exception):
    """The decision is noted, and carried out as soon as Strapi's file can be written."""


def activate(signup: Signup, strapi: Strapi, by: str) -> None:
    """Let the author in; a second time changes nothing.

    Raises Decided, Gone, Altered, and Postponed once the decision is noted.
    """
    noted = signup.turn(State.ACTIVATING, State.WAITING, decided_by=by, decided_at=now())
    if signup.state == State.REMOVED:
        raise Gone
    if not noted and signup.state not in (State.ACTIVATING, State.ACTIVE):
        raise Decided
    try:
        carry_out(signup, strapi)
    except StrapiUnavailable as error:
        raise Postponed from error


def carry_out(signup: Signup, strapi: Strapi) -> None:
    """Make a noted activation true in Strapi. Raises Gone, Altered, StrapiUnavailable."""
    try:
        strapi.write(lambda people: people.activate(signup.identity, now()))
    except Gone:
        signup.removed()
        raise
    except Altered:
        signup.turn(State.WAITING, State.ACTIVATING, decided_by=None, decided_at=None)
        raise
    signup.activated()


def decline(signup: Signup, strapi: Strapi, by: str, reason: str | None, tell: bool) -> None:
    """Refuse the author, whose row stays in Strapi, inactive; a second time changes nothing.

    Raises Decided, Gone, StrapiUnavailable.
    """
    if signup.state == State.DECLINED:
        return
    if signup.state == State.REMOVED:
        raise Gone
    try:
        row = strapi.read(lambda people: people.ours(signup.identity))
    except Gone:
        signup.removed()
        raise
    if row.is_active:
        signup.activated()
    if not signup.declined(by, reason, tell):
        raise Decided


def withdraw(signup: Signup) -> None:
    """The author takes the application back; `settle` then removes the row from Strapi. What
    was decided before stays as it is."""
    signup.turn(State.WITHDRAWN, State.WAITING, decided_at=now())


def stop(email: str, keys: Sequence[str]) -> None:
    """Never write to `email` again, and drop its applications, but for an account that is
    active; `settle` then removes their rows from Strapi and erases them."""
    with database.atomic():
        Stop.add(email, keys)
        account = (State.ACTIVATING, State.ACTIVE)
        mine = (Signup.email == email) & Signup.state.not_in(account)
        Signup.update(state=State.STOPPED, decided_at=now()).where(mine).execute()
        Letter.forget(Letter.recipient == email)

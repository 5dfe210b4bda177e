"""Deciding: a super admin activates or declines, or takes that back; the author withdraws or
says stop.

A decision is noted in the ledger before Strapi's file is touched: killed in between, or with a
file that is busy or away, `settle` carries it out.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from models import following
from models.history import AUTHOR, Actor
from models.instant import now
from models.ledger import database
from models.outbox import Letter
from models.signups import Signup, State
from models.stops import Stop
from models.strapi import Administrators, Altered, Gone, Strapi, StrapiUnavailable

# Whoever reads a mailbox, where nobody knows from where.
OWNER = Actor(AUTHOR)
# What a signup forgets when its decision is taken back.
UNDECIDED: dict[str, Any] = dict.fromkeys(
    ("decided_by", "decided_at", "reason", "told", "undo_until")
)


class Decided(Exception):
    """The signup was decided before, and otherwise."""


class TooLate(Exception):
    """The decision can no longer be taken back, or somebody else has done so."""


class Postponed(Exception):
    """The decision is noted, and carried out as soon as Strapi's file can be written."""


def activate(
    signup: Signup, strapi: Strapi, *, by: Actor, undo: timedelta, after_all: bool = False
) -> None:
    """Let the author in, and owe the news when `undo` is over; a second time changes nothing.
    Somebody who was declined is let in only `after_all`.

    Raises Decided, Gone, Altered, and Postponed once the decision is noted.
    """
    if signup.state == State.ACTIVE:
        with suppress(StrapiUnavailable):
            _follow_panel(signup, strapi)
    was = [State.WAITING, State.DEACTIVATED, *([State.DECLINED] if after_all else [])]
    decision: dict[str, Any] = {**UNDECIDED, **_decision(by, undo)}
    with database.atomic():
        if noted := signup.turn(State.ACTIVATING, *was, what="activated", by=by, **decision):
            Letter.recall(signup, "declined")
    if signup.state == State.REMOVED:
        raise Gone
    if not noted and signup.state not in (State.ACTIVATING, State.ACTIVE):
        raise Decided
    _at_once(signup, strapi)


def decline(
    signup: Signup, strapi: Strapi, *, by: Actor, undo: timedelta, reason: str | None, tell: bool
) -> None:
    """Refuse the author, whose row stays in Strapi, inactive, and with `tell` owe them the
    reason when `undo` is over; a second time changes nothing.

    Raises Decided, Gone, StrapiUnavailable.
    """
    if signup.state == State.DECLINED:
        return
    if signup.state == State.REMOVED:
        raise Gone
    _follow_panel(signup, strapi)
    decision: dict[str, Any] = {**_decision(by, undo), "reason": reason, "told": tell}
    with database.atomic():
        if not signup.turn(
            State.DECLINED, State.WAITING, what="declined", by=by, because=reason, **decision
        ):
            raise Decided
        if tell:
            Letter.owe("declined", signup.email or "", signup, due_at=signup.undo_until)


def take_back(signup: Signup, strapi: Strapi, *, by: Actor) -> None:
    """Undo a decision that no letter has told yet: the author waits for one again.

    Raises TooLate, Gone, Altered, and Postponed once this is noted.
    """
    with database.atomic():
        if not signup.reread().can_be_undone:
            raise TooLate
        Letter.recall(signup, "activated", "declined")
        undone = State.WAITING if signup.state == State.DECLINED else State.UNDOING
        signup.turn(undone, signup.state, what="taken back", by=by, **UNDECIDED, welcomed_at=None)
    _at_once(signup, strapi)


def carry_out(signup: Signup, strapi: Strapi) -> None:
    """Make what was noted true in Strapi. Raises Gone, Altered, StrapiUnavailable."""
    if signup.state not in (State.ACTIVATING, State.UNDOING):
        return
    noted, then = signup.state, TRUE_THEN[State(signup.state)]

    def change(people: Administrators) -> None:
        # Meanwhile, somebody may have taken it back.
        if signup.reread().state == noted:
            people.set_active(signup.identity, then == State.ACTIVE, now())

    try:
        strapi.write(change, signup.email or "")
    except Gone:
        following.removed(signup)
        raise
    except Altered as error:
        _give_up(signup, noted, str(error))
        raise
    with database.atomic():
        if signup.turn(then, noted) and then == State.ACTIVE:
            following.welcome(signup)


def withdraw(signup: Signup, by: Actor) -> None:
    """The author takes the application back; `settle` then removes the row from Strapi. What
    was decided before stays as it is."""
    signup.turn(State.WITHDRAWN, State.WAITING, what="withdrawn", by=by, decided_at=now())


def stop(email: str, keys: Sequence[str], by: Actor = OWNER) -> None:
    """Never write to `email` again, and drop its applications, but for an account that is
    active; `settle` then removes their rows from Strapi and erases them."""
    account = (State.ACTIVATING, State.ACTIVE, State.UNDOING, State.DEACTIVATED)
    mine = (Signup.email == email) & Signup.state.not_in((*account, State.STOPPED))
    with database.atomic():
        Stop.add(email, keys)
        for signup in list(Signup.select().where(mine)):
            signup.turn(State.STOPPED, signup.state, what="stopped", by=by, decided_at=now())
        Letter.forget(Letter.recipient == email)


# What a noted decision makes of a signup once it is true in Strapi.
TRUE_THEN = {State.ACTIVATING: State.ACTIVE, State.UNDOING: State.WAITING}


def _decision(by: Actor, undo: timedelta) -> dict[str, object]:
    return {"decided_by": by.name, "decided_at": now(), "undo_until": now() + undo}


def _at_once(signup: Signup, strapi: Strapi) -> None:
    try:
        carry_out(signup, strapi)
    except StrapiUnavailable as error:
        raise Postponed from error


def _follow_panel(signup: Signup, strapi: Strapi) -> None:
    try:
        row = strapi.read(lambda people: people.ours(signup.identity))
    except Gone:
        following.removed(signup)
        raise
    if row.is_active:
        following.activated(signup)
    elif signup.state == State.ACTIVE:
        # It was so before the row was looked at.
        following.deactivated(signup)


def _give_up(signup: Signup, noted: str, why: str) -> None:
    """Leave a row that somebody changed to Strapi's panel, and the signup as it was."""
    if noted == State.ACTIVATING:
        signup.turn(State.WAITING, noted, what="not activated", because=why, **UNDECIDED)
        return
    with database.atomic():
        if signup.turn(State.ACTIVE, noted, what="not taken back", because=why, decided_at=now()):
            following.welcome(signup)

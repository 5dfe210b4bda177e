"""Deciding: a super admin activates or declines, or takes that back; the author withdraws or
says stop.

A decision is noted in the ledger before Strapi's file is touched: killed in between, or with a
file that is busy or away, `settle` carries it out.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from models.ledger.database import database
from models.mail.outbox import OutgoingEmail
from models.mail.suppressions import Suppression
from models.signups import panel_changes
from models.signups.history import AUTHOR, Actor
from models.signups.signup import Signup, State
from models.strapi import AdminUsers, RowChanged, RowGone, StrapiClient, StrapiUnavailable
from models.timestamps import now

# Whoever reads a mailbox, where nobody knows from where.
OWNER = Actor(AUTHOR)
# What a signup forgets when its decision is taken back.
UNDECIDED: dict[str, Any] = dict.fromkeys(
    ("decided_by", "decided_at", "reason", "told", "undo_until")
)


class AlreadyDecided(Exception):
    """The signup was decided before, and otherwise."""


class TooLateToUndo(Exception):
    """The decision can no longer be taken back, or somebody else has done so."""


class Postponed(Exception):
    """The decision is noted, and carried out as soon as Strapi's file can be written."""


def activate(
    signup: Signup, strapi: StrapiClient, *, by: Actor, undo: timedelta, after_all: bool = False
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
        if noted := signup.change_state(
            State.ACTIVATING, *was, event="activated", by=by, **decision
        ):
            OutgoingEmail.recall(signup, "declined")
    if signup.state == State.REMOVED:
        raise RowGone
    if not noted and signup.state not in (State.ACTIVATING, State.ACTIVE):
        raise AlreadyDecided
    _at_once(signup, strapi)


def decline(
    signup: Signup,
    strapi: StrapiClient,
    *,
    by: Actor,
    undo: timedelta,
    reason: str | None,
    tell: bool,
) -> None:
    """Refuse the author, whose row stays in Strapi, inactive, and with `tell` owe them the
    reason when `undo` is over; a second time changes nothing.

    Raises Decided, Gone, StrapiUnavailable.
    """
    if signup.state == State.DECLINED:
        return
    if signup.state == State.REMOVED:
        raise RowGone
    _follow_panel(signup, strapi)
    decision: dict[str, Any] = {**_decision(by, undo), "reason": reason, "told": tell}
    with database.atomic():
        if not signup.change_state(
            State.DECLINED, State.WAITING, event="declined", by=by, event_reason=reason, **decision
        ):
            raise AlreadyDecided
        if tell:
            OutgoingEmail.enqueue("declined", signup.email or "", signup, due_at=signup.undo_until)


def undo_decision(signup: Signup, strapi: StrapiClient, *, by: Actor) -> None:
    """Undo a decision that no letter has told yet: the author waits for one again.

    Raises TooLate, Gone, Altered, and Postponed once this is noted.
    """
    with database.atomic():
        if not signup.reload().can_be_undone:
            raise TooLateToUndo
        OutgoingEmail.recall(signup, "activated", "declined")
        undone = State.WAITING if signup.state == State.DECLINED else State.UNDOING
        signup.change_state(
            undone, signup.state, event="taken back", by=by, **UNDECIDED, welcomed_at=None
        )
    _at_once(signup, strapi)


def carry_out(signup: Signup, strapi: StrapiClient) -> None:
    """Make what was noted true in Strapi. Raises Gone, Altered, StrapiUnavailable."""
    if signup.state not in (State.ACTIVATING, State.UNDOING):
        return
    noted, then = signup.state, STATE_AFTER[State(signup.state)]

    def change(admin_users: AdminUsers) -> None:
        # Meanwhile, somebody may have taken it back.
        if signup.reload().state == noted:
            admin_users.set_active(signup.identity, then == State.ACTIVE, now())

    try:
        strapi.write(change, signup.email or "")
    except RowGone:
        panel_changes.removed(signup)
        raise
    except RowChanged as error:
        _give_up(signup, noted, str(error))
        raise
    with database.atomic():
        if signup.change_state(then, noted) and then == State.ACTIVE:
            panel_changes.welcome(signup)


def withdraw(signup: Signup, by: Actor) -> None:
    """The author takes the application back; `settle` then removes the row from Strapi. What
    was decided before stays as it is."""
    signup.change_state(State.WITHDRAWN, State.WAITING, event="withdrawn", by=by, decided_at=now())


def stop(email: str, keys: Sequence[str], by: Actor = OWNER) -> None:
    """Never write to `email` again, and drop its applications, but for an account that is
    active; `settle` then removes their rows from Strapi and erases them."""
    account = (State.ACTIVATING, State.ACTIVE, State.UNDOING, State.DEACTIVATED)
    mine = (Signup.email == email) & Signup.state.not_in((*account, State.STOPPED))
    with database.atomic():
        Suppression.add(email, keys)
        for signup in list(Signup.select().where(mine)):
            signup.change_state(
                State.STOPPED, signup.state, event="stopped", by=by, decided_at=now()
            )
        OutgoingEmail.delete_where(OutgoingEmail.recipient == email)


# What a noted decision makes of a signup once it is true in Strapi.
STATE_AFTER = {State.ACTIVATING: State.ACTIVE, State.UNDOING: State.WAITING}


def _decision(by: Actor, undo: timedelta) -> dict[str, object]:
    return {"decided_by": by.name, "decided_at": now(), "undo_until": now() + undo}


def _at_once(signup: Signup, strapi: StrapiClient) -> None:
    try:
        carry_out(signup, strapi)
    except StrapiUnavailable as error:
        raise Postponed from error


def _follow_panel(signup: Signup, strapi: StrapiClient) -> None:
    try:
        row = strapi.read(lambda admin_users: admin_users.get_ours(signup.identity))
    except RowGone:
        panel_changes.removed(signup)
        raise
    if row.is_active:
        panel_changes.activated(signup)
    elif signup.state == State.ACTIVE:
        # It was so before the row was looked at.
        panel_changes.deactivated(signup)


def _give_up(signup: Signup, noted: str, motivation: str) -> None:
    """Leave a row that somebody changed to Strapi's panel, and the signup as it was."""
    if noted == State.ACTIVATING:
        signup.change_state(
            State.WAITING, noted, event="not activated", event_reason=motivation, **UNDECIDED
        )
        return
    with database.atomic():
        if signup.change_state(
            State.ACTIVE, noted, event="not taken back", event_reason=motivation, decided_at=now()
        ):
            panel_changes.welcome(signup)

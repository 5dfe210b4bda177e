"""Decide about a signup: a reviewer activates, declines or undoes; the author withdraws or stops.

An activation and its undo are recorded in the ledger before Strapi's database is written. When the
process dies in between, or that database cannot be written, `reconcile` carries them out
(carry_out.py). A decline changes only the ledger.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from models.ledger.database import database
from models.mail import mailboxes
from models.mail.email_kinds import TO_REVIEWERS, EmailKind
from models.mail.outbox import OutgoingEmail
from models.mail.suppressions import Suppression
from models.signups import disputes, panel_changes
from models.signups.carry_out import UNDECIDED, carry_out
from models.signups.history import AUTHOR, Actor, EventKind
from models.signups.signup import IN_PROGRESS, Signup, State
from models.strapi import RowGone, StrapiClient, StrapiUnavailable
from models.timestamps import now


class AlreadyDecided(Exception):
    """The signup was decided before, and otherwise."""


class TooLateToUndo(Exception):
    """The undo period is over, or another reviewer has undone the decision."""


class Postponed(Exception):
    """The decision is recorded. It is carried out when Strapi's database can be written."""


def activate(
    signup: Signup,
    strapi: StrapiClient,
    *,
    by: Actor,
    undo_period: timedelta,
    after_all: bool = False,
) -> None:
    """Activate the author in Strapi, and queue the email for the end of the undo period.

    A second call changes nothing. A declined author is activated only with `after_all`.

    Raises: AlreadyDecided, RowGone, RowChanged, ReviewerGone; Postponed once it is recorded.
    """
    if signup.state == State.ACTIVE:
        with suppress(StrapiUnavailable):
            _record_panel_changes(signup, strapi)
    allowed = [State.WAITING, State.DEACTIVATED, *([State.DECLINED] if after_all else [])]
    decision = {**UNDECIDED, "event": EventKind.ACTIVATED, **_decision(by, undo_period)}
    with database.atomic():
        recorded = signup.change_state(State.ACTIVATING, *allowed, by=by, **decision)
        if recorded:
            OutgoingEmail.cancel(signup, EmailKind.DECLINED)
    if signup.state == State.REMOVED:
        raise RowGone
    if not recorded and signup.state not in (State.ACTIVATING, State.ACTIVE):
        raise AlreadyDecided
    _carry_out_now(signup, strapi)
    if signup.state == State.STOPPED:
        raise AlreadyDecided


def decline(
    signup: Signup,
    strapi: StrapiClient,
    *,
    by: Actor,
    undo_period: timedelta,
    reason: str | None,
    tell: bool,
) -> None:
    """Decline the author. The row stays in Strapi, inactive.

    With `tell`, the email with the reason is queued for the end of the undo period. A second call
    changes nothing.

    Raises: AlreadyDecided, RowGone, StrapiUnavailable.
    """
    if signup.state == State.DECLINED:
        return
    if signup.state == State.REMOVED:
        raise RowGone
    _record_panel_changes(signup, strapi)
    decision: dict[str, Any] = {**_decision(by, undo_period), "reason": reason, "told": tell}
    declined: dict[str, Any] = {"event": EventKind.DECLINED, "event_reason": reason}
    with database.atomic():
        if not signup.change_state(State.DECLINED, State.WAITING, by=by, **declined, **decision):
            raise AlreadyDecided
        if tell:
            email = signup.email or ""
            OutgoingEmail.enqueue(EmailKind.DECLINED, email, signup, due_at=signup.undo_until)


def undo(signup: Signup, strapi: StrapiClient, *, by: Actor) -> None:
    """Undo a decision before its email is sent. The author waits for a decision again.

    Raises: TooLateToUndo, RowGone, RowChanged, ReviewerGone; Postponed once this is recorded.
    """
    with database.atomic():
        if not signup.reload().can_be_undone:
            raise TooLateToUndo
        OutgoingEmail.cancel(signup, EmailKind.ACTIVATED, EmailKind.DECLINED)
        state = State.WAITING if signup.state == State.DECLINED else State.UNDOING
        values: dict[str, Any] = {**UNDECIDED, "welcomed_at": None}
        values["reviewer_id"] = by.reviewer_id if state == State.UNDOING else None
        signup.change_state(state, signup.state, event=EventKind.UNDONE, by=by, **values)
    _carry_out_now(signup, strapi)


def withdraw(signup: Signup, by: Actor) -> bool:
    """Withdraw a signup for its author, for whom it waits; return whether this call did it.

    A decline that can still be undone was not shown to the author, and gives way. `reconcile`
    deletes the row in Strapi.
    """
    withdrawal: dict[str, Any] = {"event": EventKind.WITHDRAWN, **UNDECIDED, "decided_at": now()}
    with database.atomic():
        hidden = [State.DECLINED] if signup.reload().state_for_author == State.WAITING else []
        withdrawn = signup.change_state(
            State.WITHDRAWN, State.WAITING, *hidden, by=by, **withdrawal
        )
        if withdrawn:
            OutgoingEmail.cancel(signup, EmailKind.DECLINED)
    return withdrawn


def stop(
    email: str, keys: Sequence[str], by: Actor | None = None, strapi: StrapiClient | None = None
) -> None:
    """Never send anything to the mailbox of `email` again, and drop its signups.

    `reconcile` deletes their rows in Strapi and erases them. An account that is active is disputed,
    when somebody (`by`) says so now. `strapi` tells whether it is. `keys` are the signing keys,
    the newest first.
    """
    if strapi:
        _notice_panel_changes(email, strapi)
    dropped = Signup.shares_mailbox(email) & Signup.state.not_in(disputes.NOT_STOPPED)
    to_mailbox = OutgoingEmail.mailbox == mailboxes.base(email)
    to_mailbox |= OutgoingEmail.recipient == email
    with database.atomic():
        Suppression.add(email, keys)
        for signup in list(Signup.select().where(dropped)):
            signup.change_state(
                State.STOPPED,
                signup.state,
                event=EventKind.STOPPED,
                by=by or Actor(AUTHOR),
                decided_at=now(),
            )
        # After the others: one that was waiting may have been activated just now.
        if by:
            for signup in list(disputes.disputable(email)):
                disputes.record(signup, by)
        OutgoingEmail.delete_where(to_mailbox, OutgoingEmail.kind.not_in(TO_REVIEWERS))


def _decision(by: Actor, undo_period: timedelta) -> dict[str, Any]:
    reviewer = {"decided_by": by.name, "reviewer_id": by.reviewer_id}
    return {**reviewer, "decided_at": now(), "undo_until": now() + undo_period}


def _carry_out_now(signup: Signup, strapi: StrapiClient) -> None:
    try:
        carry_out(signup, strapi)
    except StrapiUnavailable as error:
        raise Postponed from error


def _notice_panel_changes(email: str, strapi: StrapiClient) -> None:
    """Record what Strapi's panel did to the accounts of this email, if Strapi can be asked."""
    has_row = Signup.strapi_id.is_null(False) & Signup.state.not_in(IN_PROGRESS)
    for signup in list(Signup.select().where(Signup.has_email(email), has_row)):
        with suppress(StrapiUnavailable, RowGone):
            _record_panel_changes(signup, strapi)


def _record_panel_changes(signup: Signup, strapi: StrapiClient) -> None:
    """Record what Strapi's panel did lately. Raises: RowGone, StrapiUnavailable."""
    was_active = signup.state == State.ACTIVE
    try:
        row = strapi.read(lambda admin_users: admin_users.get_ours(signup.identity))
    except RowGone:
        panel_changes.record_removed(signup)
        raise
    panel_changes.follow_email(signup, row)
    if row.is_active:
        panel_changes.record_activated(signup)
    elif was_active:
        panel_changes.record_deactivated(signup)

"""Carry out recorded decisions, and drop those that must not be carried out any more.

The right of the reviewer is checked again: a decision may have waited for hours.
"""

from collections.abc import Callable
from typing import Any

from models.ledger.database import database
from models.signups import disputes, panel_changes
from models.signups.history import Actor, Event, EventKind
from models.signups.signup import Signup, State
from models.strapi import AdminUser, AdminUsers, RowChanged, RowGone, StrapiClient
from models.timestamps import now

# What an undone decision leaves.
UNDECIDED: dict[str, Any] = dict.fromkeys(
    ("decided_by", "decided_at", "reason", "told", "undo_until", "reviewer_id")
)
# The state once a recorded decision is carried out in Strapi.
STATE_AFTER = {State.ACTIVATING: State.ACTIVE, State.UNDOING: State.WAITING}


class ReviewerGone(Exception):
    """The reviewer who decided may no longer decide."""


def carry_out(signup: Signup, strapi: StrapiClient) -> None:
    """Carry out a recorded decision in Strapi.

    Raises: RowGone; RowChanged and ReviewerGone, after which the decision is dropped;
    StrapiUnavailable.
    """
    if signup.state == State.ACTIVATING and signup.reload().disputed_at:
        signup.change_state(State.STOPPED, State.ACTIVATING, decided_at=now())
    if signup.state not in STATE_AFTER:
        return
    recorded, after = signup.state, STATE_AFTER[State(signup.state)]
    try:
        row = strapi.write(_change(signup, after == State.ACTIVE), signup.email or "")
    except RowGone:
        panel_changes.record_removed(signup)
        raise
    except (RowChanged, ReviewerGone) as error:
        _drop_decision(signup, recorded, error)
        raise
    with database.atomic():
        panel_changes.follow_email(signup, row)
        if signup.change_state(after, recorded) and after == State.ACTIVE:
            panel_changes.queue_activated_email(signup)
        disputes.apply(signup)


def _change(signup: Signup, active: bool) -> Callable[[AdminUsers], AdminUser | None]:
    """Return the function that sets `is_active` inside Strapi's transaction."""
    recorded = signup.state

    def change(admin_users: AdminUsers) -> AdminUser | None:
        # Another request may have undone the decision meanwhile.
        if signup.reload().state != recorded:
            return None
        # Where the row is as decided, a process died after it had carried the decision out.
        if bool(admin_users.get_ours(signup.identity).is_active) != active:
            _check_reviewer(signup, admin_users)
        return admin_users.set_active(signup.identity, active, now())

    return change


def check_decline(signup: Signup, strapi: StrapiClient) -> bool:
    """Return whether a decline may be told. It is dropped when its reviewer may not decide.

    Raises: StrapiUnavailable.
    """
    try:
        strapi.read(lambda admin_users: _check_reviewer(signup, admin_users))
    except ReviewerGone as error:
        _wait_again(signup, State.DECLINED, EventKind.NOT_DECLINED, error)
    return signup.state == State.DECLINED


def _check_reviewer(signup: Signup, admin_users: AdminUsers) -> None:
    """Raise ReviewerGone if the reviewer who decided last is no longer an active super admin.

    The operator's commands need no reviewer.
    """
    reviewers = {each.id for each in admin_users.super_admins()}
    if signup.reviewer_id is not None and signup.reviewer_id not in reviewers:
        raise ReviewerGone("The reviewer who decided this is no longer an active super admin")


def _drop_decision(signup: Signup, recorded: str, error: Exception) -> None:
    """Give a recorded decision up. The signup waits again, or stays active if its undo failed."""
    if recorded == State.ACTIVATING:
        _wait_again(signup, recorded, EventKind.NOT_ACTIVATED, error)
        return
    by = _decider(signup, error)
    event: dict[str, Any] = {"event": EventKind.NOT_UNDONE, "event_reason": str(error), "by": by}
    with database.atomic():
        if signup.change_state(State.ACTIVE, recorded, **event, decided_at=now()):
            panel_changes.queue_activated_email(signup)


def _wait_again(signup: Signup, recorded: str, event: EventKind, error: Exception) -> None:
    # The other reviewers hear of a signup again whose reviewer is gone.
    values = {**UNDECIDED, **({"announced_at": None} if isinstance(error, ReviewerGone) else {})}
    by = _decider(signup, error)
    signup.change_state(
        State.WAITING, recorded, event=event, by=by, event_reason=str(error), **values
    )


def _decider(signup: Signup, error: Exception) -> Actor | None:
    """The reviewer whose decision is dropped. None: what was changed in Strapi prevents it."""
    if not isinstance(error, ReviewerGone):
        return None
    kinds = (EventKind.ACTIVATED, EventKind.UNDONE, EventKind.DECLINED)
    decided = [event for event in Event.for_signup(signup) if event.kind in kinds]
    return Actor(str(decided[-1].by)) if decided else None

"""Following: what Strapi's own panel did to an author's row, and what that makes of a signup."""

from typing import Any

from models.ledger.database import database
from models.mail.outbox import OutgoingEmail
from models.signups.signup import Signup, State
from models.timestamps import now


def welcome(signup: Signup) -> None:
    """Owe an active author the news once, however often the account is switched off and on
    again; not before the decision can no longer be taken back."""
    if signup.welcomed_at is None:
        signup.change_state(State.ACTIVE, State.ACTIVE, welcomed_at=now())
        OutgoingEmail.enqueue("activated", signup.email or "", signup, due_at=signup.undo_until)


def activated(signup: Signup) -> None:
    """Note that somebody let the author in, in Strapi's panel."""
    was = (State.WAITING, State.DEACTIVATED, State.DECLINED, State.WITHDRAWN)
    by_panel: dict[str, Any] = {"decided_by": None, "decided_at": now(), "undo_until": None}
    with database.atomic():
        if signup.change_state(State.ACTIVE, *was, event="activated", **by_panel):
            welcome(signup)


def deactivated(signup: Signup) -> None:
    """Note that an active author was put out, in Strapi's panel or by its seat limit."""
    signup.change_state(State.DEACTIVATED, State.ACTIVE, event="deactivated", undo_until=None)


def removed(signup: Signup) -> None:
    """Note that the author's row is gone from Strapi."""
    was = (State.WAITING, State.ACTIVATING, State.ACTIVE, State.UNDOING, State.DEACTIVATED)
    if signup.state not in was:
        return
    gone: dict[str, Any] = {"decided_by": None, "decided_at": now(), "undo_until": None}
    signup.change_state(
        State.REMOVED, signup.state, event="removed", **gone, state_before_removal=signup.state
    )


def returned(signup: Signup) -> None:
    """Note that the row is back, as when a backup was restored: who was let in is not told
    twice, and who was not must be decided about once more."""
    if signup.state_before_removal in (State.ACTIVE, State.DEACTIVATED):
        signup.change_state(State.ACTIVE, State.REMOVED, event="returned")
    else:
        signup.change_state(State.WAITING, State.REMOVED, event="returned", decided_at=None)

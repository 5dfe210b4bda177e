"""Record changes that were made in Strapi's own panel. `models/reconcile.py` notices them."""

from typing import Any

from models.ledger.database import database
from models.mail.email_kinds import EmailKind
from models.mail.outbox import OutgoingEmail
from models.signups.history import Event, EventKind
from models.signups.signup import ACCOUNT_STATES, Signup, State
from models.strapi import AdminUser
from models.timestamps import now


def record_activated(signup: Signup) -> None:
    """Record that the account was activated in Strapi's panel."""
    allowed = (State.WAITING, State.DEACTIVATED, State.DECLINED, State.WITHDRAWN)
    with database.atomic():
        if signup.change_state(
            State.ACTIVE, *allowed, event=EventKind.ACTIVATED, **_decided_in_panel()
        ):
            queue_activated_email(signup)


def record_deactivated(signup: Signup) -> None:
    """Record that the account was deactivated, in Strapi's panel or by its seat limit."""
    signup.change_state(
        State.DEACTIVATED, State.ACTIVE, event=EventKind.DEACTIVATED, undo_until=None
    )


def record_removed(signup: Signup) -> None:
    """Record that the row was deleted in Strapi."""
    state = signup.state
    if state in (State.DECLINED, State.WITHDRAWN):
        signup.update_unless_changed(strapi_id=None)
    if state in (State.WAITING, *ACCOUNT_STATES):
        values = {**_decided_in_panel(), "state_before_removal": state}
        signup.change_state(State.REMOVED, state, event=EventKind.REMOVED, **values)


def record_returned(signup: Signup) -> None:
    """Record that a deleted row is back, for example after a backup was restored.

    A person who was active before is not told again. Every other one waits for a decision again.
    """
    was_active = signup.state_before_removal in (State.ACTIVE, State.DEACTIVATED)
    if was_active:
        signup.change_state(State.ACTIVE, State.REMOVED, event=EventKind.RETURNED)
    else:
        signup.change_state(State.WAITING, State.REMOVED, event=EventKind.RETURNED, decided_at=None)


def follow_email(signup: Signup, row: AdminUser | None) -> None:
    """If the row has another email, record that, and use that email from now on."""
    old, new = signup.email, row.comparable_email if row else ""
    if not new or new == old:
        return
    values: dict[str, Any] = {
        "email": new,
        "domain": new.rpartition("@")[2],
        "confirmed_email": signup.proven_email if signup.proven_email != new else None,
    }
    with database.atomic():
        # Of several who notice the change, one records it.
        same = Signup.id == signup.id, Signup.email == old
        if Signup.update(values).where(*same).execute():
            Event.record(signup, EventKind.EMAIL_CHANGED, None, f"{old} → {new}")
    signup.reload()


def queue_activated_email(signup: Signup) -> None:
    """Queue the email "you can write now" once, for when the undo period is over."""
    if signup.welcomed_at is None:
        signup.update_unless_changed(welcomed_at=now())
        OutgoingEmail.enqueue(
            EmailKind.ACTIVATED, signup.email or "", signup, due_at=signup.undo_until
        )


def _decided_in_panel() -> dict[str, Any]:
    return {"decided_by": None, "decided_at": now(), "undo_until": None}

"""Disputes: the owner of a mailbox says "this wasn't me" about an account that is active.

Only a reviewer can switch an account off. So a dispute is recorded, reviewers are told at once
(`models/reviewers/notices.py`), and it takes effect when the account is no longer active.
"""

from typing import Any

from models.ledger.database import database
from models.signups.history import Actor, Event, EventKind
from models.signups.signup import Signup, State
from models.strapi import AdminUser
from models.timestamps import now

# The row in Strapi is active, or is about to be.
MAY_BE_ACTIVE = (State.ACTIVATING, State.ACTIVE, State.UNDOING)
# "This wasn't me" does not stop signups in these states.
NOT_STOPPED = (*MAY_BE_ACTIVE, State.STOPPED)


def disputable(email: str) -> Any:
    """Return the query of the accounts of this mailbox that may be active."""
    return Signup.select().where(Signup.shares_mailbox(email), Signup.state.in_(MAY_BE_ACTIVE))


def open_disputes() -> Any:
    """Return the query of the disputed accounts that may be active."""
    disputed = Signup.disputed_at > 0, Signup.state.in_(MAY_BE_ACTIVE)
    found = Signup.select().where(*disputed, Signup.email.is_null(False))
    return found.order_by(Signup.disputed_at)


def takes_effect() -> Any:
    """The condition of disputed signups whose account is no longer active."""
    return (Signup.disputed_at > 0) & Signup.state.not_in(NOT_STOPPED)


def is_disputable(email: str) -> bool:
    """Return whether an account of this mailbox may be active and is not disputed."""
    return any(signup.disputed_at is None for signup in disputable(email))


def is_disputed(email: str) -> bool:
    """Return whether an account of this mailbox may be active and is disputed."""
    return any(signup.disputed_at for signup in disputable(email))


def record(signup: Signup, by: Actor) -> None:
    """Record that the owner of the mailbox disputes this account. A second call changes nothing."""
    undisputed = Signup.id == signup.id, Signup.disputed_at.is_null()
    with database.atomic():
        if Signup.update(disputed_at=now()).where(*undisputed).execute():
            Event.record(signup, EventKind.STOPPED, by)
    signup.reload()


def withdraw(email: str) -> None:
    """End the disputes of the accounts of this mailbox."""
    ids = [signup.id for signup in disputable(email)]
    Signup.update(disputed_at=None, dispute_told_at=None).where(Signup.id.in_(ids)).execute()


def apply(signup: Signup) -> None:
    """Stop a disputed signup whose account is no longer active. `reconcile` erases it."""
    if signup.disputed_at and signup.state not in NOT_STOPPED:
        signup.change_state(State.STOPPED, signup.state, decided_at=now())


def reopen(signup: Signup, row: AdminUser) -> None:
    """Make a dispute of a stopped signup whose account a super admin activated meanwhile."""
    values: dict[str, Any] = {
        "strapi_id": row.id,
        "document_id": row.document_id,
        "decided_by": None,
        "undo_until": None,
        "disputed_at": now(),
        # Nothing is ever sent to this mailbox again.
        "welcomed_at": now(),
    }
    signup.change_state(State.ACTIVE, State.STOPPED, event=EventKind.ACTIVATED, **values)

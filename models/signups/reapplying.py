"""Who may apply again. A decline counts for the mailbox, however its email is written."""

from datetime import timedelta

from models.ledger.database import database
from models.mail import mailboxes
from models.signups.signup import Signup, State
from models.timestamps import now

# Signups that `fill_mailboxes` changes in one transaction.
BATCH = 500


def current(email: str, reapply_after: timedelta) -> Signup | None:
    """Return the signup that a new request of this email belongs to.

    It is the declined one of the mailbox, while that may not apply again. Returns None when the
    person may start a new one.
    """
    declined = declined_lately(email, reapply_after)
    signup = Signup.current(email, reapply_after)
    if signup is None or signup.state in (State.ASKED, State.DECLINED):
        return declined or signup
    return signup


def declined_lately(email: str, reapply_after: timedelta) -> Signup | None:
    """Return the last signup of this mailbox that was declined less than `reapply_after` ago."""
    lately = Signup.state == State.DECLINED, Signup.decided_at >= now() - reapply_after
    found = Signup.select().where(Signup.shares_mailbox(email), *lately)
    declined: Signup | None = found.order_by(Signup.decided_at.desc()).first()
    return declined


def fill_mailboxes() -> None:
    """Fill in the mailbox of signups that a version without this column wrote."""
    missing = Signup.select().where(Signup.mailbox.is_null(), Signup.email.is_null(False))
    while signups := list(missing.limit(BATCH)):
        with database.atomic():
            for signup in signups:
                mailbox = mailboxes.base(signup.proven_email or "")
                Signup.update(mailbox=mailbox).where(
                    Signup.id == signup.id, Signup.email.is_null(False)
                ).execute()

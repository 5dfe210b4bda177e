"""Start a signup: a visitor types an email, and an email to it is queued."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from models.ledger.database import database
from models.mail import mailboxes
from models.mail.email_kinds import EmailKind
from models.mail.outbox import OutgoingEmail
from models.signups import reapplying
from models.signups.history import Actor, Event, EventKind
from models.signups.signup import Signup, State
from models.timestamps import now


class TooManyEmails(Exception):
    """The hourly limit on first emails for everybody together is reached."""


@dataclass(frozen=True)
class EmailLimits:
    """How many first emails may be queued for one mailbox, and for everybody together."""

    mailbox_hour: int
    mailbox_day: int
    everyone_hour: int


def start_signup(
    email: str,
    firstname: str,
    lastname: str | None,
    *,
    language: str | None = None,
    by: Actor,
    reapply_after: timedelta,
    limits: EmailLimits | None,
) -> bool:
    """Queue an email of kind `confirm`. The work is the same for each email.

    What it says is decided when it is sent. Returns whether one will be sent: a mailbox gets only
    so many. While one waits for another try, it is the answer, and no limit of the mailbox is
    checked. `limits=None` lifts all limits.

    Raises: TooManyEmails, before anything about the email is looked up.
    """
    person = {"firstname": firstname, "lastname": lastname, "language": language}
    with database.exclusive_transaction(f"mailbox {mailboxes.base(email)}"):
        _check_limit_of_all(limits)
        signup = reapplying.current(email, reapply_after)
        waiting = signup is not None and OutgoingEmail.hasten(signup)
        if not (waiting or _may_send_to(email, limits)):
            return False
        _queue_link(_with_new_link(signup, email, person), email, by, waiting)
    return True


def _with_new_link(signup: Signup | None, email: str, person: dict[str, str | None]) -> Signup:
    if signup is None:
        person |= {"email": email, "domain": email.rpartition("@")[2]}
        key, mailbox = secrets.token_urlsafe(16), mailboxes.base(email)
        return Signup.create(key=key, mailbox=mailbox, **person)
    # The links in earlier emails are over.
    values: dict[str, Any] = {"generation": Signup.generation + 1}
    if signup.state == State.ASKED:
        # A person who has already submitted the link's page keeps the names typed there.
        values |= {"asked_at": now(), **(person if signup.strapi_created_at is None else {})}
    signup.update_unless_changed(**values)
    return signup


def _queue_link(signup: Signup, email: str, by: Actor, waiting: bool) -> None:
    """Queue a first email, unless one is `waiting`. That one will have the newest link.

    It goes to `email`, as it was typed: the account may have another one by now. Another spelling
    of the mailbox is not written to: the email would be about the one that was confirmed.
    """
    Event.record(signup, EventKind.ASKED, by)
    if email not in (signup.email, signup.confirmed_email):
        email = signup.proven_email or ""
    if not waiting:
        OutgoingEmail.enqueue(EmailKind.CONFIRM, email, signup)


def _check_limit_of_all(limits: EmailLimits | None) -> None:
    """Raise TooManyEmails when the hourly limit for everybody together is reached."""
    an_hour_ago = now() - timedelta(hours=1)
    if limits and OutgoingEmail.count_first_emails(an_hour_ago) >= limits.everyone_hour:
        raise TooManyEmails


def _may_send_to(email: str, limits: EmailLimits | None) -> bool:
    if limits is None:
        return True
    an_hour_ago, a_day_ago = now() - timedelta(hours=1), now() - timedelta(days=1)
    return (
        OutgoingEmail.count_first_emails(an_hour_ago, email) < limits.mailbox_hour
        and OutgoingEmail.count_first_emails(a_day_ago, email) < limits.mailbox_day
    )

"""Asking: somebody gives an address, and its owner is owed the letter that fits."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from models.ledger.database import database
from models.mail import mailboxes
from models.mail.outbox import OutgoingEmail
from models.signups.history import Actor, Event
from models.signups.signup import Signup, State
from models.timestamps import now

# How long an unconfirmed signup is kept.
KEEP_UNCONFIRMED = timedelta(days=7)


class TooManyEmails(Exception):
    """The limit on first emails to everyone in an hour is reached."""


@dataclass(frozen=True)
class EmailLimits:
    """The most first emails to one mailbox in an hour and in a day, and to everyone in an hour."""

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
    """Start a signup, or find the current one, and queue the email that fits, in one transaction.

    The work is the same for every email. Returns whether an email was queued: False when the
    mailbox has reached its limit. None as `limits` means no limits.

    Raises:
        TooManyEmails: the limit for everyone is reached. Nothing about the email was looked up.

    """
    person: dict[str, Any] = {"firstname": firstname, "lastname": lastname, "language": language}
    with database.alone(f"mailbox {mailboxes.base(email)}"):
        if limits is not None and not _may_write_to(email, limits):
            return False
        signup = Signup.current(email, reapply_after)
        if signup is None:
            key, domain = secrets.token_urlsafe(16), email.rpartition("@")[2]
            signup = Signup.create(key=key, email=email, domain=domain, **person)
        else:
            # Who has sent the link's page was asked for the names there.
            _end_older_links(signup, **person if signup.strapi_created_at is None else {})
        _owe_link(signup, by)
    return True


def renew_link(
    signup: Signup, language: str | None = None, *, by: Actor, limits: EmailLimits | None
) -> bool:
    """Queue an email in `language` with a new link, for a link that expired or was replaced.

    Returns whether an email was queued, as `start_signup` does, and raises TooManyEmails like it.
    """
    with database.alone(f"mailbox {mailboxes.base(signup.email or '')}"):
        if limits is not None and not _may_write_to(signup.email or "", limits):
            return False
        _end_older_links(signup, language=language)
        _owe_link(signup, by)
    return True


def _end_older_links(signup: Signup, **person: Any) -> None:
    fresh: dict[str, Any] = {"generation": Signup.generation + 1, "asked_at": now()}
    signup.change_state(State.ASKED, State.ASKED, **fresh, **person)


def _owe_link(signup: Signup, by: Actor) -> None:
    Event.record(signup, "asked", by)
    OutgoingEmail.enqueue("confirm", signup.email or "", signup)


def _may_write_to(email: str, limits: EmailLimits) -> bool:
    """Return whether this mailbox may get another first email; raise TooManyEmails when none may.

    Callers ask this before they look anything up about the email.
    """
    hour_ago, day_ago = now() - timedelta(hours=1), now() - timedelta(days=1)
    if OutgoingEmail.count_first_emails(hour_ago) >= limits.everyone_hour:
        raise TooManyEmails
    return (
        OutgoingEmail.count_first_emails(hour_ago, email) < limits.mailbox_hour
        and OutgoingEmail.count_first_emails(day_ago, email) < limits.mailbox_day
    )

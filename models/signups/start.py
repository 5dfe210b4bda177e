"""Asking: somebody gives an address, and its owner is owed the letter that fits."""

import secrets
from datetime import timedelta
from typing import Any

from models.ledger.database import database
from models.mail import mailboxes
from models.mail.outbox import OutgoingEmail
from models.signups.history import Actor, Event
from models.signups.signup import Signup, State
from models.timestamps import now

# How many first letters one mailbox gets, and how long an unconfirmed request is kept.
EMAILS_AN_HOUR = 3
EMAILS_A_DAY = 6
KEEP_UNCONFIRMED = timedelta(days=7)


class TooManyEmails(Exception):
    """As many first letters are owed in this hour as may be in all."""


def start_signup(
    email: str,
    firstname: str,
    lastname: str | None,
    *,
    language: str | None = None,
    by: Actor,
    reapply_after: timedelta,
    most: int | None,
) -> bool:
    """Take a request for an account and owe its address the letter that fits, in one
    transaction, with the same work for every address.

    A mailbox gets 3 such letters an hour and 6 a day, and all together get `most` an hour, unless
    that is None, which lifts both; returns whether it gets one. Raises TooManyLetters, before
    anything about the address is looked up.
    """
    person: dict[str, Any] = {"firstname": firstname, "lastname": lastname, "language": language}
    with database.exclusive_transaction(f"mailbox {mailboxes.base(email)}"):
        if most is not None and not _may_write_to(email, most):
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


def renew_link(signup: Signup, language: str | None = None, *, by: Actor, most: int | None) -> bool:
    """Owe the owner of a link that has expired, or was replaced, a fresh one; False where
    that mailbox gets no more letters for now; the letter speaks this language. Raises
    TooManyLetters."""
    with database.exclusive_transaction(f"mailbox {mailboxes.base(signup.email or '')}"):
        if most is not None and not _may_write_to(signup.email or "", most):
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


def _may_write_to(email: str, most: int) -> bool:
    """Whether this mailbox gets another letter; it is asked before anything else is."""
    an_hour_ago, a_day_ago = now() - timedelta(hours=1), now() - timedelta(days=1)
    if OutgoingEmail.count_first_emails(an_hour_ago) >= most:
        raise TooManyEmails
    return (
        OutgoingEmail.count_first_emails(an_hour_ago, email) < EMAILS_AN_HOUR
        and OutgoingEmail.count_first_emails(a_day_ago, email) < EMAILS_A_DAY
    )

"""Start a signup: a visitor types an email, and an email to it is queued."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any

from models.ledger.database import database
from models.mail import mailboxes
from models.mail.email_kinds import EmailKind
from models.mail.outbox import OutgoingEmail
from models.rate_limits import HOUR, Places, seconds_until
from models.signups import reapplying
from models.signups.history import Actor, Event, EventKind
from models.signups.signup import Signup, State
from models.timestamps import now

# One lock for all first emails, because a limit for everybody counts them.
LOCK = "first emails"


class TooManyEmails(Exception):
    """The hourly limit on first emails for everybody together is reached."""

    def __init__(self, seconds: int) -> None:
        """`seconds` until another first email is allowed."""
        super().__init__()
        self.seconds = seconds


class TooManyFromNetwork(TooManyEmails):
    """The visitor's network has asked for as many first emails as one network may."""


class Outcome(Enum):
    """Whether an email will be sent, or which limit was reached."""

    QUEUED = "queued"
    MAILBOX_FULL = "mailbox full"
    DOMAIN_FULL = "domain full"


@dataclass(frozen=True)
class EmailLimits:
    """How many first emails may be queued within an hour, and for a mailbox also within a day.

    `network` counts requests of the visitor's network, whatever follows: a visitor sees it, so it
    must not tell what happened to an email (P3). `domain` is the recipient's.
    """

    mailbox_hour: int
    mailbox_day: int
    everyone_hour: int
    network: Places
    domain: Places


def start_signup(
    email: str,
    firstname: str,
    lastname: str | None,
    *,
    language: str | None = None,
    by: Actor,
    reapply_after: timedelta,
    limits: EmailLimits | None,
    by_link: bool = False,
) -> Outcome:
    """Queue an email of kind `confirm`. The work is the same for each email.

    What it says is decided when it is sent. With `by_link`, a link of ours asks: the limits for
    everybody and for a network do not hold (P17). `limits=None` lifts all limits.

    Raises: TooManyEmails, before anything about the email is looked up.
    """
    person = {"firstname": firstname, "lastname": lastname, "language": language}
    for_all = None if by_link else limits
    # A refusal only reads: it begins no transaction.
    _refuse_above(for_all)
    with database.exclusive_transaction(LOCK):
        _take_shared_place(for_all)
        signup = reapplying.current(email, reapply_after)
        waiting = signup is not None and OutgoingEmail.retry_soon(signup)
        outcome = Outcome.QUEUED if waiting else _take_place(email, limits)
        if outcome == Outcome.QUEUED:
            _queue_link(_with_new_link(signup, email, person), email, by, waiting)
    return outcome


def seconds_until_free(everyone_hour: int) -> int:
    """Return how long everybody must wait for a first email; 0 when one is allowed now."""
    queued_at, an_hour_ago = OutgoingEmail.queued_at, now() - HOUR
    recent = OutgoingEmail.kind == EmailKind.CONFIRM, queued_at > an_hour_ago
    newest = OutgoingEmail.select(queued_at).where(*recent).order_by(queued_at.desc())
    # When this one is an hour old, there are fewer than allowed.
    blocking = newest.offset(everyone_hour - 1).limit(1).first()
    return seconds_until(blocking.queued_at + HOUR) if blocking else 0


def _refuse_above(limits: EmailLimits | None) -> None:
    if limits is None:
        return
    if seconds := seconds_until_free(limits.everyone_hour):
        raise TooManyEmails(seconds)
    if seconds := limits.network.seconds_until_free():
        raise TooManyFromNetwork(seconds)


def _take_shared_place(limits: EmailLimits | None) -> None:
    """Count a request for everybody and for its network. Raises: TooManyEmails."""
    _refuse_above(limits)
    if limits:
        limits.network.take()


def _take_place(email: str, limits: EmailLimits | None) -> Outcome:
    """Take a place of the recipient's domain, unless the mailbox has got enough emails."""
    if limits is None:
        return Outcome.QUEUED
    in_hour = OutgoingEmail.count_first_emails(now() - HOUR, email)
    in_day = OutgoingEmail.count_first_emails(now() - timedelta(days=1), email)
    if in_hour >= limits.mailbox_hour or in_day >= limits.mailbox_day:
        return Outcome.MAILBOX_FULL
    return Outcome.QUEUED if limits.domain.take() else Outcome.DOMAIN_FULL


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

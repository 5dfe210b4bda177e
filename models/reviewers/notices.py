"""Emails that tell reviewers who waits for a decision, and which accounts are disputed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from peewee import CharField

from models.emails import comparable
from models.ledger.database import Record, database
from models.mail.email_kinds import EmailKind
from models.mail.outbox import OutgoingEmail
from models.signups import disputes
from models.signups.signup import Signup, State
from models.timestamps import now

# A reviewer gets at most one such email in this time.
PAUSE = timedelta(minutes=15)
# Reviewers are reminded of a waiting signup after a day, then every week.
FIRST_REMINDER = timedelta(days=1)
NEXT_REMINDER = timedelta(days=7)

Reviewers = Callable[[], list[str]]
"""Returns the emails of the reviewers. It is called only when there is something to tell."""


class MutedReviewer(Record):
    """A reviewer who has turned these emails off."""

    reviewer = CharField(320, unique=True)

    class Meta:
        """The table was created under this name."""

        table_name = "muted"

    @classmethod
    def mute(cls, reviewer: str) -> None:
        """Send this reviewer no more emails, not even those that are queued."""
        email = comparable(reviewer)
        queued = OutgoingEmail.kind == EmailKind.WAITING, OutgoingEmail.recipient == email
        with database.atomic():
            cls.insert(reviewer=email).on_conflict_ignore().execute()
            OutgoingEmail.delete_where(*queued)

    @classmethod
    def unmute(cls, reviewer: str) -> None:
        """Send this reviewer emails again."""
        cls.delete_where(cls.reviewer == comparable(reviewer))

    @classmethod
    def is_muted(cls, reviewer: str) -> bool:
        """Return whether this reviewer has turned the emails off."""
        return cls.select().where(cls.reviewer == comparable(reviewer)).exists()


def announce(reviewers: Reviewers) -> None:
    """Queue emails about signups that reviewers have not heard of, once there is a reviewer."""
    new = Signup.state == State.WAITING, Signup.announced_at.is_null()
    _notify(reviewers, new, announced_at=now())


def remind(reviewers: Reviewers) -> None:
    """Queue emails about signups that have waited for a day, then for a week more."""
    first = Signup.reminded_at.is_null() & (Signup.confirmed_at < now() - FIRST_REMINDER)
    again = Signup.reminded_at < now() - NEXT_REMINDER
    overdue = Signup.state == State.WAITING, first | again
    _notify(reviewers, overdue, reminded_at=now())


def warn(reviewers: Reviewers) -> None:
    """Queue an email about each disputed account, also to who has turned other emails off."""
    new = list(disputes.open_disputes().where(Signup.dispute_told_at.is_null()))
    emails = reviewers() if new else []
    for signup in new if emails else ():
        untold = Signup.id == signup.id, Signup.dispute_told_at.is_null()
        with database.atomic():
            # Another worker may have queued them first.
            if Signup.update(dispute_told_at=now()).where(*untold).execute():
                for email in emails:
                    OutgoingEmail.enqueue(EmailKind.DISPUTED, comparable(email), signup)


def _notify(reviewers: Reviewers, about: tuple[Any, ...], **marks: object) -> None:
    if not Signup.select().where(*about).exists():
        return
    emails = reviewers()
    if not emails:
        return
    with database.atomic():
        # Another worker may have marked these signups first. Then it has queued the emails.
        if Signup.update(**marks).where(*about).execute():
            for email in emails:
                if not MutedReviewer.is_muted(email):
                    OutgoingEmail.enqueue_summary(EmailKind.WAITING, comparable(email), PAUSE)

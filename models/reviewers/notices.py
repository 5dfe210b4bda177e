"""Notices: reviewers hear of who waits, seldom enough to keep reading."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from peewee import CharField

from models.ledger.database import Record, database
from models.mail.outbox import OutgoingEmail
from models.signups.signup import Signup, State
from models.timestamps import now

# A reviewer hears of new signups at most this often.
PAUSE = timedelta(minutes=15)
# After so long, reviewers are reminded of somebody; and then again in these steps.
FIRST_REMINDER = timedelta(days=1)
NEXT_REMINDER = timedelta(days=7)

Reviewers = Callable[[], list[str]]


class MutedReviewer(Record):
    """A reviewer who wants no letters."""

    reviewer = CharField(320, unique=True)

    class Meta:
        """Stored under an older name."""

        table_name = "muted"

    @classmethod
    def add(cls, reviewer: str) -> None:
        """Write no more to this reviewer, not even what is owed already."""
        with database.atomic():
            cls.insert(reviewer=reviewer.lower()).on_conflict_ignore().execute()
            OutgoingEmail.delete_where(
                OutgoingEmail.kind == "waiting", OutgoingEmail.recipient == reviewer.lower()
            )

    @classmethod
    def lift(cls, reviewer: str) -> None:
        """Write to this reviewer again."""
        cls.delete_where(cls.reviewer == reviewer.lower())

    @classmethod
    def covers(cls, reviewer: str) -> bool:
        """Whether this reviewer wants no letters."""
        return cls.select().where(cls.reviewer == reviewer.lower()).exists()


def announce(reviewers: Reviewers) -> None:
    """Owe the reviewers a letter about the signups that they have not heard of; the letter
    waits while there is nobody who could review."""
    new = Signup.state == State.WAITING, Signup.announced_at.is_null()
    _tell(reviewers, new, announced_at=now())


def remind(reviewers: Reviewers) -> None:
    """Owe the reviewers a letter about those who have waited for a day, and then for weeks."""
    first = Signup.reminded_at.is_null() & (Signup.confirmed_at < now() - FIRST_REMINDER)
    again = Signup.reminded_at < now() - NEXT_REMINDER
    overdue = Signup.state == State.WAITING, first | again
    _tell(reviewers, overdue, reminded_at=now())


def _tell(reviewers: Reviewers, about: tuple[Any, ...], **noted: object) -> None:
    if not Signup.select().where(*about).exists():
        return
    told = reviewers()
    if not told:
        return
    with database.atomic():
        # Another courier may have been quicker.
        if Signup.update(**noted).where(*about).execute():
            for reviewer in told:
                if not MutedReviewer.covers(reviewer):
                    OutgoingEmail.enqueue_notice("waiting", reviewer.lower(), PAUSE)

"""The history of each signup: who did what, when, from which IP, and why.

Events are added and never changed, except that erasure clears their personal data.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from peewee import CharField, DeferredForeignKey, TextField

from models.ledger.database import Record
from models.ledger.erasure import erased_values, kept
from models.timestamps import MillisecondsField, now

# The name of the actor for everything that the owner of the mailbox does.
AUTHOR = "author"


class EventKind(StrEnum):
    """What can happen to a signup. The values are stored."""

    ASKED = "asked"
    CONFIRMED = "confirmed"
    ACTIVATED = "activated"
    NOT_ACTIVATED = "not activated"
    DECLINED = "declined"
    NOT_DECLINED = "not declined"
    UNDONE = "taken back"
    NOT_UNDONE = "not taken back"
    DEACTIVATED = "deactivated"
    WITHDRAWN = "withdrawn"
    REMOVED = "removed"
    RETURNED = "returned"
    EMAIL_CHANGED = "email changed"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Actor:
    """Who does something, for example a reviewer by email, and from which IP.

    `reviewer_id` is the reviewer's id in Strapi. An author and an operator have none.
    """

    name: str
    ip: str | None = None
    reviewer_id: int | None = None


class Event(Record):
    """Something that happened to a signup. `by` is NULL when Strapi's panel did it."""

    signup = DeferredForeignKey("Signup", on_delete="CASCADE")
    at = kept(MillisecondsField(default=now))
    kind = kept(CharField(column_name="what"))
    by = kept(TextField(null=True))
    ip = TextField(null=True, column_name="address")
    reason = TextField(null=True, column_name="why")

    @classmethod
    def record(
        cls, signup: Record, kind: EventKind, by: Actor | None, reason: str | None = None
    ) -> None:
        """Add an event. Call it in the transaction of the change that it describes."""
        name, ip = (by.name, by.ip) if by else (None, None)
        cls.create(signup=signup, kind=kind, by=name, ip=ip, reason=reason)

    @classmethod
    def for_signup(cls, signup: Record) -> "list[Event]":
        """Return the events of a signup, oldest first."""
        return list(cls.select().where(cls.signup == signup).order_by(cls.id))

    @classmethod
    def last_kind(cls, signup: Record) -> EventKind:
        """Return the kind of the newest event of a signup."""
        return EventKind(cls.for_signup(signup)[-1].kind)

    @classmethod
    def erase(cls, signups: Any) -> None:
        """Erase the personal data in the events of these signups (a subquery or a list of ids)."""
        personal = cls.ip.is_null(False) | cls.reason.is_null(False)
        cls.update(erased_values(cls)).where(cls.signup.in_(signups), personal).execute()

"""History: who did what with a signup, when, from where and why; it only ever grows."""

from dataclasses import dataclass
from typing import Any

from peewee import CharField, DeferredForeignKey, TextField

from models.ledger.database import Record
from models.timestamps import MillisecondsField, now

# What an author does is done by whoever reads that mailbox.
AUTHOR = "author"


@dataclass(frozen=True)
class Actor:
    """Who does something: a reviewer's address, say, and the network address it came from."""

    name: str
    ip: str | None = None


class Event(Record):
    """Something that happened to a signup; by nobody we know where Strapi's panel did it."""

    signup = DeferredForeignKey("Signup", on_delete="CASCADE")
    at = MillisecondsField(default=now)
    kind = CharField(column_name="what")
    by = TextField(null=True)
    ip = TextField(null=True, column_name="address")
    reason = TextField(null=True, column_name="why")

    @classmethod
    def record(cls, signup: Record, kind: str, by: Actor | None, reason: str | None = None) -> None:
        """Write down what was done, in the transaction that does it."""
        name, ip = (by.name, by.ip) if by else (None, None)
        cls.create(signup=signup, kind=kind, by=name, ip=ip, reason=reason)

    @classmethod
    def for_signup(cls, signup: Record) -> "list[Event]":
        """What happened to this signup, the oldest first."""
        return list(cls.select().where(cls.signup == signup).order_by(cls.id))

    @classmethod
    def last_kind(cls, signup: Record) -> str:
        """What happened to this signup last."""
        return str(cls.for_signup(signup)[-1].kind)

    @classmethod
    def erase(cls, signups: Any) -> None:
        """Forget what tells of the persons behind these signups (a query, or a list); what
        was done, when, and by which reviewer, remains."""
        personal = cls.ip.is_null(False) | cls.reason.is_null(False)
        cls.update(ip=None, reason=None).where(cls.signup.in_(signups), personal).execute()

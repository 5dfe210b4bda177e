"""History: who did what with a signup, when, from where and why; it only ever grows."""

from dataclasses import dataclass
from typing import Any

from peewee import CharField, DeferredForeignKey, TextField

from models.instant import InstantField, now
from models.ledger import Record

# What an author does is done by whoever reads that mailbox.
AUTHOR = "author"


@dataclass(frozen=True)
class Actor:
    """Who does something: a reviewer's address, say, and the network address it came from."""

    name: str
    address: str | None = None


class Event(Record):
    """Something that happened to a signup; by nobody we know where Strapi's panel did it."""

    signup = DeferredForeignKey("Signup", on_delete="CASCADE")
    at = InstantField(default=now)
    what = CharField()
    by = TextField(null=True)
    address = TextField(null=True)
    why = TextField(null=True)

    @classmethod
    def note(cls, signup: Record, what: str, by: Actor | None, why: str | None = None) -> None:
        """Write down what was done, in the transaction that does it."""
        name, address = (by.name, by.address) if by else (None, None)
        cls.create(signup=signup, what=what, by=name, address=address, why=why)

    @classmethod
    def of(cls, signup: Record) -> "list[Event]":
        """What happened to this signup, the oldest first."""
        return list(cls.select().where(cls.signup == signup).order_by(cls.id))

    @classmethod
    def last(cls, signup: Record) -> str:
        """What happened to this signup last."""
        return str(cls.of(signup)[-1].what)

    @classmethod
    def erase(cls, signups: Any) -> None:
        """Forget what tells of the persons behind these signups (a query, or a list); what
        was done, when, and by which reviewer, remains."""
        personal = cls.address.is_null(False) | cls.why.is_null(False)
        cls.update(address=None, why=None).where(cls.signup.in_(signups), personal).execute()

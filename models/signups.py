"""Signups: what a person asked for, and how it stands."""

from datetime import timedelta
from enum import StrEnum
from typing import Any

from peewee import SQL, BooleanField, CharField, IntegerField, TextField

from models.history import Actor, Event
from models.instant import InstantField, now
from models.ledger import LARGEST_ID, Record, database
from models.strapi import Identity, new_document_id


class State(StrEnum):
    """How a signup stands."""

    ASKED = "asked"
    WAITING = "waiting"
    ACTIVATING = "activating"
    ACTIVE = "active"
    UNDOING = "undoing"
    DEACTIVATED = "deactivated"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    REMOVED = "removed"
    STOPPED = "stopped"


class Signup(Record):
    """One application of one address."""

    key = CharField(unique=True)
    generation = IntegerField(default=1)
    state = CharField(index=True, default=State.ASKED)
    email = CharField(320, null=True, index=True)
    domain = CharField(null=True)
    firstname = TextField(null=True)
    lastname = TextField(null=True)
    why = TextField(null=True)
    language = CharField(null=True)
    document_id = CharField(null=True, default=new_document_id)
    born_at = InstantField(null=True)
    strapi_id = IntegerField(null=True, index=True)
    asked_at = InstantField(default=now)
    confirmed_at = InstantField(null=True)
    announced_at = InstantField(null=True)
    reminded_at = InstantField(null=True)
    decided_at = InstantField(null=True, index=True)
    decided_by = TextField(null=True)
    undo_until = InstantField(null=True)
    welcomed_at = InstantField(null=True)
    reason = TextField(null=True)
    told = BooleanField(null=True)
    removed_from = CharField(null=True)

    @classmethod
    def current(cls, email: str, reapply_after: timedelta) -> "Signup | None":
        """The signup that a request from this address belongs to; None when it may start
        a new one."""
        signup = cls.select().where(cls.email == email).order_by(cls.id.desc()).first()
        if signup is None or signup.state in (State.WITHDRAWN, State.REMOVED):
            return None
        if signup.state == State.DECLINED and now() - signup.decided_at > reapply_after:
            return None
        return signup

    @classmethod
    def of_id(cls, number: int | None) -> "Signup | None":
        """The signup of this id in the ledger."""
        return cls.get_or_none(cls.id == min(number or 0, LARGEST_ID))

    @classmethod
    def of_key(cls, key: str) -> "Signup | None":
        """The signup whose links carry this key."""
        return cls.get_or_none(cls.key == key)

    @classmethod
    def of_author(cls, strapi_id: int) -> "Signup | None":
        """The confirmed signup whose row in Strapi has this id."""
        mine = cls.strapi_id == min(strapi_id, LARGEST_ID)
        found = cls.select().where(mine, cls.state != State.WITHDRAWN)
        return found.order_by(cls.id.desc()).first()

    def predecessor(self) -> "Signup | None":
        """The earlier signup of the same address whose row, if it is still in Strapi, this
        one's will replace: declined long ago, or withdrawn a moment ago."""
        cls = type(self)
        over = cls.state.in_((State.DECLINED, State.WITHDRAWN)) & cls.strapi_id.is_null(False)
        earlier = cls.select().where(over, cls.email == self.email, cls.id < self.id)
        found: Signup | None = earlier.order_by(cls.id.desc()).first()
        return found

    @property
    def shown_state(self) -> State:
        """The state as people see it: a decision on its way to Strapi is still awaited."""
        return State.WAITING if self.state in UNDERWAY else State(self.state)

    @property
    def identity(self) -> Identity:
        """What this signup's row in Strapi must match."""
        return Identity(self.email or "", self.strapi_id, self.document_id, self.born_at)

    @property
    def name(self) -> str:
        """First and last name."""
        return " ".join(part for part in (self.firstname, self.lastname) if part)

    @property
    def can_be_undone(self) -> bool:
        """Whether its decision was made here, and so lately that no letter has told it."""
        return self.state in UNDOABLE and (self.undo_until or now()) > now()

    def turn(
        self,
        state: str,
        *was: str,
        what: str = "",
        by: Actor | None = None,
        because: str | None = None,
        **values: object,
    ) -> bool:
        """Compare and set: move to `state` with these values if the signup is in one of the
        states `was`, and note in its history `what` was done. The first of several who try
        wins, and all see how it stands."""
        with database.atomic():
            change = Signup.update(state=state, **values)
            won = change.where(Signup.id == self.id, Signup.state.in_(was)).execute() == 1
            if won and what:
                Event.note(self, what, by, because)
        self.reread()
        return won

    def erase(self) -> None:
        """Forget the person; what remains is that there was a signup."""
        with database.atomic():
            self.turn(self.state, self.state, **NOBODY)
            Event.erase([self.id])

    def reread(self) -> "Signup":
        """The same signup, as the ledger knows it now."""
        self.__data__.update(Signup.get_by_id(self.id).__data__)
        return self


# Decisions that are noted, and not yet true in Strapi.
UNDERWAY = (State.ACTIVATING, State.UNDOING)
# Decisions that can be taken back.
UNDOABLE = (State.ACTIVATING, State.ACTIVE, State.DECLINED)
# The states that people see.
SHOWN = tuple(state for state in State if state not in UNDERWAY)
# What an erased signup no longer knows.
NOBODY: dict[str, Any] = dict.fromkeys(
    ("email", "domain", "firstname", "lastname", "why", "language", "reason", "strapi_id"), None
)
# Those who wait for a decision, as `queue` searches them: a partial index needs its condition
# word for word.
AWAITED = SQL("state IN ('waiting', 'activating', 'undoing')")
# First and last name and address in lower case: a column that the database fills by itself.
WHO = SQL("who")

Signup.add_index(Signup.index(Signup.confirmed_at, name="signup_awaited", where=AWAITED))
Signup.add_index(Signup.index(Signup.domain, Signup.state, name="signup_domain"))
Signup.add_index(
    Signup.index(Signup.state, Signup.decided_at, Signup.strapi_id, name="signup_decided")
)
Signup.add_index(Signup.index(Signup.state, Signup.born_at, name="signup_born"))
Signup.add_index(Signup.index(Signup.state, WHO, name="signup_who"))

"""Signups: what a person asked for, and how it stands."""

from datetime import timedelta
from enum import StrEnum
from typing import Any

from peewee import SQL, BooleanField, CharField, IntegerField, TextField

from models.ledger.database import MAX_ID, Record, database
from models.signups.history import Actor, Event
from models.strapi import Identity, new_document_id
from models.timestamps import MillisecondsField, now


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
    motivation = TextField(null=True, column_name="why")
    language = CharField(null=True)
    document_id = CharField(null=True, default=new_document_id)
    strapi_created_at = MillisecondsField(null=True, column_name="born_at")
    strapi_id = IntegerField(null=True, index=True)
    asked_at = MillisecondsField(default=now)
    confirmed_at = MillisecondsField(null=True)
    announced_at = MillisecondsField(null=True)
    reminded_at = MillisecondsField(null=True)
    decided_at = MillisecondsField(null=True, index=True)
    decided_by = TextField(null=True)
    undo_until = MillisecondsField(null=True)
    welcomed_at = MillisecondsField(null=True)
    reason = TextField(null=True)
    told = BooleanField(null=True)
    state_before_removal = CharField(null=True, column_name="removed_from")

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
    def by_id(cls, number: int | None) -> "Signup | None":
        """The signup of this id in the ledger."""
        return cls.get_or_none(cls.id == min(number or 0, MAX_ID))

    @classmethod
    def by_key(cls, key: str) -> "Signup | None":
        """The signup whose links carry this key."""
        return cls.get_or_none(cls.key == key)

    @classmethod
    def by_strapi_id(cls, strapi_id: int) -> "Signup | None":
        """The confirmed signup whose row in Strapi has this id."""
        mine = cls.strapi_id == min(strapi_id, MAX_ID)
        found = cls.select().where(mine, cls.state != State.WITHDRAWN)
        return found.order_by(cls.id.desc()).first()

    def previous(self) -> "Signup | None":
        """The earlier signup of the same address whose row, if it is still in Strapi, this
        one's will replace: declined long ago, or withdrawn a moment ago."""
        cls = type(self)
        over = cls.state.in_((State.DECLINED, State.WITHDRAWN)) & cls.strapi_id.is_null(False)
        earlier = cls.select().where(over, cls.email == self.email, cls.id < self.id)
        found: Signup | None = earlier.order_by(cls.id.desc()).first()
        return found

    @property
    def public_state(self) -> State:
        """The state as people see it: a decision on its way to Strapi is still awaited."""
        return State.WAITING if self.state in IN_PROGRESS else State(self.state)

    @property
    def identity(self) -> Identity:
        """What this signup's row in Strapi must match."""
        return Identity(self.email or "", self.strapi_id, self.document_id, self.strapi_created_at)

    @property
    def name(self) -> str:
        """First and last name."""
        return " ".join(part for part in (self.firstname, self.lastname) if part)

    @property
    def can_be_undone(self) -> bool:
        """Whether its decision was made here, and so lately that no letter has told it."""
        return self.state in UNDOABLE and (self.undo_until or now()) > now()

    def change_state(
        self,
        state: str,
        *was: str,
        event: str = "",
        by: Actor | None = None,
        event_reason: str | None = None,
        **values: object,
    ) -> bool:
        """Compare and set: move to `state` with these values if the signup is in one of the
        states `was`, and note in its history `what` was done. The first of several who try
        wins, and all see how it stands."""
        with database.atomic():
            change = Signup.update(state=state, **values)
            won = change.where(Signup.id == self.id, Signup.state.in_(was)).execute() == 1
            if won and event:
                Event.record(self, event, by, event_reason)
        self.reload()
        return won

    def erase(self) -> None:
        """Forget the person; what remains is that there was a signup."""
        with database.atomic():
            self.change_state(self.state, self.state, **NOBODY)
            Event.erase([self.id])

    def reload(self) -> "Signup":
        """The same signup, as the ledger knows it now."""
        self.__data__.update(Signup.get_by_id(self.id).__data__)
        return self


# Decisions that are noted, and not yet true in Strapi.
IN_PROGRESS = (State.ACTIVATING, State.UNDOING)
# Decisions that can be taken back.
UNDOABLE = (State.ACTIVATING, State.ACTIVE, State.DECLINED)
# The states that people see.
PUBLIC_STATES = tuple(state for state in State if state not in IN_PROGRESS)
# What an erased signup no longer knows.
NOBODY: dict[str, Any] = dict.fromkeys(
    ("email", "domain", "firstname", "lastname", "motivation", "language", "reason", "strapi_id"),
    None,
)
# Those who wait for a decision, as `queue` searches them: a partial index needs its condition
# word for word.
WAITING_ROWS = SQL("state IN ('waiting', 'activating', 'undoing')")
# First and last name and address in lower case: a column that the database fills by itself.
WHO = SQL("who")

Signup.add_index(Signup.index(Signup.confirmed_at, name="signup_awaited", where=WAITING_ROWS))
Signup.add_index(Signup.index(Signup.domain, Signup.state, name="signup_domain"))
Signup.add_index(
    Signup.index(Signup.state, Signup.decided_at, Signup.strapi_id, name="signup_decided")
)
Signup.add_index(Signup.index(Signup.state, Signup.strapi_created_at, name="signup_born"))
Signup.add_index(Signup.index(Signup.state, WHO, name="signup_who"))

"""Signups: what a person asked for, and every step until it is decided."""

import secrets
from datetime import timedelta
from enum import StrEnum

from peewee import BooleanField, CharField, IntegerField, TextField

from models.instant import InstantField, now
from models.ledger import LARGEST_ID, Record, database
from models.outbox import Letter
from models.strapi import Administrator, Identity, new_document_id

# How many first letters one mailbox gets, and how long an unconfirmed request is kept.
LETTERS_AN_HOUR = 3
LETTERS_A_DAY = 6
UNCONFIRMED = timedelta(days=7)


class State(StrEnum):
    """How a signup stands."""

    ASKED = "asked"
    WAITING = "waiting"
    ACTIVATING = "activating"
    ACTIVE = "active"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    REMOVED = "removed"
    STOPPED = "stopped"


class Signup(Record):
    """One application of one address."""

    key = CharField(unique=True)
    state = CharField(index=True, default=State.ASKED)
    email = TextField(null=True, index=True)
    firstname = TextField(null=True)
    lastname = TextField(null=True)
    why = TextField(null=True)
    document_id = CharField(null=True, default=new_document_id)
    born_at = InstantField(null=True)
    strapi_id = IntegerField(null=True, index=True)
    asked_at = InstantField(default=now)
    confirmed_at = InstantField(null=True)
    announced_at = InstantField(null=True)
    decided_at = InstantField(null=True)
    decided_by = TextField(null=True)
    reason = TextField(null=True)
    told = BooleanField(null=True)
    removed_from = CharField(null=True)

    @classmethod
    def ask(
        cls,
        email: str,
        firstname: str,
        lastname: str | None,
        *,
        reapply_after: timedelta,
        throttled: bool = True,
    ) -> bool:
        """Take a request for an account and owe its address the letter that fits, in one
        transaction, with the same work for every address.

        A mailbox gets 3 such letters an hour and 6 a day, unless `throttled` is false; returns
        whether it gets one.
        """
        with database.atomic():
            signup = cls.current(email, reapply_after)
            if signup is None:
                signup = cls.create(
                    key=secrets.token_urlsafe(16),
                    email=email,
                    firstname=firstname,
                    lastname=lastname,
                )
            elif signup.state == State.ASKED and signup.born_at is None:
                names = {"firstname": firstname, "lastname": lastname}
                signup.turn(State.ASKED, State.ASKED, **names, asked_at=now())
            letter_left = not throttled or _letters_left(email)
            if letter_left:
                Letter.owe("confirm", email, signup)
        return letter_left

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

    @classmethod
    def search(cls, state: str, text: str, page: int, size: int) -> tuple[list["Signup"], int]:
        """A page of the signups of a state whose name or address contains `text`, and how
        many there are in all."""
        states = [state, State.ACTIVATING] if state == State.WAITING else [state]
        query = cls.select().where(cls.state.in_(states))
        if text:
            query = query.where(
                cls.email.contains(text)
                | cls.firstname.contains(text)
                | cls.lastname.contains(text)
            )
        order = cls.confirmed_at if state == State.WAITING else cls.id.desc()
        page = min(page, LARGEST_ID // size)
        return list(query.order_by(order).paginate(page, size)), query.count()

    @property
    def shown_state(self) -> State:
        """The state as people see it."""
        return State.WAITING if self.state == State.ACTIVATING else State(self.state)

    @property
    def identity(self) -> Identity:
        """What this signup's row in Strapi must match."""
        return Identity(self.email or "", self.strapi_id, self.document_id, self.born_at)

    @property
    def name(self) -> str:
        """First and last name."""
        return " ".join(part for part in (self.firstname, self.lastname) if part)

    def intend(self, firstname: str, lastname: str | None, why: str | None) -> bool:
        """Note what is about to be written into Strapi, and the birth that its row will
        carry: set once, so that a repeated attempt recognises the row of an earlier one.

        False when the signup is past this step.
        """
        with database.atomic():
            kept = self.turn(
                State.ASKED, State.ASKED, firstname=firstname, lastname=lastname, why=why
            )
            mine = (Signup.id == self.id) & Signup.born_at.is_null()
            Signup.update(born_at=now()).where(mine).execute()
        self.reread()
        return kept

    def admitted(self, row: Administrator) -> bool:
        """Note that the author's row is in Strapi; False when the signup was past this step."""
        with database.atomic():
            first = self.turn(
                State.WAITING,
                State.ASKED,
                strapi_id=row.id,
                document_id=row.document_id,
                confirmed_at=now(),
            )
            if first:
                Letter.owe("received", self.email or "", self)
        return first

    def activated(self) -> bool:
        """Note that the author may log in, by the decision noted here or by somebody's in
        Strapi's panel, and owe them the news; False when that was known."""
        by_panel = {"decided_by": None, "decided_at": now()}
        with database.atomic():
            first = self.turn(State.ACTIVE, State.ACTIVATING) or self.turn(
                State.ACTIVE, State.WAITING, State.DECLINED, State.WITHDRAWN, **by_panel
            )
            if first:
                Letter.owe("activated", self.email or "", self)
        return first

    def declined(self, by: str, reason: str | None, tell: bool) -> bool:
        """Note that the author is not wanted and, with `tell`, owe them the reason; False
        when it was decided before."""
        decision = {"decided_by": by, "decided_at": now(), "reason": reason, "told": tell}
        with database.atomic():
            first = self.turn(State.DECLINED, State.WAITING, **decision)
            if first and tell:
                Letter.owe("declined", self.email or "", self)
        return first

    def removed(self) -> None:
        """Note that the author's row is gone from Strapi."""
        was = (State.WAITING, State.ACTIVATING, State.ACTIVE)
        gone = {"decided_by": None, "decided_at": now(), "removed_from": Signup.state}
        self.turn(State.REMOVED, *was, **gone)

    def returned(self) -> None:
        """Note that the row is back, as when a backup was restored: who was let in is not
        told twice, and who was not must be decided about once more."""
        if self.removed_from == State.ACTIVE:
            self.turn(State.ACTIVE, State.REMOVED)
        else:
            self.turn(State.WAITING, State.REMOVED, decided_at=None)

    def erase(self) -> None:
        """Forget the person; what remains is that there was a signup."""
        self.turn(self.state, self.state, **NOBODY)

    def turn(self, state: str, *was: str, **values: object) -> bool:
        """Compare and set: move to `state` with these values if the signup is in one of the
        states `was`; the first of several who try wins, and all see how it stands."""
        change = Signup.update(state=state, **values)
        won = change.where(Signup.id == self.id, Signup.state.in_(was)).execute() == 1
        self.reread()
        return won

    def reread(self) -> "Signup":
        """The same signup, as the ledger knows it now."""
        self.__data__.update(Signup.get_by_id(self.id).__data__)
        return self


# The states that people see: a decision on its way to Strapi is still awaited.
SHOWN = tuple(state for state in State if state != State.ACTIVATING)
# What an erased signup no longer knows.
NOBODY = dict.fromkeys(("email", "firstname", "lastname", "why", "reason", "strapi_id"))


def _letters_left(email: str) -> bool:
    an_hour_ago, a_day_ago = now() - timedelta(hours=1), now() - timedelta(days=1)
    return (
        Letter.asked_since(email, an_hour_ago) < LETTERS_AN_HOUR
        and Letter.asked_since(email, a_day_ago) < LETTERS_A_DAY
    )

"""A signup: one application of one email, and its state."""

from datetime import timedelta
from enum import StrEnum
from typing import Any

from peewee import SQL, BooleanField, CharField, IntegerField, TextField

from models.ledger.database import MAX_ID, Record, database
from models.ledger.erasure import erased_values, kept
from models.mail import mailboxes
from models.signups.history import Actor, Event, EventKind
from models.strapi import Identity, new_document_id
from models.timestamps import MillisecondsField, now


class State(StrEnum):
    """The states of a signup. The values are stored."""

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


# A decision is recorded here, but not yet carried out in Strapi.
IN_PROGRESS = (State.ACTIVATING, State.UNDOING)
# The author was activated, or is about to be.
ACCOUNT_STATES = (State.ACTIVATING, State.ACTIVE, State.UNDOING, State.DEACTIVATED)
# The decision can be undone.
UNDOABLE = (State.ACTIVATING, State.ACTIVE, State.DECLINED)
# The states that people see.
PUBLIC_STATES = tuple(state for state in State if state not in IN_PROGRESS)


class Signup(Record):
    """One application of one email.

    Erasing a person clears each field that is not declared as kept. A partial index needs its
    condition as literal SQL, so `WAITING_ROWS` below is text.
    """

    # The random key in the links of this signup, and the number of the newest link.
    key = kept(CharField(unique=True))
    generation = kept(IntegerField(default=1))
    state = kept(CharField(index=True, default=State.ASKED))
    # The person.
    email = CharField(320, null=True, index=True)
    # The email that was confirmed, if the row in Strapi got another one later.
    confirmed_email = CharField(320, null=True)
    domain = CharField(null=True)
    # The mailbox that was proven, as limits count it.
    mailbox = CharField(320, null=True)
    firstname = TextField(null=True)
    lastname = TextField(null=True)
    motivation = TextField(null=True, column_name="why")
    language = CharField(null=True)
    # The row in Strapi. Its creation time is set before the row is written.
    document_id = CharField(null=True, default=new_document_id)
    strapi_created_at = MillisecondsField(null=True, column_name="born_at")
    strapi_id = IntegerField(null=True, index=True)
    state_before_removal = kept(CharField(null=True, column_name="removed_from"))
    # Why the row cannot be brought in line with this signup. It is tried again.
    reconcile_error = CharField(255, null=True)
    # "This wasn't me" about an account, and when reviewers were told.
    disputed_at = kept(MillisecondsField(null=True))
    dispute_told_at = kept(MillisecondsField(null=True))
    # What happened when.
    asked_at = kept(MillisecondsField(default=now))
    confirmed_at = kept(MillisecondsField(null=True))
    announced_at = kept(MillisecondsField(null=True))
    reminded_at = kept(MillisecondsField(null=True))
    welcomed_at = kept(MillisecondsField(null=True))
    # The decision. `told` says whether the author gets the reason of a decline.
    decided_at = kept(MillisecondsField(null=True, index=True))
    decided_by = kept(TextField(null=True))
    # The id in Strapi of the reviewer who decided last. None: an operator, or Strapi's panel.
    reviewer_id = kept(IntegerField(null=True))
    undo_until = kept(MillisecondsField(null=True))
    reason = TextField(null=True)
    told = kept(BooleanField(null=True))

    @classmethod
    def current(cls, email: str, reapply_after: timedelta) -> "Signup | None":
        """Return the newest signup of this very email, unless it is over.

        A declined one is over after `reapply_after`. An account comes before a link that is not
        used, and who has the email now before who was confirmed with it.
        """
        query: Any = cls.select().where(cls.has_email(email))
        return max(
            (found for found in query if not found.is_over(reapply_after)),
            key=lambda found: (found.state != State.ASKED, found.email == email, found.id),
            default=None,
        )

    @classmethod
    def has_email(cls, email: str) -> Any:
        """The condition of signups that have this email, or were confirmed with it."""
        return (cls.email == email) | (cls.confirmed_email == email)

    @classmethod
    def shares_mailbox(cls, email: str) -> Any:
        """The condition of signups whose email reaches the same mailbox as this one."""
        return cls.has_email(email) | (cls.mailbox == mailboxes.base(email))

    @classmethod
    def by_id(cls, number: int | None) -> "Signup | None":
        """Return the signup with this id in the ledger."""
        return cls.get_or_none(cls.id == min(number or 0, MAX_ID))

    @classmethod
    def by_key(cls, key: str) -> "Signup | None":
        """Return the signup whose links carry this key."""
        return cls.get_or_none(cls.key == key)

    @classmethod
    def by_strapi_id(cls, strapi_id: int) -> "Signup | None":
        """Return the newest signup whose row in Strapi has this id, except withdrawn ones."""
        same_row = cls.strapi_id == min(strapi_id, MAX_ID)
        found = cls.select().where(same_row, cls.state != State.WITHDRAWN)
        return found.order_by(cls.id.desc()).first()

    def previous(self) -> "Signup | None":
        """Return the earlier signup of this email whose row in Strapi may still exist.

        It was declined or withdrawn. The row of this signup replaces it.
        """
        cls = type(self)
        over = cls.state.in_((State.DECLINED, State.WITHDRAWN)) & cls.strapi_id.is_null(False)
        earlier = cls.select().where(over, cls.email == self.email, cls.id < self.id)
        found: Signup | None = earlier.order_by(cls.id.desc()).first()
        return found

    @property
    def public_state(self) -> State:
        """The state that people see: a decision that is not yet carried out is still awaited."""
        return State.WAITING if self.state in IN_PROGRESS else State(self.state)

    @property
    def state_for_author(self) -> State:
        """The state that the author sees: a decline that can still be undone is not shown."""
        hidden = self.state == State.DECLINED and self.can_be_undone
        return State.WAITING if hidden else self.public_state

    @property
    def identity(self) -> Identity:
        """What the row of this signup in Strapi must match."""
        return Identity(self.email or "", self.strapi_id, self.document_id, self.strapi_created_at)

    @property
    def proven_email(self) -> str | None:
        """The email of the mailbox that got the link."""
        return self.confirmed_email or self.email

    def is_over(self, reapply_after: timedelta) -> bool:
        """Return whether the person may start a new signup."""
        if self.state == State.DECLINED:
            return bool(now() - self.decided_at > reapply_after)
        return self.state in (State.WITHDRAWN, State.REMOVED)

    @property
    def name(self) -> str:
        """First and last name."""
        return " ".join(part for part in (self.firstname, self.lastname) if part)

    @property
    def can_be_undone(self) -> bool:
        """Whether the decision was made here and its undo period is not over."""
        return self.state in UNDOABLE and self.undo_until is not None and self.undo_until > now()

    def change_state(
        self,
        state: str,
        *allowed: str,
        event: EventKind | None = None,
        by: Actor | None = None,
        event_reason: str | None = None,
        **values: object,
    ) -> bool:
        """Set `state` and these values if the signup is in one of the `allowed` states.

        Adds an event to the history in the same transaction. Returns whether this call changed
        the state: of several callers, one does. Reloads the signup in each case.
        """
        with database.atomic():
            update = Signup.update(state=state, **values)
            changed = update.where(Signup.id == self.id, Signup.state.in_(allowed)).execute() == 1
            if changed and event:
                Event.record(self, event, by, event_reason)
        self.reload()
        return changed

    def update_unless_changed(self, **values: Any) -> bool:
        """Set these values unless the state has changed since this signup was loaded."""
        return self.change_state(self.state, self.state, **values)

    def erase(self) -> None:
        """Erase the person. What remains is that there was a signup, and how it ended."""
        with database.atomic():
            Signup.update(erased_values(Signup)).where(Signup.id == self.id).execute()
            Event.erase([self.id])
        self.reload()

    def reload(self) -> "Signup":
        """Read this signup from the ledger again, and return it."""
        self.__data__.update(Signup.get_by_id(self.id).__data__)
        return self


WAITING_ROWS = SQL("state IN ('waiting', 'activating', 'undoing')")
# First name, last name and email in lower case. The database fills this column.
SEARCH_TEXT = SQL("who")


def watched() -> Any:
    """The condition of signups that have a row in Strapi which may change or must be deleted."""
    has_row = Signup.strapi_id.is_null(False) & Signup.email.is_null(False)
    return has_row & Signup.state.not_in((State.ASKED, State.STOPPED))


def cannot_be_reconciled() -> Any:
    """The condition of signups whose row cannot be brought in line with them, for now."""
    # An index is used for this, but not for IS NOT NULL.
    return Signup.reconcile_error > ""


Signup.add_index(Signup.index(Signup.confirmed_at, name="signup_awaited", where=WAITING_ROWS))
Signup.add_index(Signup.index(Signup.domain, Signup.state, name="signup_domain"))
Signup.add_index(Signup.index(Signup.confirmed_email, name="signup_confirmed_email"))
Signup.add_index(Signup.index(Signup.disputed_at, name="signup_disputed"))
Signup.add_index(Signup.index(Signup.mailbox, name="signup_mailbox"))
Signup.add_index(Signup.index(Signup.reconcile_error, name="signup_reconcile_error"))
Signup.add_index(
    Signup.index(Signup.state, Signup.decided_at, Signup.strapi_id, name="signup_decided")
)
Signup.add_index(Signup.index(Signup.state, Signup.strapi_created_at, name="signup_born"))
Signup.add_index(Signup.index(Signup.state, SEARCH_TEXT, name="signup_who"))

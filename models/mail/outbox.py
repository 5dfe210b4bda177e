"""The outbox of emails. A row says which email to whom. The text is made when it is sent."""

import random
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from peewee import Case, CharField, DeferredForeignKey, IntegerField, TextField

from models.ledger.database import LedgerUnavailable, Record
from models.mail import mailboxes
from models.mail.email_kinds import EmailKind
from models.timestamps import EPOCH, MillisecondsField, now

# How long an email is leased to a worker that died. A living worker renews its lease.
LEASE = timedelta(seconds=20)
# The pause before the next try doubles from the first to the longest.
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=4)
# No pause is longer than this. A later due time comes from a clock that has jumped.
MAX_AHEAD = timedelta(days=1)
# After this time an email is given up, as mail servers do (RFC 5321, 4.5.4.1).
MAX_AGE = timedelta(days=5)


class OutgoingEmail(Record):
    """An email to one recipient, until it is sent, parked or no longer needed.

    `reference` is part of the Message-ID, so that a repeated delivery can be recognised.
    """

    kind = CharField()
    recipient = CharField(320, index=True)
    mailbox = CharField(320, null=True)
    signup = DeferredForeignKey("Signup", null=True, on_delete="CASCADE")
    signup_id: int | None
    reference = CharField(unique=True)
    queued_at = MillisecondsField(column_name="owed_at")
    due_at = MillisecondsField()
    leased_until = MillisecondsField(default=EPOCH)
    tries = IntegerField(default=0)
    sent_at = MillisecondsField(null=True)
    parked_at = MillisecondsField(null=True)
    error = TextField(null=True, column_name="trouble")
    # The newest refusal that may be our own fault: see refusals.py.
    refused_code = CharField(32, null=True)
    refused_at = MillisecondsField(null=True)

    class Meta:
        """The table was created under this name."""

        table_name = "letter"

    @classmethod
    def enqueue(
        cls,
        kind: EmailKind,
        recipient: str,
        signup: Record | None = None,
        due_at: datetime | None = None,
    ) -> "OutgoingEmail":
        """Add an email. Call it in the transaction of the change that the email reports."""
        instant = now()
        return cls.create(
            kind=kind,
            recipient=recipient,
            mailbox=mailboxes.base(recipient),
            signup=signup,
            reference=secrets.token_hex(16),
            queued_at=instant,
            due_at=due_at or instant,
        )

    @classmethod
    def enqueue_summary(cls, kind: EmailKind, recipient: str, pause: timedelta) -> None:
        """Add an email that sums up what is new, at most one in each `pause` for a recipient.

        An email that is not yet composed will include what is new, so none is added then.
        """
        last = (
            cls.select()
            .where(cls.kind == kind, cls.recipient == recipient, cls.parked_at.is_null())
            .order_by(cls.id.desc())
            .first()
        )
        if last is None:
            cls.enqueue(kind, recipient)
        elif last.sent_at is not None or last.leased_until > now():
            due_at = max(now(), (last.sent_at or now()) + pause)
            cls.enqueue(kind, recipient, due_at=due_at)

    @classmethod
    def cancel(cls, signup: Record, *kinds: EmailKind) -> None:
        """Delete unsent emails of these kinds: what they say is no longer true."""
        cls.delete_where(cls.signup == signup, cls.kind.in_(kinds), cls.sent_at.is_null())

    @classmethod
    def retry_soon(cls, signup: Record) -> bool:
        """Make the first email of this signup due within a minute, if it waits for another try.

        Returns whether there is such an email.

        The UPDATE locks its row, so that no worker composes the email before this transaction ends.
        """
        soon = cls.due_at.db_value(now() + FIRST_PAUSE)
        due_at = Case(None, [(cls.due_at > soon, soon)], cls.due_at)
        waiting = cls._first_emails(signup) & cls.error.is_null(False)
        return bool(cls.update(due_at=due_at).where(waiting).execute())

    @classmethod
    def lease_next(cls, after: str = "") -> "OutgoingEmail | None":
        """Lease a due email to this worker and return it, or None when none is due.

        It is the oldest of the first kind after `after` that has a due email. So the kinds take
        turns, and many emails of one kind delay no other kind.
        """
        instant = now()
        due = cls._unsent().where(cls.due_at <= instant, cls.leased_until <= instant)
        oldest = due.order_by(cls.kind, cls.due_at, cls.id).limit(1)
        for query in (oldest.where(cls.kind > after), oldest.where(cls.kind <= after)):
            # list() closes the cursor. An open cursor would keep the lease from being written.
            while found := list(query.clone()):
                if found[0]._lease(found[0].leased_until):
                    return found[0]
        return None

    @classmethod
    def count_first_emails(cls, since: datetime, recipient: str) -> int:
        """Count the first emails queued since then to the recipient's mailbox."""
        first = cls.select().where(cls.kind == EmailKind.CONFIRM, cls.queued_at > since)
        return int(first.where(cls.mailbox == mailboxes.base(recipient)).count())

    @classmethod
    def repair_times(cls) -> None:
        """Make emails due whose due time or lease ends too late: the clock has jumped."""
        too_late = now() + MAX_AHEAD
        cls.update(due_at=now()).where(cls.due_at > too_late).execute()
        cls.update(leased_until=EPOCH).where(cls.leased_until > too_late).execute()

    @classmethod
    def longest_delay(cls) -> timedelta:
        """Return how long the oldest due email has waited."""
        by_kind = (cls._unsent().where(cls.kind == kind) for kind in cls._unsent_kinds())
        oldest = [found.due_at for each in by_kind if (found := each.order_by(cls.due_at).first())]
        return max([timedelta(), *(now() - due_at for due_at in oldest)])

    def renew_lease(self) -> bool:
        """Lease this email once more. Returns False when another worker has it by now."""
        return self._lease(self.leased_until)

    def mark_sent(self) -> None:
        """Record that a mail server has accepted this email."""
        sent_at = now()
        try:
            self._release(sent_at=sent_at)
        except LedgerUnavailable:
            # The connection may have died while the mail server worked. Without this record,
            # the email would be sent twice.
            self._release(sent_at=sent_at)

    def drop(self) -> None:
        """Delete this email, because what it would say is no longer true."""
        self.delete_instance()

    def retry_later(self, error: str) -> None:
        """Try again after a growing pause with jitter, or park the email when it is too old."""
        if now() - self.queued_at > MAX_AGE:
            self.park(error)
            return
        pause = min(FIRST_PAUSE * 2 ** min(self.tries, 10), LONGEST_PAUSE)
        pause *= random.uniform(0.75, 1.25)
        self._put_off(tries=self.tries + 1, due_at=now() + pause, error=error)

    def release(self, error: str) -> None:
        """Give the lease back. The email stays due: the mail server failed, not this email."""
        self._put_off(error=error)

    def park(self, error: str) -> None:
        """Set an email aside that cannot be delivered. Reviewers and operators see it."""
        self._release(parked_at=now(), error=error)

    @classmethod
    def _unsent_kinds(cls) -> Iterator[str]:
        """Yield the kinds of unsent emails. Each is one step in the index on kinds."""
        kind = ""
        while found := cls._unsent().where(cls.kind > kind).order_by(cls.kind).first():
            kind = found.kind
            yield kind

    @classmethod
    def _first_emails(cls, signup: object):  # type: ignore[no-untyped-def]
        """The condition of the unsent first emails of a signup that no worker has."""
        free = (cls.kind == EmailKind.CONFIRM) & (cls.leased_until <= now())
        return (cls.signup == signup) & free & cls.sent_at.is_null() & cls.parked_at.is_null()

    @classmethod
    def _unsent(cls):  # type: ignore[no-untyped-def]
        return cls.select().where(cls.sent_at.is_null(), cls.parked_at.is_null())

    def _lease(self, seen: datetime) -> bool:
        """Lease this email unless another worker has changed `leased_until` since it was `seen`."""
        until = now() + LEASE
        lease = OutgoingEmail.update(leased_until=until).where(
            OutgoingEmail.id == self.id,
            OutgoingEmail.leased_until == seen,
            OutgoingEmail.sent_at.is_null(),
        )
        if lease.execute() == 0:
            return False
        self.leased_until = until
        return True

    def _put_off(self, **values: object) -> None:
        """Keep this email for later, with the newest link. Delete the other first emails."""
        self._release(**values)
        if self.kind == EmailKind.CONFIRM and self.signup_id:
            others = OutgoingEmail._first_emails(self.signup_id) & (OutgoingEmail.id != self.id)
            OutgoingEmail.delete_where(others)

    def _release(self, **values: object) -> None:
        update = OutgoingEmail.update(leased_until=EPOCH, **values)
        update.where(OutgoingEmail.id == self.id).execute()


def _add_index(name: str, *fields: Any, where: Any = None) -> None:
    OutgoingEmail.add_index(OutgoingEmail.index(*fields, name=name, where=where))


_KIND, _SENT, _PARKED = OutgoingEmail.kind, OutgoingEmail.sent_at, OutgoingEmail.parked_at
_QUEUED, _REFUSED = OutgoingEmail.queued_at, OutgoingEmail.refused_at
# Sent emails are kept for a week. They are not in the index that finds what is due.
_UNSENT = _SENT.is_null() & _PARKED.is_null()
_add_index("letter_open", _KIND, OutgoingEmail.due_at, where=_UNSENT)
_add_index("letter_parked", _PARKED, where=_PARKED.is_null(False))
_add_index("letter_sent", _SENT, where=_SENT.is_null(False))
_add_index("letter_refused", _REFUSED, where=_REFUSED.is_null(False))
_add_index("letter_mailbox", OutgoingEmail.mailbox, _QUEUED)
_add_index("letter_kind_owed_at", _KIND, _QUEUED)

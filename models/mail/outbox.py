"""The outbox: letters that are owed, as rows that say what to whom, never the text."""

import random
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta

from peewee import CharField, DeferredForeignKey, IntegerField, TextField

from models.ledger.database import MAX_ID, LedgerUnavailable, Record
from models.mail import mailboxes
from models.timestamps import EPOCH, MillisecondsField, now

# How long a courier that died keeps others from its letter; a living one renews its lease.
LEASE = timedelta(seconds=20)
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=4)
# Further ahead than any pause.
MAX_AHEAD = timedelta(days=1)
# After which a letter makes no more sense; mail servers give up after as long (RFC 5321 4.5.4.1).
LIFE = timedelta(days=5)


class OutgoingEmail(Record):
    """A letter owed to one recipient, until it is sent, parked or no longer makes sense."""

    kind = CharField()
    recipient = CharField(320, index=True)
    mailbox = CharField(320, null=True)
    signup = DeferredForeignKey("Signup", null=True, on_delete="CASCADE")
    reference = CharField(unique=True)
    queued_at = MillisecondsField(column_name="owed_at")
    due_at = MillisecondsField()
    leased_until = MillisecondsField(default=EPOCH)
    tries = IntegerField(default=0)
    sent_at = MillisecondsField(null=True)
    parked_at = MillisecondsField(null=True)
    error = TextField(null=True, column_name="trouble")

    class Meta:
        """Stored under an older name."""

        table_name = "letter"

    @classmethod
    def enqueue(
        cls,
        kind: str,
        recipient: str,
        signup: Record | None = None,
        due_at: datetime | None = None,
    ) -> "OutgoingEmail":
        """Write down a letter, in the transaction of the fact that it tells.

        Its `reference`, part of the Message-ID, makes a repeated delivery recognisable.
        """
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
    def enqueue_notice(cls, kind: str, recipient: str, pause: timedelta) -> None:
        """Owe a letter that sums up, at most one in each `pause` for a recipient: one that is
        still to be composed will tell the newest, too."""
        last = (
            cls.select()
            .where(cls.kind == kind, cls.recipient == recipient, cls.parked_at.is_null())
            .order_by(cls.id.desc())
            .first()
        )
        if last is None:
            cls.enqueue(kind, recipient)
        elif last.sent_at is not None or last.leased_until > now():
            cls.enqueue(kind, recipient, due_at=max(now(), (last.sent_at or now()) + pause))

    @classmethod
    def recall(cls, signup: Record, *kinds: str) -> None:
        """Forget letters of these kinds that have not gone out: they are no longer true."""
        cls.delete_where(cls.signup == signup, cls.kind.in_(kinds), cls.sent_at.is_null())

    @classmethod
    def lease(cls, after: str = "") -> "OutgoingEmail | None":
        """A due letter, for this courier alone; None when nothing is due.

        Kinds take turns, so that none waits behind a flood of another: it is the oldest of the
        first kind behind `after` that has any.
        """
        instant = now()
        due = cls._open().where(cls.due_at <= instant, cls.leased_until <= instant)
        oldest = due.order_by(cls.kind, cls.due_at, cls.id).limit(1)
        for turn in (oldest.where(cls.kind > after), oldest.where(cls.kind <= after)):
            # A cursor that is still open would keep the claim from being written.
            while found := list(turn.clone()):
                if found[0]._claim(found[0].leased_until):
                    return found[0]
        return None

    @classmethod
    def count_first_emails(cls, since: datetime, recipient: str | None = None) -> int:
        """How many first letters were owed since then: to the mailbox of this recipient, or to
        everybody."""
        asked = cls.select().where(cls.kind == "confirm", cls.queued_at > since)
        if recipient is not None:
            asked = asked.where(cls.mailbox == mailboxes.base(recipient))
        return asked.count()

    @classmethod
    def parked(cls) -> list["OutgoingEmail"]:
        """The letters that could not be delivered, in the order in which they were given up."""
        parked = cls.select().where(cls.parked_at.is_null(False))
        return list(parked.order_by(cls.parked_at, cls.id))

    @classmethod
    def send_again(cls, number: int) -> "OutgoingEmail | None":
        """Give a parked letter a fresh start; None when there is none of this id."""
        parked = cls.id == min(number, MAX_ID), cls.parked_at.is_null(False)
        fresh = {"parked_at": None, "tries": 0, "owed_at": now(), "due_at": now()}
        changed: int = cls.update(**fresh).where(*parked).execute()
        return cls.get_by_id(number) if changed else None

    @classmethod
    def repair_times(cls) -> None:
        """Make due what no pause can have put off for so long: the clock has jumped."""
        never = now() + MAX_AHEAD
        cls.update(due_at=now()).where(cls.due_at > never).execute()
        cls.update(leased_until=EPOCH).where(cls.leased_until > never).execute()

    @classmethod
    def overdue(cls) -> timedelta:
        """For how long the oldest due letter has waited."""
        mine = (cls._open().where(cls.kind == kind) for kind in cls._kinds())
        oldest = [found.due_at for each in mine if (found := each.order_by(cls.due_at).first())]
        return max([timedelta(), *(now() - due_at for due_at in oldest)])

    def renew(self) -> bool:
        """Keep the lease; False when it is no longer ours."""
        return self._claim(self.leased_until)

    def sent(self) -> None:
        """Note that a mail server has taken the letter."""
        sent_at = now()
        try:
            self._close(sent_at=sent_at)
        except LedgerUnavailable:
            # The connection died while the mail server thought; unnoted, it would be sent twice.
            self._close(sent_at=sent_at)

    def dropped(self) -> None:
        """Forget a letter that has nothing left to say."""
        self.delete_instance()

    def failed(self, problem: str) -> None:
        """Try again after a pause that grows, with jitter, until the letter is too old."""
        if now() - self.queued_at > LIFE:
            self.park(problem)
            return
        pause = min(FIRST_PAUSE * 2 ** min(self.tries, 10), LONGEST_PAUSE)
        pause *= random.uniform(0.75, 1.25)
        self._close(tries=self.tries + 1, due_at=now() + pause, error=problem)

    def returned(self, problem: str) -> None:
        """Leave the letter due, as if it had not been taken: it is not its fault."""
        self._close(error=problem)

    def park(self, problem: str) -> None:
        """Set aside a letter that can never be delivered, for an operator to see."""
        self._close(parked_at=now(), error=problem)

    @classmethod
    def _kinds(cls) -> Iterator[str]:
        """The kinds of open letters: each is looked for behind the last in the index, however many
        letters it has."""
        kind = ""
        while found := cls._open().where(cls.kind > kind).order_by(cls.kind).first():
            kind = found.kind
            yield kind

    @classmethod
    def _open(cls):  # type: ignore[no-untyped-def]
        return cls.select().where(cls.sent_at.is_null(), cls.parked_at.is_null())

    def _claim(self, seen: datetime) -> bool:
        until = now() + LEASE
        claim = OutgoingEmail.update(leased_until=until).where(
            OutgoingEmail.id == self.id,
            OutgoingEmail.leased_until == seen,
            OutgoingEmail.sent_at.is_null(),
        )
        if claim.execute() == 0:
            return False
        self.leased_until = until
        return True

    def _close(self, **values: object) -> None:
        OutgoingEmail.update(leased_until=EPOCH, **values).where(
            OutgoingEmail.id == self.id
        ).execute()


# What is sent is kept for a week, and must not make the search for what is due slower.
OutgoingEmail.add_index(
    OutgoingEmail.index(
        OutgoingEmail.kind,
        OutgoingEmail.due_at,
        name="letter_open",
        where=OutgoingEmail.sent_at.is_null() & OutgoingEmail.parked_at.is_null(),
    )
)
OutgoingEmail.add_index(
    OutgoingEmail.index(
        OutgoingEmail.parked_at, name="letter_parked", where=OutgoingEmail.parked_at.is_null(False)
    )
)
OutgoingEmail.add_index(
    OutgoingEmail.index(OutgoingEmail.mailbox, OutgoingEmail.queued_at, name="letter_mailbox")
)
OutgoingEmail.add_index(
    OutgoingEmail.index(OutgoingEmail.kind, OutgoingEmail.queued_at, name="letter_kind_owed_at")
)

"""The outbox: letters that are owed, as rows that say what to whom, never the text."""

import random
import secrets
from datetime import datetime, timedelta

from peewee import CharField, DeferredForeignKey, IntegerField, TextField

from models import mailboxes
from models.instant import EPOCH, InstantField, now
from models.ledger import LARGEST_ID, Record

# How long a courier that died keeps others from its letter; a living one renews its lease.
LEASE = timedelta(seconds=20)
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=4)
# Further ahead than any pause.
FARTHEST = timedelta(days=1)
# After which a letter makes no more sense; mail servers give up after as long (RFC 5321 4.5.4.1).
LIFE = timedelta(days=5)


class Letter(Record):
    """A letter owed to one recipient, until it is sent, parked or no longer makes sense."""

    kind = CharField()
    recipient = CharField(320, index=True)
    mailbox = CharField(320, null=True)
    signup = DeferredForeignKey("Signup", null=True, on_delete="CASCADE")
    reference = CharField(unique=True)
    owed_at = InstantField()
    due_at = InstantField()
    leased_until = InstantField(default=EPOCH)
    tries = IntegerField(default=0)
    sent_at = InstantField(null=True)
    parked_at = InstantField(null=True)
    trouble = TextField(null=True)

    @classmethod
    def owe(
        cls,
        kind: str,
        recipient: str,
        signup: Record | None = None,
        due_at: datetime | None = None,
    ) -> "Letter":
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
            owed_at=instant,
            due_at=due_at or instant,
        )

    @classmethod
    def owe_notice(cls, kind: str, recipient: str, pause: timedelta) -> None:
        """Owe a letter that sums up, at most one in each `pause` for a recipient: one that is
        still to be composed will tell the newest, too."""
        last = (
            cls.select()
            .where(cls.kind == kind, cls.recipient == recipient, cls.parked_at.is_null())
            .order_by(cls.id.desc())
            .first()
        )
        if last is None:
            cls.owe(kind, recipient)
        elif last.sent_at is not None or last.leased_until > now():
            cls.owe(kind, recipient, due_at=max(now(), (last.sent_at or now()) + pause))

    @classmethod
    def recall(cls, signup: Record, *kinds: str) -> None:
        """Forget letters of these kinds that have not gone out: they are no longer true."""
        cls.forget(cls.signup == signup, cls.kind.in_(kinds), cls.sent_at.is_null())

    @classmethod
    def lease(cls, after: str = "") -> "Letter | None":
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
    def asked_since(cls, since: datetime, recipient: str | None = None) -> int:
        """How many first letters were owed since then: to the mailbox of this recipient, or to
        everybody."""
        asked = cls.select().where(cls.kind == "confirm", cls.owed_at > since)
        if recipient is not None:
            asked = asked.where(cls.mailbox == mailboxes.base(recipient))
        return asked.count()

    @classmethod
    def parked(cls) -> list["Letter"]:
        """The letters that could not be delivered, oldest first."""
        return list(cls.select().where(cls.parked_at.is_null(False)).order_by(cls.id))

    @classmethod
    def send_again(cls, number: int) -> "Letter | None":
        """Give a parked letter a fresh start; None when there is none of this id."""
        parked = cls.id == min(number, LARGEST_ID), cls.parked_at.is_null(False)
        fresh = {"parked_at": None, "tries": 0, "owed_at": now(), "due_at": now()}
        changed: int = cls.update(**fresh).where(*parked).execute()
        return cls.get_by_id(number) if changed else None

    @classmethod
    def bring_forward(cls) -> None:
        """Make due what no pause can have put off for so long: the clock has jumped."""
        never = now() + FARTHEST
        cls.update(due_at=now()).where(cls.due_at > never).execute()
        cls.update(leased_until=EPOCH).where(cls.leased_until > never).execute()

    @classmethod
    def overdue(cls) -> timedelta:
        """For how long the oldest due letter has waited."""
        instant = now()
        oldest = cls._open().where(cls.due_at <= instant).order_by(cls.due_at).first()
        return instant - oldest.due_at if oldest else timedelta()

    def renew(self) -> bool:
        """Keep the lease; False when it is no longer ours."""
        return self._claim(self.leased_until)

    def sent(self) -> None:
        """Note that a mail server has taken the letter."""
        self._close(sent_at=now())

    def dropped(self) -> None:
        """Forget a letter that has nothing left to say."""
        self.delete_instance()

    def failed(self, trouble: str) -> None:
        """Try again after a pause that grows, with jitter, until the letter is too old."""
        if now() - self.owed_at > LIFE:
            self.park(trouble)
            return
        pause = min(FIRST_PAUSE * 2 ** min(self.tries, 10), LONGEST_PAUSE)
        pause *= random.uniform(0.75, 1.25)
        self._close(tries=self.tries + 1, due_at=now() + pause, trouble=trouble)

    def returned(self, trouble: str) -> None:
        """Leave the letter due, as if it had not been taken: it is not its fault."""
        self._close(trouble=trouble)

    def park(self, trouble: str) -> None:
        """Set aside a letter that can never be delivered, for an operator to see."""
        self._close(parked_at=now(), trouble=trouble)

    @classmethod
    def _open(cls):  # type: ignore[no-untyped-def]
        return cls.select().where(cls.sent_at.is_null(), cls.parked_at.is_null())

    def _claim(self, seen: datetime) -> bool:
        until = now() + LEASE
        claim = Letter.update(leased_until=until).where(
            Letter.id == self.id, Letter.leased_until == seen, Letter.sent_at.is_null()
        )
        if claim.execute() == 0:
            return False
        self.leased_until = until
        return True

    def _close(self, **values: object) -> None:
        Letter.update(leased_until=EPOCH, **values).where(Letter.id == self.id).execute()


# What is sent is kept for a week, and must not make the search for what is due slower.
Letter.add_index(
    Letter.index(
        Letter.kind,
        Letter.due_at,
        name="letter_open",
        where=Letter.sent_at.is_null() & Letter.parked_at.is_null(),
    )
)
Letter.add_index(
    Letter.index(Letter.parked_at, name="letter_parked", where=Letter.parked_at.is_null(False))
)
Letter.add_index(Letter.index(Letter.mailbox, Letter.owed_at, name="letter_mailbox"))
Letter.add_index(Letter.index(Letter.kind, Letter.owed_at, name="letter_kind_owed_at"))

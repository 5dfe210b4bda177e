"""The outbox: letters that are owed, as rows that say what to whom, never the text."""

import random
import secrets
from datetime import datetime, timedelta

from peewee import CharField, DeferredForeignKey, IntegerField, TextField

from models.instant import EPOCH, InstantField, now
from models.ledger import Record

# How long a courier that died keeps others from its letter; a living one renews its lease.
LEASE = timedelta(seconds=20)
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=4)
# After which a letter makes no more sense; mail servers give up after as long (RFC 5321 4.5.4.1).
LIFE = timedelta(days=5)


class Letter(Record):
    """A letter owed to one recipient, until it is sent, parked or no longer makes sense."""

    kind = CharField()
    recipient = TextField(index=True)
    signup = DeferredForeignKey("Signup", null=True, on_delete="CASCADE")
    reference = CharField(unique=True)
    owed_at = InstantField()
    due_at = InstantField(index=True)
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
    def lease(cls) -> "Letter | None":
        """The letter that has been due for longest, for this courier alone; None when
        nothing is due."""
        instant = now()
        due = cls._open().where(cls.due_at <= instant, cls.leased_until <= instant)
        # A cursor that is still open would keep the claim from being written.
        for letter in list(due.order_by(cls.due_at, cls.id).limit(10)):
            if letter._claim(letter.leased_until):
                return letter
        return None

    @classmethod
    def asked_since(cls, recipient: str, since: datetime) -> int:
        """How many first letters this recipient was owed since then."""
        query = cls.select().where(
            cls.kind == "confirm", cls.recipient == recipient, cls.owed_at > since
        )
        return query.count()

    @classmethod
    def parked(cls) -> list["Letter"]:
        """The letters that could not be delivered, oldest first."""
        return list(cls.select().where(cls.parked_at.is_null(False)).order_by(cls.id))

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
        pause = min(FIRST_PAUSE * 2**self.tries, LONGEST_PAUSE) * random.uniform(0.75, 1.25)
        self._close(tries=self.tries + 1, due_at=now() + pause, trouble=trouble)

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

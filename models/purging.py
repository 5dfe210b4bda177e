"""Purging: what the service has no more reason to know is forgotten."""

from datetime import timedelta

from models.instant import now
from models.ledger import database
from models.outbox import Letter
from models.signups import NOBODY, UNCONFIRMED, Signup, State

# Long enough to see why somebody got no letter; short enough not to be an address book.
SENT_LETTERS = timedelta(days=7)
PARKED_LETTERS = timedelta(days=30)


def purge(keep_decided: timedelta) -> int:
    """Delete requests that nobody confirmed in 7 days, old letters, and the personal data
    of signups decided longer ago than `keep_decided`; returns how many signups it touched."""
    instant = now()
    with database.atomic():
        Letter.forget(Letter.sent_at < instant - SENT_LETTERS)
        Letter.forget(Letter.parked_at < instant - PARKED_LETTERS)
        unconfirmed = Signup.forget(
            Signup.state == State.ASKED, Signup.asked_at < instant - UNCONFIRMED
        )
        decided = Signup.update(**NOBODY).where(
            Signup.decided_at < instant - keep_decided, Signup.email.is_null(False)
        )
        return unconfirmed + decided.execute()

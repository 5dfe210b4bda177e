"""Purging: what the service has no more reason to know is forgotten."""

from datetime import timedelta

from models.asking import UNCONFIRMED
from models.history import Event
from models.instant import now
from models.ledger import database
from models.limits import Count
from models.outbox import FARTHEST, Letter
from models.signups import NOBODY, Signup, State

# Long enough to see why somebody got no letter; short enough not to be an address book.
SENT_LETTERS = timedelta(days=7)
PARKED_LETTERS = timedelta(days=30)


def purge(keep_decided: timedelta, link_life: timedelta) -> int:
    """Delete requests that nobody confirmed in 7 days, or in the life of their link if that is
    longer, old letters, and the personal data of signups decided longer ago than
    `keep_decided`; returns how many signups it touched."""
    instant = now()
    kept = Signup.asked_at > instant - max(UNCONFIRMED, link_life)
    # Whose password was taken may have a row in Strapi that only settling knows.
    intended = Signup.born_at > instant - keep_decided
    with database.atomic():
        Letter.bring_forward()
        Letter.forget(Letter.sent_at < instant - SENT_LETTERS)
        Letter.forget(Letter.parked_at < instant - PARKED_LETTERS)
        # A window that ends after years was begun by a clock that had jumped.
        Count.forget((Count.expires_at < instant) | (Count.expires_at > instant + FARTHEST))
        unconfirmed = Signup.forget(
            Signup.state == State.ASKED, ~kept, Signup.born_at.is_null() | ~intended
        )
        # Settling removes the row of a declined author first.
        settled = Signup.strapi_id.is_null() | Signup.state.in_((State.ACTIVE, State.REMOVED))
        old = Signup.decided_at < instant - keep_decided
        outlived = old, settled, Signup.email.is_null(False)
        Event.erase(Signup.select(Signup.id).where(*outlived))
        decided = Signup.update(**NOBODY).where(*outlived)
        touched = unconfirmed + decided.execute()
    database.scrub()
    return touched

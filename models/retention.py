"""Purging: what the service has no more reason to know is forgotten."""

from datetime import timedelta

from models.ledger.database import database
from models.mail.outbox import MAX_AHEAD, OutgoingEmail
from models.rate_limits import Count
from models.signups.history import Event
from models.signups.signup import NOBODY, Signup, State
from models.signups.start import KEEP_UNCONFIRMED
from models.timestamps import now

# Long enough to see why somebody got no letter; short enough not to be an address book.
SENT_LETTERS = timedelta(days=7)
PARKED_LETTERS = timedelta(days=30)


def purge(keep_decided: timedelta, link_life: timedelta) -> int:
    """Delete requests that nobody confirmed in 7 days, or in the life of their link if that is
    longer, old letters, and the personal data of signups decided longer ago than
    `keep_decided`; returns how many signups it touched."""
    instant = now()
    kept = Signup.asked_at > instant - max(KEEP_UNCONFIRMED, link_life)
    # Whose password was taken may have a row in Strapi that only settling knows.
    intended = Signup.strapi_created_at > instant - keep_decided
    with database.atomic():
        OutgoingEmail.repair_times()
        OutgoingEmail.delete_where(OutgoingEmail.sent_at < instant - SENT_LETTERS)
        OutgoingEmail.delete_where(OutgoingEmail.parked_at < instant - PARKED_LETTERS)
        # A window that ends after years was begun by a clock that had jumped.
        Count.delete_where((Count.expires_at < instant) | (Count.expires_at > instant + MAX_AHEAD))
        unconfirmed = Signup.delete_where(
            Signup.state == State.ASKED, ~kept, Signup.strapi_created_at.is_null() | ~intended
        )
        # Settling removes the row of a declined author first.
        settled = Signup.strapi_id.is_null() | Signup.state.in_((State.ACTIVE, State.REMOVED))
        old = Signup.decided_at < instant - keep_decided
        outlived = old, settled, Signup.email.is_null(False)
        Event.erase(Signup.select(Signup.id).where(*outlived))
        decided = Signup.update(**NOBODY).where(*outlived)
        touched = unconfirmed + decided.execute()
    database.truncate_wal()
    return touched

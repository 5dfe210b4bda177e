"""Delete what the service has no reason to keep."""

from datetime import timedelta

from models.ledger.database import database
from models.ledger.erasure import erased_values
from models.mail.outbox import MAX_AHEAD, OutgoingEmail
from models.rate_limits import Count
from models.reviewers.known_networks import KnownNetwork
from models.signups import disputes
from models.signups.history import Event
from models.signups.signup import Signup, State
from models.timestamps import now

# How long a signup that nobody confirms is kept at least.
KEEP_UNCONFIRMED = timedelta(days=7)
# Sent emails are kept to answer why a person got no email, but not as a list of emails.
KEEP_SENT = timedelta(days=7)
KEEP_PARKED = timedelta(days=30)


def purge(keep_decided: timedelta, link_life: timedelta) -> int:
    """Delete old rows, and return how many signups were deleted or erased.

    1. Delete sent and parked emails, expired counts, and networks of logins long ago.
    2. Delete signups that were not confirmed in 7 days, or in the life of their link.
    3. Erase the persons of signups that were decided longer ago than `keep_decided`.
    """
    with database.atomic():
        OutgoingEmail.repair_times()
        OutgoingEmail.delete_where(OutgoingEmail.sent_at < now() - KEEP_SENT)
        OutgoingEmail.delete_where(OutgoingEmail.parked_at < now() - KEEP_PARKED)
        # A window that ends far in the future was begun by a clock that had jumped.
        Count.delete_where((Count.expires_at < now()) | (Count.expires_at > now() + MAX_AHEAD))
        KnownNetwork.purge()
        touched = _delete_unconfirmed(keep_decided, link_life) + _erase_decided(keep_decided)
    database.truncate_wal()
    return touched


def _delete_unconfirmed(keep_decided: timedelta, link_life: timedelta) -> int:
    old = Signup.asked_at <= now() - max(KEEP_UNCONFIRMED, link_life)
    # After a crash, such a signup may have a row in Strapi that only `reconcile` finds.
    has_no_row = Signup.strapi_created_at.is_null() | (
        Signup.strapi_created_at <= now() - keep_decided
    )
    return Signup.delete_where(Signup.state == State.ASKED, old, has_no_row)


def _erase_decided(keep_decided: timedelta) -> int:
    # `reconcile` deletes the row of a declined or withdrawn author first.
    may_keep_row = Signup.state.in_((State.ACTIVE, State.DEACTIVATED, State.REMOVED))
    old = (
        Signup.decided_at < now() - keep_decided,
        Signup.strapi_id.is_null() | may_keep_row,
        # A disputed account is watched until it is switched off.
        Signup.disputed_at.is_null() | Signup.state.not_in(disputes.MAY_BE_ACTIVE),
        Signup.email.is_null(False),
    )
    Event.erase(Signup.select(Signup.id).where(*old))
    return Signup.update(erased_values(Signup)).where(*old).execute()

"""Emails that were set aside because they could not be delivered."""

from models.ledger.database import MAX_ID, database
from models.mail.outbox import OutgoingEmail
from models.timestamps import now


def parked_emails() -> list[OutgoingEmail]:
    """Return the emails that could not be delivered, in the order in which they were parked."""
    parked = OutgoingEmail.select().where(OutgoingEmail.parked_at.is_null(False))
    return list(parked.order_by(OutgoingEmail.parked_at, OutgoingEmail.id))


def send_again(number: int) -> OutgoingEmail | None:
    """Make a parked email due again and return it, or None when its id is not parked."""
    parked = OutgoingEmail.id == min(number, MAX_ID), OutgoingEmail.parked_at.is_null(False)
    fresh = {"parked_at": None, "tries": 0, "queued_at": now(), "due_at": now()}
    changed: int = OutgoingEmail.update(**fresh).where(*parked).execute()
    return OutgoingEmail.get_by_id(number) if changed else None


def send_all_again() -> int:
    """Make due again what is parked, and what waits after a refusal; return the number of emails.

    Of several parked emails of one kind about one signup, only the newest is sent.
    """
    with database.atomic():
        newest: dict[object, OutgoingEmail] = {}
        for email in parked_emails():
            subject = (email.signup_id, email.kind) if email.signup_id else email.id
            if subject in newest:
                newest[subject].drop()
            newest[subject] = email
        again = [email for email in newest.values() if send_again(email.id)]
        return len(again) + _retry_refused()


def _retry_refused() -> int:
    waiting = OutgoingEmail.sent_at.is_null(), OutgoingEmail.parked_at.is_null()
    refused = OutgoingEmail.refused_at.is_null(False), OutgoingEmail.due_at > now()
    return int(OutgoingEmail.update(due_at=now()).where(*waiting, *refused).execute())

"""The ledger, its emails and its signups, as `flask check` tests them."""

from collections.abc import Iterator
from datetime import timedelta

from flask import current_app

from models.engines import without_credentials
from models.ledger.database import database
from models.mail import refusals
from models.mail.outbox import OutgoingEmail
from models.mail.parked import parked_emails
from models.signups import search
from signup.cli.check.finding import Finding
from signup.cli.check.mail import SENDER_ADVICE
from signup.health import OVERDUE, emails_are_used_up, queue_is_full


def findings() -> Iterator[Finding]:
    """Test the ledger, and what is stuck in it."""
    what = f"ledger {without_credentials(current_app.config['LEDGER'])}"
    if fault := current_app.extensions["ledger_fault"]:
        yield Finding(what, fault)
        return
    pooled = ", through a pooler that shares sessions by transactions"
    yield Finding(what + pooled * database.uses_transaction_pooling())
    yield from _outbox()


def _outbox() -> Iterator[Finding]:
    parked = parked_emails()
    errors = "; ".join(f"email {email.id}: {email.error}" for email in parked)
    fault = f"{len(parked)} could not be delivered: {errors}; the review pages send them again"
    yield Finding("no undeliverable emails", fault if parked else None)
    waited = OutgoingEmail.longest_delay()
    minutes = waited // timedelta(minutes=1)
    late = f"the oldest has waited for {minutes} minutes: is the service running?"
    yield Finding("emails are sent", _refusals() or (late if waited > OVERDUE else None))
    failed = sorted(search.not_reconciled(), key=lambda signup: signup.id)
    errors = "; ".join(f"signup {signup.id}: {signup.reconcile_error}" for signup in failed)
    fault = f"{errors}; each is tried again every 10 minutes"
    yield Finding("every signup agrees with Strapi", fault if failed else None)
    yield from _limits()


def _limits() -> Iterator[Finding]:
    if queue_is_full():
        advice = "decide about some on the review pages, or raise SIGNUP_MAX_WAITING"
        yield Finding("places in the queue", f"the queue is full, so nobody can apply: {advice}")
    if emails_are_used_up():
        advice = "look for a flood in the log, or raise SIGNUP_MAX_LETTERS"
        yield Finding(
            "first emails", f"those of this hour are used up, so nobody can apply: {advice}"
        )


def _refusals() -> str | None:
    code = refusals.current_code()
    return (
        code and f"the mail server answered {code} to emails for unrelated domains; {SENDER_ADVICE}"
    )

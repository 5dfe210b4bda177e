"""Send the due emails of the outbox, one at a time."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage

from flask import current_app

from models.ledger.database import LedgerUnavailable
from models.log_events import LogEvent
from models.mail import refusals
from models.mail.email_kinds import TO_REVIEWERS
from models.mail.outbox import LEASE, OutgoingEmail
from models.mail.suppressions import Suppression
from models.signups import decide
from models.strapi import StrapiUnavailable
from signup import links
from signup.alerts import alert
from signup.mail.compose import compose
from signup.mail.replies import Reply
from signup.mail.smtp import MailServerUnavailable, MailSession, NotDelivered

log = logging.getLogger(__name__)

# Attempts to compose an email before it is parked. A fixed version may compose it in between.
MAX_COMPOSE_TRIES = 3
# Tries after which a 4xx reply may be our own fault. Greylisting is over by then (15 minutes).
MANY_TRIES = 4


def deliver_due() -> Iterator[OutgoingEmail]:
    """Send the due emails, oldest first, each kind in turn; yield each one that was handled.

    Raises MailServerUnavailable, LedgerUnavailable.
    """
    kind = ""
    with MailSession() as session:
        while email := OutgoingEmail.lease_next(after=kind):
            with _lease_renewed(email):
                _handle(email, session)
            kind = email.kind
            yield email


def _handle(email: OutgoingEmail, session: MailSession) -> None:
    """Deliver one email. Whatever is wrong with it does not stop the others (P16)."""
    try:
        _deliver(email, session)
    except MailServerUnavailable as error:
        email.release(str(error))
        raise
    except LedgerUnavailable:
        raise
    except StrapiUnavailable as error:
        # Whether a reviewer still is one is known only to Strapi.
        log.warning(LogEvent.EMAIL_DELAYED, extra={**_log_fields(email), "error": str(error)})
        email.retry_later(str(error))
    except Exception as error:
        log.exception(LogEvent.EMAIL_NOT_COMPOSED, extra=_log_fields(email))
        problem = f"it cannot be composed: {type(error).__name__}"
        if email.tries + 1 >= MAX_COMPOSE_TRIES:
            email.park(problem)
        else:
            email.retry_later(problem)


def _deliver(email: OutgoingEmail, session: MailSession) -> None:
    keys = links.signing_keys()
    to_reviewer = email.kind in TO_REVIEWERS
    if email.signup and not to_reviewer and Suppression.covers(email.recipient, keys):
        # It was queued before the recipient said "this wasn't me", or another visitor asked again.
        log.info(LogEvent.EMAIL_DROPPED, extra={**_log_fields(email), "reason": "suppressed"})
        decide.stop(email.recipient, keys)
        return
    message = compose(email)
    if message is None:
        # What it would have said is no longer true.
        log.info(LogEvent.EMAIL_DROPPED, extra={**_log_fields(email), "reason": "out of date"})
        email.drop()
    else:
        _send(email, message, session)


def _send(email: OutgoingEmail, message: EmailMessage, session: MailSession) -> None:
    try:
        session.send(message)
    except NotDelivered as error:
        event = LogEvent.EMAIL_PARKED if error.final else LogEvent.EMAIL_DELAYED
        log.warning(event, extra={**_log_fields(email), "error": str(error)})
        email.park(str(error)) if error.final else email.retry_later(str(error))
        if error.reply and _may_be_ours(error.reply, email.tries):
            _record_refusal(email, str(error.reply))
    else:
        email.mark_sent()
        log.info(LogEvent.EMAIL_SENT, extra=_log_fields(email))


def _may_be_ours(reply: Reply, tries: int) -> bool:
    return reply.may_be_ours or (tries >= MANY_TRIES and not reply.is_about_recipient)


def _record_refusal(email: OutgoingEmail, code: str) -> None:
    refusals.record(email, code)
    if refusals.current_code():
        advice = "run flask check, and correct the sender, the login or the limit of the account"
        alert(LogEvent.MAIL_SERVER_REFUSES, f"{code} at unrelated domains: {advice}")


def _log_fields(email: OutgoingEmail) -> dict[str, object]:
    signup = {"signup": email.signup.id} if email.signup else {}
    return {"email_id": email.id, "kind": email.kind, "recipient": email.recipient, **signup}


@contextmanager
def _lease_renewed(email: OutgoingEmail) -> Iterator[None]:
    """Renew the lease while the mail server is slow.

    The lease is short, so that another worker soon takes over the email of one that died.
    """
    done = threading.Event()
    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def renew() -> None:
        while not done.wait(LEASE.total_seconds() / 4):
            with app.app_context(), suppress(*LedgerUnavailable):
                email.renew_lease()

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()

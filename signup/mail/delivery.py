"""Delivering: takes one due letter at a time, and hands it to the mail server."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import flask_mail
from flask import current_app

from models.ledger.database import LedgerUnavailable
from models.mail.outbox import LEASE, OutgoingEmail
from models.mail.suppressions import Suppression
from models.signups import decide
from signup import links
from signup.mail import compose
from signup.mail.connection import MailSession
from signup.mail.smtp import MailServerUnavailable, NotDelivered

log = logging.getLogger(__name__)

# A letter that cannot be made may be mended by a new version: so many tries, then parked.
MAKING_TRIES = 3


def deliver_due() -> Iterator[OutgoingEmail]:
    """Deliver what is due, the oldest first and kinds in turn; yields each letter that was
    dealt with. Raises MailServerOut, LedgerUnavailable."""
    kind = ""
    with MailSession() as post:
        while letter := OutgoingEmail.claim_next(after=kind):
            with _lease_renewed(letter):
                _deal_with(letter, post)
            kind = letter.kind
            yield letter


def _deal_with(letter: OutgoingEmail, post: MailSession) -> None:
    try:
        _deliver(letter, post)
    except MailServerUnavailable as error:
        letter.release(str(error))
        raise
    except LedgerUnavailable:
        raise
    except Exception as error:
        # It must not keep the letters behind it from going out.
        log.exception("email not composed", extra=_facts(letter))
        problem = f"it cannot be made: {type(error).__name__}"
        letter.park(problem) if letter.tries + 1 >= MAKING_TRIES else letter.retry_later(problem)


def _deliver(letter: OutgoingEmail, post: MailSession) -> None:
    keys = links.signing_keys()
    if letter.signup and Suppression.covers(letter.recipient, keys):
        # Asked again by somebody else, or owed before the owner of the address said stop.
        decide.stop(letter.recipient, keys)
        return
    message = compose.compose(letter)
    if message is None:
        letter.drop()
    else:
        _send(letter, message, post)


def _send(letter: OutgoingEmail, message: flask_mail.Message, post: MailSession) -> None:
    try:
        post.send(message)
    except NotDelivered as error:
        what = "email parked" if error.final else "email delayed"
        log.warning(what, extra={**_facts(letter), "error": str(error)})
        letter.park(str(error)) if error.final else letter.retry_later(str(error))
    else:
        letter.mark_sent()
        log.info("email sent", extra=_facts(letter))


def _facts(letter: OutgoingEmail) -> dict[str, object]:
    return {"letter": letter.id, "kind": letter.kind, "recipient": letter.recipient}


@contextmanager
def _lease_renewed(letter: OutgoingEmail) -> Iterator[None]:
    """Keep the lease of a letter whose mail server is slow, so that it is short for a letter
    whose courier died."""
    done = threading.Event()
    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def renew() -> None:
        while not done.wait(LEASE.total_seconds() / 4):
            with app.app_context(), suppress(*LedgerUnavailable):
                letter.renew_claim()

    keeper = threading.Thread(target=renew, daemon=True)
    keeper.start()
    try:
        yield
    finally:
        done.set()
        keeper.join()

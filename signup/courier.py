"""Delivering: takes one due letter at a time, and hands it to the mail server."""

import logging
import smtplib
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import flask_mail
from flask import Flask, Response, current_app, request

from models.ledger import LedgerUnavailable
from models.outbox import LEASE, Letter
from models.purging import purge
from models.strapi import StrapiUnavailable
from signup import letters
from signup.databases import settler

log = logging.getLogger(__name__)

# Seconds between two looks at the outbox and at Strapi's file; a POST is looked at at once.
POLL = 2.0
# Seconds between two looks at what may be forgotten.
PURGE = 3600.0
# A letter that cannot be composed may be mended by a new version: so many tries, then parked.
COMPOSING_TRIES = 3


def init_app(app: Flask) -> None:
    """Set up Flask-Mail, and a courier that `start` sets going."""
    flask_mail.Mail(app)
    courier = app.extensions["courier"] = Courier(app)

    @app.after_request
    def wake(response: Response) -> Response:
        if request.method == "POST":
            courier.wake()
        return response


class Courier:
    """A thread that settles and delivers for as long as the process lives."""

    def __init__(self, app: Flask) -> None:
        """Prepare the courier of `app`; `start` it after the process has forked."""
        self.app = app
        self._due = threading.Event()
        self._purged = -PURGE
        self._complaint: str | None = None
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def wake(self) -> None:
        """Have a look at once."""
        self._due.set()

    @property
    def running(self) -> bool:
        """Whether letters are being delivered."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while True:
            self._due.clear()
            with self.app.app_context():
                self._round()
            self._due.wait(POLL)

    def _round(self) -> None:
        try:
            self._settle()
            while deliver_one():
                self._settle()
            if time.monotonic() - self._purged > PURGE:
                purge(timedelta(days=current_app.config["KEEP_DAYS"]))
                self._purged = time.monotonic()
        except LedgerUnavailable as error:
            log.error("the ledger is out of order: %s", error)
        except Exception:
            # Whatever it is, the courier must live on and say so.
            log.exception("the courier stumbled")

    def _settle(self) -> None:
        complaint = settle()
        if complaint and complaint != self._complaint:
            log.warning("settling waits: %s", complaint)
        self._complaint = complaint


def settle() -> str | None:
    """Follow what changed in Strapi; where its file is away, that waits, and the reason is
    returned."""
    try:
        settler().settle_changes()
    except StrapiUnavailable as error:
        return str(error)
    return None


def deliver_one() -> bool:
    """Deliver the letter that is due for longest; False when none is."""
    letter = Letter.lease()
    if letter is None:
        return False
    with _lease_renewed(letter):
        message = _composed(letter)
        if message is not None:
            _send(letter, message)
    return True


def _composed(letter: Letter) -> flask_mail.Message | None:
    try:
        message = letters.compose(letter)
    except LedgerUnavailable:
        raise
    except Exception:
        log.exception("letter %s (%s) cannot be composed", letter.id, letter.kind)
        trouble = "it cannot be composed: see the log"
        letter.park(trouble) if letter.tries + 1 >= COMPOSING_TRIES else letter.failed(trouble)
        return None
    if message is None:
        letter.dropped()
    return message


def _send(letter: Letter, message: flask_mail.Message) -> None:
    try:
        with Connection(current_app.extensions["mail"]) as connection:
            connection.send(message)
    except (smtplib.SMTPException, OSError) as error:
        trouble = _told(error)
        if _final(error):
            log.error("letter %s (%s) is refused: %s", letter.id, letter.kind, trouble)
            letter.park(trouble)
        else:
            log.warning("letter %s (%s) waits: %s", letter.id, letter.kind, trouble)
            letter.failed(trouble)
    else:
        log.info("letter %s (%s) is sent", letter.id, letter.kind)
        letter.sent()


def _final(error: Exception) -> bool:
    """Whether the mail server will never take this letter, because of its recipient or text:
    a refused login or sender is our fault, and may be mended."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500


def _told(error: Exception) -> str:
    """What a mail server answered, without the address it answered about."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"recipient refused with {code}" for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{type(error).__name__} {error.smtp_code}"
    return f"{type(error).__name__}: {error}"


@contextmanager
def _lease_renewed(letter: Letter) -> Iterator[None]:
    """Keep the lease of a letter whose mail server is slow, so that it is short for a letter
    whose courier died."""
    done = threading.Event()
    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def renew() -> None:
        while not done.wait(LEASE.total_seconds() / 4):
            with app.app_context():
                letter.renew()

    keeper = threading.Thread(target=renew, daemon=True)
    keeper.start()
    try:
        yield
    finally:
        done.set()
        keeper.join()


class Connection(flask_mail.Connection):
    """Flask-Mail's connection with a timeout and verified certificates, and for which a
    message is sent once the server has taken it, whatever happens to the goodbye."""

    def configure_host(self) -> smtplib.SMTP | smtplib.SMTP_SSL:
        """Connect, encrypt and log in as the settings say."""
        mail, context = self.mail, ssl.create_default_context()
        timeout = current_app.config["MAIL_TIMEOUT"]
        host: smtplib.SMTP | smtplib.SMTP_SSL
        if mail.use_ssl:
            host = smtplib.SMTP_SSL(mail.server, mail.port, timeout=timeout, context=context)
        else:
            host = smtplib.SMTP(mail.server, mail.port, timeout=timeout)
        try:
            if mail.use_tls:
                host.starttls(context=context)
            if mail.username:
                host.login(mail.username, mail.password or "")
        except (smtplib.SMTPException, OSError):
            host.close()
            raise
        return host

    def __exit__(self, *exception: Any) -> None:
        """Say goodbye, or hang up."""
        with suppress(smtplib.SMTPException, OSError):
            super().__exit__(*exception)

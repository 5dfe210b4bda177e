"""Delivering: takes one due letter at a time, and hands it to the mail server."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import flask_mail
from flask import Flask, Response, current_app, request

from models import deciding
from models.ledger import LedgerUnavailable
from models.outbox import LEASE, Letter
from models.purging import purge
from models.stops import Stop
from models.strapi import StrapiUnavailable
from signup import letters, links, smtp
from signup.databases import settler

log = logging.getLogger(__name__)

# Seconds between two looks at the outbox and at Strapi's file; a POST is looked at at once.
POLL = 2.0
# Seconds between two looks at what may be forgotten.
PURGE = 3600.0
# A letter that cannot be made may be mended by a new version: so many tries, then parked.
MAKING_TRIES = 3


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
                forget()
                self._purged = time.monotonic()
        except LedgerUnavailable as error:
            log.error("the ledger is out of order: %s", error)
        except Exception:
            # Whatever it is, the courier must live on and say so.
            log.exception("the courier stumbled")

    def _settle(self) -> None:
        try:
            complaint = settle()
        except LedgerUnavailable:
            raise
        except Exception:
            # A row that nobody expected in Strapi must not keep letters from going out.
            log.exception("settling stumbled")
            return
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


def forget() -> int:
    """Purge as the settings say; returns how many signups that touched."""
    config = current_app.config
    keep, life = timedelta(days=config["KEEP_DAYS"]), timedelta(seconds=config["LINK_MAX_AGE"])
    return purge(keep, life)


def deliver_one() -> bool:
    """Deliver the letter that is due for longest; False when none is."""
    letter = Letter.lease()
    if letter is None:
        return False
    with _lease_renewed(letter):
        try:
            _deliver(letter)
        except LedgerUnavailable:
            raise
        except Exception as error:
            # It must not keep the letters behind it from going out.
            log.exception("letter %s (%s) cannot be made", letter.id, letter.kind)
            trouble = f"it cannot be made: {type(error).__name__}"
            letter.park(trouble) if letter.tries + 1 >= MAKING_TRIES else letter.failed(trouble)
    return True


def _deliver(letter: Letter) -> None:
    keys = links.signing_keys()
    if letter.signup and Stop.covers(letter.recipient, keys):
        # Asked again by somebody else, or owed before the owner of the address said stop.
        deciding.stop(letter.recipient, keys)
        return
    message = letters.compose(letter)
    if message is None:
        letter.dropped()
    else:
        _send(letter, message)


def _send(letter: Letter, message: flask_mail.Message) -> None:
    try:
        smtp.send(message)
    except smtp.Undelivered as error:
        log.warning("letter %s (%s) is not taken: %s", letter.id, letter.kind, error)
        letter.park(str(error)) if error.final else letter.failed(str(error))
    else:
        log.info("letter %s (%s) is sent", letter.id, letter.kind)
        letter.sent()


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

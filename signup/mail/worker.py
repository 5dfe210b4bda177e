"""The courier: a thread that follows Strapi and delivers, for as long as the process lives."""

import atexit
import logging
import os
import random
import threading
import time
from datetime import timedelta

import flask_mail
from flask import Flask, Response, current_app, request

from models.ledger.database import LedgerUnavailable, database
from models.retention import purge
from models.strapi import StrapiUnavailable
from signup.databases import reconciler
from signup.mail.delivery import deliver_due
from signup.mail.smtp import MailServerUnavailable

log = logging.getLogger(__name__)

# Seconds between two looks at the outbox, which is also looked at after each POST; and between
# two at Strapi's file, which take longer the more administrators there are: never more than this
# share of the time.
POLL = 2.0
SHARE = 0.1
LONGEST_PAUSE = 30.0
# Seconds that a look at the outbox waits for others who ask at that moment: their letters share a
# connection to the mail server.
GATHER = 0.2
# Seconds between two looks at what may be forgotten.
PURGE = 3600.0
# Seconds for which a mail server that is out is left alone: at first, and at most.
FIRST_REST = 5.0
LONGEST_REST = 300.0
# Seconds between two lines about the same trouble.
QUIET = 60.0
# Seconds that the end of the process waits for the letter in hand.
FAREWELL = 25.0


def init_app(app: Flask) -> None:
    """Set up Flask-Mail, and a courier that `start` sets going."""
    flask_mail.Mail(app)
    worker = app.extensions["worker"] = Worker(app)

    @app.after_request
    def wake(response: Response) -> Response:
        if request.method == "POST":
            worker.wake()
        return response


class Worker:
    """Settles and delivers beside the pages, and takes a rest while the mail server is out."""

    def __init__(self, app: Flask) -> None:
        """Prepare the courier of `app`."""
        self._app = app
        self._due = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._resumes = False
        self._settles_at = 0.0
        self._purged = -PURGE
        self._failures = 0
        self._rests_until = 0.0
        # When each complaint was last heard.
        self._said: dict[str, float] = {}

    def start(self) -> None:
        """Begin to work, and end with the process: the letter in hand is finished."""
        atexit.register(self.stop)
        # A fork leaves threads behind, and with them every lock that SQLite holds just then.
        os.register_at_fork(
            before=self._pause, after_in_parent=self._resume, after_in_child=self._resume
        )
        self._begin()

    def stop(self) -> None:
        """Take no more letters, and wait for the one in hand; one that takes too long is
        taken up again when its lease has ended."""
        self._end()
        log.info("stopped")

    def wake(self) -> None:
        """Have a look at once."""
        self._due.set()

    @property
    def running(self) -> bool:
        """Whether letters are being delivered."""
        return self._thread is not None and self._thread.is_alive()

    def _pause(self) -> None:
        self._resumes = self.running and not self._stopping.is_set()
        if self._resumes:
            self._end()

    def _resume(self) -> None:
        if self._resumes:
            self._stopping.clear()
            self._begin()

    def _end(self) -> None:
        self._stopping.set()
        self.wake()
        if self._thread and self._thread.is_alive():
            self._thread.join(FAREWELL)

    def _begin(self) -> None:
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._due.clear()
                with self._app.app_context():
                    self._round()
                self._due.wait(POLL)
                self._stopping.wait(GATHER)
        finally:
            if not self._stopping.wait(1):
                log.error("worker thread restarted")
                self._begin()

    def _round(self) -> None:
        try:
            self._settle_now_and_then()
            self._deliver()
            self._forget()
        except LedgerUnavailable as error:
            self._complain("ledger unavailable", error)
        except Exception as error:  # noqa: BLE001 (whatever it is, the courier lives on)
            self._complain("worker failed", error)

    def _settle_now_and_then(self) -> None:
        began = time.monotonic()
        if began >= self._settles_at:
            settled = self._settle()
            over = time.monotonic()
            # Whoever waited in vain for a database that is away was no burden to it.
            pause = (over - began) / (SHARE if settled else 1)
            self._settles_at = over + min(max(POLL, pause), LONGEST_PAUSE)

    def _settle(self) -> bool:
        try:
            reconciler().run_if_changed()
        except StrapiUnavailable as error:
            self._complain("reconcile postponed", error)
            return False
        except LedgerUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 (an odd row in Strapi stops no letters)
            self._complain("reconcile failed", error)
        return True

    def _deliver(self) -> None:
        if time.monotonic() < self._rests_until:
            return
        try:
            for _ in deliver_due():
                self._failures = 0
                if self._stopping.is_set():
                    return
                self._settle_now_and_then()
        except MailServerUnavailable as error:
            self._rest(error)

    def _rest(self, error: MailServerUnavailable) -> None:
        rest = min(FIRST_REST * 2 ** min(self._failures, 10), LONGEST_REST)
        rest *= random.uniform(0.75, 1.25)
        self._failures += 1
        self._rests_until = time.monotonic() + rest
        log.error(
            "mail server unavailable", extra={"error": str(error), "seconds_to_next_try": rest}
        )

    def _forget(self) -> None:
        if time.monotonic() - self._purged > PURGE:
            forget()
            self._purged = time.monotonic()

    def _complain(self, event: str, error: Exception) -> None:
        """Say what is wrong, at most once in a while, with a trace where nobody expected it."""
        if time.monotonic() - self._said.get(event, -QUIET) < QUIET:
            return
        self._said[event] = time.monotonic()
        problem = str(error)
        expected = isinstance(error, StrapiUnavailable)
        if isinstance(error, LedgerUnavailable):
            problem, expected = database.explain(error), True
        log.error(event, extra={"error": problem}, exc_info=None if expected else error)


def forget() -> int:
    """Purge as the settings say; returns how many signups that touched."""
    config = current_app.config
    keep, life = timedelta(days=config["KEEP_DAYS"]), timedelta(seconds=config["LINK_MAX_AGE"])
    return purge(keep, life)

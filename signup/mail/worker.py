"""The background thread that reconciles with Strapi, sends emails and purges old data."""

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
from models.log_events import LogEvent
from models.retention import purge
from models.signups.reapplying import fill_mailboxes
from models.strapi import StrapiUnavailable
from signup.databases import reconciler
from signup.mail.delivery import deliver_due
from signup.mail.smtp import MailServerUnavailable

log = logging.getLogger(__name__)

# All in seconds.
# Between two steps. A POST wakes the worker earlier.
STEP_INTERVAL = 2.0
# The worker waits so long after a POST. Emails of simultaneous visitors then share a connection.
BATCH_DELAY = 0.2
RECONCILE_INTERVAL = 2.0
PURGE_INTERVAL = 3600.0
# The first and the longest pause after the mail server was unavailable.
FIRST_PAUSE = 5.0
LONGEST_PAUSE = 300.0
# Between two log lines about the same failure.
LOG_INTERVAL = 60.0
# `stop` waits so long for the email that is being sent.
STOP_TIMEOUT = 25.0


def init_app(app: Flask) -> None:
    """Set up Flask-Mail, and a worker that `start` starts."""
    flask_mail.Mail(app)
    worker = app.extensions["worker"] = Worker(app)

    @app.after_request
    def wake(response: Response) -> Response:
        if request.method == "POST":
            worker.wake()
        return response


class Worker:
    """One thread for as long as the process lives."""

    def __init__(self, app: Flask) -> None:
        """Start nothing yet."""
        self._app = app
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._restart_after_fork = False
        # Times are in seconds of time.monotonic().
        self._reconcile_at = 0.0
        self._purged_at = -PURGE_INTERVAL
        self._mail_failures = 0
        self._send_at = 0.0
        self._logged_at: dict[LogEvent, float] = {}

    def start(self) -> None:
        """Start the thread; it ends with the process, after the email that is being sent."""
        atexit.register(self.stop)
        # A fork copies no threads, but it does copy the locks that they hold in SQLite.
        os.register_at_fork(
            before=self._pause, after_in_parent=self._resume, after_in_child=self._resume
        )
        self._start_thread()

    def stop(self) -> None:
        """Stop after the email that is being sent.

        An email that takes longer than STOP_TIMEOUT is sent again when its lease has ended.
        """
        self._stop_thread()
        log.info(LogEvent.STOPPED)

    def wake(self) -> None:
        """Do the next step now."""
        self._woken.set()

    @property
    def running(self) -> bool:
        """Whether the thread is alive."""
        return self._thread is not None and self._thread.is_alive()

    def _pause(self) -> None:
        self._restart_after_fork = self.running and not self._stopping.is_set()
        if self._restart_after_fork:
            self._stop_thread()

    def _resume(self) -> None:
        if self._restart_after_fork:
            self._stopping.clear()
            self._start_thread()

    def _stop_thread(self) -> None:
        self._stopping.set()
        self.wake()
        if self._thread and self._thread.is_alive():
            self._thread.join(STOP_TIMEOUT)

    def _start_thread(self) -> None:
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._woken.clear()
                with self._app.app_context():
                    self._step()
                self._woken.wait(STEP_INTERVAL)
                self._stopping.wait(BATCH_DELAY)
        finally:
            if not self._stopping.wait(1):
                log.error(LogEvent.WORKER_THREAD_RESTARTED)
                self._start_thread()

    def _step(self) -> None:
        """Do what is due.

        1. Reconcile the ledger with Strapi, at most every RECONCILE_INTERVAL. This queues emails.
        2. Send the due emails, unless the mail server was unavailable a moment ago.
        3. Purge old data, every PURGE_INTERVAL.
        4. Log how many lines about refused requests were left out.

        No error ends the worker: it logs the error and does the next step.
        """
        try:
            self._reconcile()
            self._send()
            self._purge()
            current_app.extensions["log_sums"].log_ended()
        except LedgerUnavailable as error:
            self._log_failure(LogEvent.LEDGER_UNAVAILABLE, error)
        except Exception as error:  # noqa: BLE001 (no error may end the worker)
            self._log_failure(LogEvent.WORKER_FAILED, error)

    def _reconcile(self) -> None:
        if time.monotonic() < self._reconcile_at:
            return
        try:
            reconciler().run_if_changed()
        except StrapiUnavailable as error:
            self._log_failure(LogEvent.RECONCILE_POSTPONED, error)
        except LedgerUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 (emails are sent all the same)
            self._log_failure(LogEvent.RECONCILE_FAILED, error)
        finally:
            self._reconcile_at = time.monotonic() + RECONCILE_INTERVAL

    def _send(self) -> None:
        if time.monotonic() < self._send_at:
            return
        try:
            for _ in deliver_due():
                self._mail_failures = 0
                if self._stopping.is_set():
                    return
                # Reconcile between emails, so that a long outbox does not delay it.
                self._reconcile()
        except MailServerUnavailable as error:
            self._pause_sending(error)

    def _pause_sending(self, error: MailServerUnavailable) -> None:
        """Wait twice as long after each failure in a row, with jitter."""
        pause = min(FIRST_PAUSE * 2 ** min(self._mail_failures, 10), LONGEST_PAUSE)
        pause *= random.uniform(0.75, 1.25)
        self._mail_failures += 1
        self._send_at = time.monotonic() + pause
        fields = {"error": str(error), "seconds_to_next_try": pause}
        log.error(LogEvent.MAIL_SERVER_UNAVAILABLE, extra=fields)

    def _purge(self) -> None:
        if time.monotonic() - self._purged_at > PURGE_INTERVAL:
            purge_old_data()
            self._purged_at = time.monotonic()

    def _log_failure(self, event: LogEvent, error: Exception) -> None:
        """Log at most once in LOG_INTERVAL; with a trace, unless a database is unavailable."""
        if time.monotonic() - self._logged_at.get(event, -LOG_INTERVAL) < LOG_INTERVAL:
            return
        self._logged_at[event] = time.monotonic()
        expected = isinstance(error, (StrapiUnavailable, *LedgerUnavailable))
        fields = {"error": _problem(error)}
        log.error(event, extra=fields, exc_info=None if expected else error)


def _problem(error: Exception) -> str:
    """Describe the error. The text of one that nobody expected may quote data."""
    if isinstance(error, StrapiUnavailable):
        return str(error)
    return database.explain(error) if isinstance(error, LedgerUnavailable) else type(error).__name__


def purge_old_data() -> int:
    """Purge what the settings say is no longer kept; return the number of signups changed.

    Also complete what an earlier version wrote.
    """
    fill_mailboxes()
    config = current_app.config
    return purge(timedelta(days=config["KEEP_DAYS"]), timedelta(seconds=config["LINK_MAX_AGE"]))

"""The health page: whether both databases answer and emails are sent."""

from collections.abc import Iterator
from datetime import timedelta

from flask import Blueprint, Flask, current_app
from flask.typing import ResponseReturnValue

from models.ledger.database import LedgerUnavailable
from models.log_events import LogEvent
from models.mail import refusals
from models.mail.outbox import OutgoingEmail
from models.signups import queue, search, start
from models.strapi import StrapiUnavailable
from signup import rate_limits
from signup.alerts import logged_lately
from signup.databases import strapi_summary

health = Blueprint("health", __name__)

# An email that has been due for longer means that none are sent.
OVERDUE = timedelta(minutes=10)


def init_app(app: Flask) -> None:
    """Add the health page."""
    app.register_blueprint(health)


@health.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Answer 200 when everything works, else 503 with the names of the parts that fail.

    `warnings` names what an operator should look at although the service works.
    """
    failing = list(failing_parts())
    if failing:
        return {"status": "failing", "parts": failing}, 503
    found = list(warnings())
    return {"status": "ok", "warnings": found} if found else {"status": "ok"}


def failing_parts() -> Iterator[str]:
    """Yield the name of each part that does not work now."""
    if not _strapi_works():
        yield "strapi"
    if not current_app.extensions["worker"].running:
        yield "worker"
    try:
        if OutgoingEmail.longest_delay() > OVERDUE:
            yield "outbox"
        if refusals.current_code():
            yield "mail"
    except LedgerUnavailable:
        yield "ledger"


def warnings() -> Iterator[str]:
    """Yield the name of each thing that an operator should look at."""
    if search.not_reconciled().exists():
        yield "reconcile"
    if emails_are_used_up() or logged_lately(LogEvent.SIGNUP_SHARE_USED_UP):
        yield "signups"
    if queue_is_full():
        yield "queue"


def emails_are_used_up() -> bool:
    """Return whether everybody together has got the first emails of this hour."""
    limit = current_app.config["MAX_LETTERS"]
    return rate_limits.enabled() and start.seconds_until_free(limit) > 0


def queue_is_full() -> bool:
    """Return whether as many signups wait for a decision as MAX_WAITING allows."""
    return queue.number_waiting() >= int(current_app.config["MAX_WAITING"])


def _strapi_works() -> bool:
    try:
        return strapi_summary().role_is_usable
    except StrapiUnavailable:
        return False

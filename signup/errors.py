"""Error pages. They say what to do, and nothing about how the service works inside."""

import logging
from collections.abc import Mapping
from http import HTTPStatus

from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from models.ledger.database import LedgerUnavailable, database
from models.log_events import LogEvent
from signup import rate_limits
from signup.api import problems
from signup.i18n import lazy_gettext
from signup.logging import is_failure, request_id

log = logging.getLogger(__name__)

# Seconds after which a visitor should try again.
RETRY = {"Retry-After": "60"}
NO_HEADERS: Mapping[str, str] = {}

# Title and advice for a status. Other statuses use those of 400 or 500.
ADVICE = {
    400: (
        lazy_gettext("This could not be accepted"),
        lazy_gettext("Go back, reload the page, and try again."),
    ),
    404: (
        lazy_gettext("There is no such page"),
        lazy_gettext("Check the address, or start at the form."),
    ),
    405: (lazy_gettext("This cannot be done here"), lazy_gettext("Start at the form.")),
    413: (lazy_gettext("This is too long"), lazy_gettext("Go back and shorten what you wrote.")),
    429: (lazy_gettext("Too often"), lazy_gettext("Please wait a while, then try again.")),
    500: (
        lazy_gettext("Something went wrong on our side"),
        lazy_gettext("Please go back, and try again in a minute."),
    ),
    503: (
        lazy_gettext("Please try again in a minute"),
        lazy_gettext("We could not take this just now: go back, and send it again."),
    ),
}


def init_app(app: Flask) -> None:
    """Register the handlers of errors."""
    app.register_error_handler(HTTPException, http_error)
    for error in LedgerUnavailable:
        app.register_error_handler(error, ledger_unavailable)


def http_error(error: HTTPException) -> ResponseReturnValue:
    """Return the page of an HTTP error, or the API's problem, with the error's own headers."""
    headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
    return error_response(error.code or 500, error.description or "", headers)


def ledger_unavailable(error: Exception) -> ResponseReturnValue:
    """Answer 503. The request was not accepted, because the ledger could not store it."""
    log.error(LogEvent.LEDGER_UNAVAILABLE, extra={"error": database.explain(error)})
    return error_response(503, "Nothing was accepted.")


def error_response(
    status: int,
    description: str = "",
    headers: Mapping[str, str] = NO_HEADERS,
    advice: int | None = None,
) -> ResponseReturnValue:
    """Return the page of an error, or for the API a problem (RFC 9457).

    The page gives the advice of another status, if `advice` is one.
    """
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers = {**RETRY, **headers}
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        headers = {"Retry-After": str(rate_limits.retry_after()), **headers}
        description = "Please wait a while, then try again."
    if request.path.startswith("/api/"):
        return problems.problem(HTTPStatus(status), description, headers)
    title, text = ADVICE.get(advice or status, ADVICE[500 if status >= 500 else 400])
    # When the service failed, the visitor can tell the operator this number.
    number = request_id() if is_failure(status) else None
    page = render_template("error.html", title=title, text=text, number=number)
    return page, status, headers

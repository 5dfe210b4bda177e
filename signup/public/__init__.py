"""The public pages: the signup form, and the page behind a signed link."""

import logging

from flask import Flask, render_template
from flask.typing import ResponseReturnValue

from models.log_events import LogEvent
from models.signups.start import TooManyEmails
from signup import links
from signup.errors import error_response
from signup.public import form, link, stop  # noqa: F401 (stop adds pages to link's)

log = logging.getLogger(__name__)


def init_app(app: Flask) -> None:
    """Add the public pages, their error handlers, and the site's name for all templates."""
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.register_blueprint(form.pages)
    app.register_blueprint(link.pages)
    app.register_error_handler(links.InvalidLink, invalid_link)
    app.register_error_handler(links.LinkFromFuture, link_from_future)
    app.register_error_handler(TooManyEmails, too_many_emails)
    app.context_processor(lambda: {"site_name": app.config["SITE_NAME"]})


def invalid_link(_: Exception) -> ResponseReturnValue:
    """Show the page of a link that is damaged or not ours."""
    log.warning(LogEvent.LINK_INVALID)
    return render_template("signup/damaged.html"), 404


def link_from_future(_: Exception) -> ResponseReturnValue:
    """Answer 503, because the link will work soon. Log that a clock is wrong."""
    log.error(LogEvent.LINK_FROM_FUTURE, extra={"error": "this clock, or another one, is wrong"})
    return error_response(503)


def too_many_emails(error: TooManyEmails) -> ResponseReturnValue:
    """Say on a page that has no form to show again that the visitor should come back later."""
    status, headers = form.refusal(error)
    return error_response(status, headers=headers, advice=429)

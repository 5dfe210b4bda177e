"""The public pages: the form, and the page that a signed link leads to."""

import logging

from flask import Flask, render_template
from flask.typing import ResponseReturnValue

from models.log_events import LogEvent
from models.signups.start import TooManyEmails
from signup import links
from signup.errors import answer
from signup.public import form, link
from signup.validation import typos

log = logging.getLogger(__name__)


def init_app(app: Flask) -> None:
    """Add the public pages and what each of them is told."""
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.extensions["blank_forms"] = {}
    app.register_blueprint(form.pages)
    app.register_blueprint(link.pages)
    app.register_error_handler(links.InvalidLink, not_ours)
    app.register_error_handler(links.LinkFromFuture, from_the_future)
    app.register_error_handler(TooManyEmails, too_many_letters)
    app.context_processor(
        lambda: {"site_name": app.config["SITE_NAME"], "mailboxes": typos.MAILBOXES}
    )


def not_ours(_: Exception) -> ResponseReturnValue:
    """A damaged link has its page, too."""
    log.warning(LogEvent.LINK_INVALID)
    return render_template("signup/damaged.html"), 404


def from_the_future(_: Exception) -> ResponseReturnValue:
    """A link of a clock that is ahead of ours will be good in a moment."""
    log.error(LogEvent.LINK_FROM_FUTURE, extra={"error": "this clock, or another one, is wrong"})
    return answer(503)


def too_many_letters(_: Exception) -> ResponseReturnValue:
    """Where there is no form to keep, everybody is asked to come back later."""
    form.alert_about_flood()
    return answer(503)

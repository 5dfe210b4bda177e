"""The form: somebody gives a name and an address; the same pages for every address."""

import logging
from datetime import timedelta
from typing import Any

from flask import Blueprint, current_app, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from models.log_events import LogEvent
from models.signups import start
from models.signups.history import AUTHOR, Actor
from models.signups.start import TooManyEmails
from models.timestamps import now
from signup import csrf, i18n, rate_limits
from signup.alerts import alert
from signup.errors import RETRY
from signup.forms import ButtonForm, SignupForm
from signup.validation import typos

log = logging.getLogger(__name__)
pages = Blueprint("form", __name__)

# Seconds that a person takes for the form at least.
MIN_SECONDS = 3


@pages.get("/")
def home() -> ResponseReturnValue:
    """To the form."""
    return redirect(url_for(".show"))


@pages.get("/signup")
def show() -> ResponseReturnValue:
    """The form, or the page that says that it is closed."""
    if not current_app.config["OPEN"]:
        return render_template("signup/closed.html")
    # With several tabs, the first one counts; after an application, time begins anew.
    if "asked" in session or "came_at" not in session:
        session["came_at"] = now().timestamp()
    if not request.args:
        return _blank()
    # Whoever corrects an address need not type the rest again.
    kept = session.get("asked") if "correct" in request.args else None
    return render_template("signup/form.html", form=SignupForm(data=kept))


@pages.post("/signup")
@rate_limits.requests
def ask() -> ResponseReturnValue:
    """Take a request; the answer is the same for every address."""
    config = current_app.config
    if not config["OPEN"]:
        return render_template("signup/closed.html"), 403
    form = SignupForm()
    if not form.validate_on_submit():
        if form.stale:
            # Whoever had the page open for so long is asked to press the button at once.
            session["came_at"] = 0
        return render_template("signup/form.html", form=form), form.status
    person: dict[str, Any] = {
        name: form.data[name] or None for name in ("email", "firstname", "lastname")
    }
    try:
        if _is_a_persons(form):
            _ask(**person)
    except TooManyEmails:
        alert_about_flood()
        return render_template("signup/form.html", form=form, busy=True), 503, RETRY
    session["asked"] = {**person, "ignored": form.honeypot_filled}
    return redirect(url_for(".sent"), 303)


@pages.get("/signup/sent")
def sent() -> ResponseReturnValue:
    """Check your mail; the same page for every address."""
    typed = session.get("asked", {}).get("email", "")
    facts: dict[str, Any] = {"asked": bool(typed), "again": "again" in request.args}
    # Only a slip is shown again: otherwise the page is the same to the last byte.
    if slip := typos.suggestion(typed):
        facts |= {"typed": typed, "suggestion": slip}
    return render_template("signup/sent.html", form=ButtonForm(), **facts)


@pages.post("/signup/again")
@rate_limits.requests
def again() -> ResponseReturnValue:
    """Send what was just asked for once more."""
    form = ButtonForm()
    if not current_app.config["OPEN"]:
        return render_template("signup/closed.html"), 403
    if "asked" not in session:
        return redirect(url_for(".show"), 303)
    if not form.validate_on_submit():
        return render_template("signup/sent.html", form=form, asked=True), form.status
    asked = dict(session["asked"])
    # Who was but quick gets the letter after all.
    if not asked.pop("ignored", False):
        _ask(**asked)
    return redirect(url_for(".sent", again=1), 303)


def author() -> Actor:
    """Whoever reads the mailbox, for the history."""
    return Actor(AUTHOR, request.remote_addr)


def alert_about_flood() -> None:
    """Tell the operator that letters have been turned down."""
    most = rate_limits.letters()
    alert(LogEvent.SIGNUP_FLOOD, f"{most} first letters in an hour: nobody gets another for now")


def _blank() -> str:
    """The form as everybody finds it, made once for each language: of all that is in it, the
    token alone is one visitor's own."""
    kept: dict[str, list[str]] = current_app.extensions["blank_forms"]
    language, token = i18n.current_language(), csrf.token()
    if language not in kept:
        kept[language] = render_template("signup/form.html", form=SignupForm()).split(token)
    return token.join(kept[language])


def _is_a_persons(form: SignupForm) -> bool:
    """Whether somebody filled this in who saw it, and took the time to type."""
    if not (form.honeypot_filled or _was_quick()):
        return True
    problem = "filled in what nobody sees" if form.honeypot_filled else "too quick"
    log.info(LogEvent.SIGNUP_IGNORED, extra={"error": problem})
    return False


def _was_quick() -> bool:
    """Whether the form came back sooner than a person types."""
    if not current_app.config["RATELIMIT_ENABLED"]:
        return False
    came_at = session.get("came_at")
    return came_at is None or 0 <= now().timestamp() - came_at < MIN_SECONDS


def _ask(email: str, firstname: str, lastname: str | None) -> None:
    config = current_app.config
    again_after = timedelta(days=config["REAPPLY_DAYS"])
    rules: dict[str, Any] = {"reapply_after": again_after, "most": rate_limits.letters()}
    language = i18n.current_language()
    owed = start.start_signup(email, firstname, lastname, language=language, by=author(), **rules)
    event = LogEvent.SIGNUP_REQUESTED if owed else LogEvent.SIGNUP_REQUESTED_TOO_OFTEN
    log.info(event, extra={"email": email})

"""The signup form. Its pages are the same for every email (promise P3)."""

import logging
from typing import Any

from flask import Blueprint, current_app, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from models.log_events import LogEvent
from models.signups import start
from models.signups.history import AUTHOR, Actor
from models.signups.start import Outcome, TooManyEmails, TooManyFromNetwork
from models.timestamps import now
from signup import durations, i18n, rate_limits, shares
from signup.alerts import alert
from signup.forms import ButtonForm, SignupForm
from signup.validation import typos

log = logging.getLogger(__name__)
# The names of the blueprint and of its views are stored in the keys of limits. The session's
# keys "asked", "ignored", "again" and "came_at" are stored in cookies.
pages = Blueprint("form", __name__)

SHARE = "has used up its share of the first emails of an hour, so it gets no more for now"


@pages.get("/")
def home() -> ResponseReturnValue:
    """Redirect to the form."""
    return redirect(url_for(".show"))


@pages.get("/signup")
def show() -> ResponseReturnValue:
    """Show the form, or a page that says that it is closed."""
    if not current_app.config["OPEN"]:
        return render_template("signup/closed.html")
    # The time counts from the first of several tabs. After a signup it starts again.
    if "asked" in session or "came_at" not in session:
        session["came_at"] = now().timestamp()
    # A visitor who corrects the email finds the names filled in.
    typed = session.get("asked") if "correct" in request.args else None
    return render_template("signup/form.html", form=SignupForm(data=typed))


@pages.post("/signup")
@shares.limit_link_requests
def ask() -> ResponseReturnValue:
    """Start a signup, and redirect to a page that is the same for every email."""
    if not current_app.config["OPEN"]:
        return render_template("signup/closed.html"), 403
    form = SignupForm()
    if not form.validate_on_submit():
        if form.stale:
            # The page was open for a long time, so it may be sent again at once.
            session["came_at"] = 0
        return render_template("signup/form.html", form=form), form.status
    person: dict[str, Any] = {
        name: form.data[name] or None for name in ("email", "firstname", "lastname")
    }
    try:
        if _is_from_a_person(form):
            _start_signup(**person)
    except TooManyEmails as error:
        page = render_template("signup/form.html", form=form, busy=True)
        return page, *refusal(error)
    session["asked"] = {**person, "ignored": form.honeypot_filled}
    session.pop("again", None)
    return redirect(url_for(".sent"), 303)


@pages.get("/signup/sent")
def sent() -> ResponseReturnValue:
    """Ask the visitor to check the mailbox. Who has asked for nothing gets the form."""
    if "asked" not in session and "again" not in session:
        return redirect(url_for(".show"), 303)
    typed = session.get("asked", {}).get("email", "")
    facts: dict[str, Any] = {"asked": bool(typed), "again": "again" in session}
    # The page shows the email only with a typing error. Else it is the same for every email.
    if suggestion := typos.suggestion(typed):
        facts |= {"typed": typed, "suggestion": suggestion}
    return render_template("signup/sent.html", form=ButtonForm(), **facts)


@pages.post("/signup/again")
@shares.limit_link_requests
def again() -> ResponseReturnValue:
    """Send the email of this visitor's signup again."""
    form = ButtonForm()
    if not current_app.config["OPEN"]:
        return render_template("signup/closed.html"), 403
    if "asked" not in session:
        return redirect(url_for(".show"), 303)
    if not form.validate_on_submit():
        return render_template("signup/sent.html", form=form, asked=True), form.status
    person = dict(session["asked"])
    # A person who was only too quick gets the email now. A program in the honeypot does not.
    if not person.pop("ignored", False):
        _start_signup(**person)
    session["again"] = True
    return redirect(url_for(".sent"), 303)


def queue_email(email: str, firstname: str, lastname: str | None, by_link: bool = False) -> bool:
    """Queue the email that fits the state of this email; return whether one will be sent.

    `by_link` says that a link of ours asks for it.
    """
    outcome = start.start_signup(
        email,
        firstname,
        lastname,
        language=i18n.current_language(),
        by=author(),
        reapply_after=durations.reapply_period(),
        limits=shares.email_limits(email),
        by_link=by_link,
    )
    _alert_about(outcome)
    return outcome == Outcome.QUEUED


def author() -> Actor:
    """Return the person who reads the mailbox, for the signup's history."""
    return Actor(AUTHOR, request.remote_addr)


def refusal(error: TooManyEmails) -> tuple[int, dict[str, str]]:
    """Return the status and headers of an answer to too many first emails. Log an error."""
    g.refused_by_limit = True
    headers = {"Retry-After": str(error.seconds)}
    if isinstance(error, TooManyFromNetwork):
        alert(LogEvent.SIGNUP_SHARE_USED_UP, f"the network {rate_limits.visitor_network()} {SHARE}")
        return 429, headers
    limit = current_app.config["MAX_LETTERS"]
    alert(LogEvent.SIGNUP_FLOOD, f"{limit} first emails in an hour, so no more are sent for now")
    return 503, headers


def _alert_about(outcome: Outcome) -> None:
    """Log an error when a domain has used up its share. The visitor is not told (P3)."""
    if outcome == Outcome.DOMAIN_FULL:
        alert(LogEvent.SIGNUP_SHARE_USED_UP, f"an email domain {SHARE}")


def _is_from_a_person(form: SignupForm) -> bool:
    """Return False, and log why, when a program seems to have filled in the form."""
    if not (form.honeypot_filled or _is_too_quick()):
        return True
    problem = "filled in what nobody sees" if form.honeypot_filled else "too quick"
    log.info(LogEvent.SIGNUP_IGNORED, extra={"error": problem})
    return False


def _is_too_quick() -> bool:
    """Return whether the form came back sooner than a person can type."""
    if not rate_limits.enabled():
        return False
    came_at = session.get("came_at")
    return came_at is None or 0 <= now().timestamp() - came_at < rate_limits.MIN_FORM_SECONDS


def _start_signup(email: str, firstname: str, lastname: str | None) -> None:
    queued = queue_email(email, firstname, lastname)
    event = LogEvent.SIGNUP_REQUESTED if queued else LogEvent.SIGNUP_REQUESTED_TOO_OFTEN
    log.info(event, extra={"email": email})

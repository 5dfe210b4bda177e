"""The form: somebody gives a name and an address; the same pages for every address."""

import logging
from datetime import timedelta
from typing import Any

from flask import Blueprint, current_app, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from models import asking
from models.history import AUTHOR, Actor
from signup import limits, typos
from signup.forms import ButtonForm, SignupForm

log = logging.getLogger(__name__)
pages = Blueprint("form", __name__)


@pages.get("/")
def home() -> ResponseReturnValue:
    """To the form."""
    return redirect(url_for(".show"))


@pages.get("/signup")
def show() -> ResponseReturnValue:
    """The form, or the page that says that it is closed."""
    if not current_app.config["OPEN"]:
        return render_template("signup/closed.html")
    # Whoever corrects an address need not type the rest again.
    kept = session.get("asked") if "correct" in request.args else None
    return render_template("signup/form.html", form=SignupForm(data=kept))


@pages.post("/signup")
@limits.requests
def ask() -> ResponseReturnValue:
    """Take a request; the answer is the same for every address."""
    config = current_app.config
    if not config["OPEN"]:
        return render_template("signup/closed.html"), 403
    form = SignupForm()
    if not form.validate_on_submit():
        return render_template("signup/form.html", form=form), form.status
    person: dict[str, Any] = {
        name: form.data[name] or None for name in ("email", "firstname", "lastname")
    }
    _ask(**person)
    session["asked"] = person
    return redirect(url_for(".sent"), 303)


@pages.get("/signup/sent")
def sent() -> ResponseReturnValue:
    """Check your mail; the same page for every address."""
    typed = session.get("asked", {}).get("email", "")
    facts: dict[str, Any] = {"asked": bool(typed), "again": "again" in request.args}
    # Only a slip is shown again: otherwise the page is the same to the last byte.
    if slip := typos.meant(typed):
        facts |= {"typed": typed, "meant": slip}
    return render_template("signup/sent.html", form=ButtonForm(), **facts)


@pages.post("/signup/again")
@limits.requests
def again() -> ResponseReturnValue:
    """Send what was just asked for once more."""
    form = ButtonForm()
    if not current_app.config["OPEN"]:
        return render_template("signup/closed.html"), 403
    if "asked" not in session:
        return redirect(url_for(".show"), 303)
    if not form.validate_on_submit():
        return render_template("signup/sent.html", form=form, asked=True), form.status
    _ask(**session["asked"])
    return redirect(url_for(".sent", again=1), 303)


def author() -> Actor:
    """Whoever reads the mailbox, for the history."""
    return Actor(AUTHOR, request.remote_addr)


def _ask(email: str, firstname: str, lastname: str | None) -> None:
    config = current_app.config
    again_after = timedelta(days=config["REAPPLY_DAYS"])
    rules = {"reapply_after": again_after, "throttled": config["RATELIMIT_ENABLED"]}
    owed = asking.ask(email, firstname, lastname, by=author(), **rules)
    event = "signup requested" if owed else "signup requested too often"
    log.info(event, extra={"address": email})

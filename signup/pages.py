"""The public pages: the form, the link's page in every state, the way out, and health."""

import logging
from datetime import timedelta

from flask import Blueprint, Flask, current_app, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from models import confirming, deciding, passwords
from models.confirming import Application, QueueFull
from models.signups import Signup, State
from models.stops import Stop
from models.strapi import AddressTaken, StrapiUnavailable
from signup import limits, links
from signup.databases import strapi
from signup.errors import RETRY, answer
from signup.forms import ButtonForm, ConfirmForm, SignupForm

log = logging.getLogger(__name__)
pages = Blueprint("pages", __name__)


def init_app(app: Flask) -> None:
    """Add the public pages and what each of them is told."""
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.register_blueprint(pages)
    app.register_error_handler(links.NotOurs, not_ours)
    app.register_error_handler(links.FromTheFuture, from_the_future)
    app.context_processor(lambda: {"site_name": app.config["SITE_NAME"]})


@pages.get("/")
def home() -> ResponseReturnValue:
    """To the form."""
    return redirect(url_for(".form"))


@pages.get("/signup")
def form() -> ResponseReturnValue:
    """The form, or the page that says that it is closed."""
    if not current_app.config["OPEN"]:
        return render_template("signup/closed.html")
    return render_template("signup/form.html", form=SignupForm())


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
    letter_owed = Signup.ask(
        form.email.data or "",
        form.firstname.data or "",
        form.lastname.data or None,
        reapply_after=timedelta(days=config["REAPPLY_DAYS"]),
        throttled=config["RATELIMIT_ENABLED"],
    )
    event = "signup requested" if letter_owed else "signup requested too often"
    log.info(event, extra={"address": form.email.data})
    return redirect(url_for(".sent"), 303)


@pages.get("/signup/sent")
def sent() -> ResponseReturnValue:
    """Check your mail."""
    return render_template("signup/sent.html")


@pages.get("/confirm/<token>")
@limits.wrong_links
def confirm(token: str) -> ResponseReturnValue:
    """The signup's own page, whatever its state."""
    link, signup = _opened(links.CONFIRM, token)
    return _page_of(signup, link)


@pages.post("/confirm/<token>")
@limits.wrong_links
def apply(token: str) -> ResponseReturnValue:
    """Make the author, inactive; once this is done, the page shows how things stand."""
    link, signup = _opened(links.CONFIRM, token)
    if signup.state != State.ASKED:
        return redirect(url_for(".confirm", token=token), 303)
    if link.expired:
        return _page_of(signup, link)
    form = _confirm_form(signup)
    if not form.validate_on_submit():
        return render_template("signup/open.html", form=form, signup=signup), form.status
    try:
        _confirm(signup, form)
    except AddressTaken:
        return render_template("signup/taken.html", **links.panel()), 409
    except (QueueFull, StrapiUnavailable) as error:
        trouble = str(error) or "the queue is full"
        log.warning("confirmation waits", extra={"signup": signup.id, "trouble": trouble})
        busy = "full" if isinstance(error, QueueFull) else "unavailable"
        page = render_template("signup/open.html", form=form, signup=signup, busy=busy)
        return page, 503, RETRY
    log.info("confirmed", extra={"signup": signup.id})
    return redirect(url_for(".confirm", token=token), 303)


@pages.post("/confirm/<token>/withdraw")
@limits.wrong_links
def withdraw(token: str) -> ResponseReturnValue:
    """The author takes the application back."""
    link, signup = _opened(links.CONFIRM, token)
    form = ButtonForm()
    if not form.validate_on_submit():
        page, _ = _page_of(signup, link, form)
        return page, form.status
    deciding.withdraw(signup)
    log.info("withdrawn", extra={"signup": signup.id, "state": signup.state})
    return redirect(url_for(".confirm", token=token), 303)


@pages.get("/stop/<token>")
@limits.wrong_links
def stop(token: str) -> ResponseReturnValue:
    """Ask whether this address shall never be written to again."""
    _, signup = _opened(links.STOP, token)
    if signup.state == State.STOPPED or Stop.covers(signup.email or "", links.signing_keys()):
        return render_template("signup/stopped.html")
    return render_template("signup/stop.html", form=ButtonForm())


@pages.post("/stop/<token>")
@limits.wrong_links
def never_again(token: str) -> ResponseReturnValue:
    """Never write to this address again."""
    _, signup = _opened(links.STOP, token)
    form = ButtonForm()
    if not form.validate_on_submit():
        return render_template("signup/stop.html", form=form), form.status
    if signup.email:
        deciding.stop(signup.email, links.signing_keys())
        log.info("stopped by its owner", extra={"signup": signup.id})
    return render_template("signup/stopped.html")


def not_ours(_: Exception) -> ResponseReturnValue:
    """A damaged link has its page, too."""
    return render_template("signup/damaged.html"), 404


def from_the_future(_: Exception) -> ResponseReturnValue:
    """A link of a clock that is ahead of ours will be good in a moment."""
    log.error("link from the future", extra={"trouble": "this clock, or another one, is wrong"})
    return answer(503)


def _opened(purpose: str, token: str) -> tuple[links.Link, Signup]:
    link = links.read(purpose, token)
    signup = Signup.of_key(link.key)
    if signup is None:
        raise links.NotOurs
    return link, signup


def _page_of(signup: Signup, link: links.Link, button: ButtonForm | None = None) -> tuple[str, int]:
    if signup.state != State.ASKED:
        decided_at = signup.decided_at or signup.asked_at
        again_at = decided_at + timedelta(days=current_app.config["REAPPLY_DAYS"])
        facts = {"button": button or ButtonForm(), "again_at": again_at, **links.panel()}
        return render_template(f"signup/{signup.shown_state}.html", signup=signup, **facts), 200
    if link.expired:
        return render_template("signup/expired.html"), 410
    return render_template("signup/open.html", form=_confirm_form(signup), signup=signup), 200


def _confirm_form(signup: Signup) -> ConfirmForm:
    form = ConfirmForm(obj=signup)
    form.ask_why(current_app.config["ASK_WHY"])
    return form


def _confirm(signup: Signup, form: ConfirmForm) -> None:
    sent = Application(
        hashed=passwords.hashed(form.password.data or ""),
        firstname=form.firstname.data or "",
        lastname=form.lastname.data or None,
        why=form.why.data or None if form.why else None,
    )
    confirming.confirm(signup, strapi(), sent, current_app.config["MAX_WAITING"])

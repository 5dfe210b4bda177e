"""The signed link: the signup's own page in every state, a fresh link, and the ways out."""

import logging

from flask import Blueprint, current_app, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue

from models import password_hashing
from models.log_events import LogEvent
from models.mail.suppressions import Suppression
from models.signups import confirm as confirming
from models.signups import decide, search, start
from models.signups.confirm import Application, QueueFull
from models.signups.signup import Signup, State
from models.strapi import EmailTaken, StrapiUnavailable
from models.timestamps import now
from signup import durations, i18n, links, rate_limits
from signup.databases import strapi
from signup.errors import RETRY
from signup.forms import ButtonForm, ConfirmForm
from signup.public.form import author

log = logging.getLogger(__name__)
pages = Blueprint("link", __name__)


@pages.get("/confirm/<token>")
@rate_limits.wrong_links
def confirm(token: str) -> ResponseReturnValue:
    """The signup's own page, whatever its state."""
    link, signup = _opened(links.CONFIRM, token)
    return _page_of(signup, link)


@pages.post("/confirm/<token>")
@rate_limits.wrong_links
def apply(token: str) -> ResponseReturnValue:
    """Make the author, inactive; once this is done, the page shows how things stand."""
    link, signup = _opened(links.CONFIRM, token)
    if signup.state != State.ASKED:
        log.info(LogEvent.LINK_USED_ALREADY, extra={"signup": signup.id})
        return redirect(url_for(".confirm", token=token), 303)
    if _is_over(link, signup):
        return _page_of(signup, link)
    form = _confirm_form(signup)
    if not form.validate_on_submit():
        return render_template("signup/open.html", form=form, signup=signup), form.status
    try:
        _confirm(signup, form)
    except EmailTaken:
        return render_template("signup/taken.html", **links.panel()), 409
    except (QueueFull, StrapiUnavailable) as error:
        problem = str(error) or "the queue is full"
        log.warning(LogEvent.CONFIRMATION_POSTPONED, extra={"signup": signup.id, "error": problem})
        busy = "full" if isinstance(error, QueueFull) else "unavailable"
        page = render_template("signup/open.html", form=form, signup=signup, busy=busy)
        return page, 503, RETRY
    session.pop("asked", None)
    log.info(LogEvent.CONFIRMED, extra={"signup": signup.id})
    return redirect(url_for(".confirm", token=token), 303)


@pages.post("/confirm/<token>/renew")
@rate_limits.requests
@rate_limits.wrong_links
def renew(token: str) -> ResponseReturnValue:
    """Send a fresh link to the mailbox of one that is over."""
    link, signup = _opened(links.CONFIRM, token)
    form = ButtonForm()
    if signup.state != State.ASKED:
        return redirect(url_for(".confirm", token=token), 303)
    if not current_app.config["OPEN"]:
        return render_template("signup/closed.html"), 403
    if not form.validate_on_submit():
        page, _ = _page_of(signup, link, form)
        return page, form.status
    owed = start.renew_link(
        signup, i18n.current_language(), by=author(), most=rate_limits.letters()
    )
    event = LogEvent.LINK_RENEWED if owed else LogEvent.LINK_RENEWED_TOO_OFTEN
    log.info(event, extra={"signup": signup.id})
    return redirect(url_for("form.sent", again=1), 303)


@pages.post("/confirm/<token>/withdraw")
@rate_limits.wrong_links
def withdraw(token: str) -> ResponseReturnValue:
    """The author takes the application back."""
    link, signup = _opened(links.CONFIRM, token)
    form = ButtonForm()
    if not form.validate_on_submit():
        page, _ = _page_of(signup, link, form)
        return page, form.status
    decide.withdraw(signup, author())
    log.info(LogEvent.WITHDRAWN, extra={"signup": signup.id, "state": signup.state})
    return redirect(url_for(".confirm", token=token), 303)


@pages.get("/stop/<token>")
@rate_limits.wrong_links
def stop(token: str) -> ResponseReturnValue:
    """Ask whether this address shall never be written to again."""
    _, signup = _opened(links.STOP, token)
    if signup.state == State.STOPPED or Suppression.covers(
        signup.email or "", links.signing_keys()
    ):
        return render_template("signup/stopped.html")
    return render_template("signup/stop.html", form=ButtonForm())


@pages.post("/stop/<token>")
@rate_limits.wrong_links
def never_again(token: str) -> ResponseReturnValue:
    """Never write to this address again."""
    _, signup = _opened(links.STOP, token)
    form = ButtonForm()
    if not form.validate_on_submit():
        return render_template("signup/stop.html", form=form), form.status
    if signup.email:
        decide.stop(signup.email, links.signing_keys(), author())
        log.info(LogEvent.EMAIL_SUPPRESSED, extra={"signup": signup.id})
    return render_template("signup/stopped.html")


def _opened(purpose: str, token: str) -> tuple[links.Link, Signup]:
    link = links.read(purpose, token)
    signup = Signup.by_key(link.key)
    if signup is None:
        raise links.InvalidLink
    i18n.prefer(signup.language)
    return link, signup


def _page_of(signup: Signup, link: links.Link, button: ButtonForm | None = None) -> tuple[str, int]:
    button = button or ButtonForm()
    if signup.state == State.ASKED:
        if _is_over(link, signup):
            page = "expired" if link.expired else "replaced"
            event = LogEvent.LINK_EXPIRED if link.expired else LogEvent.LINK_REPLACED
            log.info(event, extra={"signup": signup.id})
            return render_template(f"signup/{page}.html", signup=signup, button=button), 410
        return render_template("signup/open.html", form=_confirm_form(signup), signup=signup), 200
    facts = {"signup": signup, "button": button, **_standing(signup), **links.panel()}
    return render_template(f"signup/{signup.public_state}.html", **facts), 200


def _is_over(link: links.Link, signup: Signup) -> bool:
    return link.expired or link.generation < signup.generation


def _standing(signup: Signup) -> dict[str, object]:
    if signup.public_state == State.WAITING:
        usual = search.typical_wait()
        waited = durations.about(now() - signup.confirmed_at)
        return {"waited": waited, "typical_wait": durations.about(usual) if usual else None}
    return {"reapply_at": durations.reapply_at(signup.decided_at or signup.asked_at)}


def _confirm_form(signup: Signup) -> ConfirmForm:
    form = ConfirmForm(obj=signup)
    form.address = signup.email
    form.set_motivation_rule(current_app.config["ASK_WHY"])
    return form


def _confirm(signup: Signup, form: ConfirmForm) -> None:
    sent = Application(
        hashed=password_hashing.hash_password(form.password.data or ""),
        firstname=form.firstname.data or "",
        lastname=form.lastname.data or None,
        motivation=form.motivation.data or None if form.motivation else None,
        language=i18n.current_language(),
        by=author(),
    )
    confirming.confirm(signup, strapi(), sent, current_app.config["MAX_WAITING"])

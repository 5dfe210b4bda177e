"""The page behind a signed link, for each state of a signup, and what its buttons do."""

import logging

from flask import Blueprint, current_app, g, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue

from models import password_hashing
from models.log_events import LogEvent
from models.signups import confirm as confirming
from models.signups import decide, disputes, queue, reapplying, search
from models.signups.confirm import Application, DeclinedLately
from models.signups.queue import QueueFull
from models.signups.signup import Signup, State
from models.strapi import AdminUsers, EmailTaken, NameNotStorable, StrapiUnavailable
from models.timestamps import now
from signup import durations, i18n, links, rate_limits, shares
from signup.databases import strapi
from signup.errors import RETRY
from signup.forms import ButtonForm, ConfirmForm
from signup.public.form import author, queue_email
from signup.public.hash_limits import TooManyHashes, counted_hash

log = logging.getLogger(__name__)
pages = Blueprint("link", __name__)

# Why a link is over, which is also the name of its page; and the event to log.
OVER = {"expired": LogEvent.LINK_EXPIRED, "replaced": LogEvent.LINK_REPLACED}


@pages.get("/confirm/<token>")
def confirm(token: str) -> ResponseReturnValue:
    """Show the signup's own page, whatever its state."""
    link, signup = _open(token)
    return _page_of(signup, link)


@pages.post("/confirm/<token>")
def apply(token: str) -> ResponseReturnValue:
    """Create the inactive author in Strapi, and redirect to the signup's page."""
    link, signup = _open(token)
    if refusal := _refusal(link, signup):
        return refusal
    if signup.state != State.ASKED:
        log.info(LogEvent.LINK_USED_ALREADY, extra={"signup": signup.id})
        return redirect(url_for(".confirm", token=token), 303)
    form = _confirm_form(signup)
    if not form.validate_on_submit():
        return render_template("signup/open.html", form=form, signup=signup), form.status
    try:
        _confirm(signup, form)
    except (EmailTaken, NameNotStorable) as error:
        return _refused_page(signup, form, error)
    except (QueueFull, DeclinedLately, StrapiUnavailable, TooManyHashes) as error:
        return _busy_page(signup, form, error)
    session.pop("asked", None)
    session.pop("again", None)
    log.info(LogEvent.CONFIRMED, extra={"signup": signup.id})
    return redirect(url_for(".confirm", token=token), 303)


@pages.post("/confirm/<token>/renew")
def renew(token: str) -> ResponseReturnValue:
    """Send a new link to the mailbox of a link that is over, as if its owner had asked again.

    The answer is the same in every state of the signup.
    """
    link, signup = _open(token)
    form = ButtonForm()
    if signup.state != State.ASKED and not _why_over(link, signup):
        return redirect(url_for(".confirm", token=token), 303)
    if not current_app.config["OPEN"]:
        return render_template("signup/closed.html"), 403
    if not form.validate_on_submit():
        page, _ = _page_of(signup, link, form)
        return page, form.status
    # An erased signup has no email.
    if signup.proven_email:
        names = signup.firstname or "", signup.lastname
        queued = queue_email(signup.proven_email, *names, by_link=True)
        event = LogEvent.LINK_RENEWED if queued else LogEvent.LINK_RENEWED_TOO_OFTEN
        log.info(event, extra={"signup": signup.id})
    session["again"] = True
    return redirect(url_for("form.sent"), 303)


@pages.post("/confirm/<token>/withdraw")
def withdraw(token: str) -> ResponseReturnValue:
    """Withdraw the author's signup, and redirect to its page."""
    link, signup = _open(token)
    if _why_over(link, signup):
        return _page_of(signup, link)
    form = ButtonForm()
    if not form.validate_on_submit():
        page, _ = _page_of(signup, link, form)
        return page, form.status
    if decide.withdraw(signup, author()):
        log.info(LogEvent.WITHDRAWN, extra={"signup": signup.id})
    if signup.state in disputes.MAY_BE_ACTIVE:
        page, _ = _page_of(signup, link, too_late=True)
        return page, 409
    return redirect(url_for(".confirm", token=token), 303)


def read_link(purpose: str, token: str) -> links.Link:
    """Verify a token and return its link. Raises as `links.read_link` does.

    A limit refuses only tokens whose signature is wrong, and without a look at the ledger.
    """
    try:
        return links.read_link(purpose, token)
    except links.InvalidLink:
        rate_limits.count_wrong_link()
        raise


def _open(token: str) -> tuple[links.Link, Signup]:
    """Return a link and its signup, and use the signup's language. Raises as `read_link` does."""
    link = read_link(links.CONFIRM, token)
    signup = Signup.by_key(link.key)
    if signup is None:
        raise links.InvalidLink
    i18n.prefer_language(signup.language)
    return link, signup


def _page_of(
    signup: Signup, link: links.Link, button: ButtonForm | None = None, too_late: bool = False
) -> tuple[str, int]:
    """Return the page of a signup in its state, and the status. `button` may have errors.

    The page of a link that is over is the same in every state. `too_late` says that the signup
    cannot be withdrawn.
    """
    button = button or ButtonForm()
    if reason := _why_over(link, signup):
        log.info(OVER[reason], extra={"signup": signup.id})
        return render_template(f"signup/{reason}.html", button=button), 410
    if signup.state == State.ASKED:
        form = _confirm_form(signup)
        declined = _declined_page(signup)
        return declined or render_template("signup/open.html", form=form, signup=signup), 200
    facts = {
        "signup": signup,
        "button": button,
        "too_late": too_late,
        **_durations(signup),
        **links.panel_urls(),
    }
    return render_template(f"signup/{signup.state_for_author}.html", **facts), 200


def _refusal(link: links.Link, signup: Signup) -> tuple[str, int] | None:
    """Return the page and status for a link that may not confirm, None for one that may."""
    if _why_over(link, signup):
        return _page_of(signup, link)
    declined = _declined_page(signup) if signup.state == State.ASKED else None
    return (declined, 409) if declined else None


def _declined_page(signup: Signup) -> str | None:
    """Return the page for an unconfirmed signup whose mailbox was declined, once that is final."""
    declined = reapplying.declined_lately(signup.email or "", durations.reapply_period())
    if declined is None or declined.can_be_undone:
        return None
    reapply_at = durations.reapply_at(declined.decided_at)
    return render_template("signup/declined.html", signup=signup, reapply_at=reapply_at)


def _refused_page(
    signup: Signup, form: ConfirmForm, error: EmailTaken | NameNotStorable
) -> ResponseReturnValue:
    """Show why Strapi's database does not take this author."""
    if isinstance(error, NameNotStorable):
        form.refuse_names(error.faults)
        return render_template("signup/open.html", form=form, signup=signup), form.status
    return render_template("signup/taken.html", **links.panel_urls()), 409


def _busy_page(signup: Signup, form: ConfirmForm, error: Exception) -> ResponseReturnValue:
    """Show the form again, with a message that the author cannot be created now."""
    log.warning(LogEvent.CONFIRMATION_POSTPONED, extra={"signup": signup.id, "error": str(error)})
    g.refused_by_limit = not isinstance(error, StrapiUnavailable)
    busy, headers = "unavailable", RETRY
    if isinstance(error, QueueFull):
        busy = "full"
    if isinstance(error, TooManyHashes):
        busy, headers = "often", {"Retry-After": str(error.seconds)}
    page = render_template("signup/open.html", form=form, signup=signup, busy=busy)
    return page, 503, headers


def _why_over(link: links.Link, signup: Signup) -> str | None:
    """Return a key of OVER for a link that does not work any more, else None."""
    life = current_app.config["LINK_MAX_AGE"]
    # A backup may bring a signup back to the state before its confirmation.
    if link.is_later and signup.state != State.ASKED:
        life = max(life, links.LATER_LIFE)
    if link.age > life:
        return "expired"
    return "replaced" if link.generation < signup.generation else None


def _durations(signup: Signup) -> dict[str, object]:
    """Return how long a signup has waited, or when its author may apply again."""
    if signup.state_for_author == State.WAITING:
        typical = search.typical_wait()
        waited = durations.approximate(now() - signup.confirmed_at)
        typical_wait = durations.approximate(typical) if typical else None
        return {"waited": waited, "typical_wait": typical_wait}
    return {"reapply_at": durations.reapply_at(signup.decided_at or signup.asked_at)}


def _confirm_form(signup: Signup) -> ConfirmForm:
    form = ConfirmForm(obj=signup)
    form.signup_email = signup.email
    form.set_motivation_rule(current_app.config["ASK_WHY"])
    return form


def _confirm(signup: Signup, form: ConfirmForm) -> None:
    """Look whether there is a place for this author, and only then hash the password."""
    by, limits = author(), shares.queue_limits(signup.email or "")
    confirming.refuse_declined(signup, durations.reapply_period())
    queue.refuse_above(signup, by.ip, limits)
    strapi().read(AdminUsers.any_exist)
    with counted_hash(signup):
        sent = Application(
            password_hash=password_hashing.hash_password(form.password.data or ""),
            language=i18n.current_language(),
            by=by,
            answers=form.answers,
        )
        confirming.confirm(signup, strapi(), sent, limits, durations.reapply_period())

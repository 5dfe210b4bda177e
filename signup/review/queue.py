"""The desk: who waits, how the others stand, each signup's own page, and reviewers' letters."""

import logging
from collections.abc import Iterable
from typing import Any

from flask import abort, current_app, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from models.mail.outbox import OutgoingEmail
from models.reviewers.notices import MutedReviewer
from models.signups import search as signups
from models.signups.history import Event
from models.signups.signup import Signup, State
from models.strapi import AdminUsers
from models.timestamps import now
from signup import i18n, links
from signup.databases import known, reconciler
from signup.forms import ButtonForm
from signup.health import OVERDUE
from signup.mail import compose
from signup.review.forms import DeclineForm
from signup.review.login import reviewer_blueprint
from signup.validation import domains

log = logging.getLogger(__name__)
pages = reviewer_blueprint("queue")

# Signups on one page of the list.
PAGE = 25
# The states that the list can show.
LISTED = (
    State.WAITING,
    State.ACTIVE,
    State.DEACTIVATED,
    State.DECLINED,
    State.WITHDRAWN,
    State.REMOVED,
)
# Where in the list somebody was, which a decision must not lose.
PLACE = ("state", "q", "page")


@pages.get("")
def index() -> ResponseReturnValue:
    """Who waits, or how the others stand; and what was just decided."""
    asked = {name: request.args.getlist(name, int) for name in ("done", "back", "missed")}
    about: dict[str, Any] = {name: _of_ids(numbers) for name, numbers in asked.items()}
    return page(notice="again" if "again" in request.args else "", **about)


@pages.get("/signup/<int:number>")
def signup(number: int) -> ResponseReturnValue:
    """One signup: who it is, what happened, what a decision would mean."""
    found = Signup.by_id(number)
    if found is None or found.state == State.ASKED:
        abort(404)
    return page_of(found)


@pages.post("/letters/<int:letter_id>/send-again")
def send_again(letter_id: int) -> ResponseReturnValue:
    """Give a letter that could not be delivered a fresh start."""
    form = ButtonForm()
    if not form.validate_on_submit():
        return page(form.status, "stale")
    if OutgoingEmail.send_again(letter_id) is None:
        return page(404, "no letter")
    log.info("email sent again", extra={"letter": letter_id})
    return redirect(url_for(".index", again=1), 303)


@pages.post("/notices/<any(off, on):wanted>")
def notices(wanted: str) -> ResponseReturnValue:
    """Turn the letters about new signups off or on, for this reviewer alone."""
    form = ButtonForm()
    if not form.validate_on_submit():
        return page(form.status, "stale")
    change = MutedReviewer.unmute if wanted == "on" else MutedReviewer.mute
    change(g.reviewer.lower_email)
    return redirect(url_for(".index", **place()), 303)


def place() -> dict[str, Any]:
    """Where in the list the reviewer is."""
    return {name: request.args[name] for name in PLACE if name in request.args}


def page(status: int = 200, notice: str = "", **facts: object) -> tuple[str, int]:
    """The list, with a notice above it."""
    state = request.args.get("state", "")
    state = state if state in LISTED else State.WAITING
    text = request.args.get("q", "").strip()
    number = max(request.args.get("page", 1, int), 1)
    found, total = signups.page(state, text, number, PAGE)
    return render_template(
        "review/queue.html",
        signups=found,
        known=signups.outcomes(found, domains.COMMON),
        total=total,
        state=state,
        states=LISTED,
        text=text,
        page=number,
        pages=max(-(-total // PAGE), 1),
        place=place(),
        notice=notice,
        parked=OutgoingEmail.parked(),
        mail_is_late=OutgoingEmail.longest_delay() > OVERDUE,
        muted=MutedReviewer.is_muted(g.reviewer.lower_email),
        told=_hears_of_signups(),
        **always(),
        **facts,
    ), status


def page_of(
    signup: Signup,
    status: int = 200,
    notice: str = "",
    decline: DeclineForm | None = None,
    **facts: object,
) -> tuple[str, int]:
    """The page of one signup, with a notice above it."""
    return render_template(
        "review/signup.html",
        signup=signup,
        known=signups.outcomes([signup], domains.COMMON),
        history=Event.for_signup(signup),
        panel_url=links.panel_user_url(signup.strapi_id) if signup.strapi_id else None,
        decline=decline or DeclineForm(formdata=None),
        place=place(),
        notice=notice,
        **always(),
        **facts,
    ), status


def preview(form: DeclineForm, chosen: Iterable[Signup]) -> list[dict[str, str]]:
    """How the letters of a decline will read: one in each language of those who get them."""
    found = {}
    for language in {signup.language: None for signup in chosen}:
        with i18n.use_language(language):
            said = compose.texts("declined", compose.declined(form.reason.data or None, now()))
            found[i18n.current_language()] = {**said, "language": i18n.current_language()}
    return list(found.values())


def always() -> dict[str, Any]:
    """What every page of the desk is told."""
    return {
        "button": ButtonForm(formdata=None),
        "permissions": known(AdminUsers.permissions),
        "duplicated": reconciler().duplicated,
        "role": current_app.config["AUTHOR_ROLE"],
        "domain_kind": domains.kind,
        "domain_reads": domains.to_unicode,
    }


def _hears_of_signups() -> bool:
    reviewers = current_app.config["REVIEWERS"]
    return not reviewers or g.reviewer.lower_email in map(str.lower, reviewers)


def _of_ids(numbers: list[int]) -> list[Signup]:
    found = (Signup.by_id(number) for number in numbers[:PAGE])
    return [signup for signup in found if signup is not None]

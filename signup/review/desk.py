"""The desk: who waits, how the others stand, each signup's own page, and reviewers' letters."""

import logging
from collections.abc import Iterable
from typing import Any

from flask import abort, current_app, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from models import queue as signups
from models.history import Event
from models.instant import now
from models.notices import Muted
from models.outbox import Letter
from models.signups import Signup, State
from models.strapi import Administrators
from signup import domains, languages, letters, links
from signup.databases import known, settler
from signup.forms import ButtonForm
from signup.health import OVERDUE
from signup.review.door import guarded
from signup.review.forms import DeclineForm

log = logging.getLogger(__name__)
review = guarded("desk")

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


@review.get("")
def queue() -> ResponseReturnValue:
    """Who waits, or how the others stand; and what was just decided."""
    asked = {name: request.args.getlist(name, int) for name in ("done", "back", "missed")}
    about: dict[str, Any] = {name: _of_ids(numbers) for name, numbers in asked.items()}
    return page(notice="again" if "again" in request.args else "", **about)


@review.get("/signup/<int:number>")
def signup(number: int) -> ResponseReturnValue:
    """One signup: who it is, what happened, what a decision would mean."""
    found = Signup.of_id(number)
    if found is None or found.state == State.ASKED:
        abort(404)
    return page_of(found)


@review.post("/letters/<int:letter_id>/send-again")
def send_again(letter_id: int) -> ResponseReturnValue:
    """Give a letter that could not be delivered a fresh start."""
    form = ButtonForm()
    if not form.validate_on_submit():
        return page(form.status, "stale")
    if Letter.send_again(letter_id) is None:
        return page(404, "no letter")
    log.info("letter sent again", extra={"letter": letter_id})
    return redirect(url_for(".queue", again=1), 303)


@review.post("/notices/<any(off, on):wanted>")
def notices(wanted: str) -> ResponseReturnValue:
    """Turn the letters about new signups off or on, for this reviewer alone."""
    form = ButtonForm()
    if not form.validate_on_submit():
        return page(form.status, "stale")
    change = Muted.lift if wanted == "on" else Muted.add
    change(g.reviewer.address)
    return redirect(url_for(".queue", **place()), 303)


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
        known=signups.precedents(found, domains.COMMON),
        total=total,
        state=state,
        states=LISTED,
        text=text,
        page=number,
        pages=max(-(-total // PAGE), 1),
        place=place(),
        notice=notice,
        parked=Letter.parked(),
        mail_is_late=Letter.overdue() > OVERDUE,
        muted=Muted.covers(g.reviewer.address),
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
        known=signups.precedents([signup], domains.COMMON),
        history=Event.of(signup),
        panel_url=links.panel_page(signup.strapi_id) if signup.strapi_id else None,
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
        with languages.speaking(language):
            said = letters.texts("declined", letters.declined(form.reason.data or None, now()))
            found[languages.spoken()] = {**said, "language": languages.spoken()}
    return list(found.values())


def always() -> dict[str, Any]:
    """What every page of the desk is told."""
    return {
        "button": ButtonForm(formdata=None),
        "powers": known(Administrators.powers),
        "doubled": settler().doubled,
        "role": current_app.config["AUTHOR_ROLE"],
        "domain_kind": domains.kind,
        "domain_reads": domains.reading,
    }


def _hears_of_signups() -> bool:
    reviewers = current_app.config["REVIEWERS"]
    return not reviewers or g.reviewer.address in map(str.lower, reviewers)


def _of_ids(numbers: list[int]) -> list[Signup]:
    found = (Signup.of_id(number) for number in numbers[:PAGE])
    return [signup for signup in found if signup is not None]

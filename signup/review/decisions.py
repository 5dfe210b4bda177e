"""Decisions at the desk: activate, decline, take back; one signup, or several at once."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from models.signups import decide
from models.signups.decide import AlreadyDecided, Postponed, TooLateToUndo
from models.signups.history import Event
from models.signups.signup import Signup
from models.strapi import RowChanged, RowGone, StrapiClient
from signup import durations
from signup.databases import strapi
from signup.errors import RETRY
from signup.forms import ButtonForm
from signup.i18n import gettext
from signup.review import queue
from signup.review.forms import ActivateForm, DeclineForm, SeveralForm
from signup.review.login import reviewer, reviewer_blueprint

log = logging.getLogger(__name__)
pages = reviewer_blueprint("decisions")

Verb = Callable[[Signup, StrapiClient], None]

# Why a decision was not made, or not yet: how to answer, and what to say.
REFUSALS: dict[type[Exception], tuple[int, str]] = {
    AlreadyDecided: (409, "decided"),
    TooLateToUndo: (409, "too late"),
    RowChanged: (409, "altered"),
    Postponed: (503, "postponed"),
}


@pages.post("/<int:author_id>/activate")
def activate(author_id: int) -> ResponseReturnValue:
    """Let an author in."""
    form = ActivateForm()
    if not form.validate_on_submit():
        return _shown_again(author_id, form.status, "stale")
    return _decided(author_id, _activate(form.after_all.data))


@pages.post("/<int:author_id>/decline")
def decline(author_id: int) -> ResponseReturnValue:
    """Refuse an author, with a reason if there is one."""
    form = DeclineForm()
    if not form.validate_on_submit():
        return _shown_again(author_id, form.status, "stale" if form.stale else "", form)
    return _decided(author_id, _decline(form))


@pages.post("/<int:author_id>/preview")
def preview(author_id: int) -> ResponseReturnValue:
    """Show how the letter of a decline will read; nothing is decided."""
    form = DeclineForm()
    if not form.validate_on_submit():
        return _shown_again(author_id, form.status, "stale" if form.stale else "", form)
    signup = Signup.by_strapi_id(author_id)
    letters = queue.preview(form, [signup] if signup else [])
    return _shown_again(author_id, 200, "", form, letters=letters)


@pages.post("/<int:author_id>/undo")
def undo(author_id: int) -> ResponseReturnValue:
    """Take a decision back, before anybody was told."""
    form = ButtonForm()
    if not form.validate_on_submit():
        return _shown_again(author_id, form.status, "stale")
    return _decided(author_id, partial(decide.undo, by=reviewer()), "back")


@pages.post("/several")
def several() -> ResponseReturnValue:
    """Decide about all who were chosen; a decline first shows its form, and its letter."""
    form = SeveralForm()
    sound = form.validate_on_submit()
    chosen = [signup for number in form.author_ids if (signup := Signup.by_strapi_id(number))]
    if form.stale or not chosen:
        return queue.page(form.status if form.stale else 422, "stale" if form.stale else "nobody")
    if form.verb.data == "ask":
        # The box of a form that was not seen yet is ticked, as it is for one person.
        form.tell.data = True
    if not sound or form.verb.data in ("ask", "preview"):
        letters = queue.preview(form, chosen) if sound and form.verb.data == "preview" else []
        facts = {"chosen": chosen, "letters": letters, "place": queue.place(), **queue.always()}
        page = render_template("review/several.html", form=form, **facts)
        return page, form.status if not sound else 200
    verbs: dict[str | None, Verb] = {
        "activate": _activate(False),
        "decline": _decline(form),
        "undo": partial(decide.undo, by=reviewer()),
    }
    verb = form.verb.data
    return _all_decided(chosen, verbs[verb], "back" if verb == "undo" else "done")


def _all_decided(chosen: list[Signup], verb: Verb, sign: str) -> ResponseReturnValue:
    numbers: dict[str, Any] = {sign: [], "missed": [], **queue.place()}
    for signup in chosen:
        try:
            verb(signup, strapi())
        except (RowGone, AlreadyDecided, TooLateToUndo, RowChanged) as error:
            log.warning(
                "decision refused", extra={"signup": signup.id, "reason": type(error).__name__}
            )
            numbers["missed"].append(signup.id)
        except Postponed:
            # It is noted, and that is all that a list can say.
            numbers[sign].append(signup.id)
        else:
            _log(signup)
            numbers[sign].append(signup.id)
    return redirect(url_for("queue.index", **numbers), 303)


def _decided(author_id: int, verb: Verb, sign: str = "done") -> ResponseReturnValue:
    signup = Signup.by_strapi_id(author_id)
    if signup is None:
        return queue.page(404, "gone")
    try:
        verb(signup, strapi())
    except RowGone:
        return queue.page(404, "gone")
    except tuple(REFUSALS) as error:
        status, notice = REFUSALS[type(error)]
        log.warning("decision refused", extra={"signup": signup.id, "reason": notice})
        fault = gettext(str(error)) if isinstance(error, RowChanged) else ""
        page, _ = queue.page_of(signup, status, notice, fault=fault)
        return page, status, RETRY if status == 503 else {}
    _log(signup)
    here: dict[str, Any] = {**queue.place(), sign: signup.id}
    return redirect(url_for("queue.index", **here), 303)


def _shown_again(
    author_id: int,
    status: int,
    notice: str,
    form: DeclineForm | None = None,
    **facts: object,
) -> tuple[str, int]:
    signup = Signup.by_strapi_id(author_id)
    if signup is None:
        return queue.page(404, "gone")
    return queue.page_of(signup, status, notice, form, **facts)


def _activate(after_all: bool) -> Verb:
    return partial(
        decide.activate, by=reviewer(), undo_period=durations.undo_period(), after_all=after_all
    )


def _decline(form: DeclineForm) -> Verb:
    reason, tell = form.reason.data or None, form.tell.data
    return partial(
        decide.decline, by=reviewer(), undo_period=durations.undo_period(), reason=reason, tell=tell
    )


def _log(signup: Signup) -> None:
    log.info(Event.last_kind(signup), extra={"signup": signup.id, "state": signup.state})

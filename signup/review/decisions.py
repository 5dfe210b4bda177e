"""Decisions at the desk: activate, decline, take back; one signup, or several at once."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from models import deciding
from models.deciding import Decided, Postponed, TooLate
from models.history import Event
from models.signups import Signup
from models.strapi import Altered, Gone, Strapi
from signup import spans
from signup.databases import strapi
from signup.errors import RETRY
from signup.forms import ButtonForm
from signup.languages import gettext
from signup.review import desk
from signup.review.door import guarded, reviewer
from signup.review.forms import ActivateForm, DeclineForm, SeveralForm

log = logging.getLogger(__name__)
review = guarded("decisions")

Verb = Callable[[Signup, Strapi], None]

# Why a decision was not made, or not yet: how to answer, and what to say.
REFUSALS: dict[type[Exception], tuple[int, str]] = {
    Decided: (409, "decided"),
    TooLate: (409, "too late"),
    Altered: (409, "altered"),
    Postponed: (503, "postponed"),
}


@review.post("/<int:author_id>/activate")
def activate(author_id: int) -> ResponseReturnValue:
    """Let an author in."""
    form = ActivateForm()
    if not form.validate_on_submit():
        return _shown_again(author_id, form.status, "stale")
    return _decided(author_id, _activate(form.after_all.data))


@review.post("/<int:author_id>/decline")
def decline(author_id: int) -> ResponseReturnValue:
    """Refuse an author, with a reason if there is one."""
    form = DeclineForm()
    if not form.validate_on_submit():
        return _shown_again(author_id, form.status, "stale" if form.stale else "", form)
    return _decided(author_id, _decline(form))


@review.post("/<int:author_id>/preview")
def preview(author_id: int) -> ResponseReturnValue:
    """Show how the letter of a decline will read; nothing is decided."""
    form = DeclineForm()
    if not form.validate_on_submit():
        return _shown_again(author_id, form.status, "stale" if form.stale else "", form)
    signup = Signup.of_author(author_id)
    letters = desk.preview(form, [signup] if signup else [])
    return _shown_again(author_id, 200, "", form, letters=letters)


@review.post("/<int:author_id>/undo")
def undo(author_id: int) -> ResponseReturnValue:
    """Take a decision back, before anybody was told."""
    form = ButtonForm()
    if not form.validate_on_submit():
        return _shown_again(author_id, form.status, "stale")
    return _decided(author_id, partial(deciding.take_back, by=reviewer()), "back")


@review.post("/several")
def several() -> ResponseReturnValue:
    """Decide about all who were chosen; a decline first shows its form, and its letter."""
    form = SeveralForm()
    sound = form.validate_on_submit()
    chosen = [signup for number in form.author_ids if (signup := Signup.of_author(number))]
    if form.stale or not chosen:
        return desk.page(form.status if form.stale else 422, "stale" if form.stale else "nobody")
    if form.verb.data == "ask":
        # The box of a form that was not seen yet is ticked, as it is for one person.
        form.tell.data = True
    if not sound or form.verb.data in ("ask", "preview"):
        letters = desk.preview(form, chosen) if sound and form.verb.data == "preview" else []
        facts = {"chosen": chosen, "letters": letters, "place": desk.place(), **desk.always()}
        page = render_template("review/several.html", form=form, **facts)
        return page, form.status if not sound else 200
    verbs: dict[str | None, Verb] = {
        "activate": _activate(False),
        "decline": _decline(form),
        "undo": partial(deciding.take_back, by=reviewer()),
    }
    verb = form.verb.data
    return _all_decided(chosen, verbs[verb], "back" if verb == "undo" else "done")


def _all_decided(chosen: list[Signup], verb: Verb, sign: str) -> ResponseReturnValue:
    numbers: dict[str, Any] = {sign: [], "missed": [], **desk.place()}
    for signup in chosen:
        try:
            verb(signup, strapi())
        except (Gone, Decided, TooLate, Altered) as error:
            log.warning(
                "decision refused", extra={"signup": signup.id, "why": type(error).__name__}
            )
            numbers["missed"].append(signup.id)
        except Postponed:
            # It is noted, and that is all that a list can say.
            numbers[sign].append(signup.id)
        else:
            _log(signup)
            numbers[sign].append(signup.id)
    return redirect(url_for("desk.queue", **numbers), 303)


def _decided(author_id: int, verb: Verb, sign: str = "done") -> ResponseReturnValue:
    signup = Signup.of_author(author_id)
    if signup is None:
        return desk.page(404, "gone")
    try:
        verb(signup, strapi())
    except Gone:
        return desk.page(404, "gone")
    except tuple(REFUSALS) as error:
        status, notice = REFUSALS[type(error)]
        log.warning("decision refused", extra={"signup": signup.id, "why": notice})
        complaint = gettext(str(error)) if isinstance(error, Altered) else ""
        page, _ = desk.page_of(signup, status, notice, complaint=complaint)
        return page, status, RETRY if status == 503 else {}
    _log(signup)
    here: dict[str, Any] = {**desk.place(), sign: signup.id}
    return redirect(url_for("desk.queue", **here), 303)


def _shown_again(
    author_id: int,
    status: int,
    notice: str,
    form: DeclineForm | None = None,
    **facts: object,
) -> tuple[str, int]:
    signup = Signup.of_author(author_id)
    if signup is None:
        return desk.page(404, "gone")
    return desk.page_of(signup, status, notice, form, **facts)


def _activate(after_all: bool) -> Verb:
    return partial(deciding.activate, by=reviewer(), undo=spans.undo(), after_all=after_all)


def _decline(form: DeclineForm) -> Verb:
    reason, tell = form.reason.data or None, form.tell.data
    return partial(deciding.decline, by=reviewer(), undo=spans.undo(), reason=reason, tell=tell)


def _log(signup: Signup) -> None:
    log.info(Event.last(signup), extra={"signup": signup.id, "state": signup.state})

"""Activate, decline and undo, for one signup or for several."""

from functools import partial
from http import HTTPStatus

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from models.log_events import LogEvent
from models.signups import decide
from models.signups.decide import Postponed
from models.signups.signup import Signup
from models.strapi import RowChanged, RowGone
from signup import durations
from signup.decision_errors import DECISION_ERRORS, EXCEPTIONS, Verb, decide_and_log
from signup.errors import RETRY
from signup.forms import ButtonForm
from signup.i18n import gettext
from signup.review import queue
from signup.review.forms import ActivateForm, DeclineForm, SeveralForm
from signup.review.login import current_actor, reviewer_blueprint

pages = reviewer_blueprint("decisions")

# What to do with one signup, and the event to log for it.
Decision = tuple[Verb, LogEvent]


@pages.post("/<int:author_id>/activate")
def activate(author_id: int) -> ResponseReturnValue:
    """Activate an author."""
    form = ActivateForm()
    if not form.validate_on_submit():
        return _render_again(author_id, form.status, "stale")
    return _decide(author_id, _activation(form.after_all.data))


@pages.post("/<int:author_id>/decline")
def decline(author_id: int) -> ResponseReturnValue:
    """Decline an author."""
    form = DeclineForm()
    if not form.validate_on_submit():
        return _render_again(author_id, form.status, "stale" if form.stale else "", form)
    return _decide(author_id, _decline(form))


@pages.post("/<int:author_id>/preview")
def preview(author_id: int) -> ResponseReturnValue:
    """Show the email of a decline. Nothing is decided."""
    form = DeclineForm()
    if not form.validate_on_submit():
        return _render_again(author_id, form.status, "stale" if form.stale else "", form)
    signup = Signup.by_strapi_id(author_id)
    emails = queue.preview_decline(form, [signup] if signup else [])
    return _render_again(author_id, 200, "", form, emails=emails)


@pages.post("/<int:author_id>/undo")
def undo(author_id: int) -> ResponseReturnValue:
    """Undo a decision before its email is sent."""
    form = ButtonForm()
    if not form.validate_on_submit():
        return _render_again(author_id, form.status, "stale")
    return _decide(author_id, _undo(), "back")


@pages.post("/several")
def several() -> ResponseReturnValue:
    """Decide about all chosen signups. A decline first shows its form and preview."""
    form = SeveralForm()
    valid = form.validate_on_submit()
    chosen = [signup for number in form.author_ids if (signup := Signup.by_strapi_id(number))]
    if form.stale:
        return queue.render_list(form.status, "stale")
    if not chosen:
        return queue.render_list(422, "nobody")
    verb = form.verb.data
    if not valid or verb in ("ask", "preview"):
        return _several_form(form, chosen, valid)
    if verb == "undo":
        return _decide_all(chosen, _undo(), "back")
    return _decide_all(chosen, _activation(False) if verb == "activate" else _decline(form))


def _several_form(form: SeveralForm, chosen: list[Signup], valid: bool) -> ResponseReturnValue:
    if form.verb.data == "ask":
        # The form is shown for the first time: tick its box.
        form.tell.data = True
    previewed = valid and form.verb.data == "preview"
    emails = queue.preview_decline(form, chosen) if previewed else []
    variables = {"chosen": chosen, "emails": emails, **queue.common_variables()}
    page = render_template("review/several.html", form=form, **variables)
    return page, 200 if valid else form.status


def _activation(after_all: bool) -> Decision:
    verb = partial(
        decide.activate,
        by=current_actor(),
        undo_period=durations.undo_period(),
        after_all=after_all,
    )
    return verb, LogEvent.ACTIVATED


def _decline(form: DeclineForm) -> Decision:
    reason, tell = form.reason.data or None, form.tell.data
    actor, undo_period = current_actor(), durations.undo_period()
    verb = partial(decide.decline, by=actor, undo_period=undo_period, reason=reason, tell=tell)
    return verb, LogEvent.DECLINED


def _undo() -> Decision:
    return partial(decide.undo, by=current_actor()), LogEvent.TAKEN_BACK


def _decide(author_id: int, decision: Decision, result: str = "done") -> ResponseReturnValue:
    """Decide about one signup. `result` is the list of `queue.show_next` that names it."""
    signup = Signup.by_strapi_id(author_id)
    if signup is None:
        return queue.render_list(404, "gone")
    try:
        decide_and_log(signup, *decision)
    except RowGone:
        return queue.render_list(404, "gone")
    except EXCEPTIONS as error:
        row = DECISION_ERRORS[type(error)]
        detail = gettext(str(error)) if isinstance(error, RowChanged) else ""
        page, status = queue.render_signup(signup, row.status, row.notice, detail=detail)
        return page, status, RETRY if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    queue.show_next(**{result: [signup.id]})
    return redirect(url_for("queue.index", **queue.position()), 303)


def _decide_all(
    chosen: list[Signup], decision: Decision, result: str = "done"
) -> ResponseReturnValue:
    """Decide about each signup, and name in the list those that could not be decided."""
    numbers: dict[str, list[int]] = {result: [], "missed": []}
    for signup in chosen:
        try:
            decide_and_log(signup, *decision)
        except Postponed:
            # The list has no words for this. The decision is noted and takes effect later.
            numbers[result].append(signup.id)
        except EXCEPTIONS:
            numbers["missed"].append(signup.id)
        else:
            numbers[result].append(signup.id)
    queue.show_next(**numbers)
    return redirect(url_for("queue.index", **queue.position()), 303)


def _render_again(
    author_id: int,
    status: int,
    notice: str,
    form: DeclineForm | None = None,
    **variables: object,
) -> tuple[str, int]:
    signup = Signup.by_strapi_id(author_id)
    if signup is None:
        return queue.render_list(404, "gone")
    return queue.render_signup(signup, status, notice, form, **variables)

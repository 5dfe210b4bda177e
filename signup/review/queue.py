"""The queue: the list of signups, the page of each one, and the emails to reviewers."""

import logging
from collections.abc import Iterable
from typing import Any

from flask import abort, current_app, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from models.emails import comparable
from models.log_events import LogEvent
from models.mail import parked, refusals
from models.mail.outbox import OutgoingEmail
from models.reviewers.notices import MutedReviewer
from models.signups import disputes, search
from models.signups.history import Event
from models.signups.signup import Signup, State
from models.timestamps import now
from signup import i18n, links
from signup.databases import reconciler, strapi_summary
from signup.forms import ButtonForm
from signup.health import OVERDUE, queue_is_full
from signup.mail.compose import RenderedEmail, decline_variables, render_email
from signup.proxies import visitors_are_hidden
from signup.review.forms import DeclineForm
from signup.review.login import reviewer_blueprint
from signup.validation import domains

log = logging.getLogger(__name__)
pages = reviewer_blueprint("queue")

PAGE_SIZE = 25
# The states that the list can show.
LISTED = (
    State.WAITING,
    State.ACTIVE,
    State.DEACTIVATED,
    State.DECLINED,
    State.WITHDRAWN,
    State.REMOVED,
)
# The query parameters that say which part of the list is shown. Decisions return to it.
POSITION = ("state", "q", "page")


@pages.get("")
def index() -> ResponseReturnValue:
    """The list, with what was decided just now."""
    just_done = session.pop("just_done", {})
    notice = just_done.pop("notice", "")
    decided: dict[str, Any] = {name: _signups(ids) for name, ids in just_done.items()}
    return render_list(notice=notice, **decided)


@pages.get("/signup/<int:number>")
def signup(number: int) -> ResponseReturnValue:
    """One signup: the person, the history, and the decline form."""
    found = Signup.by_id(number)
    if found is None or found.state == State.ASKED:
        abort(404)
    return render_signup(found)


# The URL keeps an older word.
@pages.post("/letters/<int:email_id>/send-again")
def send_again(email_id: int) -> ResponseReturnValue:
    """Send a parked email again."""
    form = ButtonForm()
    if not form.validate_on_submit():
        return render_list(form.status, "stale")
    if parked.send_again(email_id) is None:
        return render_list(404, "no email")
    log.info(LogEvent.EMAIL_SENT_AGAIN, extra={"email_id": email_id})
    show_next(notice="again")
    return redirect(url_for(".index"), 303)


@pages.post("/letters/send-again")
def send_all_again() -> ResponseReturnValue:
    """Send all parked emails again, and those that wait after a refusal."""
    form = ButtonForm()
    if not form.validate_on_submit():
        return render_list(form.status, "stale")
    log.info(LogEvent.EMAIL_SENT_AGAIN, extra={"emails": parked.send_all_again()})
    show_next(notice="all again")
    return redirect(url_for(".index"), 303)


@pages.post("/notices/<any(off, on):wanted>")
def notices(wanted: str) -> ResponseReturnValue:
    """Turn the emails about new signups off or on, for this reviewer alone."""
    form = ButtonForm()
    if not form.validate_on_submit():
        return render_list(form.status, "stale")
    change = MutedReviewer.unmute if wanted == "on" else MutedReviewer.mute
    change(g.reviewer.comparable_email)
    return redirect(url_for(".index", **position()), 303)


def show_next(**facts: object) -> None:
    """Keep in the session what was just done: the list shows it once. A URL could be forged.

    `done`, `back` and `missed` are ids of signups, and `notice` is a key of NOTICES.
    """
    session["just_done"] = facts


def position() -> dict[str, Any]:
    """Return the query parameters of the part of the list that the reviewer came from."""
    return {name: request.args[name] for name in POSITION if name in request.args}


def render_list(status: int = 200, notice: str = "", **variables: object) -> tuple[str, int]:
    """Render the list. `notice` is a key of NOTICES in templates/review/_words.html."""
    state = request.args.get("state", "")
    state = state if state in LISTED else State.WAITING
    text = request.args.get("q", "").strip()
    number = max(request.args.get("page", 1, int), 1)
    found, total = search.page(state, text, number, PAGE_SIZE)
    return render_template(
        "review/queue.html",
        signups=found,
        outcomes=search.outcomes(found, domains.COMMON),
        total=total,
        state=state,
        states=LISTED,
        text=text,
        page=number,
        pages=max(-(-total // PAGE_SIZE), 1),
        notice=notice,
        parked=parked.parked_emails(),
        refused_with=refusals.current_code(),
        visitors_are_hidden=visitors_are_hidden(),
        mail_is_late=OutgoingEmail.longest_delay() > OVERDUE,
        gets_notices=_gets_notices(),
        muted=MutedReviewer.is_muted(g.reviewer.comparable_email),
        **common_variables(),
        **variables,
    ), status


def render_signup(
    signup: Signup,
    status: int = 200,
    notice: str = "",
    decline: DeclineForm | None = None,
    **variables: object,
) -> tuple[str, int]:
    """Render the page of one signup. `notice` is a key of NOTICES."""
    return render_template(
        "review/signup.html",
        signup=signup,
        outcomes=search.outcomes([signup], domains.COMMON),
        history=Event.for_signup(signup),
        panel_url=links.panel_user_url(signup.strapi_id) if signup.strapi_id else None,
        decline=decline or DeclineForm(formdata=None),
        notice=notice,
        **common_variables(),
        **variables,
    ), status


def preview_decline(form: DeclineForm, chosen: Iterable[Signup]) -> list[RenderedEmail]:
    """Render the email of a decline, once in each language of the chosen authors."""
    emails = {}
    for language in {signup.language: None for signup in chosen}:
        with i18n.use_language(language):
            email = render_email("declined", decline_variables(form.reason.data or None, now()))
            emails[email.language] = email
    return list(emails.values())


def common_variables() -> dict[str, Any]:
    """Return what the templates of all review pages need."""
    return {
        "button": ButtonForm(formdata=None),
        "permissions": strapi_summary().permissions,
        "duplicated": reconciler().duplicated,
        "disputed": list(disputes.open_disputes().limit(PAGE_SIZE)),
        "not_reconciled": search.not_reconciled().count(),
        "queue_is_full": queue_is_full(),
        "role": current_app.config["AUTHOR_ROLE"],
        "domain_kind": domains.kind,
        "domain_reads": domains.to_unicode,
        "position": position(),
    }


def _gets_notices() -> bool:
    reviewers = current_app.config["REVIEWERS"]
    return not reviewers or g.reviewer.comparable_email in map(comparable, reviewers)


def _signups(numbers: list[int]) -> list[Signup]:
    found = (Signup.by_id(number) for number in numbers[:PAGE_SIZE])
    return [signup for signup in found if signup is not None]

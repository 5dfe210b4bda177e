"""The super admins' pages: log in with Strapi's own credentials, see who waits, decide."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from flask import (
    Blueprint,
    Flask,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue

from models import deciding
from models.deciding import Decided, Postponed
from models.instant import milliseconds, now
from models.outbox import Letter
from models.sessions import Session, authenticate
from models.signups import Signup, State
from models.strapi import Altered, Gone, Strapi, StrapiUnavailable
from signup import limits
from signup.databases import strapi
from signup.errors import RETRY, answer
from signup.forms import ButtonForm, DeclineForm, LoginForm
from signup.health import OVERDUE

log = logging.getLogger(__name__)
review = Blueprint("review", __name__, url_prefix="/review")

# Signups on one page of the list.
PAGE = 25
# Milliseconds without a request after which a reviewer logs in afresh.
IDLE = 30 * 60 * 1000
# The states that the list can show.
LISTED = (State.WAITING, State.ACTIVE, State.DECLINED, State.WITHDRAWN, State.REMOVED)


def init_app(app: Flask) -> None:
    """Add the review pages."""
    app.register_blueprint(review)


@review.before_request
def guard() -> ResponseReturnValue | None:
    """Let nobody in but an active super admin, whose rights are read afresh each time."""
    if request.endpoint in ("review.login", "review.enter"):
        return None
    idle = milliseconds(now()) - session.get("seen", 0) > IDLE
    g.reviewer = None if idle else Session.reviewer(session.get("review", ""), strapi())
    if g.reviewer is None:
        return redirect(url_for("review.login", ended=request.method == "POST" or None), 303)
    session["seen"] = milliseconds(now())
    return None


@review.errorhandler(StrapiUnavailable)
def unavailable(error: StrapiUnavailable) -> ResponseReturnValue:
    """Without Strapi's file nobody can be recognised; nothing was decided."""
    log.error("nobody can review", extra={"trouble": str(error)})
    return answer(503)


@review.get("/login")
def login() -> ResponseReturnValue:
    """The form for Strapi credentials."""
    return render_template("review/login.html", form=LoginForm())


@review.post("/login")
@limits.logins
@limits.logins_to_account
def enter() -> ResponseReturnValue:
    """Begin a session for a super admin; the same answer for every other attempt."""
    form = LoginForm()
    if not form.validate_on_submit():
        return render_template("review/login.html", form=form), form.status
    admin = authenticate(strapi(), form.email.data or "", form.password.data or "")
    if admin is None:
        log.info("login refused", extra={"account": form.email.data})
        form.form_errors.append("That is not the address and password of a super admin.")
        return render_template("review/login.html", form=form), 422
    session.clear()
    session.update(review=Session.begin(admin), seen=milliseconds(now()))
    log.info("logged in", extra={"account": admin.email})
    return redirect(url_for(".queue"), 303)


@review.post("/logout")
def logout() -> ResponseReturnValue:
    """End the session, for every copy of its cookie."""
    form = ButtonForm()
    if not form.validate_on_submit():
        return _queue(form.status, "stale")
    Session.end(session["review"])
    session.clear()
    return redirect(url_for(".login"), 303)


@review.get("")
def queue() -> ResponseReturnValue:
    """Who waits, or how the others stand; and what was just decided."""
    done = request.args.get("done", type=int)
    notice = "done" if done else "again" if "again" in request.args else ""
    return _queue(notice=notice, about=Signup.of_id(done))


@review.post("/<int:author_id>/activate")
def activate(author_id: int) -> ResponseReturnValue:
    """Let an author in."""
    form = ButtonForm()
    if not form.validate_on_submit():
        return _queue(form.status, "stale")
    return _decided(author_id, partial(deciding.activate, by=g.reviewer.email))


@review.post("/<int:author_id>/decline")
def decline(author_id: int) -> ResponseReturnValue:
    """Refuse an author, with a reason if there is one."""
    form = DeclineForm()
    if not form.validate_on_submit():
        return _queue(form.status, "stale" if form.stale else "", declining=(author_id, form))
    verb = partial(
        deciding.decline,
        by=g.reviewer.email,
        reason=form.reason.data or None,
        tell=form.tell.data,
    )
    return _decided(author_id, verb)


@review.post("/letters/<int:letter_id>/send-again")
def send_again(letter_id: int) -> ResponseReturnValue:
    """Give a letter that could not be delivered a fresh start."""
    form = ButtonForm()
    if not form.validate_on_submit():
        return _queue(form.status, "stale")
    if Letter.send_again(letter_id) is None:
        return _queue(404, "no letter")
    log.info("letter sent again", extra={"letter": letter_id, "by": g.reviewer.email})
    return redirect(url_for(".queue", again=1), 303)


def _decided(author_id: int, verb: Callable[[Signup, Strapi], None]) -> ResponseReturnValue:
    signup = Signup.of_author(author_id)
    if signup is None:
        return _queue(404, "gone")
    try:
        verb(signup, strapi())
    except Gone:
        return _queue(404, "gone")
    except Decided:
        return _queue(409, "decided", about=signup)
    except Postponed:
        page, status = _queue(503, "postponed", about=signup)
        return page, status, RETRY
    except Altered as error:
        return _queue(409, "altered", about=signup, complaint=str(error))
    log.info("decided", extra={"signup": signup.id, "state": signup.state, "by": g.reviewer.email})
    here: dict[str, Any] = {
        name: request.args[name] for name in ("q", "page") if name in request.args
    }
    return redirect(url_for(".queue", done=signup.id, **here), 303)


def _queue(status: int = 200, notice: str = "", **facts: object) -> tuple[str, int]:
    state = request.args.get("state", "")
    state = state if state in LISTED else State.WAITING
    text = request.args.get("q", "").strip()
    page = max(request.args.get("page", 1, int), 1)
    signups, total = Signup.search(state, text, page, PAGE)
    return render_template(
        "review/queue.html",
        signups=signups,
        total=total,
        state=state,
        states=LISTED,
        text=text,
        page=page,
        pages=max(-(-total // PAGE), 1),
        notice=notice,
        button=ButtonForm(),
        decline_form=partial(DeclineForm, formdata=None),
        parked=Letter.parked(),
        mail_is_late=Letter.overdue() > OVERDUE,
        **facts,
    ), status

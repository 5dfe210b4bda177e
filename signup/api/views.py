"""The JSON API: list, show and decide, with a super admin's Strapi login in every request."""

import logging
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, abort, g, json, request
from flask.typing import ResponseReturnValue

from models.log_events import LogEvent
from models.reviewers.authentication import authenticate
from models.signups import decide, search
from models.signups.history import Event
from models.signups.signup import PUBLIC_STATES, Signup, State
from models.strapi import StrapiUnavailable
from signup import durations, links
from signup.api import serializers
from signup.api.problems import NO_HEADERS, problem
from signup.databases import strapi
from signup.decision_errors import DECISION_ERRORS, EXCEPTIONS, Verb, decide_and_log, describe
from signup.errors import RETRY
from signup.forms import MAX_TEXT
from signup.logging import loggable_email
from signup.login_limits import try_login
from signup.review.login import current_actor
from signup.validation.text import remove_invisible

log = logging.getLogger(__name__)
api = Blueprint("api", __name__, url_prefix="/api")

PAGE_SIZE = 25
DESCRIPTION = Path(__file__).with_name("openapi.json")
NO_SUCH_AUTHOR = "There is no such author, or not one of ours."


def init_app(app: Flask) -> None:
    """Add the API."""
    app.register_blueprint(api)


@api.before_request
def require_super_admin() -> ResponseReturnValue | None:
    """Set `g.reviewer`, or answer 401: the same to everybody else, so that it reveals nothing."""
    if request.endpoint == "api.description":
        return None
    given = request.authorization
    g.reviewer = None
    if given is not None and given.type == "basic":
        email, password = given.username or "", given.password or ""
        g.reviewer = try_login(email, lambda: authenticate(strapi(), email, password))
    if g.reviewer is None:
        account = loggable_email(given.username or "") if given else None
        log.warning(LogEvent.LOGIN_REFUSED, extra={"account": account})
        challenge = {"WWW-Authenticate": 'Basic realm="Strapi super admins"'}
        detail = "Log in as an active super admin of Strapi."
        return problem(HTTPStatus.UNAUTHORIZED, detail, challenge)
    return None


@api.get("/openapi.json")
def description() -> ResponseReturnValue:
    """The description of this API (OpenAPI 3.1)."""
    document = json.loads(DESCRIPTION.read_text())
    return document | {"servers": [{"url": links.public_url("form.home").rstrip("/")}]}


@api.get("/authors")
def authors() -> ResponseReturnValue:
    """One page of the signups in a state."""
    if unknown := set(request.args) - {"state", "page", "q"}:
        detail = f"There is no parameter {', '.join(sorted(unknown))}: use state, page and q."
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
    state = request.args.get("state", State.WAITING)
    if state not in PUBLIC_STATES:
        return problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, f"state is one of {', '.join(PUBLIC_STATES)}."
        )
    page = request.args.get("page", "1")
    if not page.isdecimal() or not 1 <= int(page) < 2**31:
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "page is a number from 1 up.")
    signups, total = search.page(state, request.args.get("q", ""), int(page), PAGE_SIZE)
    pages = max(-(-total // PAGE_SIZE), 1)
    shown = [serializers.author(signup) for signup in signups]
    return {"authors": shown, "page": int(page), "pages": pages, "total": total}


@api.get("/authors/<int:author_id>")
def one(author_id: int) -> ResponseReturnValue:
    """One author with the history."""
    signup = Signup.by_strapi_id(author_id)
    if signup is None:
        return problem(HTTPStatus.NOT_FOUND, NO_SUCH_AUTHOR)
    return serializers.author(signup) | {
        "history": [serializers.event(event) for event in Event.for_signup(signup)]
    }


@api.post("/authors/<int:author_id>/activate")
def activate(author_id: int) -> ResponseReturnValue:
    """Activate an author."""
    body = _body()
    if not isinstance(body, dict) or not isinstance(body.get("after_all", False), bool):
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, 'Send nothing, or {"after_all": true}.')
    actor, after_all = current_actor(), body.get("after_all", False)
    verb = partial(
        decide.activate, by=actor, undo_period=durations.undo_period(), after_all=after_all
    )
    return _decide(author_id, verb, LogEvent.ACTIVATED)


@api.post("/authors/<int:author_id>/decline")
def decline(author_id: int) -> ResponseReturnValue:
    """Decline an author."""
    body = _body()
    if fault := _decline_fault(body):
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, fault)
    options: dict[str, Any] = {
        "reason": remove_invisible(body.get("reason") or "") or None,
        "tell": body.get("tell", True),
    }
    verb = partial(
        decide.decline, by=current_actor(), undo_period=durations.undo_period(), **options
    )
    return _decide(author_id, verb, LogEvent.DECLINED)


@api.post("/authors/<int:author_id>/undo")
def undo(author_id: int) -> ResponseReturnValue:
    """Undo a decision before its email is sent."""
    verb = partial(decide.undo, by=current_actor())
    return _decide(author_id, verb, LogEvent.TAKEN_BACK)


@api.errorhandler(StrapiUnavailable)
def strapi_unavailable(error: StrapiUnavailable) -> ResponseReturnValue:
    """Answer 503. Nothing was decided."""
    log.error(LogEvent.STRAPI_UNAVAILABLE, extra={"error": str(error)})
    detail = "Strapi's database cannot be used at this moment. Nothing was decided."
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, RETRY)


def _decide(author_id: int, verb: Verb, event: LogEvent) -> ResponseReturnValue:
    signup = Signup.by_strapi_id(author_id)
    if signup is None:
        return problem(HTTPStatus.NOT_FOUND, NO_SUCH_AUTHOR)
    try:
        decide_and_log(signup, verb, event)
    except EXCEPTIONS as error:
        row = DECISION_ERRORS[type(error)]
        headers = RETRY if row.status == HTTPStatus.SERVICE_UNAVAILABLE else NO_HEADERS
        return problem(row.status, describe(row.api_detail, signup, error), headers)
    return serializers.author(signup)


def _body() -> Any:
    """Return the JSON body: an empty object if there is no body, None if it is no JSON."""
    if not request.is_json and (request.mimetype or request.get_data()):
        abort(415, "Send application/json, or nothing.")
    try:
        return request.get_json(silent=True) if request.get_data() else {}
    except RecursionError:
        # Valid JSON, but nested deeper than Python's parser goes.
        return None


def _decline_fault(body: object) -> str | None:
    if not isinstance(body, dict):
        return 'Send an object like {"reason": "…", "tell": true}.'
    reason = body.get("reason")
    if reason is not None and (not isinstance(reason, str) or len(reason) > MAX_TEXT):
        return f"reason is text of at most {MAX_TEXT} characters."
    if not isinstance(body.get("tell", True), bool):
        return "tell is true or false."
    return None

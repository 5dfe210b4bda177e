"""The same for programs: JSON, with a super admin's Strapi credentials in every request."""

import logging
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, abort, g, json, request
from flask.typing import ResponseReturnValue

from models.reviewers.authentication import authenticate
from models.signups import decide, search
from models.signups.decide import AlreadyDecided, Postponed, TooLateToUndo
from models.signups.history import Event
from models.signups.signup import PUBLIC_STATES, Signup, State
from models.strapi import RowChanged, RowGone, StrapiClient, StrapiUnavailable
from signup import durations, links
from signup.api import serializers
from signup.api.problems import problem
from signup.databases import strapi
from signup.forms import MAX_TEXT
from signup.logging import address
from signup.login_limits import try_login
from signup.review.login import reviewer
from signup.validation.text import remove_invisible

log = logging.getLogger(__name__)
api = Blueprint("api", __name__, url_prefix="/api")

PAGE = 25
DESCRIPTION = Path(__file__).with_name("openapi.json")
NO_SUCH_AUTHOR = "There is no such author, or not one of ours."


def init_app(app: Flask) -> None:
    """Add the API."""
    app.register_blueprint(api)


@api.before_request
def guard() -> ResponseReturnValue | None:
    """One answer for everybody but an active super admin, so that it tells nothing."""
    if request.endpoint == "api.description":
        return None
    given = request.authorization
    g.reviewer = None
    if given is not None and given.type == "basic":
        email, password = given.username or "", given.password or ""
        g.reviewer = try_login(email, lambda: authenticate(strapi(), email, password))
    if g.reviewer is None:
        account = address(given.username or "") if given else None
        log.warning("login refused", extra={"account": account})
        challenge = {"WWW-Authenticate": 'Basic realm="Strapi super admins"'}
        detail = "Log in as an active super admin of Strapi."
        return problem(HTTPStatus.UNAUTHORIZED, detail, challenge)
    return None


@api.get("/openapi.json")
def description() -> ResponseReturnValue:
    """What all this is, for programs (OpenAPI 3.1)."""
    document = json.loads(DESCRIPTION.read_text())
    return document | {"servers": [{"url": links.public_url("form.home").rstrip("/")}]}


@api.get("/authors")
def authors() -> ResponseReturnValue:
    """A page of the signups in a state."""
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
    signups, total = search.page(state, request.args.get("q", ""), int(page), PAGE)
    pages = max(-(-total // PAGE), 1)
    shown = [serializers.author(signup) for signup in signups]
    return {"authors": shown, "page": int(page), "pages": pages, "total": total}


@api.get("/authors/<int:author_id>")
def one(author_id: int) -> ResponseReturnValue:
    """One author, and what happened."""
    signup = Signup.by_strapi_id(author_id)
    if signup is None:
        return problem(HTTPStatus.NOT_FOUND, NO_SUCH_AUTHOR)
    return serializers.author(signup) | {
        "history": [serializers.event(event) for event in Event.for_signup(signup)]
    }


@api.post("/authors/<int:author_id>/activate")
def activate(author_id: int) -> ResponseReturnValue:
    """Let an author in."""
    body = _body()
    if not isinstance(body, dict) or not isinstance(body.get("after_all", False), bool):
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, 'Send nothing, or {"after_all": true}.')
    after_all = body.get("after_all", False)
    decision = partial(
        decide.activate, by=reviewer(), undo_period=durations.undo_period(), after_all=after_all
    )
    return _decided(author_id, decision)


@api.post("/authors/<int:author_id>/decline")
def decline(author_id: int) -> ResponseReturnValue:
    """Refuse an author."""
    body = _body()
    if fault := _fault(body):
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, fault)
    words: dict[str, Any] = {
        "reason": remove_invisible(body.get("reason") or "") or None,
        "tell": body.get("tell", True),
    }
    return _decided(
        author_id,
        partial(decide.decline, by=reviewer(), undo_period=durations.undo_period(), **words),
    )


@api.post("/authors/<int:author_id>/undo")
def undo(author_id: int) -> ResponseReturnValue:
    """Take a decision back, before anybody was told."""
    return _decided(author_id, partial(decide.undo, by=reviewer()))


@api.errorhandler(StrapiUnavailable)
def unavailable(error: StrapiUnavailable) -> ResponseReturnValue:
    """Nothing was decided; try again."""
    log.error("strapi unavailable", extra={"error": str(error)})
    detail = "Strapi's database cannot be used at this moment. Nothing was decided."
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": "60"})


def _decided(author_id: int, verb: Callable[[Signup, StrapiClient], None]) -> ResponseReturnValue:
    signup = Signup.by_strapi_id(author_id)
    if signup is None:
        return problem(HTTPStatus.NOT_FOUND, NO_SUCH_AUTHOR)
    try:
        verb(signup, strapi())
    except RowGone:
        return problem(HTTPStatus.NOT_FOUND, "The author is no longer in Strapi.")
    except Postponed:
        log.warning("decision refused", extra={"signup": signup.id, "reason": "Postponed"})
        detail = "The decision is noted; Strapi's database cannot be written at this moment."
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": "60"})
    except (AlreadyDecided, TooLateToUndo, RowChanged) as error:
        log.warning("decision refused", extra={"signup": signup.id, "reason": type(error).__name__})
        return problem(HTTPStatus.CONFLICT, _conflict(signup, error))
    log.info(Event.last_kind(signup), extra={"signup": signup.id, "state": signup.state})
    return serializers.author(signup)


def _conflict(signup: Signup, error: Exception) -> str:
    if isinstance(error, AlreadyDecided):
        return f"Already {signup.state}, decided by {signup.decided_by or 'somebody in Strapi'}."
    if isinstance(error, TooLateToUndo):
        return "There is no decision that can still be taken back."
    return f"Not decided: {error}."


def _body() -> Any:
    """What was sent as JSON; an empty object for nothing, None for what is no JSON."""
    if not request.is_json and (request.mimetype or request.get_data()):
        abort(415, "Send application/json, or nothing.")
    try:
        return request.get_json(silent=True) if request.get_data() else {}
    except RecursionError:
        # Nested deeper than Python reads, which is no mistake in the JSON.
        return None


def _fault(body: object) -> str | None:
    if not isinstance(body, dict):
        return 'Send an object like {"reason": "…", "tell": true}.'
    reason = body.get("reason")
    if reason is not None and (not isinstance(reason, str) or len(reason) > MAX_TEXT):
        return f"reason is text of at most {MAX_TEXT} characters."
    if not isinstance(body.get("tell", True), bool):
        return "tell is true or false."
    return None

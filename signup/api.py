"""The same for programs: JSON, with a super admin's Strapi credentials in every request."""

import logging
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, abort, g, json, request
from flask.typing import ResponseReturnValue

from models import deciding, queue
from models.deciding import Decided, Postponed, TooLate
from models.history import Event
from models.sessions import authenticate
from models.signups import SHOWN, Signup, State
from models.strapi import Altered, Gone, Strapi, StrapiUnavailable
from signup import links, representations, spans
from signup.attempts import attempt
from signup.characters import visible
from signup.databases import strapi
from signup.forms import WHY_LENGTH
from signup.logs import address
from signup.problems import problem
from signup.review.door import reviewer

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
        g.reviewer = attempt(email, lambda: authenticate(strapi(), email, password))
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
    if state not in SHOWN:
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"state is one of {', '.join(SHOWN)}.")
    page = request.args.get("page", "1")
    if not page.isdecimal() or not 1 <= int(page) < 2**31:
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "page is a number from 1 up.")
    signups, total = queue.page(state, request.args.get("q", ""), int(page), PAGE)
    pages = max(-(-total // PAGE), 1)
    shown = [representations.author(signup) for signup in signups]
    return {"authors": shown, "page": int(page), "pages": pages, "total": total}


@api.get("/authors/<int:author_id>")
def one(author_id: int) -> ResponseReturnValue:
    """One author, and what happened."""
    signup = Signup.of_author(author_id)
    if signup is None:
        return problem(HTTPStatus.NOT_FOUND, NO_SUCH_AUTHOR)
    return representations.author(signup) | {
        "history": [representations.event(event) for event in Event.of(signup)]
    }


@api.post("/authors/<int:author_id>/activate")
def activate(author_id: int) -> ResponseReturnValue:
    """Let an author in."""
    body = _body()
    if not isinstance(body, dict) or not isinstance(body.get("after_all", False), bool):
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, 'Send nothing, or {"after_all": true}.')
    after_all = body.get("after_all", False)
    decision = partial(deciding.activate, by=reviewer(), undo=spans.undo(), after_all=after_all)
    return _decided(author_id, decision)


@api.post("/authors/<int:author_id>/decline")
def decline(author_id: int) -> ResponseReturnValue:
    """Refuse an author."""
    body = _body()
    if complaint := _complaint(body):
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, complaint)
    words: dict[str, Any] = {
        "reason": visible(body.get("reason") or "") or None,
        "tell": body.get("tell", True),
    }
    return _decided(author_id, partial(deciding.decline, by=reviewer(), undo=spans.undo(), **words))


@api.post("/authors/<int:author_id>/undo")
def undo(author_id: int) -> ResponseReturnValue:
    """Take a decision back, before anybody was told."""
    return _decided(author_id, partial(deciding.take_back, by=reviewer()))


@api.errorhandler(StrapiUnavailable)
def unavailable(error: StrapiUnavailable) -> ResponseReturnValue:
    """Nothing was decided; try again."""
    log.error("nobody can review", extra={"trouble": str(error)})
    detail = "Strapi's database cannot be used at this moment. Nothing was decided."
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": "60"})


def _decided(author_id: int, verb: Callable[[Signup, Strapi], None]) -> ResponseReturnValue:
    signup = Signup.of_author(author_id)
    if signup is None:
        return problem(HTTPStatus.NOT_FOUND, NO_SUCH_AUTHOR)
    try:
        verb(signup, strapi())
    except Gone:
        return problem(HTTPStatus.NOT_FOUND, "The author is no longer in Strapi.")
    except Postponed:
        log.warning("decision refused", extra={"signup": signup.id, "why": "Postponed"})
        detail = "The decision is noted; Strapi's database cannot be written at this moment."
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": "60"})
    except (Decided, TooLate, Altered) as error:
        log.warning("decision refused", extra={"signup": signup.id, "why": type(error).__name__})
        return problem(HTTPStatus.CONFLICT, _conflict(signup, error))
    log.info(Event.last(signup), extra={"signup": signup.id, "state": signup.state})
    return representations.author(signup)


def _conflict(signup: Signup, error: Exception) -> str:
    if isinstance(error, Decided):
        return f"Already {signup.state}, decided by {signup.decided_by or 'somebody in Strapi'}."
    if isinstance(error, TooLate):
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


def _complaint(body: object) -> str | None:
    if not isinstance(body, dict):
        return 'Send an object like {"reason": "…", "tell": true}.'
    reason = body.get("reason")
    if reason is not None and (not isinstance(reason, str) or len(reason) > WHY_LENGTH):
        return f"reason is text of at most {WHY_LENGTH} characters."
    if not isinstance(body.get("tell", True), bool):
        return "tell is true or false."
    return None

"""Health: whether both databases answer and letters go out, told in a word."""

from collections.abc import Iterator
from datetime import timedelta

from flask import Blueprint, Flask, current_app
from flask.typing import ResponseReturnValue

from models.ledger.database import LedgerUnavailable
from models.mail.outbox import OutgoingEmail
from models.strapi import AdminUsers, StrapiUnavailable
from signup.databases import known

health = Blueprint("health", __name__)

# A letter that has been due for this long means that none goes out.
OVERDUE = timedelta(minutes=10)


def init_app(app: Flask) -> None:
    """Add the health page."""
    app.register_blueprint(health)


@health.get("/healthz")
def healthz() -> ResponseReturnValue:
    """200 when everything works, else 503 and the names of what does not."""
    failing = list(failing_parts())
    if failing:
        return {"status": "failing", "parts": failing}, 503
    return {"status": "ok"}


def failing_parts() -> Iterator[str]:
    """The names of the parts that do not work now."""
    if not _strapi_is_well():
        yield "strapi"
    if not current_app.extensions["worker"].running:
        yield "worker"
    try:
        if OutgoingEmail.longest_delay() > OVERDUE:
            yield "outbox"
    except LedgerUnavailable:
        yield "ledger"


def _strapi_is_well() -> bool:
    try:
        known(AdminUsers.role_id)
    except StrapiUnavailable:
        return False
    return True

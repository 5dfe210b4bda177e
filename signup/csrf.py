"""Whether a form came from a page of ours: the token that both it and its session hold."""

import hmac
import logging
import secrets
from typing import Any

from flask import session
from wtforms import ValidationError
from wtforms.csrf.core import CSRF

from models.log_events import LogEvent

log = logging.getLogger(__name__)

TOKEN = "csrf_token"  # noqa: S105 (a name, no secret)


class SessionToken(CSRF):
    """A random token that lives as long as its session. The session's cookie is signed, so the
    token need not be, and a form that was open while `SECRET_KEY` changed is still good:
    Flask-WTF's own token would not be, and is signed with SHA-1."""

    def generate_csrf_token(self, _: Any) -> str:
        """The token of this session."""
        return token()

    def validate_csrf_token(self, _: Any, field: Any) -> None:
        """Refuse a form without the token of this session."""
        given, ours = (field.data or "").encode(errors="replace"), field.current_token.encode()
        if not hmac.compare_digest(given, ours):
            log.warning(LogEvent.FORM_REFUSED, extra={"token": "missing" if not given else "wrong"})
            raise ValidationError("This page was open for a long time.")


def token() -> str:
    """The token of this session, made when its first form is shown; nothing in it needs to be
    escaped."""
    if not isinstance(session.get(TOKEN), str):
        session[TOKEN] = secrets.token_urlsafe(32)
    return str(session[TOKEN])

"""The form token: proof that a form was sent from one of our pages."""

import hmac
import logging
import secrets
from typing import Any

from flask import session
from wtforms import ValidationError
from wtforms.csrf.core import CSRF

from models.log_events import LogEvent

log = logging.getLogger(__name__)

# The key in the session, as Flask-WTF names it, too.
TOKEN = "csrf_token"  # noqa: S105 (a name, no secret)


class SessionToken(CSRF):
    """A random token that is valid as long as its session.

    The session cookie is signed, so the token needs no signature. An open form stays valid when
    `SECRET_KEY` changes. Flask-WTF's own token would not, and it is signed with SHA-1.
    """

    def generate_csrf_token(self, _: Any) -> str:
        """Return the token of this session, which the first form creates."""
        if not isinstance(session.get(TOKEN), str):
            session[TOKEN] = secrets.token_urlsafe(32)
        return str(session[TOKEN])

    def validate_csrf_token(self, _: Any, field: Any) -> None:
        """Raise ValidationError when a form has another token than this session, or none."""
        sent, expected = (field.data or "").encode(errors="replace"), field.current_token.encode()
        if not hmac.compare_digest(sent, expected):
            log.warning(LogEvent.FORM_REFUSED, extra={"token": "missing" if not sent else "wrong"})
            raise ValidationError("This page was open for a long time.")

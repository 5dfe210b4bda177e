"""Errors of the API as JSON (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus

from flask.typing import ResponseReturnValue

NO_HEADERS: Mapping[str, str] = {}


def problem(
    status: HTTPStatus, detail: str, headers: Mapping[str, str] = NO_HEADERS
) -> ResponseReturnValue:
    """Return an error as application/problem+json."""
    body = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}
    return body, int(status), {**headers, "Content-Type": "application/problem+json"}

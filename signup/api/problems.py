"""Problems: errors as programs want them."""

from collections.abc import Mapping
from http import HTTPStatus

from flask.typing import ResponseReturnValue

NO_HEADERS: Mapping[str, str] = {}


def problem(
    status: HTTPStatus, detail: str, headers: Mapping[str, str] = NO_HEADERS
) -> ResponseReturnValue:
    """An error as RFC 9457 wants it."""
    body = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}
    return body, int(status), {**headers, "Content-Type": "application/problem+json"}

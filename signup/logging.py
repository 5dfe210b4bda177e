"""Logs: a line of JSON for each event, with no token, password or address in clear."""

import json
import logging
import logging.config
import re
import secrets
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, g, has_request_context, request

log = logging.getLogger(__name__)

# A token in a path, as in the address of a link's page.
TOKEN = re.compile(r"(/(?:confirm|stop)/)[^/\s\[\]\"']+")
# From its beginning only, so that a long word costs no more than its length.
WORD = r"[^\s@<>()\[\]\"',;:=]"
ADDRESS = re.compile(rf"(?<!{WORD})({WORD}?){WORD}*@(?=[\w-]+\.)")
# What every record has; the rest are the facts that `extra` gave it.
USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JSONFormatter(logging.Formatter):
    """Makes a line of each record: `event`, when, in which request, and its facts."""

    def format(self, record: logging.LogRecord) -> str:
        """One object of JSON, in ASCII, so that nothing in it can begin a line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        if has_request_context():
            line |= {"request": request_id(), "ip": request.remote_addr}
            line["page"] = request.endpoint
            if reviewer := g.get("reviewer"):
                line["by"] = reviewer.email
        line |= {name: fact for name, fact in vars(record).items() if name not in USUAL}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps({name: masked(fact) for name, fact in line.items()}, default=str)


# Also gunicorn's configuration, so that its own lines look the same; it has no access log,
# in which addresses of pages, and so links, would stand.
CONFIG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"lines": {"()": "signup.logging.JSONFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
    "root": {"level": "INFO", "handlers": ["stderr"]},
    "loggers": {
        "gunicorn.error": {"level": "INFO", "handlers": [], "propagate": True},
        "gunicorn.access": {"level": "CRITICAL", "handlers": [], "propagate": False},
    },
}


def init_app(app: Flask) -> None:
    """Give every request an id, and write lines unless somebody has set logging up already."""
    if not logging.root.handlers:
        logging.config.dictConfig(CONFIG)
    app.after_request(tell)


def tell(response: Response) -> Response:
    """Log what was refused or failed; whom it failed can name the request."""
    status = response.status_code
    if status >= 500:
        response.headers["X-Request-ID"] = request_id()
    if status >= 400:
        level = logging.ERROR if status >= 500 else logging.INFO
        log.log(level, "request failed", extra={"status": status, "method": request.method})
    return response


def request_id() -> str:
    """The id of the current request, the same in every line about it."""
    if "request_id" not in g:
        g.request_id = secrets.token_hex(8)
    return str(g.request_id)


def address(text: str) -> str | None:
    """What was typed where an address belongs, if it is one: it may be a password."""
    return text.strip() if re.fullmatch(rf"{WORD}+@[\w-]+(?:\.[\w-]+)+", text.strip()) else None


def masked(fact: object) -> object:
    """`fact` without the tokens of links, and with addresses as `a***@example.org`."""
    if not isinstance(fact, str):
        return fact
    return ADDRESS.sub(r"\1***@", TOKEN.sub(r"\1***", fact))

"""Log one line of JSON for each event, without tokens, passwords or emails in clear (P11)."""

import json
import logging
import logging.config
import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, g, has_request_context, request

from models.log_events import LogEvent

log = logging.getLogger(__name__)

# The token in the path of a link.
TOKEN = re.compile(r"(/(?:confirm|stop)/)[^/\s\[\]\"']+")
# A match starts at the beginning of a word only, so that the time is linear in its length.
WORD = r"[^\s@<>()\[\]\"',;:=]"
EMAIL = re.compile(rf"(?<!{WORD})({WORD}?){WORD}*@(?=[\w-]+\.)")
# The libraries whose errors may quote a value, a user or a part of them.
QUOTING = ("peewee", "psycopg", "pymysql", "sqlite3", "smtplib")
# The attributes of every record. All others were given as `extra`.
STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

# gunicorn.conf.py uses this too. gunicorn writes no access log: its paths contain tokens.
CONFIG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "signup.logging.JSONFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"level": "INFO", "handlers": ["stderr"]},
    "loggers": {
        "gunicorn.error": {"level": "INFO", "handlers": [], "propagate": True},
        "gunicorn.access": {"level": "CRITICAL", "handlers": [], "propagate": False},
    },
}


class JSONFormatter(logging.Formatter):
    """Format a record as JSON: time, level, event, the request, and the fields in `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one JSON object in ASCII, so that no value can start a new line."""
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
        fields = {
            name: value for name, value in vars(record).items() if name not in STANDARD_FIELDS
        }
        line |= fields
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps({name: mask(value) for name, value in line.items()}, default=str)

    def formatException(self, ei: Any) -> str:  # noqa: N802 (logging's name)
        """Return the trace, without the texts of databases, mail servers and encodings."""
        trace = super().formatException(ei)
        texts = {str(error) for error in _chain(ei[1]) if _may_quote(error)}
        for text in sorted(texts - {""}, key=len, reverse=True):
            trace = trace.replace(text, "…")
        return trace


def init_app(app: Flask) -> None:
    """Log to stderr, unless the root logger has a handler already."""
    if not logging.root.handlers:
        logging.config.dictConfig(CONFIG)
    app.after_request(log_failed_request)


def log_failed_request(response: Response) -> Response:
    """Log answers from status 400. A failure of the service is an error, and sends its id."""
    status = response.status_code
    failed = is_failure(status)
    if failed:
        response.headers["X-Request-ID"] = request_id()
    if status >= 400:
        level = logging.ERROR if failed else logging.INFO
        log.log(level, LogEvent.REQUEST_FAILED, extra={"status": status, "method": request.method})
    return response


def is_failure(status: int) -> bool:
    """Return whether an answer with this status is a failure, and not the refusal of a limit."""
    return status >= 500 and not g.get("refused_by_limit")


def request_id() -> str:
    """Return the id of the current request, the same in each of its lines."""
    if "request_id" not in g:
        g.request_id = secrets.token_hex(8)
    return str(g.request_id)


def loggable_email(typed: str) -> str | None:
    """Return `typed` if it is an email, else None: people also type their password there."""
    typed = typed.strip()
    return typed if re.fullmatch(rf"{WORD}+@[\w-]+(?:\.[\w-]+)+", typed) else None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error and those that led to it, as a trace shows them."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _may_quote(error: BaseException) -> bool:
    library = type(error).__module__.partition(".")[0]
    return library in QUOTING or isinstance(error, UnicodeError)


def mask(value: object) -> object:
    """Remove the tokens of links from a text, and shorten emails to `a***@example.org`."""
    if not isinstance(value, str):
        return value
    return EMAIL.sub(r"\1***@", TOKEN.sub(r"\1***", value))

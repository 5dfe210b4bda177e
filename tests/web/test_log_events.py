"""What is logged: a line of JSON for each event, with request, account and result, no secret."""

import ast
import io
import json
import logging
import re
import smtplib
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from peewee import SqliteDatabase

from models.log_events import LogEvent
from signup.logging import JSONFormatter
from tests.support import shape
from tests.support.paths import ROOT
from tests.support.service import (
    ADA,
    ADA_PASSWORD,
    GRACE,
    PUBLIC,
    WRONG_PASSWORD,
    Later,
    Service,
    Start,
    Visitor,
    token_of,
)
from tests.support.strapi_file import SUE, SUE_PASSWORD

PAGE = (ROOT / "docs" / "log-events.md").read_text()
LEVELS = ("debug", "info", "warning", "error", "exception", "critical", "log")
MASKED_SUE = "s***@example.com"


class Log:
    """The lines that were logged since the last call."""

    def __init__(self) -> None:
        self._stream = io.StringIO()
        self.handler = logging.StreamHandler(self._stream)
        self.handler.setFormatter(JSONFormatter())
        self._read = 0

    def lines(self) -> list[dict[str, Any]]:
        new = self._stream.getvalue()[self._read :]
        self._read += len(new)
        return [json.loads(line) for line in new.splitlines()]

    def only(self, event: str) -> dict[str, Any]:
        """The one line of this event."""
        found = [line for line in self.lines() if line["event"] == event]
        assert len(found) == 1, event
        return found[0]


@pytest.fixture
def log() -> Iterator[Log]:
    log = Log()
    logging.root.addHandler(log.handler)
    logging.root.setLevel("INFO")
    yield log
    logging.root.removeHandler(log.handler)


def test_a_line_has_time_request_page_reviewer_and_signup(
    service: Service, log: Log, sue: Visitor
) -> None:
    service.visitor().apply()
    log.lines()
    sue.decide("activate", ADA)

    line = log.only("activated")

    assert datetime.fromisoformat(line["time"]).utcoffset() == timedelta(0)
    assert re.fullmatch("[0-9a-f]{16}", line["request"])
    assert (line["ip"], line["page"]) == ("127.0.0.1", "decisions.activate")
    assert (line["by"], line["signup"], line["state"]) == (MASKED_SUE, 1, "active")


def test_a_signup_logs_its_steps(service: Service, log: Log) -> None:
    service.visitor().apply()
    wanted = ["signup requested", "email sent", "confirmed", "email sent"]
    events = [line["event"] for line in log.lines() if line["event"] in wanted]
    assert events[:4] == wanted


def test_logins_are_logged_however_they_end(service: Service, log: Log) -> None:
    visitor = service.reviewer()
    assert log.only("logged in")["account"] == MASKED_SUE
    for _ in range(5):
        visitor.log_in(password=WRONG_PASSWORD)
    refused = [line for line in log.lines() if line["event"] == "login refused"]
    assert [line["account"] for line in refused] == [MASKED_SUE] * 5
    visitor.log_in()
    assert log.only("login limited")["account"] == MASKED_SUE
    api = service.app.test_client()
    api.get("/api/authors", auth=(SUE, WRONG_PASSWORD))
    assert log.only("login limited")["page"] == "api.authors"
    api.get("/api/authors")
    assert log.only("login refused")["account"] is None


def test_a_trace_has_no_text_of_a_database_or_mail_server(log: Log) -> None:
    def encode() -> None:
        "passwörd-Ж".encode("ascii")

    def refuse() -> None:
        raise smtplib.SMTPDataError(550, b"Lovelace is unknown")

    def look_up() -> None:
        database: Any = SqliteDatabase(":memory:")
        database.execute_sql("SELECT Lovelace")

    for fail in (encode, refuse, look_up):
        try:
            try:
                fail()
            except Exception as error:
                raise LookupError("our own text") from error
        except LookupError:
            logging.getLogger("test").exception("failed")
        trace = log.only("failed")["trace"]
        assert "our own text" in trace
        assert f"in {fail.__name__}" in trace
        shown = trace.replace('execute_sql("SELECT Lovelace")', "").replace('b"Lovelace is un', "")
        assert not re.search(r"xf6|u0416|Lovelace|codec", shown)


def test_a_trigger_of_strapis_file_is_not_quoted(service: Service, log: Log) -> None:
    visitor = service.visitor()
    link = visitor.ask_and_get_link()
    service.strapi.do(
        "CREATE TRIGGER refuse BEFORE INSERT ON admin_users"
        " BEGIN SELECT RAISE(ABORT, 'no Lovelace here'); END"
    )
    assert visitor.confirm(link).status_code == 503
    assert "a trigger refuses the row" in log.only("confirmation postponed")["error"]
    assert "Lovelace" not in str(log.lines()) + service.run("check").output


def test_a_password_typed_into_the_email_field_is_not_logged(service: Service, log: Log) -> None:
    for typed in ("Hunter2secret", "P@ssw0rd-of-mine", SUE_PASSWORD):
        service.visitor().log_in(typed, WRONG_PASSWORD)
    assert not re.search("unter2|ssw0rd|Super1", str(log.lines()))


def test_the_end_of_a_session_is_logged(log: Log, sue: Visitor) -> None:
    log.lines()
    sue.post("/review/logout", page="/review")
    log.only("logged out")
    sue.get("/review")
    assert log.only("session refused")["page"] == "queue.index"
    sue.log_in()
    log.lines()
    sue.post("/review/logout/everywhere", page="/review")
    line = log.only("logged out everywhere")
    assert (line["by"], line["sessions"]) == (MASKED_SUE, 1)


@pytest.mark.parametrize("by", ["page", "API"])
def test_decisions_are_logged(start: Start, log: Log, by: str) -> None:
    service = start(UNDO_SECONDS=600)
    sue = service.reviewer()
    service.visitor().apply()
    author_id = service.author_id()

    def decide(verb: str) -> None:
        if by == "page":
            sue.decide(verb, author_id)
        else:
            path = f"/api/authors/{author_id}/{verb}"
            service.app.test_client().post(path, auth=(SUE, SUE_PASSWORD))

    log.lines()
    decide("decline")
    assert log.only("declined")["by"] == MASKED_SUE
    decide("activate")
    assert log.only("decision refused")["reason"] in {"decided", "AlreadyDecided"}
    decide("undo")
    log.only("taken back")
    decide("activate")
    assert log.only("activated")["signup"] == 1


def test_links_that_do_not_work_are_logged(service: Service, log: Log, later: Later) -> None:
    visitor = service.visitor()
    visitor.get("/confirm/damaged")
    log.only("link invalid")
    old, link = visitor.ask_and_get_link(), visitor.ask_and_get_link()
    log.lines()
    visitor.get(old)
    log.only("link replaced")
    token = token_of(visitor.get(link))
    visitor.confirm(link)
    log.lines()
    visitor.client.post(link, data={"csrf_token": token}, base_url=PUBLIC)
    log.only("link used already")
    other = visitor.ask_and_get_link(GRACE)
    later(timedelta(days=3))
    log.lines()
    visitor.get(other)
    log.only("link expired")


def test_refused_requests_are_logged(service: Service, log: Log) -> None:
    client = service.app.test_client()
    client.post("/signup", base_url=PUBLIC)
    assert log.only("form refused")["token"] == "missing"
    client.post("/signup", data={"csrf_token": "x"}, base_url=PUBLIC)
    assert log.only("form refused")["token"] == "wrong"
    client.post("/signup", headers={"Origin": "https://evil.example"}, base_url=PUBLIC)
    assert log.only("site refused")["origin"] == "https://evil.example"
    client.get("/signup", base_url="https://evil.example")
    assert log.only("host refused")["host"] == "evil.example"
    for _ in range(29):
        client.post("/signup", base_url=PUBLIC)
    assert log.only("rate limited")["limit"] == "30 per 1 hour"
    client.put("/signup", base_url=PUBLIC)
    assert log.only("request failed")["status"] == 405
    for number in range(4):
        Visitor(service, f"192.0.2.{number}").ask()
    assert "a***@example.org" in log.only("signup requested too often").values()


EVIL = {"Origin": "https://evil.example"}
# How a visitor is refused again and again, and how often until a limit does it.
REFUSED: dict[str, tuple[Callable[[Visitor], object], int]] = {
    "rate limited": (lambda visitor: visitor.get("/stop/x"), 20),
    "link invalid": (lambda visitor: visitor.get("/confirm/x"), 0),
    "login limited": (lambda visitor: visitor.log_in(SUE, WRONG_PASSWORD), 5),
    "form refused": (lambda visitor: visitor.client.post("/signup", base_url=PUBLIC), 0),
    "site refused": (
        lambda visitor: visitor.client.post("/signup", headers=EVIL, base_url=PUBLIC),
        0,
    ),
    "host refused": (lambda visitor: visitor.client.get("/signup", base_url="https://x.org"), 0),
    "session refused": (lambda visitor: visitor.get("/review"), 0),
    "request failed": (lambda visitor: visitor.get("/nowhere"), 0),
}


@pytest.mark.parametrize("event", REFUSED)
def test_refusals_of_one_kind_are_one_line_a_minute_for_each_network(
    service: Service, log: Log, later: Later, event: str
) -> None:
    refuse, times_before = REFUSED[event]
    visitors = [Visitor(service, ip) for ip in ("192.0.2.7", "192.0.2.8", "192.0.3.7")]
    for visitor in visitors * times_before:
        refuse(visitor)
    log.lines()

    def refused(*visitors: Visitor) -> list[dict[str, Any]]:
        for visitor in visitors * 3:
            refuse(visitor)
        return [line for line in log.lines() if line["event"] == event]

    lines = refused(*visitors)
    assert [line["ip"] for line in lines] == ["192.0.2.7", "192.0.3.7"]
    later(timedelta(seconds=61))
    assert [line["left_out"] for line in refused(visitors[0])] == [5]
    later(timedelta(seconds=61))
    with service.app.app_context():
        for _ in range(2):
            service.app.extensions["log_sums"].log_ended()
    sums = {line["network"]: line for line in log.lines() if line["event"] == event}
    assert sorted(sums) == ["192.0.2.0/24", "192.0.3.0/24"]
    for line in sums.values():
        assert line["left_out"] == 2
        assert (line["level"], line["page"]) == (lines[0]["level"], lines[0]["page"])


def test_a_failure_of_the_service_is_logged_each_time(service: Service, log: Log) -> None:
    service.visitor().ask()
    link = service.visitor().ask_and_get_link()
    visitor = service.visitor()
    page = visitor.get(link)
    log.lines()
    with service.strapi.away():
        for _ in range(3):
            visitor.send(link, page, password=ADA_PASSWORD, firstname="Ada")
    errors = [line for line in log.lines() if line["level"] == "error"]
    assert [line["status"] for line in errors] == [503] * 3


def test_what_does_not_work_is_logged(service: Service, log: Log, sue: Visitor) -> None:
    service.visitor().ask()
    service.mail.answer = "550 no such user"
    service.deliver()
    assert log.only("email parked")["recipient"] == "a***@example.org"
    with service.strapi.away():
        sue.get("/review")
    assert log.only("strapi unavailable")["level"] == "error"
    service.ledger.do("DROP TABLE letter")
    service.visitor().ask()
    assert log.only("ledger unavailable")["level"] == "error"


def test_lines_go_to_stderr_alone() -> None:
    script = (
        "import logging.config; from signup.logging import CONFIG;"
        "logging.config.dictConfig(CONFIG); logging.getLogger('signup').warning('seen')"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True)
    assert (done.stdout, json.loads(done.stderr)["event"]) == (b"", "seen")


def test_no_typed_text_begins_a_line_of_its_own(service: Service, log: Log) -> None:
    for number, nasty in enumerate(("\r\n{}", "\x1b[31m", "\u2028", '"}', "\x00", "%s%d{0}")):
        visitor = Visitor(service, f"10.0.{number}.1")
        visitor.log_in(f"a{nasty}@example.com", "x")
        visitor.client.post("/signup", headers={"Origin": repr(nasty)}, base_url=PUBLIC)
        visitor.client.get("/confirm/" + nasty, base_url=PUBLIC)
    lines = log.lines()
    assert len(lines) > 12
    assert all(json.dumps(line).isascii() for line in lines)


def test_no_line_holds_a_token_a_password_a_cookie_a_name_or_an_email(
    service: Service, log: Log, sue: Visitor
) -> None:
    visitor = service.visitor()
    visitor.get(visitor.apply())
    sue.decide("decline", ADA, reason="Between-us")
    logged = str(log.lines())
    tokens = [visitor.link().split("/")[-1], sue.cookie(), token_of(sue.get("/review"))]
    for secret in (*tokens, ADA, SUE, ADA_PASSWORD, SUE_PASSWORD, "Lovelace", "Between-us"):
        assert secret not in logged


def test_the_documentation_lists_every_event_and_no_other() -> None:
    rows = re.findall(r"^\| (`.*?) \| [a-z, ]+ \|", PAGE, re.MULTILINE)
    documented = [event for row in rows for event in re.findall("`([^`]+)`", row)]
    # Flask logs this one itself.
    assert sorted(documented) == sorted([*LogEvent, "Exception on …"])


def test_every_log_call_names_a_declared_event() -> None:
    calls = [call for file in shape.PRODUCT for call in log_calls(ast.parse(file.read_text()))]

    assert len(calls) > 40
    for call in calls:
        # `log.log` takes the level first.
        event = call.args[call.func.attr == "log"]  # type: ignore[attr-defined]
        assert not isinstance(event, ast.Constant | ast.JoinedStr | ast.BinOp), ast.unparse(call)


def test_every_declared_event_is_used() -> None:
    used = "".join(file.read_text() for file in shape.PRODUCT)
    assert [event for event in LogEvent if f"LogEvent.{event.name}" not in used] == []


def log_calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            logger = ast.unparse(node.func.value)
            if re.fullmatch(r"log|logger|logging|.*\.logger", logger) and node.func.attr in LEVELS:
                yield node

"""What is logged: a line for each event, who, whence and how it ended, and no secret."""

import ast
import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from models.log_events import LogEvent
from signup.logging import JSONFormatter
from tests.support.paths import ROOT
from tests.support.service import ADA, ADA_PASSWORD, PUBLIC, Service, Visitor, token_of
from tests.support.strapi_file import SUE, SUE_PASSWORD

OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
CODE = [ROOT / "app.py", *ROOT.glob("models/**/*.py"), *ROOT.glob("signup/**/*.py")]
LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}

Said = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def said() -> Iterator[Said]:
    """The lines that were written since the last look."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JSONFormatter())
    logging.root.addHandler(handler)
    logging.root.setLevel("INFO")
    seen = 0

    def lines() -> list[dict[str, Any]]:
        nonlocal seen
        fresh, seen = stream.getvalue()[seen:], len(stream.getvalue())
        return [json.loads(line) for line in fresh.splitlines()]

    yield lines
    logging.root.removeHandler(handler)


@pytest.fixture
def sue(service: Service) -> Visitor:
    visitor = service.visitor()
    visitor.log_in()
    return visitor


def the(said: Said, event: str) -> dict[str, Any]:
    """The one line about this event."""
    found = [line for line in said() if line["event"] == event]
    assert len(found) == 1, event
    return found[0]


def test_a_line_says_when_where_who_and_what(service: Service, said: Said, sue: Visitor) -> None:
    service.visitor().apply()
    said()
    sue.decide("activate", service.signup()["strapi_id"])

    line = the(said, "activated")

    assert datetime.fromisoformat(line["time"]).utcoffset() == timedelta(0)
    assert re.fullmatch("[0-9a-f]{16}", line["request"])
    assert (line["ip"], line["page"]) == ("127.0.0.1", "decisions.activate")
    assert (line["by"], line["signup"], line["state"]) == ("s***@example.com", 1, "active")


def test_the_way_of_a_signup_is_told(service: Service, said: Said) -> None:
    service.visitor().apply()
    events = [line["event"] for line in said()]
    wanted = ["signup requested", "email sent", "confirmed", "email sent"]
    assert [event for event in events if event in wanted][:4] == wanted


def test_logins_are_told_of_however_they_end(service: Service, said: Said) -> None:
    visitor = service.visitor()
    visitor.log_in()
    assert the(said, "logged in")["account"] == "s***@example.com"
    for _ in range(5):
        visitor.log_in(password="Wrong1password")
    refused = [line for line in said() if line["event"] == "login refused"]
    assert [line["account"] for line in refused] == ["s***@example.com"] * 5
    visitor.log_in()
    assert the(said, "login limited")["account"] == "s***@example.com"
    api = service.app.test_client()
    api.get("/api/authors", auth=(SUE, "Wrong1password"))
    assert the(said, "login limited")["page"] == "api.authors"
    api.get("/api/authors")
    assert the(said, "login refused")["account"] is None


def test_a_password_typed_for_an_address_is_not_told(service: Service, said: Said) -> None:
    for typed in ("Hunter2secret", "P@ssw0rd-of-mine", f"{SUE_PASSWORD}"):
        service.visitor().log_in(typed, "Wrong1password")
    assert not re.search("unter2|ssw0rd|Super1", str(said()))


def test_sessions_are_told_of(service: Service, said: Said, sue: Visitor) -> None:
    said()
    sue.post("/review/logout", page="/review")
    the(said, "logged out")
    sue.get("/review")
    assert the(said, "session refused")["page"] == "queue.index"
    sue.log_in()
    said()
    sue.post("/review/logout/everywhere", page="/review")
    line = the(said, "logged out everywhere")
    assert (line["by"], line["sessions"]) == ("s***@example.com", 1)


@pytest.mark.parametrize("by", ["desk", "api"])
def test_decisions_are_told_of(start: Callable[..., Service], said: Said, by: str) -> None:
    service = start(UNDO_SECONDS=600)
    sue = service.visitor()
    sue.log_in()
    service.visitor().apply()
    author_id = service.signup()["strapi_id"]

    def decide(verb: str) -> None:
        if by == "desk":
            sue.decide(verb, author_id)
        else:
            path = f"/api/authors/{author_id}/{verb}"
            service.app.test_client().post(path, auth=(SUE, SUE_PASSWORD))

    said()
    decide("decline")
    assert the(said, "declined")["by"] == "s***@example.com"
    decide("activate")
    assert the(said, "decision refused")["reason"] == "decided"
    decide("undo")
    the(said, "taken back")
    decide("activate")
    assert the(said, "activated")["signup"] == 1


def test_links_that_are_none_or_over_or_used_are_told_of(
    service: Service, said: Said, later: Callable[[timedelta], None]
) -> None:
    visitor = service.visitor()
    visitor.get("/confirm/damaged")
    the(said, "link invalid")
    visitor.ask()
    service.deliver()
    old = visitor.link()
    visitor.ask()
    service.deliver()
    said()
    visitor.get(old)
    the(said, "link replaced")
    link, token = visitor.link(), token_of(visitor.get(visitor.link()))
    visitor.confirm()
    said()
    visitor.client.post(link, data={"csrf_token": token}, base_url=PUBLIC)
    the(said, "link used already")
    visitor.ask("grace@example.org")
    service.deliver()
    later(timedelta(days=3))
    said()
    visitor.get(visitor.link(email="grace@example.org"))
    the(said, "link expired")


def test_what_gets_around_nothing_is_told_of(service: Service, said: Said) -> None:
    client = service.app.test_client()
    client.post("/signup", base_url=PUBLIC)
    assert the(said, "form refused")["token"] == "missing"
    client.post("/signup", data={"csrf_token": "x"}, base_url=PUBLIC)
    assert the(said, "form refused")["token"] == "wrong"
    client.post("/signup", headers={"Origin": "https://evil.example"}, base_url=PUBLIC)
    assert the(said, "site refused")["origin"] == "https://evil.example"
    client.get("/signup", base_url="https://evil.example")
    assert the(said, "host refused")["host"] == "evil.example"
    for _ in range(29):
        client.post("/signup", base_url=PUBLIC)
    assert the(said, "rate limited")["limit"] == "30 per 1 hour"
    service.visitor().client.put("/signup", base_url=PUBLIC)
    assert the(said, "request failed")["status"] == 405


def test_letters_beyond_the_limit_of_a_mailbox_are_told_of(service: Service, said: Said) -> None:
    for _ in range(4):
        service.visitor().ask()
    assert the(said, "signup requested too often")["email"] == "a***@example.org"


def test_a_letter_that_is_parked_is_told_of(service: Service, said: Said) -> None:
    service.visitor().ask()
    service.mail.answer = "550 no such user"
    service.deliver()
    assert the(said, "email parked")["recipient"] == "a***@example.org"


def test_databases_that_are_out_are_told_of(service: Service, said: Said, sue: Visitor) -> None:
    with service.strapi.away():
        sue.get("/review")
    lines = said()
    assert [line["level"] for line in lines if line["event"] == "strapi unavailable"] == ["error"]
    service.ledger.do("DROP TABLE letter")
    service.visitor().ask()
    assert the(said, "ledger unavailable")["level"] == "error"


def test_nothing_that_is_typed_begins_a_line_of_its_own(service: Service, said: Said) -> None:
    for nasty in ("\r\n{}", "\x1b[31m", "\u2028", '"}', "\x00", "%s%d{0}"):
        service.visitor().log_in(f"a{nasty}@example.com", "x")
        service.app.test_client().post("/signup", headers={"Origin": repr(nasty)}, base_url=PUBLIC)
        service.app.test_client().get("/confirm/" + nasty, base_url=PUBLIC)
    lines = said()
    assert len(lines) > 12
    assert all(json.dumps(line).isascii() for line in lines)


def test_no_token_no_password_and_no_cookie_gets_into_a_line(
    service: Service, said: Said, sue: Visitor
) -> None:
    visitor = service.visitor()
    visitor.apply()
    visitor.get(visitor.link())
    sue.decide("decline", service.signup()["strapi_id"], reason="Between-us")
    cookie = sue.client.get_cookie("__Host-signup", domain="join.example.com")
    assert cookie
    told = str(said())
    token = visitor.link().split("/")[-1]
    for secret in (ADA, SUE, ADA_PASSWORD, SUE_PASSWORD, token, cookie.value, "Lovelace",
                   "Between-us", token_of(sue.get("/review"))):  # fmt: skip
        assert secret not in told


def test_the_documentation_lists_every_event_and_no_other() -> None:
    _, _, section = OPERATIONS.partition("## Log events")
    rows = re.findall(r"^\| (`.*?) \| [a-z, ]+ \|", section.partition("\n## ")[0], re.MULTILINE)
    documented = [event for row in rows for event in re.findall("`([^`]+)`", row)]
    # Flask logs this one itself.
    assert sorted(documented) == sorted([*LogEvent, "Exception on …"])


def test_every_log_call_names_a_declared_event() -> None:
    calls = [call for file in CODE for call in log_calls(ast.parse(file.read_text()))]

    assert len(calls) > 40
    for call in calls:
        # `log.log` takes the level first.
        event = call.args[call.func.attr == "log"]  # type: ignore[attr-defined]
        assert not isinstance(event, ast.Constant | ast.JoinedStr | ast.BinOp), ast.unparse(call)


def test_every_declared_event_is_used() -> None:
    used = "".join(file.read_text() for file in CODE)
    assert [event for event in LogEvent if f"LogEvent.{event.name}" not in used] == []


def log_calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            logger = ast.unparse(node.func.value)
            if re.fullmatch(r"log|logger|logging|.*\.logger", logger) and node.func.attr in LEVELS:
                yield node

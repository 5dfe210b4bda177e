"""The connection to a database server cut at any message, and above all at each COMMIT: before it
got there, or before its answer came back, when nobody can tell whether it was done."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count

import pytest

from tests.faults.cut_proxy import Line
from tests.support.database_servers import Server
from tests.support.service import Service, StrapiFile, Visitor, token_of
from tests.support.strapi_on_server import StrapiOnServer

Tally = Callable[..., None]
Act = Callable[[Visitor, str], int]

FULL = os.environ.get("FAULTS") == "full"
# Of the messages that are not a COMMIT, every so many is cut.
STRIDE = 1 if FULL else 9
# Seconds for which a visitor may wait.
PATIENCE = 6
# TLS would hide what is sent.
PLAIN = {"postgresql": {"sslmode": "disable"}, "mariadb": {"ssl_disabled": "1"}}


class Distant(StrapiOnServer):
    """A database that the service reaches over a line."""

    def __init__(self, there: StrapiOnServer, line: Line) -> None:
        super().__init__(there.server, there.database)
        self.line = line

    @property
    def address(self) -> str:
        address = self.server.url(self.database, **PLAIN[self.server.name])
        return address.replace(f":{self.server.port}/", f":{self.line.port}/")


@pytest.fixture
def line(server: Server) -> Iterator[Line]:
    line = Line(server.port)
    yield line
    line.stop()


@pytest.fixture
def strapi(server: Server, line: Line) -> StrapiFile:
    return Distant(StrapiOnServer.on(server, "strapi"), line)


@pytest.fixture
def records(server: Server, line: Line) -> StrapiFile:
    return Distant(StrapiOnServer.empty(server, "ledger"), line)


@pytest.fixture
def service(start: Callable[..., Service]) -> Service:
    return start(RATELIMIT_ENABLED=False, MAX_WAITING=100000)


def asks(visitor: Visitor, email: str) -> int:
    return visitor.ask(email).status_code


def confirms(visitor: Visitor, email: str) -> int:
    return visitor.confirm(visitor.link(email=email)).status_code


def withdraws(visitor: Visitor, email: str) -> int:
    link = visitor.link(email=email)
    return presses(visitor, link, f"{link}/withdraw")


def stops(visitor: Visitor, email: str) -> int:
    link = visitor.link("stop", email=email)
    return presses(visitor, link, link)


def presses(visitor: Visitor, page: str, button: str) -> int:
    """Press the page's button; where it is done already, the page has none."""
    seen = visitor.get(page)
    if seen.status_code >= 500 or not token_of(seen):
        return seen.status_code
    return visitor.post(button, page=page).status_code


def decides(verb: str) -> Act:
    def decide(visitor: Visitor, email: str) -> int:
        author_id = visitor.service.signup(email)["strapi_id"]
        return visitor.decide(verb, author_id, tell="y").status_code

    return decide


# What is done, what is done before, and how the signup stands afterwards.
ACTS: dict[str, tuple[Act, str, str]] = {
    "signup": (asks, "", "asked"),
    "confirm": (confirms, "asked", "waiting"),
    "stop": (stops, "asked", "stopped"),
    "withdraw": (withdraws, "waiting", "withdrawn"),
    "activate": (decides("activate"), "waiting", "active"),
    "decline": (decides("decline"), "waiting", "declined"),
}
# What a signup in each state is told of once, and with what its history ends.
TOLD = {
    "waiting": "has your application",
    "active": "You can write",
    "declined": "About your application",
}
DONE = {
    "asked": "asked",
    "waiting": "confirmed",
    "stopped": "stopped",
    "withdrawn": "withdrawn",
    "active": "activated",
    "declined": "declined",
}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("act", ACTS)
def test_whichever_commit_is_cut_nothing_is_lost_or_done_twice(
    service: Service, line: Line, tally: Tally, act: str, when: str
) -> None:
    tried, violations = cut_each(service, line, act, when, b"COMMIT", 1)
    assert tried >= 1
    tally(f"connection cut {when} each COMMIT", tried, violations)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("act", ACTS if FULL else ["signup", "confirm", "activate"])
def test_whichever_message_is_cut_nothing_is_lost_or_done_twice(
    service: Service, line: Line, tally: Tally, act: str, when: str
) -> None:
    tried, violations = cut_each(service, line, act, when, b"", STRIDE)
    assert tried >= 1
    tally(f"connection cut {when} any message", tried, violations)


def cut_each(
    service: Service, line: Line, act: str, when: str, only: bytes, stride: int
) -> tuple[int, list[str]]:
    """Let somebody do the act while the connection is cut at a message, and somebody else at a
    later one, until there is none left to cut; and say what went wrong."""
    do, before, after = ACTS[act]
    violations: list[str] = []
    for tried, nth in enumerate(count(1, stride)):  # noqa: B007 (how often is told below)
        email = f"author{nth}@example.org"
        visitor = prepared(service, email, before, act)
        began = time.monotonic()
        with line.cut(nth, when, only):
            status = do(visitor, email)
        waited = time.monotonic() - began
        found = unclear_answers(status, waited)
        if status not in (200, 303) and (again := do(visitor, email)) not in (200, 303):
            found.append(f"repeated, it is answered with {again}")
        service.deliver()
        found += wrong(service, email, after)
        name = (only or b"message").decode()
        violations += [f"{act}, cut {when} {name} {nth}: {each}" for each in found]
        if line.seen < nth:
            break
    return tried, violations


def prepared(service: Service, email: str, state: str, act: str) -> Visitor:
    """Whoever is about to do the act."""
    visitor = service.visitor()
    if state:
        visitor.ask(email)
        service.deliver()
    if state == "waiting":
        visitor.confirm(visitor.link(email=email))
        service.deliver()
    if act in ("activate", "decline"):
        visitor.log_in()
    return visitor


def unclear_answers(status: int, waited: float) -> list[str]:
    """What is wrong with an answer while the connection is cut."""
    found = [] if status in (200, 303, 503) else [f"the answer is {status}"]
    return found + ([f"the answer took {waited:.1f} s"] if waited > PATIENCE else [])


def wrong(service: Service, email: str, state: str) -> Iterator[str]:
    """What was lost, or done twice."""
    signups = service.rows("SELECT * FROM signup WHERE email = ? OR state = 'stopped'", email)
    if state == "stopped":
        mine = [signup for signup in signups if signup["id"] == max(s["id"] for s in signups)]
    else:
        mine = [signup for signup in signups if signup["email"] == email]
    if [signup["state"] for signup in mine] != [state]:
        yield f"the signups are {[signup['state'] for signup in mine]}"
        return
    rows = service.strapi.rows("SELECT * FROM admin_users WHERE email = ?", email)
    if len(rows) != (state in ("waiting", "active", "declined")):
        yield f"{len(rows)} rows in Strapi"
    if any(bool(row["is_active"]) != (state == "active") for row in rows):
        yield "Strapi and the ledger disagree"
    links = service.strapi.rows("SELECT user_id FROM admin_users_roles_lnk")
    admins = service.strapi.rows("SELECT id FROM admin_users")
    if sorted(link["user_id"] for link in links) != sorted(admin["id"] for admin in admins):
        yield "somebody has no role, or several, or a role has nobody"
    history = service.rows("SELECT what FROM event WHERE signup_id = ?", mine[0]["id"])
    done = Counter(event["what"] for event in history)
    # Who asks twice is sent two links.
    if done[DONE[state]] not in ((1, 2) if state == "asked" else (1,)):
        yield f"the history is {dict(done)}"
    letters = [each for each in service.mail.letters if each["To"] == email]
    told = [letter for letter in letters if TOLD.get(state, "Confirm") in letter["Subject"]]
    if not told or (state in TOLD and len(told) > 1):
        yield f"{len(told)} letters tell of it"

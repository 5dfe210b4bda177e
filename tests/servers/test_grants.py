"""Least privilege: an account with exactly the rights that docs/databases.md grants goes the whole way,
and without any one of them, `flask check` names it and nobody sees more than "try again"."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from models.signups.confirm import Application, note_intent
from models.signups.history import AUTHOR, Actor
from models.signups.signup import Signup
from models.strapi import Author
from models.timestamps import now
from tests.support.database_servers import Server
from tests.support.paths import ROOT
from tests.support.service import ADA, MailServer, Service, Visitor
from tests.support.strapi_on_server import StrapiOnServer
from tests.web.test_commands import run

PAPER = ROOT / "docs" / "databases.md"
ACCOUNT, PASSWORD = "author_signup", "Granted1little"
GRACE = "grace@example.org"

Later = Callable[[timedelta], None]


class Right(NamedTuple):
    """One right to one thing: a verb with a column, or without."""

    verb: str
    columns: str
    thing: str

    def withdrawn(self, account: str) -> str:
        return f"REVOKE {self.verb}{self.columns} ON {self.thing} FROM {account}"

    def granted(self, account: str) -> str:
        return f"GRANT {self.verb}{self.columns} ON {self.thing} TO {account}"


def statements(server: Server) -> list[str]:
    """What the paper tells the operator of this engine to run."""
    _, _, section = PAPER.read_text().partition("## What the account in Strapi's database needs\n")
    [block] = re.findall(rf"```{server.scheme}\n(.*?)```", section, re.DOTALL)
    written = block.replace("…", PASSWORD).replace("@'%'", "@'127.0.0.1'")
    return [each.strip() for each in written.split(";") if each.strip()]


def rights(server: Server) -> list[Right]:
    """Each right that the paper grants, for itself."""
    found = []
    for statement in statements(server)[1:]:
        told = re.fullmatch(r"GRANT (\w+)(?: \((.*)\))? ON (.*) TO .*", statement)
        assert told, statement
        verb, columns, things = told.groups()
        for thing in things.split(", "):
            each = [f" ({column})" for column in (columns or "").split(", ") if column]
            found += [Right(verb, column, thing) for column in each or [""]]
    return found


@pytest.fixture
def account(server: Server) -> str:
    return ACCOUNT if server.scheme == "postgresql" else f"{ACCOUNT}@'127.0.0.1'"


@pytest.fixture
def service(
    server: Server, account: str, tmp_path: Path, mail_server: MailServer
) -> Iterator[Service]:
    """The service, in Strapi's database as the account that the paper makes."""
    mail_server.forget()
    strapi = StrapiOnServer.on(server, "strapi")
    for statement in statements(server):
        server.run(statement, "strapi")
    address = server.url("strapi", ACCOUNT, PASSWORD)
    records = StrapiOnServer.empty(server, "ledger")
    named: dict[str, object] = {"STRAPI_DATABASE": address, "UNDO_SECONDS": 600}
    service = Service(strapi, mail_server, tmp_path / "ledger.db", named, records)
    yield service
    service.end()
    owned = f"DROP OWNED BY {ACCOUNT};" if server.scheme == "postgresql" else ""
    server.run(f"{owned} DROP USER {account}", "strapi")


@pytest.fixture
def sue(service: Service) -> Visitor:
    visitor = service.visitor()
    assert visitor.log_in().status_code == 303
    return visitor


def test_the_whole_way_takes_no_more_than_the_paper_grants(service: Service, sue: Visitor) -> None:
    assert run(service, "check").exit_code == 0
    service.visitor().apply()
    page = sue.get(f"/review/signup/{service.signup()['id']}").text
    assert "media library: read" in page

    for verb, active in (("activate", True), ("undo", False), ("activate", True)):
        assert run(service, verb, ADA).exit_code == 0
        assert bool((service.strapi.admin(ADA) or {})["is_active"]) == active


def test_authors_are_declined_withdrawn_stopped_and_forgotten(
    service: Service, sue: Visitor, later: Later
) -> None:
    visitor = service.visitor()
    withdrawn = visitor.apply()
    visitor.post(f"{withdrawn}/withdraw", page=withdrawn)
    service.deliver()
    assert service.strapi.admin(ADA) is None

    visitor.apply(GRACE)
    assert sue.decide("decline", service.signup(GRACE)["strapi_id"], tell="y").status_code == 303
    later(timedelta(days=366))
    service.deliver()
    assert service.strapi.admin(GRACE) is None

    visitor.apply("eve@example.org")
    visitor.post(visitor.link("stop", "eve@example.org"))
    service.deliver()
    assert len(service.strapi.admins()) == 1


def test_a_confirmation_cut_short_is_completed_by_the_next_click(service: Service) -> None:
    service.visitor().ask()
    service.deliver()
    with service.app.app_context():
        signup = Signup.get()
        note_intent(signup, Application("hashed", "Ada", None, None, Actor(AUTHOR), "de"), now())
        author = Author(signup.identity, "Ada", None, "hashed", "de")
        service.app.extensions["strapi"].write(lambda people: people.create_author(author))

    assert service.visitor().confirm().status_code == 303

    assert (service.strapi.admin(ADA) or {})["lastname"] == "Lovelace"


def test_without_any_one_right_the_check_names_it(
    server: Server, service: Service, account: str
) -> None:
    for right in rights(server):
        server.run(right.withdrawn(account), "strapi")
        said = run(service, "check")
        server.run(right.granted(account), "strapi")

        assert said.exit_code == 1, right
        assert told(said.output, right), (right, said.output)
        assert "docs/databases.md" in said.output
        assert ACCOUNT not in said.output

    assert run(service, "check").exit_code == 0


def test_without_a_right_people_are_asked_to_come_back_and_lose_nothing(
    server: Server, service: Service, account: str, sue: Visitor
) -> None:
    link = service.visitor().apply()
    service.visitor().ask(GRACE)
    service.deliver()
    for right in rights(server):
        if right.columns and right.columns not in {" (email)", " (role_id)", " (is_active)"}:
            continue
        server.run(right.withdrawn(account), "strapi")
        assert service.visitor().get(link).status_code == 200
        pages = ["/review", f"/review/signup/{service.signup()['id']}"]
        assert {sue.get(path).status_code for path in pages} <= {200, 503}, right
        if right.verb in {"INSERT", "USAGE"}:
            answer = service.visitor().confirm(service.visitor().link(email=GRACE))
            assert answer.status_code == 503
            assert 'value="Ada"' in answer.text
            assert "denied" not in answer.text
        server.run(right.granted(account), "strapi")

    assert service.visitor().confirm(service.visitor().link(email=GRACE)).status_code == 303


def told(said: str, right: Right) -> bool:
    """Whether the verb and the thing stand there; a sequence is used by those who INSERT."""
    verb = "INSERT" if right.verb == "USAGE" else right.verb
    return verb in said and right.thing.removeprefix("strapi.") in said

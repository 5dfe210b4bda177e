"""The rights that docs/databases.md grants to the account in Strapi's database.

They are enough for everything. If one is missing, `flask check` names it, and visitors are asked
to come back.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.database_servers import Server
from tests.support.paths import ROOT
from tests.support.service import ADA, GRACE, Later, Service, Visitor
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_on_server import StrapiOnServer

PAGE = ROOT / "docs" / "databases.md"
ACCOUNT, PASSWORD = "author_signup", "Granted1little"
EVE = "eve@example.org"


class Right(NamedTuple):
    """One right to one table or sequence, to all of it or to one column."""

    verb: str
    column: str
    table: str

    def revoke(self, account: str) -> str:
        return f"REVOKE {self.verb}{self.column} ON {self.table} FROM {account}"

    def grant(self, account: str) -> str:
        return f"GRANT {self.verb}{self.column} ON {self.table} TO {account}"

    def is_named_in(self, output: str) -> bool:
        """Whether a text names the verb and the table. Only an INSERT uses a sequence."""
        verb = "INSERT" if self.verb == "USAGE" else self.verb
        return verb in output and self.table.removeprefix("strapi.") in output


def statements(server: Server) -> list[str]:
    """The statements that the page tells the operator of this engine to run."""
    _, _, section = PAGE.read_text().partition("## What the account in Strapi's database needs\n")
    [block] = re.findall(rf"```{server.scheme}\n(.*?)```", section, re.DOTALL)
    written = block.replace("…", PASSWORD).replace("@'%'", "@'127.0.0.1'")
    return [each.strip() for each in written.split(";") if each.strip()]


def rights(server: Server) -> Iterator[Right]:
    """Every single right that the page grants."""
    for statement in statements(server)[1:]:
        found = re.fullmatch(r"GRANT (\w+)(?: \((.*)\))? ON (.*) TO .*", statement)
        assert found, statement
        verb, columns, tables = found.groups()
        for table in tables.split(", "):
            each = [f" ({column})" for column in (columns or "").split(", ") if column]
            yield from (Right(verb, column, table) for column in each or [""])


@pytest.fixture
def account(server: Server) -> str:
    return ACCOUNT if server.scheme == "postgresql" else f"{ACCOUNT}@'127.0.0.1'"


@pytest.fixture
def service(
    server: Server, account: str, tmp_path: Path, mail_server: SMTPServer
) -> Iterator[Service]:
    """The service with the account that the page creates."""
    mail_server.clear()
    strapi = StrapiOnServer.on(server, "strapi")
    for statement in statements(server):
        server.run(statement, "strapi")
    ledger = StrapiOnServer.empty(server, "ledger")
    url = server.url("strapi", ACCOUNT, PASSWORD)
    settings: dict[str, object] = {"STRAPI_DATABASE": url, "UNDO_SECONDS": 600}
    service = Service(strapi, mail_server, ledger, settings)
    yield service
    service.end()
    owned = f"DROP OWNED BY {ACCOUNT};" if server.scheme == "postgresql" else ""
    server.run(f"{owned} DROP USER {account}", "strapi")


def test_the_granted_rights_are_enough_for_a_decision(service: Service, sue: Visitor) -> None:
    assert service.run("check").exit_code == 0
    service.visitor().apply()
    page = sue.get(f"/review/signup/{service.signup()['id']}").text
    assert "media library: read" in page

    for verb, active in (("activate", True), ("undo", False), ("activate", True)):
        assert service.run(verb, ADA).exit_code == 0
        assert service.strapi.is_active(ADA) == active


def test_the_granted_rights_are_enough_to_delete_an_author(
    service: Service, sue: Visitor, later: Later
) -> None:
    visitor = service.visitor()
    withdrawn = visitor.apply()
    visitor.post(f"{withdrawn}/withdraw", page=withdrawn)
    service.deliver()
    assert service.strapi.admin(ADA) is None

    visitor.apply(GRACE)
    assert sue.decide("decline", GRACE, tell="y").status_code == 303
    later(timedelta(days=366))
    service.deliver()
    assert service.strapi.admin(GRACE) is None

    visitor.apply(EVE)
    visitor.post(visitor.link("stop", EVE))
    service.deliver()
    assert len(service.strapi.admins()) == 1


def test_the_granted_rights_are_enough_to_repeat_a_confirmation(service: Service) -> None:
    link = service.visitor().ask_and_get_link()
    service.confirm_half()
    service.language = "de"

    assert service.visitor().confirm(link, lastname="Byron").status_code == 303

    ada = service.strapi.admin(ADA) or {}
    assert (ada["lastname"], ada["prefered_language"]) == ("Byron", "de")


def test_a_missing_right_is_named_by_the_check(
    server: Server, service: Service, account: str
) -> None:
    for right in rights(server):
        server.run(right.revoke(account), "strapi")
        check = service.run("check")
        server.run(right.grant(account), "strapi")

        assert check.exit_code == 1, right
        assert right.is_named_in(check.output), (right, check.output)
        assert "docs/databases.md" in check.output
        assert ACCOUNT not in check.output

    assert service.run("check").exit_code == 0


def test_without_a_right_visitors_are_asked_to_come_back_and_lose_nothing(
    server: Server, service: Service, account: str, sue: Visitor
) -> None:
    link = service.visitor().apply()
    service.visitor().ask(GRACE)
    service.deliver()
    for right in rights(server):
        if right.column and right.column not in {" (email)", " (role_id)", " (is_active)"}:
            continue
        server.run(right.revoke(account), "strapi")
        assert service.visitor().get(link).status_code == 200
        pages = ["/review", f"/review/signup/{service.signup()['id']}"]
        assert {sue.get(path).status_code for path in pages} <= {200, 503}, right
        if right.verb in {"INSERT", "USAGE"}:
            answer = service.visitor().confirm(service.visitor().link(email=GRACE))
            assert answer.status_code == 503
            assert 'value="Ada"' in answer.text
            assert "denied" not in answer.text
        server.run(right.grant(account), "strapi")

    assert service.visitor().confirm(service.visitor().link(email=GRACE)).status_code == 303

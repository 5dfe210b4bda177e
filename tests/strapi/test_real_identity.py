"""The newest Strapi, whose authors and super admins do what the service must keep up with."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.strapi.test_real_strapi import Beside
from tests.support.network import free_port
from tests.support.service import ADA, ADA_PASSWORD, TOM, Service
from tests.support.strapi_file import STRAPI_VERSIONS, SUE, SUE_PASSWORD, StrapiFile
from tests.support.strapi_server import NEEDS_STRAPI, cached

pytestmark = NEEDS_STRAPI
NEW = "ada.l@example.org"
UNICODE, ASCII = "ada@bücher.example", "ada@xn--bcher-kva.example"


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beside]:
    file = tmp_path_factory.mktemp("strapi") / "data.db"
    with cached(STRAPI_VERSIONS[-1], free_port()) as server:
        server.install()
        server.start(file)
        yield Beside(server, StrapiFile(file))
        server.stop()
    assert server.failures() == []


@pytest.fixture
def strapi(beside: Beside) -> Iterator[StrapiFile]:
    yield beside.database
    beside.database.do("DELETE FROM admin_users WHERE email <> ?", SUE)


def logged_in(beside: Beside, email: str) -> str:
    status, answer = beside.server.log_in(email, ADA_PASSWORD)
    assert status == 200
    return str(answer["data"]["token"])


@pytest.mark.parametrize("noticed", [False, True])
def test_an_author_who_changes_the_email_cannot_escape_an_undo(
    beside: Beside, undoing: Service, noticed: bool
) -> None:
    sue, number = undoing.reviewer(), undoing.author_id()
    sue.decide("activate", number)
    token = logged_in(beside, ADA)
    change = {"email": NEW, "currentPassword": ADA_PASSWORD}
    assert beside.server.call("PUT", "/admin/users/me", change, token)[0] == 200
    if noticed:
        undoing.deliver()

    assert sue.decide("undo", number).status_code == 303

    assert beside.server.call("GET", "/admin/users/me", token=token)[0] == 401
    assert beside.server.log_in(NEW, ADA_PASSWORD)[0] == 400
    undoing.deliver()
    assert f"{ADA} → {NEW}" in sue.get(f"/review/signup/{undoing.signup(NEW)['id']}").text
    undoing.visitor().ask(ADA)
    assert "waiting" in undoing.deliver()[-1]["Subject"]


def test_an_account_that_its_owner_disputes_is_gone_once_it_is_switched_off(
    beside: Beside, undoing: Service
) -> None:
    undoing.reviewer().decide("activate", ADA)
    visitor = undoing.visitor()
    visitor.post(visitor.link("stop"))
    assert [message["To"] for message in undoing.deliver()] == [SUE]
    logged_in(beside, ADA)

    assert beside.save(beside.user(ADA), isActive=False)[0] == 200
    undoing.deliver()

    assert beside.server.log_in(ADA, ADA_PASSWORD)[0] == 400
    assert [row["email"] for row in beside.database.admins()] == [SUE]


def test_a_decision_that_waits_ends_with_a_blocked_reviewer(
    beside: Beside, undoing: Service
) -> None:
    beside.database.add_admin(TOM, SUE_PASSWORD, "strapi-super-admin")
    tom = undoing.reviewer(TOM)
    opened = tom.get("/review")
    with closing(sqlite3.connect(beside.database.path, isolation_level=None)) as busy:
        busy.execute("BEGIN IMMEDIATE")
        assert tom.send(f"/review/{undoing.author_id()}/activate", opened).status_code == 503
    assert beside.save(beside.user(TOM), isActive=False)[0] == 200
    undoing.deliver()

    assert beside.server.log_in(ADA, ADA_PASSWORD)[0] == 400
    assert "no longer an active super admin" in undoing.run("show", ADA).output


def test_strapi_and_the_service_make_one_account_of_one_mailbox(
    beside: Beside, service: Service
) -> None:
    [role] = beside.database.rows("SELECT id FROM admin_roles WHERE code = 'strapi-author'")
    person = {"firstname": "Ada", "lastname": "L", "email": UNICODE, "roles": [role["id"]]}
    assert beside.server.call("POST", "/admin/users", person, beside.token)[0] == 201
    for spelling in (UNICODE, ASCII):
        service.visitor().ask(spelling)
    subjects = {message["Subject"] for message in service.deliver()}
    assert subjects == {"You have an account at cms.example.com"}
    assert len(beside.database.admins()) == 2

    beside.database.do("DELETE FROM admin_users WHERE email <> ?", SUE)
    ours = "ada@xn--mller-kva.example"
    service.visitor().confirm(service.visitor().ask_and_get_link(ours))
    person["email"] = "ada@müller.example"
    assert beside.server.call("POST", "/admin/users", person, beside.token)[0] == 201
    assert service.reviewer().decide("activate", ours).status_code == 409

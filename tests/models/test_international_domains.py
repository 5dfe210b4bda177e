"""Two spellings of one domain are one mailbox (IDNA 2008)."""

import pytest

from models.emails import comparable
from tests.conftest import every_engine, every_strapi
from tests.support.service import Service, Start, Visitor
from tests.support.strapi_file import SUE, SUE_PASSWORD

UNICODE, ASCII = "ada@bücher.example", "ada@xn--bcher-kva.example"
SAME = [
    (UNICODE, ASCII),
    (ASCII, "Ada@BÜCHER.Example"),
    ("ADA@XN--BCHER-KVA.EXAMPLE", UNICODE),
    ("Ada@BÜCHER.example", ASCII),
    ("ada@bu\u0308cher.example", ASCII),
    ("ada@bücher。example", UNICODE),
    ("ada@xn--caf-dma.bücher.example", "ada@café.xn--bcher-kva.example"),
    ("ada@STRAẞE.example", "ada@straße.example"),
    ("ada@ΒΌΛΟΣ.example", "ada@xn--nxasmq6b.example"),
    ("ada@βόλος.example", "ada@xn--nxasmm1c.example"),
    ("ada@ｅxample.org", "ada@example.org"),
]
DIFFERENT = [
    ("ada@strasse.example", "ada@straße.example"),
    ("ada@βόλοσ.example", "ada@βόλος.example"),
    ("ada@bucher.example", "ada@bücher.example"),
    ("a%a@bücher.example", "ada@bücher.example"),
    ("a_a@bücher.example", "ada@bücher.example"),
    ("ada@foo_bar.bücher", "ada@bücher.example"),
]


@every_strapi
def test_an_account_of_strapi_is_known_in_every_spelling(service: Service) -> None:
    for number, (theirs, typed) in enumerate(SAME):
        row = service.strapi.add_admin(theirs, None, "strapi-editor")
        service.visitor().ask(typed)
        [email] = service.deliver()
        assert email["Subject"] == "You have an account at cms.example.com", (theirs, typed)
        service.strapi.do("DELETE FROM admin_users WHERE id = ?", row)
        # Two spellings are one mailbox, and only so many emails go to it.
        service.ledger.do("UPDATE letter SET owed_at = 1")
        assert len(service.strapi.admins()) == 1, number


@pytest.mark.parametrize(("theirs", "typed"), DIFFERENT)
def test_another_domain_is_another_person(service: Service, theirs: str, typed: str) -> None:
    service.strapi.add_admin(theirs, None, "strapi-editor")
    service.visitor().ask(typed)
    service.deliver()

    link = service.visitor().link(email=comparable(typed))
    assert service.visitor().confirm(link).status_code == 303
    assert service.strapi.admin(comparable(typed))


@every_engine
def test_a_double_that_strapi_makes_is_noticed_and_not_activated(
    service: Service, sue: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    service.visitor().ask(UNICODE)
    service.deliver()
    service.visitor().confirm(service.visitor().link(email=ASCII))
    service.strapi.add_admin(UNICODE, None, "strapi-editor")
    service.deliver()

    assert "email duplicated in strapi" in caplog.text
    assert "Strapi has another account of this address" in sue.get("/review").text
    assert sue.decide("activate", ASCII).status_code == 409


@every_engine
def test_the_panels_spelling_is_no_change_of_the_email(service: Service) -> None:
    service.visitor().ask(UNICODE)
    service.deliver()
    service.visitor().confirm(service.visitor().link(email=ASCII))
    service.deliver()
    service.strapi.change(ASCII, f"email = '{UNICODE}'")
    service.app.extensions["reconciler"].run()

    assert service.rows("SELECT * FROM event WHERE what = 'email changed'") == []
    for spelling in (UNICODE, ASCII, " Ada@BÜCHER.example "):
        assert "confirmed" in service.run("show", spelling).output
    assert service.run("activate", "ADA@bücher.EXAMPLE").exit_code == 0
    assert service.strapi.is_active(UNICODE)


def test_the_search_finds_each_spelling(service: Service, sue: Visitor) -> None:
    service.visitor().ask(UNICODE)
    service.deliver()
    service.visitor().confirm(service.visitor().link(email=ASCII))
    for text in (UNICODE, ASCII, "Ada@BÜCHER.example", "bücher.example", "bücher", "xn--bcher"):
        assert ASCII in sue.get(f"/review?q={text}").text, text
        found = service.app.test_client().get(f"/api/authors?q={text}", auth=(SUE, SUE_PASSWORD))
        assert found.json
        assert found.json["total"] == 1, text


@pytest.mark.parametrize(("theirs", "typed"), [(UNICODE, ASCII), (ASCII, UNICODE.upper())])
def test_a_reviewer_logs_in_with_each_spelling(service: Service, theirs: str, typed: str) -> None:
    service.strapi.change(SUE, f"email = '{theirs}'")

    assert service.visitor().log_in(typed).status_code == 303
    api = service.app.test_client().get("/api/authors", auth=(typed, SUE_PASSWORD))
    assert api.status_code == 200
    assert service.run("logout", typed).output == "1 session ended\n"


def test_another_spelling_is_no_way_around_the_login_limit(service: Service) -> None:
    service.strapi.change(SUE, f"email = '{UNICODE}'")
    spellings = [UNICODE, ASCII, UNICODE.upper(), ASCII.upper(), "ada@bücher。example", ASCII]
    statuses = [service.visitor().log_in(each, "Wrong1password").status_code for each in spellings]

    assert statuses == [422] * 5 + [429]


def test_a_reviewer_turns_emails_off_in_each_spelling(start: Start) -> None:
    service = start(REVIEWERS=[UNICODE])
    service.strapi.change(SUE, f"email = '{ASCII}'")
    sue = service.reviewer(ASCII)
    assert "Turn that off" in sue.get("/review").text
    sue.post("/review/notices/off", page="/review")
    service.visitor().apply()

    assert ASCII not in [message["To"] for message in service.mail.messages]

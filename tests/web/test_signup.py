"""The signup form: it takes every request, tells nothing about an email, and promises an email."""

import re
from datetime import timedelta

import pytest

from tests.support.service import ADA, PUBLIC, Later, Service, Start, token_of
from tests.support.smtp_server import html, text
from tests.support.strapi_file import SUE

NEW, ASKED, STOPPED = "new@example.org", "asked@example.org", "stopped@example.org"
WAITING, ACTIVE, DECLINED = "waiting@example.org", "active@example.org", "declined@example.org"


def have_people_in_every_state(service: Service) -> None:
    visitor, sue = service.visitor(), service.reviewer()
    for email in (ACTIVE, WAITING, DECLINED):
        visitor.apply(email)
    sue.decide("activate", ACTIVE)
    sue.decide("decline", DECLINED, reason="", tell="y")
    visitor.ask(ASKED)
    visitor.ask_and_get_link(STOPPED)
    visitor.post(visitor.link("stop", STOPPED))
    service.deliver()


def test_the_answer_and_the_work_are_the_same_for_every_email(service: Service) -> None:
    have_people_in_every_state(service)

    answers, written = set(), set()
    for email in (NEW, ASKED, WAITING, ACTIVE, DECLINED, STOPPED, SUE):
        before = len(service.emails())
        visitor = service.visitor()
        answer = visitor.ask(email)
        headers = [(k, v) for k, v in answer.headers.items() if k != "Set-Cookie"]
        page = re.sub(r'name="csrf_token"[^>]+', "", visitor.get(answer.location).text)
        answers.add((answer.status_code, str(headers), answer.text, page))
        written.add(len(service.emails()) - before)

    assert len(answers) == 1
    assert written == {1}


def test_each_person_gets_the_email_that_fits(service: Service) -> None:
    have_people_in_every_state(service)

    subjects = {}
    for email in (NEW, WAITING, ACTIVE, DECLINED, SUE, STOPPED):
        service.visitor().ask(email)
        subjects[email] = [message["Subject"] for message in service.deliver()]

    assert subjects == {
        NEW: ["Confirm your address for cms.example.com"],
        WAITING: ["Your application to cms.example.com is waiting"],
        ACTIVE: ["You have an account at cms.example.com"],
        DECLINED: ["About your application to cms.example.com"],
        SUE: ["You have an account at cms.example.com"],
        STOPPED: [],
    }


def test_the_first_email_holds_nothing_that_a_visitor_typed(service: Service) -> None:
    service.visitor().ask(first="Buy pills", last="evil dot example")
    [email] = service.deliver()

    assert not re.search("pills|evil", email.as_string() + text(email) + html(email))


HIDDEN = "Remove the characters that cannot be seen, then try again."
NO_EMAIL = "Enter an e-mail address like name@example.com."


@pytest.mark.parametrize(
    ("field", "typed", "message"),
    [
        ("firstname", "   ", "Enter your first name."),
        ("firstname", "x" * 65, "Use at most 64 characters here."),
        ("firstname", "A\x0bBcc: x", HIDDEN),
        ("lastname", "L\u202eecalevol", HIDDEN),
        ("lastname", "\N{SLICE OF PIZZA}" * 64, "This is too long. Shorten it, please."),
        ("email", "", "Enter your e-mail address."),
        ("email", "ada", NO_EMAIL),
        ("email", "a@example.org,b@example.org", NO_EMAIL),
    ],
)
def test_bad_input_gets_a_message_at_its_field_and_loses_nothing(
    service: Service, field: str, typed: str, message: str
) -> None:
    given = {"firstname": "Ada", "lastname": "Lovelace", "email": ADA, field: typed}

    answer = service.visitor().post("/signup", **given)

    assert answer.status_code == 422
    assert f'id="{field}-error">{message}<' in answer.text
    assert "<title>Error: " in answer.text
    for name in {"firstname", "lastname", "email"} - {field}:
        assert f'value="{given[name]}"' in answer.text
    assert service.rows("SELECT * FROM signup") == service.emails() == []


def test_a_form_without_its_token_comes_back_filled_in(service: Service) -> None:
    given = {"firstname": "Ada", "lastname": "Lovelace", "email": ADA}

    answer = service.visitor().client.post("/signup", data=given)

    assert answer.status_code == 400
    assert "Please press the button again" in answer.text
    for value in given.values():
        assert f'value="{value}"' in answer.text


def test_an_email_is_stored_and_written_to_in_one_form(service: Service) -> None:
    service.visitor().ask(" Ada@straße.Example.ORG ")
    service.deliver()

    assert service.signup("ada@xn--strae-oqa.example.org")
    assert service.mail.recipients == [["ada@xn--strae-oqa.example.org"]]


# One form for each visitor


def test_the_form_differs_between_visitors_in_its_token_alone(service: Service) -> None:
    pages = [service.visitor().get("/signup") for _ in range(3)]

    assert len({token_of(page) for page in pages}) == 3
    assert len({page.text.replace(token_of(page), "") for page in pages}) == 1


def test_a_token_stays_with_its_visitor_and_works_for_no_other(service: Service) -> None:
    first, second = service.visitor(), service.visitor()
    tokens = [token_of(visitor.get("/signup")) for visitor in (first, second, first, second)]
    stolen = {"csrf_token": tokens[1]}

    assert tokens[:2] == tokens[2:]
    assert first.client.post("/signup", data=stolen, base_url=PUBLIC).status_code == 400
    assert [visitor.ask().status_code for visitor in (first, second)] == [303, 303]


def test_what_a_visitor_typed_is_in_no_other_form(service: Service) -> None:
    visitor = service.visitor()
    visitor.ask(ADA)

    assert ADA in visitor.get("/signup?correct=1").text
    assert ADA not in visitor.get("/signup").text
    assert ADA not in service.visitor().get("/signup?correct=1").text


def test_each_language_has_its_own_form_whichever_was_shown_before(service: Service) -> None:
    shown = []
    for language in ("", "de", "fr", "de", ""):
        service.language = language
        page = service.visitor().get("/signup").text
        shown.append((re.findall('<html lang="(..)"', page)[0], "Vorname" in page))
    assert shown == [("en", False), ("de", True), ("fr", False), ("de", True), ("en", False)]


def test_asking_again_sends_a_fresh_link_three_times_an_hour_and_six_a_day(
    service: Service, later: Later
) -> None:
    sent = []
    for _ in range(3):
        for _ in range(4):
            service.visitor().ask()
        sent.append(len(service.deliver()))
        later(timedelta(hours=2))

    assert sent == [3, 3, 0]
    assert len(service.rows("SELECT * FROM signup")) == 1


def test_links_start_with_the_public_url_whatever_a_request_says(start: Start) -> None:
    service = start(PUBLIC_URL="http://join.example.com/authors", RATELIMIT_ENABLED=False)
    client = service.app.test_client()
    host = {"Host": "127.0.0.1:5000"}
    token = token_of(client.get("/signup", headers=host))
    given = {"csrf_token": token, "firstname": "Ada", "email": ADA}
    forged = {**host, "X-Forwarded-Host": "evil.example"}

    answer = client.post("/signup", data=given, headers=forged)
    [email] = service.deliver()

    assert answer.location == "/authors/signup/sent"
    assert not re.search(r"evil|127\.0\.0\.1", text(email) + html(email))
    assert len(re.findall("http://join.example.com/authors/(?:confirm|stop)/", text(email))) == 2


def test_a_closed_form_says_so_and_links_already_sent_still_work(start: Start) -> None:
    start().visitor().ask_and_get_link()

    visitor = start(OPEN=False).visitor()
    assert "Applications are closed" in visitor.get("/signup").text
    assert visitor.client.post("/signup").status_code == 403
    assert visitor.confirm().status_code == 303


def test_a_slip_in_a_known_domain_is_pointed_out_whoever_has_the_email(service: Service) -> None:
    service.visitor().apply("known@gmial.com")
    service.strapi.add_admin("admin@gmial.com", None, "strapi-editor")
    for name in ("known", "admin", "new"):
        visitor = service.visitor()
        assert visitor.ask(f"{name}@gmial.com").status_code == 303
        sent = visitor.get("/signup/sent").text
        assert f"You wrote <strong>{name}@gmial.com</strong>" in sent
        assert f"Did you mean <strong>{name}@gmail.com</strong>?" in sent
        assert f'value="{name}@gmial.com"' in visitor.get("/signup?correct=1").text
    assert "new@gmial.com" in [message["To"] for message in service.deliver()]


ALLOWED, WILD = {"ALLOWED_DOMAINS": "example.org"}, {"ALLOWED_DOMAINS": "*.example.org"}
BOTH = {"ALLOWED_DOMAINS": "*.example.org, uni.example.com"}
BOOKS = {"ALLOWED_DOMAINS": ["Bücher.example.org"]}
BLOCKED = {"BLOCKED_DOMAINS": "*.example.net, example.net"}


@pytest.mark.parametrize(
    ("settings", "email", "refusal"),
    [
        (ALLOWED, "ada@EXAMPLE.org", None),
        (ALLOWED, "ada@sub.example.org", "Use an address at example.org"),
        (ALLOWED, "ada@notexample.org", "Use an address at example.org"),
        (WILD, "ada@example.org", "Use an address at *.example.org"),
        (BOTH, "ada@a.b.example.org", None),
        (BOTH, "ada@uni.example.com", None),
        (BOOKS, "ada@xn--bcher-kva.example.org", None),
        (BOOKS, "ada@bücher.example.org", None),
        (BLOCKED, "ada@example.org", None),
        (BLOCKED, "a@x.example.net", "cannot be used here"),
        (WILD | {"BLOCKED_DOMAINS": "bad.example.org"}, "a@bad.example.org", "cannot be used here"),
    ],
)
def test_a_domain_that_may_not_apply_is_refused_at_once(
    start: Start, settings: dict[str, object], email: str, refusal: str | None
) -> None:
    service = start(**settings)
    answer = service.visitor().ask(email)
    assert answer.status_code == (422 if refusal else 303)
    assert (refusal or "") in answer.text
    assert len(service.emails()) == (0 if refusal else 1)

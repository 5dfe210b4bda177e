"""Page 1: takes anybody's request, tells nobody anything, and promises a letter."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.support.service import ADA, Service, token_of
from tests.support.smtp_server import html, text
from tests.support.strapi_file import SUE


def test_the_answer_is_the_same_for_every_address(service: Service) -> None:
    active, waiting, asked = "active@example.org", "waiting@example.org", "asked@example.org"
    declined, stopped = "declined@example.org", "stopped@example.org"
    visitor, sue = service.visitor(), service.visitor()
    for email in (active, waiting, declined):
        visitor.apply(email)
    sue.log_in()
    sue.decide("activate", service.signup(active)["strapi_id"])
    sue.decide("decline", service.signup(declined)["strapi_id"], reason="", tell="y")
    visitor.ask(asked)
    visitor.ask(stopped)
    service.deliver()
    visitor.post(visitor.link("stop", stopped))

    answers, written = set(), set()
    for email in ("new@example.org", asked, waiting, active, declined, stopped, SUE):
        owed = service.rows("SELECT count(*) AS letters FROM letter")[0]["letters"]
        answer = service.visitor().ask(email)
        headers = [(k, v) for k, v in answer.headers.items() if k != "Set-Cookie"]
        page = service.visitor().get(answer.location)
        answers.add((answer.status_code, str(headers), answer.text, page.text))
        now = service.rows("SELECT count(*) AS letters FROM letter")[0]["letters"]
        written.add(now - owed)

    assert len(answers) == 1
    assert written == {1}


def test_each_address_gets_the_letter_that_fits(service: Service) -> None:
    active, waiting, declined = "active@example.org", "waiting@example.org", "declined@example.org"
    visitor, sue = service.visitor(), service.visitor()
    for email in (active, waiting, declined):
        visitor.apply(email)
    sue.log_in()
    sue.decide("activate", service.signup(active)["strapi_id"])
    sue.decide("decline", service.signup(declined)["strapi_id"], reason="", tell="y")
    visitor.ask("stopped@example.org")
    service.deliver()
    visitor.post(visitor.link("stop", "stopped@example.org"))
    service.deliver()

    said = {}
    for email in ("new@example.org", waiting, active, declined, SUE, "stopped@example.org"):
        visitor.ask(email)
        said[email] = [letter["Subject"] for letter in service.deliver()]

    assert said == {
        "new@example.org": ["Confirm your address for cms.example.com"],
        waiting: ["Your application to cms.example.com is waiting"],
        active: ["You have an account at cms.example.com"],
        declined: ["About your application to cms.example.com"],
        SUE: ["You have an account at cms.example.com"],
        "stopped@example.org": [],
    }


def test_the_first_letter_holds_nothing_that_a_visitor_typed(service: Service) -> None:
    service.visitor().ask(first="Buy pills", last="evil dot example")
    [letter] = service.deliver()

    source = letter.as_string() + text(letter) + html(letter)
    assert "pills" not in source
    assert "evil" not in source
    assert letter["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize(
    ("field", "typed", "message"),
    [
        ("firstname", "", "Enter your first name."),
        ("firstname", "   ", "Enter your first name."),
        ("firstname", "x" * 65, "Use at most 64 characters here."),
        ("firstname", "A\x0bBcc: x", "Remove the characters that cannot be seen, then try again."),
        (
            "lastname",
            "L\u202eecalevol",
            "Remove the characters that cannot be seen, then try again.",
        ),
        ("lastname", "\N{SLICE OF PIZZA}" * 64, "This is too long. Shorten it, please."),
        ("email", "", "Enter your e-mail address."),
        ("email", "ada", "Enter an e-mail address like name@example.com."),
        ("email", "ada@localhost", "Enter an e-mail address like name@example.com."),
        ("email", "a@example.org,b@example.org", "Enter an e-mail address like name@example.com."),
        ("email", "ädä@example.org", "Enter an e-mail address like name@example.com."),
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
    assert service.rows("SELECT * FROM signup") == service.rows("SELECT * FROM letter") == []


@pytest.mark.parametrize(
    "name", ["O’Neil", "Anne-Marie", "Nguyễn", "李", "J.R.R.", "ناصر\u200cزاده"]
)
def test_people_may_be_called_what_they_are_called(service: Service, name: str) -> None:
    assert service.visitor().ask(first=name).status_code == 303
    assert service.signup()["firstname"] == name


UPLOAD = b'--b\r\nContent-Disposition: form-data; name="email"; filename="x"\r\n\r\nx\r\n--b--\r\n'


@pytest.mark.parametrize("path", ["/signup", "/review/login"])
@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"json": [1]}, 415),
        ({"json": {"email": 5}}, 415),
        ({"data": "x", "content_type": "text/plain"}, 415),
        ({"data": UPLOAD, "content_type": "multipart/form-data; boundary=b"}, 400),
        ({"data": {"email": [ADA, "b@example.org"]}}, 400),
        ({"headers": {"Origin": "http://["}}, 400),
        ({"headers": {"Origin": "null"}}, 400),
    ],
)
def test_what_is_no_form_is_refused(
    service: Service, path: str, given: dict[str, Any], status: int
) -> None:
    assert service.app.test_client().post(path, **given).status_code == status
    assert service.rows("SELECT * FROM letter") == []


def test_a_page_that_was_open_too_long_comes_back_filled_in(service: Service) -> None:
    given = {"firstname": "Ada", "lastname": "Lovelace", "email": ADA}

    answer = service.visitor().client.post("/signup", data=given)

    assert answer.status_code == 400
    assert "Please press the button again" in answer.text
    for value in given.values():
        assert f'value="{value}"' in answer.text


def test_another_site_cannot_send_the_form(service: Service) -> None:
    for header in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = service.app.test_client().post("/signup", headers=header)
        assert answer.status_code == 400
    assert service.rows("SELECT * FROM letter") == []


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" Ada@Example.ORG ", "ada@example.org"),
        ("ada@straße.example.org", "ada@xn--strae-oqa.example.org"),
        ("a+b@example.org", "a+b@example.org"),
    ],
)
def test_an_address_is_kept_and_written_to_in_one_form(
    service: Service, typed: str, kept: str
) -> None:
    service.visitor().ask(typed)
    service.deliver()

    assert service.signup(kept)
    assert service.mail.recipients == [[kept]]


def test_the_form_is_the_same_for_everybody_but_for_its_token(service: Service) -> None:
    pages = [service.visitor().get("/signup") for _ in range(3)]

    tokens = {token_of(page) for page in pages}
    assert len(tokens) == 3
    assert len({page.text.replace(token_of(page), "") for page in pages}) == 1


def test_the_form_knows_its_visitors_again_and_works_for_each(service: Service) -> None:
    first, second = service.visitor(), service.visitor()
    tokens = [token_of(visitor.get("/signup")) for visitor in (first, second, first, second)]
    stolen = first.client.post(
        "/signup", data={"csrf_token": tokens[1]}, base_url=service.public
    ).status_code
    answers = [visitor.ask(f"{n}@example.org") for n, visitor in enumerate((first, second))]

    assert tokens[:2] == tokens[2:]
    assert stolen == 400
    assert [answer.status_code for answer in answers] == [303, 303]


def test_what_somebody_typed_is_in_nobody_elses_form(service: Service) -> None:
    visitor = service.visitor()
    visitor.ask(ADA)

    assert ADA in visitor.get("/signup?correct=1").text
    assert ADA not in visitor.get("/signup").text
    assert ADA not in service.visitor().get("/signup?correct=1").text


def test_each_language_has_its_own_form_whoever_came_first(service: Service) -> None:
    def form(path: str = "/signup", prefers: str = "") -> str:
        visitor = service.visitor()
        visitor.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = prefers
        return visitor.get(path).text

    for _ in range(2):
        current_language = [form(), form(prefers="de"), form("/signup?lang=fr"), form(prefers="de")]

        assert [re.findall('<html lang="(..)"', page) for page in current_language] == [
            ["en"],
            ["de"],
            ["fr"],
            ["de"],
        ]
        assert "Vorname" in current_language[1]
        assert "Vorname" not in current_language[0]


def test_two_services_in_one_process_show_forms_of_their_own(start: Callable[..., Service]) -> None:
    one = start(SITE_NAME="The Gazette", LANGUAGES=["en", "de"])
    one.visitor().get("/signup")
    other = start(SITE_NAME="The Mirror", LANGUAGES=["de"], ACCENT_COLOR="#7a0b3f")
    pages = [each.visitor().get("/signup").text for each in (one, other, one, other)]

    for page in pages[::2]:
        assert "The Gazette" in page
        assert "accent.css" not in page
        assert "?lang=de" in page
    for page in pages[1::2]:
        assert "The Mirror" in page
        assert "accent.css?v=7a0b3f" in page
        assert "Vorname" in page
        assert "?lang=" not in page


def test_asking_again_sends_a_fresh_link_but_not_for_ever(
    service: Service, later: Callable[[timedelta], None]
) -> None:
    visitor = service.visitor()
    for _ in range(5):
        visitor.ask()
    assert len(service.deliver()) == 3
    assert len(service.rows("SELECT * FROM signup")) == 1

    later(timedelta(hours=2))
    for _ in range(5):
        visitor.ask()
    assert len(service.deliver()) == 3

    later(timedelta(hours=2))
    visitor.ask()
    assert service.deliver() == []


def test_links_start_with_the_public_url_whatever_a_request_says(
    start: Callable[..., Service],
) -> None:
    service = start(PUBLIC_URL="http://join.example.com/authors", RATELIMIT_ENABLED=False)
    client = service.app.test_client()
    page = client.get("/signup", headers={"Host": "127.0.0.1:5000"})
    token = re.search(r'csrf_token" type="hidden" value="([^"]+)', page.text)
    assert token
    given = {"csrf_token": token[1], "firstname": "Ada", "email": ADA}
    forged = {"Host": "127.0.0.1:5000", "X-Forwarded-Host": "evil.example"}

    answer = client.post("/signup", data=given, headers=forged)
    [letter] = service.deliver()

    assert answer.location == "/authors/signup/sent"
    assert "evil" not in text(letter) + html(letter)
    assert "127.0.0.1" not in text(letter) + html(letter)
    assert len(re.findall("http://join.example.com/authors/(?:confirm|stop)/", text(letter))) == 2


def test_a_closed_form_says_so_and_links_already_sent_still_work(
    start: Callable[..., Service],
) -> None:
    service = start()
    service.visitor().ask()
    service.deliver()

    visitor = start(OPEN=False).visitor()
    assert "Applications are closed" in visitor.get("/signup").text
    assert visitor.client.post("/signup").status_code == 403
    assert visitor.confirm().status_code == 303


@pytest.mark.parametrize(
    ("settings", "email", "complaint"),
    [
        ({"ALLOWED_DOMAINS": "example.org"}, "ada@EXAMPLE.org", None),
        (
            {"ALLOWED_DOMAINS": "example.org"},
            "ada@sub.example.org",
            "Use an address at example.org",
        ),
        ({"ALLOWED_DOMAINS": "example.org"}, "ada@notexample.org", "Use an address at"),
        ({"ALLOWED_DOMAINS": "*.example.org,uni.example.com"}, "ada@a.b.example.org", None),
        ({"ALLOWED_DOMAINS": "*.example.org,uni.example.com"}, "ada@uni.example.com", None),
        (
            {"ALLOWED_DOMAINS": "*.example.org"},
            "ada@example.org",
            "Use an address at *.example.org",
        ),
        ({"ALLOWED_DOMAINS": ["Bücher.example.org"]}, "ada@xn--bcher-kva.example.org", None),
        ({"ALLOWED_DOMAINS": ["Bücher.example.org"]}, "ada@bücher.example.org", None),
        (
            {"BLOCKED_DOMAINS": "*.example.net, example.net"},
            "a@x.example.net",
            "cannot be used here",
        ),
        ({"BLOCKED_DOMAINS": "example.net"}, "ada@example.org", None),
        (
            {"ALLOWED_DOMAINS": "*.example.org", "BLOCKED_DOMAINS": "bad.example.org"},
            "ada@bad.example.org",
            "cannot be used here",
        ),
    ],
)
def test_domains_that_may_not_apply_are_told_so_before_anything_else(
    start: Callable[..., Service], settings: dict[str, object], email: str, complaint: str | None
) -> None:
    service = start(**settings)
    answer = service.visitor().ask(email)
    if complaint is None:
        assert answer.status_code == 303
        assert len(service.rows("SELECT * FROM letter")) == 1
    else:
        assert answer.status_code == 422
        assert complaint in answer.text
        assert service.rows("SELECT * FROM signup") == []

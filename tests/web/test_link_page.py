"""Authors know where they stand: three steps, a fresh link when one is over, how long it takes."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.conftest import every_engine, on_a_file
from tests.support.service import ADA, SUE, Service, Visitor, html, set_back, text

STEPS = ["Confirm your address", "A person decides", "You write"]
LIFE = timedelta(seconds=172800)


@pytest.fixture
def author(service: Service) -> Visitor:
    """Ada's browser, after she has asked."""
    visitor = service.visitor()
    visitor.ask()
    service.deliver()
    return visitor


def test_every_page_of_the_way_shows_the_three_steps(service: Service, author: Visitor) -> None:
    link = author.link()
    pages = ["/signup", "/signup/sent", link, "/confirm/nonsense"]
    current = [author.get(page).text for page in pages]
    author.confirm(link)
    current.append(author.get(link).text)
    service.strapi.do("UPDATE admin_users SET is_active = true")
    service.deliver()
    current.append(author.get(link).text)

    for page in current:
        steps = re.findall(r"<li(?: [^>]*)?>([^<]+)", page.split('class="steps"')[1])[:3]
        assert steps == STEPS
    here = [re.search(r'aria-current="step">([^<]+)', page) for page in current]
    assert [found[1] for found in here if found] == [*[STEPS[0]] * 4, *STEPS[1:]]


def test_every_letter_to_an_author_shows_the_three_steps(service: Service) -> None:
    service.visitor().apply()
    service.visitor().ask()
    service.deliver()
    service.strapi.do("UPDATE admin_users SET is_active = true")
    service.deliver()

    letters = [letter for letter in service.mail.letters if letter["To"] == ADA]
    assert len(letters) == 4
    for letter, step in zip(letters, (0, 1, 1, 2), strict=True):
        marks = ["✓"] * step + ["→"] + ["·"] * (2 - step)
        for mark, name in zip(marks, STEPS, strict=True):
            assert f"{mark} {name}" in text(letter)
        assert f"<strong>{STEPS[step]}</strong>" in html(letter)


def test_the_error_summary_has_the_order_of_the_fields_on_the_page(author: Visitor) -> None:
    page = author.confirm(password="x", firstname="", lastname="<", why="x" * 1001).text

    fields = re.findall(r'aria-invalid="true"[^>]* id="(\w+)"', page)
    assert re.findall(r'<li><a href="#(\w+)"', page) == fields
    assert len(fields) == 4


def test_an_expired_link_offers_a_fresh_one_with_one_click(
    service: Service, author: Visitor, later: Callable[[timedelta], None]
) -> None:
    old = author.link()
    later(LIFE + timedelta(seconds=1))
    page = author.get(old)
    assert page.status_code == 410
    assert "Send me a fresh link" in page.text
    assert service.deliver() == []

    assert author.post(f"{old}/renew", page=old).location == "/signup/sent?again=1"

    [letter] = service.deliver()
    assert letter["To"] == ADA
    assert author.confirm(author.link()).status_code == 303
    assert service.strapi.admin(ADA)


def test_a_link_that_a_newer_one_replaced_says_so(service: Service, author: Visitor) -> None:
    old = author.link()
    author.ask()
    service.deliver()
    new = author.link()
    assert new != old

    page = author.get(old)
    assert page.status_code == 410
    assert "There is a newer link" in page.text
    assert author.confirm(old).status_code == 410
    assert service.strapi.admin(ADA) is None
    assert author.confirm(new).status_code == 303
    assert "We have your application" in author.get(old).text


def test_a_letter_that_is_throttled_replaces_no_link(service: Service, author: Visitor) -> None:
    for _ in range(2):
        author.ask()
    service.deliver()
    newest = author.link()
    author.ask()
    assert service.deliver() == []
    assert author.get(newest).status_code == 200


def test_two_requests_whose_letters_go_out_late_have_links_that_work(service: Service) -> None:
    for _ in range(2):
        service.visitor().ask()
    letters = service.deliver()
    assert len(letters) == 2
    for letter in letters:
        link = re.search(r"https\S+/confirm/\S+", text(letter))
        assert link
        path = link[0].removeprefix("https://join.example.com")
        assert service.visitor().get(path).status_code == 200


def test_a_fresh_link_is_throttled_like_the_first(
    service: Service, author: Visitor, later: Callable[[timedelta], None]
) -> None:
    old = author.link()
    later(LIFE + timedelta(seconds=1))
    for _ in range(5):
        author.post(f"{old}/renew", page=old)
    assert len(service.deliver()) == 3


def test_a_confirmed_signup_needs_no_fresh_link(service: Service) -> None:
    link = service.visitor().apply()
    visitor = service.visitor()
    token = visitor.get("/signup")
    assert token.status_code == 200
    answer = visitor.post(f"{link}/renew", page="/signup")
    assert answer.location == link
    assert service.deliver() == []


def test_the_closed_form_sends_no_fresh_link(start: Callable[..., Service]) -> None:
    service = start()
    service.visitor().ask()
    service.deliver()
    link = service.visitor().link()
    service.app.config["OPEN"] = False
    assert service.visitor().post(f"{link}/renew", page=link).status_code == 403
    assert service.visitor().post("/signup/again", page="/signup/sent").status_code == 403
    assert service.deliver() == []


def test_check_your_mail_sends_again_and_corrects_the_address(
    service: Service, author: Visitor
) -> None:
    sent = author.get("/signup/sent").text
    assert "Send it again" in sent
    answer = author.post("/signup/again", page="/signup/sent")
    assert "We were asked to send it again." in author.get(answer.location).text
    assert [letter["To"] for letter in service.deliver()] == [ADA]

    form = author.get("/signup?correct=1").text
    for value in (ADA, "Ada", "Lovelace"):
        assert f'value="{value}"' in form
    assert 'value="Ada"' not in author.get("/signup").text
    author.post("/signup", email="countess@example.org", firstname="Ada", lastname="")
    assert [letter["To"] for letter in service.deliver()] == ["countess@example.org"]


def test_who_has_asked_for_nothing_can_send_nothing_again(service: Service) -> None:
    visitor = service.visitor()
    assert "Send it again" not in visitor.get("/signup/sent").text
    assert visitor.post("/signup/again", page="/signup").location == "/signup"
    assert service.deliver() == []


def test_check_your_mail_is_the_same_page_for_every_address(service: Service) -> None:
    service.visitor().apply()
    pages = set()
    for email in (ADA, SUE, "nobody@example.org"):
        visitor = service.visitor()
        visitor.ask(email)
        page = visitor.get("/signup/sent").text
        pages.add(re.sub(r'name="csrf_token"[^>]+', "", page))
    assert len(pages) == 1


@every_engine
def test_who_waits_sees_since_when_and_how_long_it_usually_takes(
    service: Service, later: Callable[[timedelta], None]
) -> None:
    for number in range(3):
        service.visitor().apply(f"author{number}@example.org")
    link = service.visitor().apply()
    assert "Decisions usually take" not in service.visitor().get(link).text
    sue = service.visitor()
    for number, hours in enumerate((1, 5, 1)):
        later(timedelta(hours=hours))
        sue.log_in()
        sue.decide("decline", service.signup(f"author{number}@example.org")["strapi_id"], reason="")

    page = service.visitor().get(link).text

    assert "You have waited for 7 hours." in page
    assert "Decisions usually take about 6 hours." in page
    confirmed = service.rows("SELECT confirmed_at FROM signup WHERE email = ?", ADA)
    assert confirmed[0]["confirmed_at"]


@on_a_file
def test_a_ledger_of_an_earlier_version_is_told_as_history(
    start: Callable[..., Service], service: Service
) -> None:
    link = service.visitor().apply()
    ledger = service.records
    ledger.do("UPDATE signup SET state = 'active', decided_at = confirmed_at, decided_by = ?", SUE)
    before = ledger.rows("SELECT * FROM signup")
    set_back(service.ledger, "0002_faults")

    service = start()

    [signup] = service.rows("SELECT * FROM signup")
    assert signup["domain"] == "example.org"
    unknown = {"welcomed_at": None, "language": None}
    assert {**signup, **unknown} == {**before[0], **unknown}
    events = service.rows("SELECT what, by FROM event ORDER BY id")
    assert [tuple(event.values()) for event in events] == [
        ("asked", "author"),
        ("confirmed", "author"),
        ("activated", SUE),
    ]
    service.strapi.do("UPDATE admin_users SET is_active = true")
    assert service.deliver() == []
    assert "You can write now" in service.visitor().get(link).text

"""The link's page: three steps, a fresh link when one is over, and how long a decision takes."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from tests.conftest import every_engine
from tests.support.service import ADA, Later, Service, Visitor
from tests.support.smtp_server import text

STEPS = ["Confirm your address", "A person decides", "You write"]
LIFE = timedelta(seconds=172800)


@pytest.fixture
def author(service: Service) -> Visitor:
    """Ada's browser, after she has asked."""
    visitor = service.visitor()
    visitor.ask_and_get_link()
    return visitor


def test_every_page_of_the_way_shows_the_three_steps(service: Service, author: Visitor) -> None:
    link = author.link()
    pages = [author.get(path).text for path in ("/signup", "/signup/sent", link, "/confirm/x")]
    author.confirm(link)
    pages.append(author.get(link).text)
    service.strapi.do("UPDATE admin_users SET is_active = true")
    service.deliver()
    pages.append(author.get(link).text)

    for page in pages:
        steps = re.findall(r"<li(?: [^>]*)?>([^<]+)", page.split('class="steps"')[1])[:3]
        assert steps == STEPS
    here = [re.search(r'aria-current="step">([^<]+)', page) for page in pages]
    assert [found[1] for found in here if found] == [*[STEPS[0]] * 4, *STEPS[1:]]


def test_the_error_summary_has_the_order_of_the_fields_on_the_page(author: Visitor) -> None:
    page = author.confirm(password="x", firstname="", lastname="<", why="x" * 1001).text

    fields = re.findall(r'aria-invalid="true"[^>]* id="(\w+)"', page)
    assert re.findall(r'<li><a href="#(\w+)"', page) == fields
    assert len(fields) == 4


def test_an_expired_link_offers_a_fresh_one_with_one_click(
    service: Service, author: Visitor, later: Later
) -> None:
    old = author.link()
    later(LIFE + timedelta(seconds=1))
    page = author.get(old)
    assert page.status_code == 410
    assert "Send me a fresh link" in page.text
    assert service.deliver() == []

    assert author.post(f"{old}/renew", page=old).location == "/signup/sent"

    assert [message["To"] for message in service.deliver()] == [ADA]
    assert author.confirm(author.link()).status_code == 303
    assert service.strapi.admin(ADA)


def test_fresh_links_have_the_limits_of_the_first(
    service: Service, author: Visitor, later: Later
) -> None:
    old = author.link()
    later(LIFE + timedelta(seconds=1))
    for _ in range(5):
        author.post(f"{old}/renew", page=old)
    assert len(service.deliver()) == 3


def test_a_replaced_link_says_so_and_only_the_newest_works(
    service: Service, author: Visitor
) -> None:
    old = author.link()
    author.ask()
    service.deliver()

    page = author.get(old)
    assert page.status_code == 410
    assert "There is a newer link" in page.text
    assert author.confirm(old).status_code == 410
    assert service.strapi.admin(ADA) is None
    assert author.confirm(author.link()).status_code == 303
    assert "There is a newer link" in author.get(old).text


def test_an_email_that_the_limit_stopped_replaces_no_link(
    service: Service, author: Visitor
) -> None:
    for _ in range(2):
        author.ask()
    service.deliver()
    newest = author.link()
    author.ask()
    assert service.deliver() == []
    assert author.get(newest).status_code == 200


def test_links_of_two_emails_that_went_out_late_both_work(service: Service) -> None:
    for _ in range(2):
        service.visitor().ask()
    emails = service.deliver()
    assert len(emails) == 2
    for email in emails:
        [url] = re.findall(r"https\S+/confirm/\S+", text(email))
        assert service.visitor().get(urlsplit(url).path).status_code == 200


def test_a_closed_form_sends_no_fresh_link(service: Service, author: Visitor) -> None:
    link = author.link()
    service.app.config["OPEN"] = False
    assert author.post(f"{link}/renew", page=link).status_code == 403
    assert author.post("/signup/again", page="/signup/sent").status_code == 403
    assert service.deliver() == []


def test_check_your_mail_sends_again_and_corrects_the_email(
    service: Service, author: Visitor
) -> None:
    assert "Send it again" in author.get("/signup/sent").text
    answer = author.post("/signup/again", page="/signup/sent")
    assert "We were asked to send it again." in author.get(answer.location).text
    assert [message["To"] for message in service.deliver()] == [ADA]

    form = author.get("/signup?correct=1").text
    for value in (ADA, "Ada", "Lovelace"):
        assert f'value="{value}"' in form
    author.ask("countess@example.org")
    assert [message["To"] for message in service.deliver()] == ["countess@example.org"]


def test_a_visitor_who_asked_for_nothing_can_send_nothing_again(service: Service) -> None:
    visitor = service.visitor()
    assert visitor.get("/signup/sent").location == "/signup"
    assert visitor.post("/signup/again", page="/signup").location == "/signup"
    assert service.deliver() == []


@every_engine
def test_a_waiting_author_sees_since_when_and_how_long_decisions_take(
    service: Service, later: Later
) -> None:
    for number in range(3):
        service.visitor().apply(f"author{number}@example.org")
    link = service.visitor().apply()
    assert "Decisions usually take" not in service.visitor().get(link).text
    for number, hours in enumerate((1, 5, 1)):
        later(timedelta(hours=hours))
        service.reviewer().decide("decline", f"author{number}@example.org", reason="")

    page = service.visitor().get(link).text

    assert "You have waited for 7 hours." in page
    assert "Decisions usually take about 6 hours." in page


def test_a_password_field_hides_what_is_typed_and_helps_password_managers(
    service: Service, author: Visitor
) -> None:
    link = author.link()
    username = f'<input type="email" name="username" value="{ADA}" autocomplete="username"'
    assert username in author.get(link).text
    for path, purpose in ((link, "new-password"), ("/review/login", "current-password")):
        [field] = re.findall(r"<input[^>]*name=\"password\"[^>]*>", author.get(path).text)
        assert 'type="password"' in field
        assert f'autocomplete="{purpose}"' in field
        assert "onpaste" not in field
    form = service.visitor().get("/signup").text
    for purpose in ("given-name", "family-name", "email"):
        assert f'autocomplete="{purpose}"' in form
    assert 'inputmode="email"' in form

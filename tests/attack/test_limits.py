"""Known ways around the limits, with the limits on."""

import re
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

import pytest

from tests.attack.corpus import KNOWN
from tests.support.report_tables import Report
from tests.support.service import PUBLIC, Service, Start, Visitor, token_of
from tests.support.smtp_server import text
from tests.support.strapi_file import SUE, SUE_PASSWORD

PATHS: list[str] = KNOWN["spellings of /review/login"]
SPELLINGS = [SUE, SUE.upper(), f" {SUE}", f"{SUE} ", "Sue@Example.com", f"\t{SUE}"]
IP_HEADERS: list[str] = KNOWN["IP headers"]
LOGIN = "/review/login"
# (kind of attack, the path, email and headers of each guess)
Guess = tuple[str, str, dict[str, str]]
WAYS: list[tuple[str, list[Guess]]] = [
    ("path spelled otherwise", [(p.format(n), SUE, {}) for n in range(4) for p in PATHS]),
    ("account spelled otherwise", [(LOGIN, each, {}) for each in SPELLINGS * 3]),
    *(
        ("another IP claimed", [(LOGIN, SUE, {header: f"192.0.2.{n}"}) for n in range(9)])
        for header in IP_HEADERS
    ),
]


def guess(visitor: Visitor, path: str, email: str, headers: dict[str, str]) -> int:
    """The status of a login with a wrong password."""
    form = {"email": email, "password": "Wrong1password"}
    form["csrf_token"] = token_of(visitor.get(LOGIN))
    return visitor.client.post(path, data=form, headers=headers, base_url=PUBLIC).status_code


@pytest.mark.parametrize(("kind", "guesses"), WAYS)
def test_no_way_of_guessing_gets_around_the_login_limit(
    service: Service, report: Report, kind: str, guesses: list[Guess]
) -> None:
    visitor = service.visitor()
    statuses = [guess(visitor, *each) for each in guesses]

    extra = statuses.count(422) - 5
    report(f"login limit, {kind}", len(guesses), ["one guess too many"] * extra)
    # The right password is refused, too.
    assert visitor.log_in(SUE, SUE_PASSWORD).status_code == 429
    assert visitor.get("/review").status_code == 303


def test_no_spelling_gets_a_mailbox_more_than_three_emails_an_hour(
    service: Service, report: Report, later: Callable[[timedelta], None]
) -> None:
    spellings = ["ada", "Ada", "ADA", "a.d.a", "ada+1", "ada+2", "a.da+x", "aDa", "ada+", "a.D.a+y"]
    visitor = service.visitor()
    for hour in range(3):
        for local in spellings:
            visitor.ask(f"{local}@gmail.com")
        # Six a day.
        extra = len(service.deliver()) - (3 if hour < 2 else 0)
        report("mailbox limit, email spelled otherwise", len(spellings), ["an email"] * extra)
        later(timedelta(hours=1, seconds=1))


def test_guesses_of_links_are_limited_wherever_they_are_sent(
    service: Service, report: Report
) -> None:
    visitor = service.visitor()
    paths = ["/confirm/{}", "/stop/{}", "/confirm/{}/renew", "/confirm/{}/withdraw"]
    statuses = []
    for number in range(20):
        for path in paths:
            method = "GET" if path.count("/") == 2 else "POST"
            guessed = path.format(f"guess{number}")
            answer = visitor.client.open(guessed, method=method, base_url=PUBLIC)
            statuses.append(answer.status_code)

    report("guessed links", len(statuses), ["one guess too many"] * (statuses.count(404) - 20))


def test_wrong_links_stop_no_link_of_ours(service: Service, report: Report) -> None:
    visitor = service.visitor()
    link = visitor.ask_and_get_link()
    for number in range(25):
        visitor.get(f"/confirm/x{number}")
    pages = [visitor.get(path).status_code for path in (link, visitor.link("stop"))]
    pages.append(visitor.confirm(link).status_code)
    report("links behind 25 wrong ones of the same IP", 3, ["429"] * pages.count(429))


def test_ten_networks_of_one_provider_do_not_close_the_form(
    service: Service, report: Report
) -> None:
    for number in range(300):
        Visitor(service, f"2001:db8:7:{number % 10:x}::1").ask(f"a{number}@example{number}.org")
    sent = len(service.deliver())
    honest = Visitor(service, "192.0.2.7").ask("ada@example.net")
    refused = ["the form is closed"] * (honest.status_code != 303)
    report("first emails for one network", 300, ["one email too many"] * (sent - 30) + refused)


def test_one_domain_does_not_close_the_form_or_the_queue(start: Start, report: Report) -> None:
    service = start(MAX_WAITING=20)
    for number in range(70):
        Visitor(service, f"10.0.{number}.1").ask(f"a{number}@x{number}.example.org")
    links = {message["To"]: link_of(message) for message in service.deliver()}
    statuses = [
        Visitor(service, f"10.1.{number}.1").confirm(link).status_code
        for number, link in enumerate([*links.values()][:10])
    ]
    extra = [len(links) - 60, statuses.count(303) - 4]
    report("emails and places of one domain", 70, ["one too many"] * sum(extra))


def test_guesses_from_forty_networks_are_limited_together(service: Service, report: Report) -> None:
    service.reviewer()
    statuses = [
        guess(Visitor(service, f"2001:db8:{n % 2:x}:{n:x}::1"), LOGIN, SUE, {}) for n in range(40)
    ]
    found = ["one guess too many"] * (statuses.count(422) - 30)
    owner = service.visitor().log_in().status_code
    report("login limit, 40 networks", 40, found + ["the owner is locked out"] * (owner != 303))


def test_refused_posts_write_nothing_and_log_next_to_nothing(
    service: Service, report: Report, caplog: pytest.LogCaptureFixture
) -> None:
    visitor = service.visitor()
    page = visitor.get("/signup")
    for _ in range(30):
        visitor.send("/signup", page)
    before = service.rows("SELECT * FROM count")
    caplog.clear()
    statuses = {visitor.send("/signup", page).status_code for _ in range(300)}

    written = ["a write"] * (service.rows("SELECT * FROM count") != before)
    lines = ["a line too many"] * (len(caplog.records) - 2)
    report("refused posts that write", 300, written + lines)
    assert statuses == {429}


def link_of(message: EmailMessage) -> str:
    """The path of the link in an email."""
    found = re.search(r"/confirm/\S+", text(message))
    assert found
    return found[0]

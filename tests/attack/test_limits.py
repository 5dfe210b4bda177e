"""Known ways around the limits, with the limits on."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.attack.corpus import KNOWN
from tests.support.report_tables import Report
from tests.support.service import PUBLIC, Service, Visitor, token_of
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

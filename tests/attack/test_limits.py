"""Limits that are on, and every way around them that is known."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.support.service import PUBLIC, Service, Visitor, token_of
from tests.support.strapi_file import SUE, SUE_PASSWORD

# Other spellings of a page's address, which lead to it or nowhere.
SPELLED = [
    "/review/login",
    "/review/login/",
    "//review/login",
    "/review//login",
    "/./review/login",
    "/x/../review/login",
    "/Review/Login",
    "/review/%6cogin",
    "/review/login?x={}",
    "/review/login;{}",
    "/review/login%00",
]


def guess(visitor: Visitor, path: str, email: str, **headers: str) -> int:
    form = {"email": email, "password": "Wrong1password"}
    form["csrf_token"] = token_of(visitor.get("/review/login"))
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = visitor.client.post(path, data=form, headers=sent, base_url=PUBLIC)
    return answer.status_code


def test_no_spelling_of_the_address_gets_around_the_login_limit(
    service: Service, tally: Callable[..., None]
) -> None:
    visitor = service.visitor()
    answers = [guess(visitor, path.format(n), SUE) for n in range(4) for path in SPELLED]

    guesses = answers.count(422)
    tally("login limit, address spelled otherwise", len(answers), ["guesses"] * (guesses - 5))
    assert visitor.log_in().status_code == 429


def test_no_spelling_of_the_account_gets_around_the_login_limit(
    service: Service, tally: Callable[..., None]
) -> None:
    visitor = service.visitor()
    spelled = [SUE, SUE.upper(), f" {SUE}", f"{SUE} ", "Sue@Example.com", f"\t{SUE}"]
    answers = [guess(visitor, "/review/login", each) for each in spelled for _ in range(3)]

    tally(
        "login limit, account spelled otherwise",
        len(answers),
        ["guesses"] * (answers.count(422) - 5),
    )


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-For",
        "X-Real-IP",
        "Forwarded",
        "X-Client-IP",
        "True-Client-IP",
        "CF-Connecting-IP",
        "X-Originating-IP",
        "Via",
    ],
)
def test_no_header_gets_around_the_login_limit(
    service: Service, tally: Callable[..., None], header: str
) -> None:
    visitor = service.visitor()
    answers = [guess(visitor, "/review/login", SUE, **{header: f"192.0.2.{n}"}) for n in range(9)]

    tally(
        "login limit, another address claimed", len(answers), ["guesses"] * (answers.count(422) - 5)
    )


def test_no_way_of_asking_mails_one_mailbox_more_often_than_three_times_an_hour(
    service: Service, tally: Callable[..., None], later: Callable[[timedelta], None]
) -> None:
    spelled = ["ada", "Ada", "ADA", "a.d.a", "ada+1", "ada+2", "a.da+x", "aDa", "ada+", "a.D.a+y"]
    visitor = service.visitor()
    for hour in range(3):
        for local in spelled:
            visitor.ask(f"{local}@gmail.com")
        letters = service.deliver()
        most = 3 if hour < 2 else 0
        tally(
            "mailbox limit, address spelled otherwise",
            len(spelled),
            ["letters"] * (len(letters) - most),
        )
        later(timedelta(hours=1, seconds=1))


def test_guessing_links_is_limited_wherever_they_are_guessed(
    service: Service, tally: Callable[..., None]
) -> None:
    visitor = service.visitor()
    doors = ["/confirm/{}", "/stop/{}", "/confirm/{}/renew", "/confirm/{}/withdraw"]
    answers = []
    for number in range(20):
        for door in doors:
            method = "GET" if door.count("/") == 2 else "POST"
            path = door.format(f"guess{number}")
            answer = visitor.client.open(path, method=method, base_url=PUBLIC)
            answers.append(answer.status_code)

    tally("guessed links", len(answers), ["guesses"] * (answers.count(404) - 20))


def test_a_right_password_behind_the_limit_is_no_way_in(service: Service) -> None:
    visitor = service.visitor()
    for _ in range(5):
        guess(visitor, "/review/login", SUE)
    assert visitor.log_in(SUE, SUE_PASSWORD).status_code == 429
    assert visitor.get("/review").status_code == 303

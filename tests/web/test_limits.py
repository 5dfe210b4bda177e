"""Limits for an IP and an account, and what a failed login tells."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import bcrypt
import pytest
from werkzeug.test import TestResponse

from tests.conftest import every_engine
from tests.support.service import (
    ADA,
    ADA_PASSWORD,
    NEW_KEY,
    OLD_KEY,
    PUBLIC,
    WRONG_PASSWORD,
    Later,
    Service,
    Start,
    Visitor,
    token_of,
)
from tests.support.strapi_file import SUE, SUE_PASSWORD, hash_once


def guess(visitor: Visitor, times: int = 1, email: str = SUE) -> list[int]:
    return [visitor.log_in(email, WRONG_PASSWORD).status_code for _ in range(times)]


def test_five_failures_in_five_minutes_lock_an_account_for_this_ip(
    service: Service, later: Later
) -> None:
    visitor = service.visitor()
    assert guess(visitor, 6) == [422] * 5 + [429]
    refused = visitor.log_in()
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 300
    assert "Please wait a while" in refused.text
    assert visitor.get("/review").status_code == 303
    assert Visitor(service, "192.0.2.7").log_in().status_code == 303

    later(timedelta(minutes=5, seconds=1))
    assert visitor.log_in().status_code == 303


def test_twenty_failures_in_an_hour_lock_an_ip_whatever_the_account(service: Service) -> None:
    visitor = service.visitor()
    answers = [guess(visitor, 1, f"guess{number}@example.com")[0] for number in range(21)]
    assert answers == [422] * 20 + [429]
    for email in (SUE, "x@example.com"):
        assert visitor.log_in(email).status_code == 429


def test_pages_and_api_count_together(service: Service) -> None:
    client = service.app.test_client()
    for _ in range(5):
        assert client.get("/api/authors", auth=(SUE, "wrong")).status_code == 401
    answer = client.get("/api/authors", auth=(SUE, SUE_PASSWORD))
    assert answer.status_code == 429
    assert answer.content_type == "application/problem+json"
    assert answer.headers["Retry-After"]
    assert service.visitor().log_in().status_code == 429


def test_a_success_counts_for_nothing_and_clears_nothing(service: Service) -> None:
    visitor = service.visitor()
    assert guess(visitor, 4) == [422] * 4
    for _ in range(3):
        assert visitor.log_in().status_code == 303
    assert guess(visitor, 2) == [422, 429]


@every_engine
def test_of_many_guesses_at_once_five_are_compared(service: Service) -> None:
    visitors = [Visitor(service, "192.0.2.7") for _ in range(24)]
    pages = [visitor.get("/review/login") for visitor in visitors]
    given = {"email": SUE, "password": WRONG_PASSWORD}
    with ThreadPoolExecutor(24) as threads:
        sent = threads.map(lambda v, page: v.send("/review/login", page, **given), visitors, pages)
        answers = [answer.status_code for answer in sent]

    assert sorted(answers) == [422] * 5 + [429] * 19
    assert visitors[0].log_in().status_code == 429


def test_many_right_logins_at_once_all_succeed(service: Service) -> None:
    clients = [service.app.test_client() for _ in range(12)]
    with ThreadPoolExecutor(12) as threads:
        answers = threads.map(
            lambda client: client.get("/api/authors", auth=(SUE, SUE_PASSWORD)).status_code, clients
        )
        assert set(answers) == {200}
    assert service.rows("SELECT * FROM count") == []


@every_engine
def test_counts_survive_a_restart(start: Start) -> None:
    assert guess(start().visitor(), 5) == [422] * 5
    assert guess(start().visitor()) == [429]


@pytest.fixture(params=["page", "API"])
def log_in(service: Service, request: pytest.FixtureRequest) -> Callable[..., int]:
    """Log in from an IP, on the page or in the API. Returns 200, 401 or 429."""

    def log_in(ip: str, email: str = SUE, password: str = SUE_PASSWORD) -> int:
        visitor = Visitor(service, ip)
        if request.param == "API":
            return visitor.client.get("/api/authors", auth=(email, password)).status_code
        status = visitor.log_in(email, password).status_code
        return {303: 200, 422: 401}.get(status, status)

    return log_in


@pytest.mark.parametrize(
    ("email", "ip"),
    [
        (SUE, "2001:db8:7:{0:x}::1"),
        (SUE.upper(), "2001:db8:{0:x}::1"),
        ("nobody@example.com", "10.{0}.0.1"),
    ],
)
def test_from_unknown_networks_an_account_gets_thirty_guesses_an_hour(
    log_in: Callable[..., int],
    caplog: pytest.LogCaptureFixture,
    later: Later,
    email: str,
    ip: str,
) -> None:
    assert log_in("192.0.2.7") == log_in("2001:db8:ffff:1::1") == 200
    guesses = [log_in(ip.format(number), email, WRONG_PASSWORD) for number in range(40)]

    assert guesses == [401] * 30 + [429] * 10
    alerts = [line for line in caplog.records if line.message == "password guessing"]
    assert [(line.account, line.failures) for line in alerts] == [(email, 30)]  # type: ignore[attr-defined]
    # The networks of its owner are not locked out, and others are.
    assert log_in("192.0.2.99") == log_in("2001:db8:ffff:2::1") == 200
    assert log_in("192.0.3.7", email) == 429
    later(timedelta(hours=1, seconds=1))
    assert log_in("192.0.3.7") == 200


def test_a_network_gets_forty_failures_an_hour_whatever_the_account(
    log_in: Callable[..., int],
) -> None:
    assert log_in("192.0.2.7") == 200
    guesses = [log_in(f"192.0.2.{n}", f"a{n}@example.com", WRONG_PASSWORD) for n in range(45)]
    assert guesses == [401] * 40 + [429] * 5
    assert log_in("192.0.3.7", "a@example.com", WRONG_PASSWORD) == 401
    assert log_in("192.0.2.44") == 200


def test_failures_of_others_behind_the_same_ip_lock_no_owner_out(
    log_in: Callable[..., int],
) -> None:
    assert log_in("192.0.2.7") == 200
    guesses = [log_in("192.0.2.7", f"a{n}@example.com", WRONG_PASSWORD) for n in range(22)]
    assert guesses == [401] * 20 + [429] * 2
    assert log_in("192.0.2.7") == 200


def test_a_known_network_is_kept_as_a_keyed_hash_for_ninety_days(
    start: Start, later: Later
) -> None:
    start(SECRET_KEY=OLD_KEY).reviewer()
    service = start(SECRET_KEY=NEW_KEY, SECRET_KEY_FALLBACKS=[OLD_KEY])

    def lock_and_log_in() -> int:
        for number in range(30):
            Visitor(service, f"10.{number}.0.1").log_in(SUE, WRONG_PASSWORD)
        return service.visitor().log_in().status_code

    assert lock_and_log_in() == 303
    [row, *_] = service.rows("SELECT * FROM known_network")
    assert len(row["digest"]) == 64
    later(timedelta(days=91))
    service.run("purge")
    assert service.rows("SELECT * FROM known_network") == []
    assert lock_and_log_in() == 429


@every_engine
def test_guesses_from_many_networks_at_once_are_counted_exactly(service: Service) -> None:
    visitors = [Visitor(service, f"10.{number}.0.1") for number in range(36)]
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda visitor: guess(visitor)[0], visitors))
    assert sorted(answers) == [422] * 30 + [429] * 6


def test_a_hundred_failures_a_day_raise_an_alert(
    service: Service, caplog: pytest.LogCaptureFixture, later: Later
) -> None:
    for number in range(100):
        guess(Visitor(service, f"10.{number}.0.1"), 1, SUE.upper())
        if number % 25 == 24:
            later(timedelta(hours=1, seconds=1))

    alerts = [line for line in caplog.records if line.message == "password guessing"]
    assert [alert.account for alert in alerts] == [SUE.upper()]  # type: ignore[attr-defined]


def test_without_counts_forms_answer_503_and_pages_still_show(service: Service) -> None:
    visitor = service.visitor()
    service.ledger.do("DROP TABLE count")

    assert visitor.log_in().status_code == 503
    assert visitor.ask().status_code == 503
    api = service.app.test_client().get("/api/authors", auth=(SUE, SUE_PASSWORD))
    assert api.status_code == 503
    for path in ("/signup", "/review/login", "/confirm/x"):
        assert visitor.get(path).status_code in {200, 404}
    assert service.emails() + service.rows("SELECT * FROM session") == []


def test_a_password_typed_into_the_email_field_is_counted_but_not_stored(service: Service) -> None:
    service.visitor().log_in("Hunter2-my-password", WRONG_PASSWORD)
    assert "unter2" not in str(service.rows("SELECT * FROM count"))
    assert len(service.rows("SELECT * FROM count")) == 5


# Requests and links


def test_thirty_requests_an_hour_from_one_ip(service: Service) -> None:
    visitor = service.visitor()
    answers = [visitor.ask(f"author{number}@example.org").status_code for number in range(31)]
    assert answers == [303] * 30 + [429]
    assert len(service.emails()) == 30
    assert Visitor(service, "192.0.2.7").ask().status_code == 303


def spend_everything(visitor: Visitor, email: str) -> None:
    """Reach every limit of this IP that needs no secret."""
    for number in range(21):
        assert visitor.get(f"/{('confirm', 'stop')[number % 2]}/x{number}").status_code != 200
        guess(visitor, 1, f"guess{number}@example.com")
    for number in range(31):
        visitor.ask(f"author{number}@example.net")
    assert [visitor.get("/stop/x").status_code, visitor.ask(email).status_code] == [429, 429]


# How to open or send the link {0} or the stop link {1} of an open signup. The status of the answer.
GENUINE = [
    ("GET", "{0}", 200),
    ("HEAD", "{0}", 200),
    ("POST", "{0}", 303),
    ("POST", "{0}/renew", 303),
    ("POST", "{0}/withdraw", 303),
    ("GET", "{1}", 200),
    ("POST", "{1}", 200),
]


@pytest.mark.parametrize(("method", "path", "status"), GENUINE)
def test_no_limit_refuses_a_link_that_is_ours(
    service: Service, method: str, path: str, status: int, later: Later
) -> None:
    visitor = Visitor(service, "192.0.2.7")
    links = [visitor.ask_and_get_link(), visitor.link("stop")]
    if path.endswith("/renew"):
        later(timedelta(days=3))
    spend_everything(visitor, ADA)

    path = path.format(*links)
    if method == "POST":
        fields = {"password": ADA_PASSWORD, "firstname": "Ada", "lastname": "", "why": ""}
        answer = visitor.post(
            path, page=path.removesuffix("/renew").removesuffix("/withdraw"), **fields
        )
    else:
        answer = visitor.client.open(path, method=method, base_url=PUBLIC)
    assert answer.status_code == status
    if path.endswith("/renew"):
        assert [message["To"] for message in service.deliver()].count(ADA) == 1


def test_the_link_of_a_signup_that_was_deleted_counts_as_no_wrong_link(service: Service) -> None:
    visitor = service.visitor()
    link = visitor.ask_and_get_link()
    service.ledger.do("DELETE FROM signup")
    assert {visitor.get(link).status_code for _ in range(25)} == {404}


def test_twenty_wrong_links_an_hour_from_one_ip_without_a_look_at_the_ledger(
    service: Service,
) -> None:
    visitor = service.visitor()
    visitor.ask_and_get_link()
    service.ledger.do("DROP TABLE signup")
    stop = visitor.link("stop").rsplit("/", maxsplit=1)[1]
    # A token for another purpose is as wrong as any.
    wrong = ["x", "a.b.c", stop, f"{stop}x", "%00", "\N{GREEK SMALL LETTER ALPHA}" * 50, "a" * 4000]
    answers = [visitor.get(f"/confirm/{token}").status_code for token in wrong * 3]
    assert answers == [404] * 20 + [429]
    refused = visitor.client.post("/stop/guess", base_url=PUBLIC)
    assert refused.status_code == 429
    assert 3000 < int(refused.headers["Retry-After"]) <= 3600


def test_an_ipv6_network_counts_as_one_visitor(service: Service) -> None:
    guess(Visitor(service, "2001:db8::1"), 5)
    assert guess(Visitor(service, "2001:db8::2")) == [429]
    assert guess(Visitor(service, "2001:db8:0:1::1")) == [422]


def test_a_header_changes_the_ip_only_behind_a_proxy_that_the_settings_name(start: Start) -> None:
    def log_in(service: Service, claimed: str) -> int:
        visitor = service.visitor()
        token = token_of(visitor.get("/review/login"))
        given = {"csrf_token": token, "email": SUE, "password": WRONG_PASSWORD}
        headers = {"X-Forwarded-For": claimed}
        path = "/review/login"
        return visitor.client.post(path, data=given, headers=headers, base_url=PUBLIC).status_code

    service = start()
    assert [log_in(service, f"192.0.2.{n}") for n in range(6)] == [422] * 5 + [429]
    behind_proxy = start(PROXIES=1)
    assert [log_in(behind_proxy, f"198.51.100.{n}") for n in range(6)] == [422] * 6


@pytest.mark.parametrize("claimed", ["unknown", "", "203.0.113", "[]", "[x]:1", "x" * 500])
def test_text_that_is_no_ip_counts_as_one_visitor(start: Start, claimed: str) -> None:
    visitor = start(PROXIES=1).visitor()
    headers = {"X-Forwarded-For": claimed}
    assert visitor.client.get("/confirm/x", headers=headers, base_url=PUBLIC).status_code == 404


# An IP as proxies and sockets write it, another form of it, and a neighbour.
FORMS = [
    ("203.0.113.1", "203.0.113.1:40001", "203.0.113.2"),
    ("203.0.113.1:1", "203.0.113.1:65535", "203.0.113.2:1"),
    ("203.0.113.1", "::ffff:203.0.113.1", "::ffff:203.0.113.2"),
    ("::ffff:203.0.113.1", "[::ffff:cb00:7101]:8080", "[::ffff:cb00:7102]:8080"),
    ("203.0.113.1", "64:ff9b::203.0.113.1", "64:ff9b::cb00:7102"),
    ('"203.0.113.1"', '"203.0.113.1:443"', '"203.0.113.2"'),
    ("[2001:db8::1]:443", "2001:DB8:0:0:1::", "[2001:db8:0:1::1]:443"),
    ("[2001:db8::1]", '"[2001:db8::2]:443"', "[2001:db8:0:1::1]"),
    ("::1", "[::2]:80", "[0:0:0:1::]:80"),
    ("fe80::1%eth0", "[fe80::2%eth1]:80", "[fe80:0:0:1::1%eth0]:80"),
]


@pytest.mark.parametrize(("ip", "same", "other"), FORMS)
@pytest.mark.parametrize("forwarded", [True, False], ids=["forwarded", "direct"])
def test_visitors_are_told_apart_however_their_ips_are_written(
    start: Start, ip: str, same: str, other: str, forwarded: bool
) -> None:
    service = start(PROXIES=int(forwarded))

    def visitor(ip: str) -> Visitor:
        new = Visitor(service, "127.0.0.1" if forwarded else ip)
        if forwarded:
            new.client.environ_base["HTTP_X_FORWARDED_FOR"] = f"198.51.100.7, {ip}"
        return new

    guess(visitor(ip), 5)
    assert guess(visitor(same)) == [429]
    assert guess(visitor(other)) == [422]


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_a_proxy_that_the_settings_leave_out_is_noticed_once(
    start: Start, header: str, caplog: pytest.LogCaptureFixture
) -> None:
    def visit(number: int, ip: str) -> None:
        named = {header: f"203.0.113.{number}"} if number else {}
        Visitor(service, ip).client.get("/signup", headers=named, base_url=PUBLIC)

    def warned() -> tuple[int, bool]:
        hidden = "hides the IPs of all visitors" in service.reviewer().get("/review").text
        return caplog.messages.count("proxy unknown"), hidden

    service = start()
    for number in (0, 1, 1, 2):
        visit(number, "127.0.0.1")
    assert warned() == (0, False)
    for number in (3, 4, 5):
        visit(number, "127.0.0.1")
    assert warned() == (1, True)
    visit(0, "198.51.100.7")
    assert warned() == (1, False)

    caplog.clear()
    service = start(PROXIES=1)
    for number in range(1, 9):
        visit(number, "127.0.0.1")
    assert warned() == (0, False)


def test_the_setting_lifts_every_limit(start: Start) -> None:
    service = start(RATELIMIT_ENABLED=False)
    assert guess(service.visitor(), 21) == [422] * 21
    for _ in range(31):
        assert service.visitor().ask().status_code == 303
    assert len([email for email in service.deliver() if email["To"] == ADA]) == 31
    wrong = [service.visitor().get("/confirm/x").status_code for _ in range(21)]
    assert set(wrong) == {404}


# What a refusal does


def exhaust_form(visitor: Visitor) -> Callable[[], TestResponse]:
    page = visitor.get("/signup")
    for _ in range(30):
        visitor.send("/signup", page)
    return lambda: visitor.send("/signup", page)


def exhaust_network(visitor: Visitor) -> Callable[[], TestResponse]:
    for number in range(30):
        neighbour = Visitor(visitor.service, f"127.0.0.{number + 2}")
        neighbour.ask(f"a{number}@example{number}.org")
    return visitor.ask


def exhaust_everything(visitor: Visitor) -> Callable[[], TestResponse]:
    visitor.service.app.config["MAX_LETTERS"] = 1
    visitor.ask()
    visitor.ask()
    return lambda: visitor.ask("tom@example.com")


def exhaust_page(visitor: Visitor) -> Callable[[], TestResponse]:
    guess(visitor, 5)
    return visitor.log_in


def exhaust_api(visitor: Visitor) -> Callable[[], TestResponse]:
    guess(visitor, 5)
    return lambda: visitor.client.get("/api/authors", auth=(SUE, SUE_PASSWORD))


def exhaust_queue(visitor: Visitor) -> Callable[[], TestResponse]:
    visitor.service.app.config["MAX_WAITING"] = 0
    visitor.ask_and_get_link()
    return visitor.confirm


def exhaust_hashes(visitor: Visitor) -> Callable[[], TestResponse]:
    visitor.ask_and_get_link()
    visitor.service.strapi.add_admin(ADA, None, "strapi-editor")
    for _ in range(10):
        visitor.confirm()
    return visitor.confirm


@pytest.mark.parametrize(
    ("exhaust", "status"),
    [
        (exhaust_form, 429),
        (exhaust_network, 429),
        (exhaust_everything, 503),
        (exhaust_page, 429),
        (exhaust_api, 429),
        (exhaust_queue, 503),
        (exhaust_hashes, 503),
    ],
)
def test_a_refusal_only_reads(
    service: Service,
    exhaust: Callable[[Visitor], Callable[[], TestResponse]],
    status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    refused = exhaust(service.visitor())
    # The first refusal may log an error, which all instances count.
    assert refused().status_code == status
    caplog.clear()
    with caplog.at_level("DEBUG", "peewee"):
        assert refused().status_code == status
    statements = [line.getMessage() for line in caplog.records if line.name == "peewee"]
    verbs = {re.split(r"\W+", statement)[1] for statement in statements}
    assert {"SELECT"} <= verbs <= {"SELECT", "PRAGMA"}


# What a failure tells


def failures(service: Service) -> list[tuple[str, str]]:
    """The email and password of every failure there is."""
    service.strapi.add_admin("ed@example.com", SUE_PASSWORD, "strapi-editor")
    service.strapi.add_admin(ADA, ADA_PASSWORD, "strapi-author")
    for name, hashed in {"odd": "x", "cut": "$2a$10$abc", "invited": None}.items():
        service.strapi.add_admin(f"{name}@example.com", None, "strapi-super-admin")
        spoil = "UPDATE admin_users SET password = ? WHERE email = ?"
        service.strapi.do(spoil, hashed, f"{name}@example.com")
    add = service.strapi.add_admin
    add("inactive@example.com", SUE_PASSWORD, "strapi-super-admin", active=False)
    add("blocked@example.com", SUE_PASSWORD, "strapi-super-admin", blocked=True)
    names = ["nobody", "ed", "odd", "cut", "invited", "inactive", "blocked"]
    people = [(f"{name}@example.com", SUE_PASSWORD) for name in names]
    return [*people, (ADA, ADA_PASSWORD), (SUE, WRONG_PASSWORD), (SUE, "Ä" * 80)]


def test_every_failure_has_the_same_answer_from_pages_and_api(service: Service) -> None:
    pages, answers = set(), set()
    for number, (email, password) in enumerate(failures(service)):
        visitor = Visitor(service, f"192.0.2.{number}")
        opened = visitor.get("/review/login")
        page = visitor.send("/review/login", opened, email=email, password=password)
        text = page.text.replace(email, "…").replace(token_of(opened), "…")
        headers = dict(page.headers) | {"Set-Cookie": "", "Content-Length": ""}
        pages.add((page.status_code, text, str(sorted(headers.items()))))
        api = visitor.client.get("/api/authors", auth=(email, password))
        answers.add((api.status_code, api.text))
        assert password not in page.text
    assert [status for status, *_ in pages] == [422]
    assert "not the address and password of a super admin" in pages.pop()[1]
    assert [status for status, _ in answers] == [401]


@pytest.mark.parametrize(("cost", "kind"), [(4, "2b"), (10, "2a"), (11, "2b")])
def test_every_failure_costs_one_bcrypt_of_the_highest_stored_cost(
    service: Service, monkeypatch: pytest.MonkeyPatch, cost: int, kind: str
) -> None:
    people = failures(service)
    stored = hash_once(SUE_PASSWORD, cost).replace("$2a$", f"${kind}$")
    service.strapi.do("UPDATE admin_users SET password = ? WHERE email = ?", stored, SUE)
    compared: list[str] = []
    checkpw: Any = bcrypt.checkpw

    def counting(attempt: bytes, hashed: bytes) -> bool:
        compared.append(hashed.decode())
        return bool(checkpw(attempt, hashed))

    monkeypatch.setattr(bcrypt, "checkpw", counting)
    for number, (email, password) in enumerate(people):
        assert Visitor(service, f"192.0.2.{number}").log_in(email, password).status_code == 422

    assert [hashed[4:6] for hashed in compared] == [f"{cost:02}"] * len(people)

"""No network and no email domain takes what is for all: neither first emails nor the queue."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import bcrypt
import pytest
from werkzeug.test import TestResponse

from models.mail import mailboxes
from signup.health import warnings
from tests.conftest import every_engine
from tests.support.service import ADA, ADA_PASSWORD, GRACE, Later, Service, Start, Visitor, token_of
from tests.support.strapi_file import SUE

# IPs of one network, each of another visitor.
NETWORKS: dict[str, Callable[[int], str]] = {
    "IPv4 /24": lambda number: f"192.0.2.{number}",
    "IPv6 /48": lambda number: f"2001:db8:7:{number:x}::1",
    "IPv4 in IPv6": lambda number: f"::ffff:192.0.2.{number}",
}
OUTSIDE = {"IPv4 /24": "192.0.3.1", "IPv6 /48": "2001:db8:8::1", "IPv4 in IPv6": "::ffff:192.0.3.1"}


def anywhere(number: int) -> str:
    """An IP of a network of its own."""
    return f"10.{number // 250}.{number % 250}.1"


def ask(service: Service, ip: str, email: str) -> TestResponse:
    return Visitor(service, ip).ask(email)


def first_emails(service: Service) -> int:
    return len(service.rows("SELECT * FROM letter WHERE kind = 'confirm'"))


def health(service: Service) -> list[str]:
    """The warnings of /healthz, which would name the missing worker of a test instead."""
    with service.app.test_request_context():
        return list(warnings())


# First emails


@pytest.mark.parametrize("kind", NETWORKS)
def test_one_network_gets_a_tenth_of_the_first_emails(
    start: Start, kind: str, later: Later, caplog: pytest.LogCaptureFixture
) -> None:
    service = start(MAX_LETTERS=50)
    answers = [ask(service, NETWORKS[kind](n), f"a{n}@example{n}.org") for n in range(8)]

    assert [answer.status_code for answer in answers] == [303] * 5 + [429] * 3
    assert 3500 < int(answers[-1].headers["Retry-After"]) <= 3600
    assert 'value="Lovelace"' in answers[-1].text
    assert first_emails(service) == 5
    assert ask(service, OUTSIDE[kind], ADA).status_code == 303
    assert health(service) == ["signups"]
    errors = [line for line in caplog.records if line.levelname == "ERROR"]
    assert [line.getMessage() for line in errors] == ["signup share used up"]

    later(timedelta(seconds=int(answers[-1].headers["Retry-After"])))
    assert ask(service, NETWORKS[kind](9), GRACE).status_code == 303


def test_a_network_cannot_double_its_share_at_the_end_of_an_hour(
    start: Start, later: Later
) -> None:
    service = start(MAX_LETTERS=50)
    ask(service, "192.0.2.1", "first@example.org")
    later(timedelta(minutes=59))
    for number in range(4):
        ask(service, "192.0.2.1", f"a{number}@example{number}.org")
    later(timedelta(minutes=2))
    answers = [ask(service, "192.0.2.1", f"b{number}@example.com") for number in range(3)]
    assert [answer.status_code for answer in answers] == [303, 429, 429]


def test_what_a_network_is_told_tells_nothing_about_an_email(start: Start) -> None:
    """A request counts for its network whether an email goes out or not (P3)."""
    service = start(MAX_LETTERS=100)
    for number in range(3):
        ask(service, anywhere(number), ADA)
    service.strapi.add_admin(GRACE, None, "strapi-editor")
    last = {}
    for network, email in enumerate((ADA, GRACE, SUE, "new@example.com"), 1):
        for number in range(9):
            ask(service, f"192.0.{network}.1", f"a{network}{number}@example{number}.net")
        last[email] = [ask(service, f"192.0.{network}.2", email).status_code for _ in range(2)]
    assert set(map(tuple, last.values())) == {(303, 429)}


@every_engine
@pytest.mark.parametrize(
    ("domains", "most"),
    [
        (["example.org"], 10),
        (["a.example.org", "b.example.org", "example.org", "x.y.example.org"], 10),
        (["a.example.co.uk", "example.co.uk"], 10),
        (["gmail.com", "googlemail.com"], 25),
        (["example.com"], 30),
    ],
)
def test_one_domain_gets_a_fifth_of_the_first_emails_and_all_see_the_same(
    start: Start, domains: list[str], most: int, caplog: pytest.LogCaptureFixture
) -> None:
    service = start(MAX_LETTERS=50, ALLOWED_DOMAINS=["example.com", *domains, "*.net"])
    if most != 30:
        service.app.config["ALLOWED_DOMAINS"] = []
    answers = [
        ask(service, anywhere(number), f"a{number}@{domains[number % len(domains)]}")
        for number in range(30)
    ]

    assert {(answer.status_code, answer.location) for answer in answers} == {(303, "/signup/sent")}
    assert first_emails(service) == most
    assert ("signup share used up" in caplog.messages) == (most < 30)
    ask(service, anywhere(31), "ada@example.net")
    assert first_emails(service) == most + 1
    everything = str(service.rows("SELECT * FROM count"))
    assert not any(domain in everything for domain in domains)


@every_engine
def test_shares_are_exact_when_many_ask_at_once(start: Start) -> None:
    service = start(MAX_LETTERS=50)
    visitors = [Visitor(service, f"192.0.2.{number}") for number in range(12)]
    with ThreadPoolExecutor(12) as threads:
        emails = [f"a{number}@example{number}.org" for number in range(12)]
        statuses = [a.status_code for a in threads.map(Visitor.ask, visitors, emails)]
    assert sorted(statuses) == [303] * 5 + [429] * 7


@pytest.mark.parametrize(
    ("email", "owner"),
    [
        ("ada@example.org", "example.org"),
        ("ada@a.b.Example.ORG", "example.org"),
        ("ada@mail.example.co.uk", "example.co.uk"),
        ("ada@x.ibm.com", "ibm.com"),
        ("ada@x.abc.de", "abc.de"),
        ("ada@co.uk", "co.uk"),
        ("ada@googlemail.com", "gmail.com"),
        ("ada@xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_the_domain_that_somebody_registered(email: str, owner: str) -> None:
    assert mailboxes.owner_domain(email) == owner


# The queue


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The salts of the passwords that were hashed."""
    hashed: list[bytes] = []
    hashpw = bcrypt.hashpw

    def counting(password: bytes, salt: bytes) -> bytes:
        hashed.append(salt)
        return hashpw(password, salt)

    monkeypatch.setattr(bcrypt, "hashpw", counting)
    return hashed


def links(start: Start, emails: list[str]) -> dict[str, str]:
    """The links of these emails, asked for without limits."""
    service = start(RATELIMIT_ENABLED=False)
    for email in emails:
        service.visitor().ask(email)
    service.deliver()
    return {email: service.visitor().link(email=email) for email in emails}


@pytest.mark.parametrize(
    ("emails", "ips", "settings", "waiting"),
    [
        ("a{}@example.org", "10.0.{}.1", {}, 2),
        ("a{0}@x{0}.example.org", "10.0.{}.1", {}, 2),
        ("a{0}@example{0}.org", "10.0.7.{}", {}, 2),
        ("a{0}@example{0}.org", "2001:db8:7:{}::1", {}, 2),
        ("a{0}@example{0}.org", "10.0.{}.1", {}, 4),
        ("a{}@gmail.com", "10.0.{}.1", {}, 4),
        ("a{}@example.org", "10.0.{}.1", {"ALLOWED_DOMAINS": ["example.org"]}, 4),
        ("a{}@example.org", "10.0.7.{}", {"RATELIMIT_ENABLED": False}, 4),
    ],
)
def test_a_domain_and_a_network_fill_a_fifth_of_the_queue_and_others_wait(
    start: Start,
    hashes: list[bytes],
    emails: str,
    ips: str,
    settings: dict[str, object],
    waiting: int,
) -> None:
    found = links(start, [*(emails.format(n) for n in range(4)), "other@example.com"])
    service = start(MAX_WAITING=10, **{"ALLOWED_DOMAINS": [], **settings})
    visitors = [Visitor(service, ips.format(n)) for n in range(4)]
    other = Visitor(service, "198.51.100.1")
    answers = [v.confirm(link) for v, link in zip(visitors, found.values(), strict=False)]

    assert [a.status_code for a in answers] == [303] * waiting + [503] * (4 - waiting)
    for refused in answers[waiting:]:
        assert "Your link still works" in refused.text
        assert ADA_PASSWORD not in refused.text
    assert len(hashes) == waiting
    assert other.confirm(found["other@example.com"]).status_code == 303


@every_engine
def test_of_many_who_confirm_at_once_no_more_wait_than_may(start: Start) -> None:
    emails = [f"a{number}@example{number}.org" for number in range(8)]
    found = links(start, emails)
    service = start(MAX_WAITING=3, RATELIMIT_ENABLED=False)
    visitors = [service.visitor() for _ in emails]
    pages = [v.get(link) for v, link in zip(visitors, found.values(), strict=True)]
    barrier = threading.Barrier(len(emails))

    def confirm(number: int) -> int:
        fields = {
            "password": ADA_PASSWORD,
            "firstname": "Ada",
            "csrf_token": token_of(pages[number]),
        }
        barrier.wait()
        path = found[emails[number]]
        return visitors[number].send(path, pages[number], **fields).status_code

    with ThreadPoolExecutor(8) as threads:
        answers = sorted(threads.map(confirm, range(8)))
    states = [row["state"] for row in service.rows("SELECT * FROM signup")]
    assert states.count("waiting") == answers.count(303) == len(service.strapi.admins()) - 1
    # One who is being confirmed may keep a place from another one for this moment.
    assert 1 <= states.count("waiting") <= 3
    assert "confirming" not in str(service.rows("SELECT * FROM count"))


def test_a_full_queue_is_shown_to_reviewers_monitors_and_operators(start: Start) -> None:
    service = start(MAX_WAITING=1)
    sue = service.reviewer()
    said = "The queue is full"
    assert said not in sue.get("/review").text
    service.visitor().apply()

    assert said in sue.get("/review").text
    assert health(service) == ["queue"]
    assert "the queue is full, so nobody can apply" in service.run("check").output
    sue.decide("activate", ADA)
    assert said not in sue.get("/review").text
    assert health(service) == []


# Hashing


def test_a_link_hashes_ten_passwords_in_ten_minutes_and_then_works_again(
    service: Service, hashes: list[bytes], later: Later
) -> None:
    ada = Visitor(service, "192.0.2.7")
    link = ada.ask_and_get_link()
    service.strapi.add_admin(ADA, None, "strapi-editor")
    answers = [ada.confirm(link).status_code for _ in range(12)]

    assert answers == [409] * 10 + [503] * 2
    assert len(hashes) == 10
    service.strapi.remove(ADA)
    refused = Visitor(service, "198.51.100.1").confirm(link, why="I write.")
    assert "I write." in refused.text
    assert "Your link still works" in refused.text
    later(timedelta(seconds=int(refused.headers["Retry-After"])))
    assert ada.confirm(link).status_code == 303


def test_an_ip_that_wastes_hashes_stops_no_fresh_link(
    service: Service, hashes: list[bytes]
) -> None:
    visitor = Visitor(service, "192.0.2.7")
    emails = [f"a{number}@example.org" for number in range(4)]
    found = [visitor.ask_and_get_link(email) for email in emails]
    for email in emails[:3]:
        service.strapi.add_admin(email, None, "strapi-editor")
    wasted = [visitor.confirm(link).status_code for link in found[:3] for _ in range(8)]

    # Twenty in an hour, and always the first one of a link.
    assert wasted == [409] * 20 + [503] * 4
    assert len(hashes) == 20
    assert visitor.confirm(found[3]).status_code == 303


def test_nothing_is_hashed_while_strapi_is_away(service: Service, hashes: list[bytes]) -> None:
    link = service.visitor().ask_and_get_link()
    visitor = service.visitor()
    page = visitor.get(link)
    fields = {"password": ADA_PASSWORD, "firstname": "Ada"}
    with service.strapi.away():
        answers = {visitor.send(link, page, **fields).status_code for _ in range(12)}
    assert (answers, hashes) == ({503}, [])
    assert visitor.confirm(link).status_code == 303

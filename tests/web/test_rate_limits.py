"""Limits that limit: counted in the ledger, for a network address, at every door."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.conftest import every_engine
from tests.support.service import ADA, PUBLIC, Service, Visitor, token_of
from tests.support.strapi_file import SUE, SUE_PASSWORD

TOM = "tom@example.com"


class Elsewhere(Visitor):
    """A visitor from another network address."""

    def __init__(self, service: Service, address: str) -> None:
        super().__init__(service)
        self.client.environ_base["REMOTE_ADDR"] = address


def guess(visitor: Visitor, times: int, email: str = SUE) -> list[int]:
    return [visitor.log_in(email, "Wrong1password").status_code for _ in range(times)]


def test_five_failed_logins_in_five_minutes_are_enough(
    service: Service, later: Callable[[timedelta], None]
) -> None:
    visitor = service.visitor()
    assert guess(visitor, 6) == [422] * 5 + [429]
    refused = visitor.log_in()
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 300
    assert "Please wait a while" in refused.text

    later(timedelta(minutes=5, seconds=1))
    assert visitor.log_in().status_code == 303


def test_a_stranger_elsewhere_locks_nobody_out(service: Service) -> None:
    guess(Elsewhere(service, "192.0.2.7"), 30)
    assert service.visitor().log_in().status_code == 303


def test_the_api_is_no_other_door(service: Service) -> None:
    client = service.app.test_client()
    for _ in range(5):
        assert client.get("/api/authors", auth=(SUE, "wrong")).status_code == 401
    answer = client.get("/api/authors", auth=(SUE, SUE_PASSWORD))
    assert answer.status_code == 429
    assert answer.content_type == "application/problem+json"
    assert answer.headers["Retry-After"]
    assert service.visitor().log_in().status_code == 429


def test_twenty_failed_logins_an_hour_whatever_the_account(service: Service) -> None:
    visitor = service.visitor()
    answers = [guess(visitor, 1, f"guess{number}@example.com")[0] for number in range(21)]
    assert answers == [422] * 20 + [429]


def test_a_success_counts_for_nothing_and_clears_nothing(service: Service) -> None:
    visitor = service.visitor()
    assert guess(visitor, 4) == [422] * 4
    for _ in range(3):
        assert visitor.log_in().status_code == 303
    assert guess(visitor, 2) == [422, 429]


def test_thirty_requests_an_hour_from_one_address(service: Service) -> None:
    visitor = service.visitor()
    answers = [visitor.ask(f"author{number}@example.org").status_code for number in range(31)]
    assert answers == [303] * 30 + [429]
    assert len(service.rows("SELECT * FROM letter")) == 30
    assert Elsewhere(service, "192.0.2.7").ask().status_code == 303


def test_twenty_wrong_links_an_hour(service: Service) -> None:
    visitor = service.visitor()
    service.visitor().ask()
    service.deliver()
    answers = [visitor.get(f"/confirm/guess{number}").status_code for number in range(10)]
    answers += [visitor.get(f"/stop/guess{number}").status_code for number in range(11)]
    assert answers == [404] * 20 + [429]
    refused = visitor.get("/confirm/guess")
    assert 3000 < int(refused.headers["Retry-After"]) <= 3600
    assert Elsewhere(service, "192.0.2.7").get(visitor.link()).status_code == 200


@pytest.mark.parametrize(
    ("first", "second", "one"),
    [("2001:db8::1", "2001:db8::2", True), ("2001:db8::1", "2001:db8:0:1::1", False)],
)
def test_a_visitor_has_a_whole_ipv6_network(
    service: Service, first: str, second: str, one: bool
) -> None:
    guess(Elsewhere(service, first), 5)
    assert (guess(Elsewhere(service, second), 1) == [429]) == one


@every_engine
def test_counts_outlive_a_restart(start: Callable[..., Service]) -> None:
    assert guess(start().visitor(), 5) == [422] * 5
    assert guess(start().visitor(), 1) == [429]


def test_a_header_moves_nobody_elsewhere_unless_a_proxy_is_trusted(
    start: Callable[..., Service],
) -> None:
    def asking(service: Service, claimed: str) -> int:
        visitor = service.visitor()
        given = {"csrf_token": token_of(visitor.get("/review/login")), "email": SUE}
        given["password"] = "Wrong1password"
        headers = {"X-Forwarded-For": claimed}
        path = "/review/login"
        return visitor.client.post(path, data=given, headers=headers, base_url=PUBLIC).status_code

    service = start()
    assert [asking(service, f"192.0.2.{n}") for n in range(6)] == [422] * 5 + [429]
    trusting = start(PROXIES=1)
    assert [asking(trusting, f"198.51.100.{n}") for n in range(6)] == [422] * 6


@pytest.mark.parametrize("claimed", ["unknown", "", "192.0.2.1:4711", "x" * 500])
def test_an_address_that_is_none_counts_as_one(start: Callable[..., Service], claimed: str) -> None:
    visitor = start(PROXIES=1).visitor()
    headers = {"X-Forwarded-For": claimed}
    assert visitor.client.get("/confirm/x", headers=headers, base_url=PUBLIC).status_code == 404


def test_the_setting_lifts_every_limit(start: Callable[..., Service]) -> None:
    service = start(RATELIMIT_ENABLED=False)
    assert guess(service.visitor(), 25) == [422] * 25
    for _ in range(8):
        service.visitor().ask()
    assert len([letter for letter in service.deliver() if letter["To"] == ADA]) == 8


def test_limits_are_stored_under_the_keys_of_earlier_versions(service: Service) -> None:
    visitor = service.visitor()
    visitor.ask()
    guess(visitor, 1)

    keys = [row["key"].split("/") for row in service.rows("SELECT key FROM count ORDER BY key")]
    ends = [[key[1].partition(" ")[0], *key[-3:]] for key in keys]
    assert ends == [
        ["127.0.0.1", "30", "1", "hour"],
        ["failed", "100", "1", "day"],
        ["failed", "5", "5", "minute"],
        ["failed", "20", "1", "hour"],
    ]
    assert keys[0][2] == "form.ask"

"""Limits for an IP: requests, wrong links, and which IP counts."""

from collections.abc import Callable

import pytest

from tests.support.service import ADA, PUBLIC, WRONG_PASSWORD, Service, Visitor, token_of
from tests.support.strapi_file import SUE
from tests.web.test_login_limits import guess


def test_thirty_requests_an_hour_from_one_ip(service: Service) -> None:
    visitor = service.visitor()
    answers = [visitor.ask(f"author{number}@example.org").status_code for number in range(31)]
    assert answers == [303] * 30 + [429]
    assert len(service.emails()) == 30
    assert Visitor(service, "192.0.2.7").ask().status_code == 303


def test_twenty_wrong_links_an_hour_from_one_ip_and_right_links_always(service: Service) -> None:
    visitor = service.visitor()
    link = service.visitor().ask_and_get_link()
    answers = [visitor.get(f"/confirm/guess{number}").status_code for number in range(10)]
    answers += [visitor.get(f"/stop/guess{number}").status_code for number in range(11)]
    assert answers == [404] * 20 + [429]
    refused = visitor.get("/confirm/guess")
    assert 3000 < int(refused.headers["Retry-After"]) <= 3600
    assert Visitor(service, "192.0.2.7").get(link).status_code == 200


def test_an_ipv6_network_counts_as_one_visitor(service: Service) -> None:
    guess(Visitor(service, "2001:db8::1"), 5)
    assert guess(Visitor(service, "2001:db8::2")) == [429]
    assert guess(Visitor(service, "2001:db8:0:1::1")) == [422]


def test_a_header_changes_the_ip_only_behind_a_proxy_that_the_settings_name(
    start: Callable[..., Service],
) -> None:
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


@pytest.mark.parametrize("claimed", ["unknown", "", "192.0.2.1:4711", "x" * 500])
def test_text_that_is_no_ip_counts_as_one_visitor(
    start: Callable[..., Service], claimed: str
) -> None:
    visitor = start(PROXIES=1).visitor()
    headers = {"X-Forwarded-For": claimed}
    assert visitor.client.get("/confirm/x", headers=headers, base_url=PUBLIC).status_code == 404


def test_the_setting_lifts_every_limit(start: Callable[..., Service]) -> None:
    service = start(RATELIMIT_ENABLED=False)
    assert guess(service.visitor(), 21) == [422] * 21
    for _ in range(31):
        assert service.visitor().ask().status_code == 303
    assert len([email for email in service.deliver() if email["To"] == ADA]) == 31
    wrong = [service.visitor().get("/confirm/x").status_code for _ in range(21)]
    assert set(wrong) == {404}

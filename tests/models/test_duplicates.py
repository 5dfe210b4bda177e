"""Doubles: Strapi makes an account of our address at the same instant, which nothing prevents."""

import pytest

from tests.conftest import every_strapi
from tests.support.service import ADA, Service, Visitor
from tests.support.strapi_file import SUE, StrapiFile

ALARM = "email duplicated in strapi"
NOTICE = "Strapi has another account of this address"


@pytest.fixture
def sue(service: Service) -> Visitor:
    visitor = service.visitor()
    visitor.log_in()
    return visitor


def double(strapi: StrapiFile) -> int:
    """Strapi's own row for Ada, which it wrote a moment after ours."""
    return strapi.add_admin("Ada@Example.org", None, "strapi-editor", active=False)


@every_strapi
def test_a_double_is_shown_alarmed_and_not_activated(
    service: Service, sue: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    service.visitor().apply()
    ours = service.signup()["strapi_id"]
    double(service.strapi)
    service.deliver()

    alarms = [line for line in caplog.records if line.getMessage() == ALARM]
    assert [line.levelname for line in alarms] == ["ERROR"]
    assert NOTICE in sue.get("/review").text
    assert NOTICE in sue.get(f"/review/signup/{service.signup()['id']}").text
    assert sue.decide("activate", ours).status_code == 409
    assert not any(row["is_active"] for row in service.strapi.admins() if row["email"] != SUE)


def test_an_alarm_about_a_double_is_raised_once(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.visitor().apply()
    double(service.strapi)
    for _ in range(3):
        service.strapi.do("UPDATE admin_users SET updated_at = ?", service.strapi.present())
        service.deliver()
    assert caplog.text.count(ALARM) == 1


def test_without_its_double_the_author_can_be_activated(service: Service, sue: Visitor) -> None:
    service.visitor().apply()
    other = double(service.strapi)
    service.deliver()
    service.strapi.do("DELETE FROM admin_users WHERE id = ?", other)
    service.deliver()

    assert NOTICE not in sue.get("/review").text
    assert sue.decide("activate", service.signup()["strapi_id"]).status_code == 303
    assert (service.strapi.admin(ADA) or {})["is_active"] == 1


def test_a_double_of_somebody_else_is_none_of_our_business(
    service: Service, sue: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    service.visitor().apply()
    for spelling in ("eve@example.org", "EVE@example.org"):
        service.strapi.add_admin(spelling, None, "strapi-editor", active=False)
    service.deliver()

    assert ALARM not in caplog.text
    assert NOTICE not in sue.get("/review").text

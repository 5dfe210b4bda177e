"""Collations: where Strapi's MariaDB takes different addresses for one, so does the service."""

from collections.abc import Callable

import pytest

from tests.support.service import ADA, Service
from tests.support.smtp_server import text
from tests.support.strapi_file import SUE, StrapiFile

# Strapi says "Email already taken" to whoever comes second.
ALIKE = "ádà@example.org"


@pytest.fixture(params=["utf8mb4_general_ci", "utf8mb4_unicode_ci"])
def service(
    request: pytest.FixtureRequest, strapi: StrapiFile, start: Callable[..., Service]
) -> Service:
    """The service beside a Strapi whose database is as MariaDB makes them."""
    strapi.do(f"ALTER TABLE admin_users CONVERT TO CHARACTER SET utf8mb4 COLLATE {request.param}")
    return start()


pytestmark = pytest.mark.parametrize("backend", ["mariadb"], indirect=True)


def test_who_has_an_address_that_is_taken_for_it_is_told_so(service: Service) -> None:
    service.strapi.add_admin(ALIKE, None, "strapi-editor")

    service.visitor().ask()
    [letter] = service.deliver()

    assert letter["To"] == ADA
    assert "/confirm/" not in text(letter)


def test_an_address_that_was_taken_between_letter_and_click_stays_anothers(
    service: Service,
) -> None:
    service.visitor().ask()
    service.deliver()
    service.strapi.add_admin(ALIKE, None, "strapi-editor", active=False)

    assert service.visitor().confirm().status_code == 409

    assert [row["email"] for row in service.strapi.admins()] == [SUE, ALIKE]


def test_whom_strapi_would_take_for_another_is_not_let_in(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.visitor().apply()
    service.strapi.add_admin(ALIKE, None, "strapi-editor", active=False)
    service.deliver()
    assert "email duplicated in strapi" in caplog.text
    sue = service.visitor()
    sue.log_in()

    assert sue.decide("activate", service.signup()["strapi_id"]).status_code == 409

    assert [row["is_active"] for row in service.strapi.admins()] == [1, 0, 0]


def test_a_reviewers_address_is_compared_exactly(service: Service) -> None:
    answer = service.visitor().log_in("sùe@example.com")
    assert answer.status_code == 422

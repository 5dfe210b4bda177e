"""Where MariaDB takes different emails for equal, the service does what Strapi does."""

import pytest

from tests.support.service import ADA, Service, Start
from tests.support.smtp_server import text
from tests.support.strapi_file import SUE, StrapiFile

# Equal to Ada's in these collations: Strapi refuses a second admin user with it.
ALIKE = "ádà@example.org"

pytestmark = pytest.mark.parametrize("backend", ["mariadb"], indirect=True)


@pytest.fixture(params=["utf8mb4_general_ci", "utf8mb4_unicode_ci"])
def service(request: pytest.FixtureRequest, strapi: StrapiFile, start: Start) -> Service:
    """The service beside a Strapi with a collation that MariaDB uses by default."""
    strapi.do(f"ALTER TABLE admin_users CONVERT TO CHARACTER SET utf8mb4 COLLATE {request.param}")
    return start()


def test_a_visitor_is_told_that_an_equal_email_has_an_account(service: Service) -> None:
    service.strapi.add_admin(ALIKE, None, "strapi-editor")

    service.visitor().ask()
    [message] = service.deliver()

    assert message["To"] == ADA
    assert "/confirm/" not in text(message)


def test_an_equal_email_that_was_taken_before_the_click_is_a_conflict(service: Service) -> None:
    service.visitor().ask_and_get_link()
    service.strapi.add_admin(ALIKE, None, "strapi-editor", active=False)

    assert service.visitor().confirm().status_code == 409

    assert [row["email"] for row in service.strapi.admins()] == [SUE, ALIKE]


def test_an_author_whose_email_equals_anothers_is_not_activated(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.visitor().apply()
    service.strapi.add_admin(ALIKE, None, "strapi-editor", active=False)
    service.deliver()
    assert "email duplicated in strapi" in caplog.text

    assert service.reviewer().decide("activate", ADA).status_code == 409

    assert [row["is_active"] for row in service.strapi.admins()] == [1, 0, 0]


def test_a_reviewer_logs_in_with_exactly_his_email(service: Service) -> None:
    assert service.visitor().log_in("sùe@example.com").status_code == 422

"""Duplicates: Strapi creates an account of an author's email at the same moment as we do."""

import pytest

from tests.conftest import every_strapi
from tests.support.service import ADA, Service, Visitor
from tests.support.strapi_file import SUE, StrapiFile

EVENT = "email duplicated in strapi"
NOTICE = "Strapi has another account of this address"


def add_duplicate(strapi: StrapiFile) -> int:
    """Strapi's own row for Ada, which it wrote a moment after ours."""
    return strapi.add_admin("Ada@Example.org", None, "strapi-editor", active=False)


@every_strapi
def test_a_duplicate_is_shown_logged_once_and_not_activated(
    service: Service, sue: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    service.visitor().apply()
    add_duplicate(service.strapi)
    for _ in range(3):
        service.strapi.do("UPDATE admin_users SET updated_at = ?", service.strapi.present())
        service.deliver()

    assert [line.levelname for line in caplog.records if line.getMessage() == EVENT] == ["ERROR"]
    for page in ("/review", f"/review/signup/{service.signup()['id']}"):
        assert NOTICE in sue.get(page).text
    assert sue.decide("activate", ADA).status_code == 409
    assert not any(row["is_active"] for row in service.strapi.admins() if row["email"] != SUE)


def test_without_its_duplicate_the_author_can_be_activated(service: Service, sue: Visitor) -> None:
    service.visitor().apply()
    other = add_duplicate(service.strapi)
    service.deliver()
    service.strapi.do("DELETE FROM admin_users WHERE id = ?", other)
    service.deliver()

    assert NOTICE not in sue.get("/review").text
    assert sue.decide("activate", ADA).status_code == 303
    assert service.strapi.is_active(ADA)


def test_duplicates_of_other_admin_users_are_ignored(
    service: Service, sue: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    service.visitor().apply()
    for spelling in ("eve@example.org", "EVE@example.org"):
        service.strapi.add_admin(spelling, None, "strapi-editor", active=False)
    service.deliver()

    assert EVENT not in caplog.text
    assert NOTICE not in sue.get("/review").text

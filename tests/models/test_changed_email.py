"""The email of an author's row may change in Strapi. The signup stays the same one."""

from collections.abc import Callable

import pytest

from tests.support.service import ADA, Service, Visitor
from tests.support.strapi_file import SUE

NEW = "ada.l@example.org"


@pytest.fixture
def sue(service: Service) -> Visitor:
    visitor = service.visitor()
    visitor.log_in(SUE)
    return visitor


def change(service: Service, **values: object) -> None:
    names = ", ".join(f"{name} = ?" for name in values)
    service.strapi.do(f"UPDATE admin_users SET {names} WHERE email = ?", *values.values(), ADA)


def test_an_email_corrected_in_the_panel_is_followed(service: Service) -> None:
    service.visitor().apply()
    change(service, email=NEW, is_active=1)

    assert [message["To"] for message in service.deliver()] == [NEW]
    assert service.signup(NEW)["state"] == "active"
    assert service.signup(NEW)["confirmed_email"] == ADA


def test_a_decision_reaches_the_row_before_the_change_is_noticed(
    service: Service, sue: Visitor
) -> None:
    service.visitor().apply()
    change(service, email=NEW)

    assert sue.decide("activate", service.signup()["strapi_id"]).status_code == 303
    assert (service.strapi.admin(NEW) or {})["is_active"] == 1


def test_an_author_cannot_escape_an_undo_by_changing_the_email(
    start: Callable[..., Service],
) -> None:
    service = start(UNDO_SECONDS=600)
    sue = service.visitor()
    sue.log_in(SUE)
    service.visitor().apply()
    number = service.signup()["strapi_id"]
    sue.decide("activate", number)
    change(service, email=NEW)
    service.deliver()

    assert sue.decide("undo", number).status_code == 303
    assert (service.strapi.admin(NEW) or {})["is_active"] == 0


def test_the_old_email_is_still_known(service: Service) -> None:
    service.visitor().apply()
    change(service, email=NEW, is_active=1)
    service.deliver()
    service.visitor().ask(ADA)

    assert "account" in service.deliver()[0]["Subject"]
    assert len(service.rows("SELECT * FROM signup")) == 1


def test_the_history_and_the_page_of_the_signup_name_both(service: Service, sue: Visitor) -> None:
    service.visitor().apply()
    change(service, email=NEW)
    service.deliver()

    page = sue.get(f"/review/signup/{service.signup(NEW)['id']}").text
    assert f"{ADA} → {NEW}" in page


def test_a_row_that_took_the_id_of_a_deleted_one_is_not_ours(service: Service) -> None:
    service.visitor().apply()
    change(service, email="eve@example.org", document_id="x" * 24, created_at=1)
    service.deliver()

    assert service.signup()["state"] == "removed"

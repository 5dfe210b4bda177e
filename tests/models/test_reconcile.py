"""Reconciling: what happened in Strapi's panel, or while our process died, reaches the ledger."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from models import password_hashing
from models.signups.signup import Signup
from models.timestamps import now
from tests.conftest import every_engine, every_strapi, on_sqlite
from tests.support.service import ADA, ADA_PASSWORD, GRACE, Later, Service, Start, Visitor
from tests.support.strapi_file import SUE

WELCOME = "You can write for cms.example.com now"
# An id in another range than the first ones.
FAR = 100_000


@every_strapi
def test_an_activation_in_strapis_panel_is_told_to_the_author_once(service: Service) -> None:
    link = service.visitor().apply()
    service.strapi.change(ADA, "is_active = true")

    [email] = service.deliver()

    assert (email["To"], email["Subject"]) == (ADA, WELCOME)
    assert (service.state(), service.signup()["decided_by"]) == ("active", None)
    assert "You can write now" in service.visitor().get(link).text
    assert service.deliver() == []


@every_strapi
def test_a_row_deleted_in_strapis_panel_is_removed_and_its_email_may_apply_again(
    service: Service,
) -> None:
    service.visitor().apply()
    service.strapi.remove(ADA)
    service.deliver()
    assert service.state() == "removed"

    service.visitor().apply()
    assert service.strapi.admin(ADA)


@every_strapi
def test_an_id_that_strapi_gave_to_another_person_is_not_the_authors(service: Service) -> None:
    service.visitor().apply()
    of_eve = "email = 'eve@example.org', is_active = true"
    if "document_id" in (service.strapi.admin(ADA) or {}):
        of_eve += ", document_id = 'eve'"
    service.strapi.change(
        ADA, f"created_at = (SELECT created_at FROM admin_roles LIMIT 1), {of_eve}"
    )

    assert service.deliver() == []
    assert service.state() == "removed"


def test_a_restored_row_with_another_document_id_is_not_the_authors(service: Service) -> None:
    service.visitor().apply()
    service.strapi.change(ADA, f"document_id = '{'z' * 24}', is_active = true")
    assert service.deliver() == []
    assert service.state() == "removed"


@every_engine
def test_a_declined_author_whom_the_panel_activates_is_active(
    service: Service, sue: Visitor
) -> None:
    service.visitor().apply()
    sue.decide("decline", ADA, reason="")
    service.deliver()
    service.strapi.change(ADA, "is_active = true")

    assert [email["Subject"] for email in service.deliver()] == [WELCOME]
    assert service.state() == "active"


@every_strapi
def test_a_confirmation_cut_off_between_the_databases_completes_after_a_restart(
    start: Start,
) -> None:
    service = start()
    service.visitor().ask_and_get_link()
    service.confirm_half()

    service = start()
    emails = service.deliver()

    assert [email["To"] for email in emails] == [ADA, SUE]
    assert service.state() == "waiting"
    assert len(service.strapi.admins()) == 2


@every_strapi
def test_a_confirmation_cut_off_is_completed_by_the_next_click_with_its_password(
    service: Service,
) -> None:
    service.visitor().ask_and_get_link()
    service.confirm_half("Forgotten1")

    assert service.visitor().confirm().status_code == 303

    assert password_hashing.verify(ADA_PASSWORD, (service.strapi.admin(ADA) or {})["password"])
    assert service.state() == "waiting"


def test_a_decision_cut_off_is_carried_out(service: Service) -> None:
    service.visitor().apply()
    with service.app.app_context():
        signup = Signup.get()
        assert signup.change_state("activating", "waiting", decided_by=SUE, decided_at=now())

    assert [email["Subject"] for email in service.deliver()] == [WELCOME]
    assert service.signup()["decided_by"] == SUE
    assert service.strapi.is_active(ADA)


def test_reconciling_twice_changes_no_more_than_once(service: Service) -> None:
    service.visitor().ask_and_get_link()
    service.visitor().confirm()
    with service.app.app_context():
        for _ in range(2):
            service.app.extensions["reconciler"].run()
    assert [email["To"] for email in service.deliver()] == [ADA, SUE]


def test_an_author_who_withdrew_while_strapi_was_away_may_apply_again_at_once(
    service: Service,
) -> None:
    link = service.visitor().apply()
    service.visitor().post(f"{link}/withdraw", page=link)
    with service.strapi.away():
        service.visitor().ask_and_get_link()

    assert service.visitor().confirm().status_code == 303
    service.deliver()

    assert service.state() == "waiting"
    assert len(service.strapi.admins()) == 2


@every_engine
def test_references_to_a_withdrawn_row_are_cleared_as_strapi_clears_them(service: Service) -> None:
    link = service.visitor().apply()
    service.strapi.do("UPDATE admin_roles SET created_by_id = ?", service.author_id())
    service.visitor().post(f"{link}/withdraw", page=link)
    service.deliver()
    found = service.strapi.rows("SELECT DISTINCT created_by_id FROM admin_roles")
    assert found == [{"created_by_id": None}]


# Which changes are noticed


@pytest.fixture
def far_apart(service: Service) -> Service:
    """Ada and Grace have applied, with many ids between them."""
    service.visitor().apply(ADA)
    service.strapi.do("INSERT INTO admin_users (id, email) VALUES (?, 'eve@example.org')", FAR)
    service.visitor().apply(GRACE)
    assert service.author_id(GRACE) == FAR + 1
    return service


@pytest.mark.parametrize("email", [ADA, GRACE])
def test_a_change_is_noticed_whatever_the_id(far_apart: Service, email: str) -> None:
    far_apart.strapi.change(email, "is_active = 1")

    assert [message["To"] for message in far_apart.deliver()] == [email]
    assert far_apart.state(email) == "active"


def test_two_changes_that_leave_the_number_of_active_rows_alone_are_noticed(
    far_apart: Service,
) -> None:
    far_apart.strapi.change(ADA, "is_active = 1")
    far_apart.deliver()
    swap = "UPDATE admin_users SET is_active = 1 - is_active WHERE email IN (?, ?)"
    far_apart.strapi.do(swap, ADA, GRACE)
    far_apart.deliver()

    assert (far_apart.state(ADA), far_apart.state(GRACE)) == ("deactivated", "active")


def test_the_deletion_of_the_last_rows_is_noticed(far_apart: Service) -> None:
    far_apart.strapi.do("DELETE FROM admin_users WHERE id >= ?", FAR)
    far_apart.deliver()

    assert (far_apart.state(ADA), far_apart.state(GRACE)) == ("waiting", "removed")


@every_engine
def test_a_new_email_in_strapi_is_noticed_after_ten_minutes_at_most(
    service: Service, later: Later
) -> None:
    service.visitor().apply()
    service.strapi.change(ADA, "email = 'eve@example.org'")
    later(timedelta(minutes=10, seconds=1))
    service.deliver()

    assert service.state("eve@example.org") == "waiting"


def test_a_file_that_was_put_back_is_read_again(service: Service) -> None:
    backup = service.strapi.path.read_bytes()
    service.visitor().apply()
    service.strapi.path.unlink()
    service.strapi.path.write_bytes(backup)
    service.deliver()

    assert service.state() == "removed"


@contextmanager
def opened_files() -> Iterator[list[str]]:
    """The SQLite files that Python opens meanwhile."""
    opened: list[str] = []
    listening = [True]

    def listen(event: str, values: tuple[object, ...]) -> None:
        if listening and event == "sqlite3.connect":
            opened.append(str(values[0]))

    sys.addaudithook(listen)
    yield opened
    listening.clear()


@on_sqlite
def test_strapis_file_stays_closed_while_it_does_not_change(service: Service, later: Later) -> None:
    service.visitor().apply()
    later(timedelta(seconds=5))
    service.deliver()
    with opened_files() as opened:
        for _ in range(3):
            service.deliver()
            service.visitor().get("/signup")
            service.visitor().get("/healthz")
    assert len([path for path in opened if "strapi.db" in path]) <= 1

    service.strapi.change(ADA, "firstname = 'A'")
    with opened_files() as opened:
        service.deliver()
    assert any("strapi.db" in path for path in opened)


@on_sqlite
def test_a_row_with_odd_times_stops_nothing(service: Service) -> None:
    service.strapi.do("UPDATE admin_users SET created_at = 'yesterday', updated_at = 1.5")
    assert service.visitor().log_in().status_code == 303
    service.visitor().apply()
    assert service.state() == "waiting"

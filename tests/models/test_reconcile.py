"""Settling: whatever happens in Strapi's panel, or to our process, the ledger follows."""

import sys
from collections.abc import Callable
from datetime import timedelta

import pytest

from models import password_hashing
from models.signups.confirm import Application, note_intent
from models.signups.history import AUTHOR, Actor
from models.signups.signup import Signup
from models.strapi import Author
from models.timestamps import now
from tests.conftest import every_engine, every_strapi, on_sqlite
from tests.support.service import ADA, ADA_PASSWORD, Service
from tests.support.smtp_server import text
from tests.support.strapi_file import SUE


@every_strapi
def test_an_activation_in_strapis_panel_is_told_to_the_author(service: Service) -> None:
    link = service.visitor().apply()
    service.strapi.do("UPDATE admin_users SET is_active = true WHERE email = ?", ADA)

    [letter] = service.deliver()

    assert (letter["To"], letter["Subject"]) == (ADA, "You can write for cms.example.com now")
    signup = service.signup()
    assert (signup["state"], signup["decided_by"]) == ("active", None)
    assert "You can write now" in service.visitor().get(link).text
    assert service.deliver() == []


@every_strapi
def test_a_row_deleted_in_strapis_panel_is_removed(service: Service) -> None:
    service.visitor().apply()
    service.strapi.do("DELETE FROM admin_users WHERE email = ?", ADA)
    service.deliver()
    assert service.signup()["state"] == "removed"

    service.visitor().apply()
    assert service.strapi.admin(ADA)


@every_strapi
def test_an_id_that_strapi_gave_to_somebody_else_is_not_the_authors(service: Service) -> None:
    service.visitor().apply()
    ada = service.strapi.admin(ADA)
    assert ada
    service.strapi.do("UPDATE admin_users SET email = 'eve@example.org' WHERE email = ?", ADA)
    service.strapi.do("UPDATE admin_users SET is_active = true WHERE email = 'eve@example.org'")

    assert service.deliver() == []
    assert service.signup()["state"] == "removed"


def test_a_restored_row_with_another_document_id_is_not_the_authors(service: Service) -> None:
    service.visitor().apply()
    service.strapi.do("UPDATE admin_users SET document_id = ?, is_active = true", "z" * 24)
    assert service.deliver() == []
    assert service.signup()["state"] == "removed"


@every_engine
def test_a_declined_author_whom_the_panel_activates_is_active(service: Service) -> None:
    service.visitor().apply()
    sue = service.visitor()
    sue.log_in()
    sue.decide("decline", service.signup()["strapi_id"], reason="")
    service.deliver()
    service.strapi.do("UPDATE admin_users SET is_active = true WHERE email = ?", ADA)

    [letter] = service.deliver()
    assert letter["Subject"] == "You can write for cms.example.com now"
    assert service.signup()["state"] == "active"


@every_strapi
def test_a_confirmation_cut_short_between_the_two_databases_completes_by_itself(
    start: Callable[..., Service],
) -> None:
    """What the process had done when it was killed, then a new process. (`test_serve` kills
    a real one there.)"""
    service = start()
    service.visitor().ask()
    service.deliver()
    with service.app.app_context():
        signup = Signup.get()
        note_intent(signup, Application("hashed", "Ada", "Lovelace", None, Actor(AUTHOR)), now())
        author = Author(
            signup.identity, "Ada", "Lovelace", password_hashing.hash_password(ADA_PASSWORD)
        )
        strapi = service.app.extensions["strapi"]
        strapi.write(lambda people: people.create_author(author))

    service = start()
    letters = service.deliver()

    assert [letter["To"] for letter in letters] == [ADA, SUE]
    assert service.signup()["state"] == "waiting"
    assert len(service.strapi.admins()) == 2


@every_strapi
def test_a_confirmation_cut_short_is_completed_by_the_next_click_with_its_password(
    service: Service,
) -> None:
    service.visitor().ask()
    service.deliver()
    with service.app.app_context():
        signup = Signup.get()
        note_intent(signup, Application("hashed", "Ada", "Lovelace", None, Actor(AUTHOR)), now())
        author = Author(
            signup.identity, "Ada", "Lovelace", password_hashing.hash_password("Forgotten1")
        )
        strapi = service.app.extensions["strapi"]
        strapi.write(lambda people: people.create_author(author))

    assert service.visitor().confirm().status_code == 303

    ada = service.strapi.admin(ADA)
    assert ada
    assert password_hashing.verify(ADA_PASSWORD, ada["password"])
    assert service.signup()["state"] == "waiting"


def test_an_activation_cut_short_is_carried_out(service: Service) -> None:
    service.visitor().apply()
    with service.app.app_context():
        signup = Signup.get()
        assert signup.change_state("activating", "waiting", decided_by=SUE, decided_at=now())

    [letter] = service.deliver()

    assert letter["Subject"] == "You can write for cms.example.com now"
    assert service.signup()["decided_by"] == SUE
    assert service.strapi.admin(ADA)["is_active"] == 1  # type: ignore[index]


@on_sqlite
def test_strapis_file_is_left_alone_while_nothing_changes(
    service: Service, later: Callable[[timedelta], None]
) -> None:
    opened: list[str] = []
    sys.addaudithook(lambda event, values: watch(opened, event, values))
    service.visitor().apply()
    later(timedelta(seconds=5))
    service.deliver()
    assert any("strapi.db" in path for path in opened)

    opened.clear()
    for _ in range(3):
        service.deliver()
        service.visitor().get("/signup")
        service.visitor().get("/healthz")
    assert len([path for path in opened if "strapi.db" in path]) <= 1

    service.strapi.do("UPDATE admin_users SET firstname = 'A' WHERE email = ?", ADA)
    opened.clear()
    service.deliver()
    assert any("strapi.db" in path for path in opened)


def watch(opened: list[str], event: str, values: tuple[object, ...]) -> None:
    if event == "sqlite3.connect":
        opened.append(str(values[0]))


@on_sqlite
def test_an_odd_row_in_strapi_keeps_no_letter_from_going_out(service: Service) -> None:
    service.strapi.do("UPDATE admin_users SET created_at = 'yesterday', updated_at = 1.5")
    assert service.visitor().log_in().status_code == 303
    service.visitor().apply()
    assert service.signup()["state"] == "waiting"


@every_engine
def test_references_to_a_removed_row_are_cleared_as_strapi_would(service: Service) -> None:
    link = service.visitor().apply()
    service.strapi.do("UPDATE admin_roles SET created_by_id = ?", service.signup()["strapi_id"])
    service.visitor().post(f"{link}/withdraw", page=link)
    service.deliver()
    assert service.strapi.rows("SELECT DISTINCT created_by_id FROM admin_roles") == [
        {"created_by_id": None}
    ]


@pytest.mark.parametrize("times", [1, 2])
def test_settling_twice_is_settling_once(service: Service, times: int) -> None:
    service.visitor().ask()
    service.deliver()
    service.visitor().confirm()
    with service.app.app_context():
        for _ in range(times):
            service.app.extensions["reconciler"].settle()
    assert len(service.deliver()) == 2
    assert "Log in" not in text(service.mail.messages[-2])


def test_who_withdrew_while_strapi_was_busy_may_apply_again_at_once(service: Service) -> None:
    link = service.visitor().apply()
    service.visitor().post(f"{link}/withdraw", page=link)
    with service.strapi.away():
        service.visitor().ask()
        service.deliver()

    assert service.visitor().confirm().status_code == 303
    service.deliver()

    assert service.signup()["state"] == "waiting"
    assert len(service.strapi.admins()) == 2

"""A decision that waits is carried out only while its reviewer may still decide."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from email.message import EmailMessage

import pytest

from models.strapi import client
from tests.conftest import every_engine, on_sqlite
from tests.support.service import ADA, GRACE, TOM, Later, Service, Start
from tests.support.strapi_file import SUE, SUE_PASSWORD

NO_RIGHT = "no longer an active super admin"
LOSSES = [
    "UPDATE admin_users SET blocked = true WHERE email = ?",
    "UPDATE admin_users SET is_active = false WHERE email = ?",
    "DELETE FROM admin_users WHERE email = ?",
    "UPDATE admin_users_roles_lnk SET role_id = 2"
    " WHERE user_id IN (SELECT id FROM admin_users WHERE email = ?)",
]
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=["blocked", "off", "deleted", "demoted"])


@pytest.fixture
def undoing(start: Start, monkeypatch: pytest.MonkeyPatch) -> Service:
    """Ada waits, and Sue and Tom decide. A decision can be undone for ten minutes."""
    monkeypatch.setattr(client, "PATIENCE", 0.2)
    service = start(UNDO_SECONDS=600)
    service.strapi.add_admin(TOM, SUE_PASSWORD, "strapi-super-admin")
    service.visitor().apply()
    service.mail.clear()
    return service


@contextmanager
def locked(service: Service) -> Iterator[None]:
    with closing(sqlite3.connect(service.strapi.path, isolation_level=None)) as busy:
        busy.execute("BEGIN IMMEDIATE")
        yield


def by_page(service: Service, verb: str) -> int:
    sue = service.reviewer()
    opened = sue.get("/review")
    with locked(service):
        return sue.send(f"/review/{service.author_id()}/{verb}", opened).status_code


def by_api(service: Service, verb: str) -> int:
    path = f"/api/authors/{service.author_id()}/{verb}"
    with locked(service):
        return service.app.test_client().post(path, auth=(SUE, SUE_PASSWORD)).status_code


def shown(service: Service) -> str:
    """The words on the page of the signup, as Tom sees it."""
    page = service.reviewer(TOM).get(f"/review/signup/{service.signup()['id']}").text
    return " ".join(re.sub("<[^>]*>", " ", page).split())


def recipients(emails: list[EmailMessage]) -> list[str]:
    return [email["To"] for email in emails]


@on_sqlite
@every_loss
@pytest.mark.parametrize("way", [by_page, by_api])
def test_an_activation_that_waits_ends_with_the_right_of_its_reviewer(
    undoing: Service, later: Later, way: Callable[[Service, str], int], loss: str
) -> None:
    assert way(undoing, "activate") == 503
    undoing.strapi.do(loss, SUE)

    emails = undoing.deliver()

    assert not undoing.strapi.is_active(ADA)
    assert (undoing.state(), undoing.signup()["decided_by"]) == ("waiting", None)
    page = shown(undoing)
    assert NO_RIGHT in page
    assert "Could not be activated by sue@example.com" in page
    # The others hear that she waits, and may decide.
    later(timedelta(minutes=16))
    assert TOM in recipients(emails + undoing.deliver())
    assert undoing.reviewer(TOM).decide("activate", ADA).status_code == 303


@on_sqlite
@every_loss
def test_an_undo_that_waits_ends_with_the_right_of_its_reviewer(
    undoing: Service, loss: str
) -> None:
    undoing.reviewer(TOM).decide("activate", ADA)
    assert by_page(undoing, "undo") == 503
    undoing.strapi.do(loss, SUE)
    undoing.deliver()

    assert undoing.strapi.is_active(ADA)
    assert undoing.state() == "active"
    assert NO_RIGHT in shown(undoing)
    assert "Could not be taken back by sue@example.com" in shown(undoing)


@on_sqlite
@pytest.mark.parametrize("verb", ["activate", "undo"])
def test_a_reviewer_with_a_new_email_and_password_keeps_the_right(
    undoing: Service, verb: str
) -> None:
    if verb == "undo":
        undoing.reviewer(TOM).decide("activate", ADA)
    assert by_page(undoing, verb) == 503
    undoing.strapi.change(SUE, "email = 'susan@example.com', password = 'x'")
    undoing.deliver()

    assert undoing.strapi.is_active(ADA) == (verb == "activate")


@on_sqlite
def test_an_operator_needs_no_reviewer(undoing: Service) -> None:
    with locked(undoing):
        assert "noted" in undoing.run("activate", ADA).output
    undoing.strapi.do(LOSSES[0], SUE)
    undoing.deliver()

    assert undoing.strapi.is_active(ADA)


@on_sqlite
def test_what_was_carried_out_before_a_crash_stays(undoing: Service) -> None:
    assert by_page(undoing, "activate") == 503
    undoing.strapi.change(ADA, "is_active = true")
    undoing.strapi.do(LOSSES[0], SUE)
    undoing.deliver()

    assert (undoing.state(), undoing.signup()["decided_by"]) == ("active", SUE)


@every_engine
@every_loss
def test_a_decline_is_not_told_after_its_reviewer_is_gone(
    start: Start, later: Later, backend: str, loss: str
) -> None:
    service = start(UNDO_SECONDS=600)
    service.strapi.add_admin(TOM, SUE_PASSWORD, "strapi-super-admin")
    service.visitor().apply()
    service.reviewer().decide("decline", ADA, reason="An insult.", tell="y")
    service.strapi.do(loss, SUE)
    service.mail.clear()
    later(timedelta(minutes=16))
    service.deliver()
    service.deliver()

    assert recipients(service.mail.messages) == [TOM]
    assert (service.state(), service.signup()["reason"]) == ("waiting", None)
    page = shown(service)
    assert NO_RIGHT in page
    assert "Could not be declined by sue@example.com" in page


def test_a_decline_waits_while_nobody_knows_whether_its_reviewer_may_decide(
    undoing: Service, later: Later
) -> None:
    undoing.reviewer().decide("decline", ADA, reason="", tell="y")
    later(timedelta(minutes=11))
    with undoing.strapi.away():
        assert undoing.deliver() == []
    later(timedelta(minutes=2))

    assert recipients(undoing.deliver()) == [ADA]


def test_a_declines_commands_need_no_reviewer(undoing: Service, later: Later) -> None:
    undoing.run("decline", ADA)
    undoing.strapi.do(LOSSES[0], SUE)
    later(timedelta(minutes=11))
    assert recipients(undoing.deliver()) == [ADA]


@every_loss
def test_who_lost_the_right_gets_no_email_that_was_queued_before(
    undoing: Service, later: Later, loss: str
) -> None:
    # The second email within 15 minutes waits.
    undoing.visitor().apply(GRACE)
    undoing.mail.clear()
    undoing.strapi.do(loss, SUE)
    later(timedelta(minutes=16))

    assert recipients(undoing.deliver()) == [TOM]


def test_who_is_no_longer_named_in_the_settings_gets_no_email(start: Start, later: Later) -> None:
    settings = {"REVIEWERS": ["Desk@example.com", "former@example.com"]}
    service = start(**settings)
    for email in (ADA, GRACE):
        service.visitor().apply(email)
    service.mail.clear()
    service.end()
    later(timedelta(minutes=16))

    service = start(REVIEWERS=["desk@example.com"])
    assert recipients(service.deliver()) == ["desk@example.com"]

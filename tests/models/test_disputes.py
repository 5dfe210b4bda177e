""" "This wasn't me" about an account: recorded, told to reviewers at once, and not forgotten."""

import sqlite3
from datetime import timedelta

import pytest

from models.signups.signup import Signup
from tests.conftest import every_engine, every_strapi, on_sqlite
from tests.support.service import ADA, Later, Service, Start, Visitor
from tests.support.smtp_server import text
from tests.support.strapi_file import SUE

SUBJECT = "“This wasn’t me”: an active account at cms.example.com"
TOLD = "We tell the people of cms.example.com"
FORGOTTEN = "We will not write to you again"


def say_so(service: Service) -> str:
    """Press the button behind the link in the first email; return the page."""
    visitor = service.visitor()
    return str(visitor.post(visitor.link("stop")).text)


def subjects(service: Service) -> list[tuple[str, str]]:
    return [(message["To"], message["Subject"]) for message in service.deliver()]


def disputes(service: Service) -> list[dict[str, object]]:
    return service.rows("SELECT event.by, address FROM event WHERE what = 'stopped'")


@every_strapi
def test_reviewers_are_told_at_once_and_the_page_tells_the_truth(service: Service) -> None:
    service.visitor().apply()
    sue = service.reviewer()
    sue.decide("activate", ADA)
    service.deliver()
    assert (
        "There is an active account" in service.visitor().get(service.visitor().link("stop")).text
    )

    assert TOLD in say_so(service)
    assert TOLD in service.visitor().get(service.visitor().link("stop")).text

    [email] = service.deliver()
    assert (email["To"], email["Subject"]) == (SUE, SUBJECT)
    assert f"mailbox {ADA} says" in text(email).replace("\n", " ")
    assert disputes(service) == [{"by": "author", "address": "127.0.0.1"}]
    assert service.strapi.is_active(ADA)
    mine = f"/review/signup/{service.signup()['id']}"
    assert mine in text(email)
    for path in ("/review", "/review?state=active", mine):
        assert "wasn’t me" in sue.get(path).text


def test_who_turned_other_emails_off_is_told_too(undoing: Service) -> None:
    sue = undoing.reviewer()
    sue.decide("activate", ADA)
    sue.post("/review/notices/off", page="/review")
    say_so(undoing)

    assert subjects(undoing) == [(SUE, SUBJECT)]


def switch_off(service: Service, sue: Visitor) -> None:
    service.strapi.change(ADA, "is_active = false")


def take_back(service: Service, sue: Visitor) -> None:
    assert sue.decide("undo", ADA).status_code == 303


def delete(service: Service, sue: Visitor) -> None:
    service.strapi.remove(ADA)


@every_engine
@pytest.mark.parametrize("end", [switch_off, take_back, delete])
def test_it_takes_effect_once_the_account_is_not_active(
    start: Start, later: Later, end: object
) -> None:
    service = start(UNDO_SECONDS=600)
    service.visitor().apply()
    sue = service.reviewer()
    sue.decide("activate", ADA)
    say_so(service)
    service.deliver()

    end(service, sue)  # type: ignore[operator]
    # A server's database may have changed without a sign for ten minutes.
    later(timedelta(minutes=11))

    assert subjects(service) == []
    assert service.rows("SELECT state, email, strapi_id FROM signup") == [
        {"state": "stopped", "email": None, "strapi_id": None}
    ]
    assert [row["email"] for row in service.strapi.admins()] == [SUE]
    service.visitor().ask()
    assert subjects(service) == []
    assert FORGOTTEN in service.visitor().get(service.visitor().link("stop")).text
    assert "active:" not in sue.get("/review").text


@pytest.mark.parametrize("state", ["asked", "waiting", "declined", "withdrawn", "removed"])
def test_it_takes_effect_at_once_in_every_other_state(service: Service, state: str) -> None:
    sue, visitor = service.reviewer(), service.visitor()
    if state == "asked":
        visitor.ask_and_get_link()
    else:
        link = visitor.apply()
    if state == "declined":
        sue.decide("decline", ADA, reason="")
    elif state == "withdrawn":
        visitor.post(f"{link}/withdraw", page=link)
    elif state == "removed":
        service.strapi.remove(ADA)
        service.deliver()

    assert FORGOTTEN in say_so(service)
    assert subjects(service) == []
    assert service.rows("SELECT state, email FROM signup") == [{"state": "stopped", "email": None}]
    assert [row["email"] for row in service.strapi.admins()] == [SUE]


def test_it_takes_effect_at_once_on_a_deactivated_account(service: Service) -> None:
    service.visitor().apply()
    for change in ("is_active = true", "is_active = false"):
        service.strapi.change(ADA, change)
        service.deliver()

    assert FORGOTTEN in say_so(service)
    service.deliver()
    assert [row["email"] for row in service.strapi.admins()] == [SUE]


@pytest.mark.parametrize("known", [True, False])
def test_an_account_that_the_panel_has_just_activated_is_disputed(
    service: Service, known: bool
) -> None:
    service.visitor().apply()
    link = service.visitor().link("stop")
    page = service.visitor().get(link)
    service.strapi.change(ADA, "is_active = true")
    if known:
        assert TOLD in service.visitor().post(link).text
    else:
        with service.strapi.away():
            assert FORGOTTEN in service.visitor().post(link).text
    assert page.status_code == 200

    service.deliver()
    service.deliver()
    assert service.mail.messages[-1]["Subject"] == SUBJECT
    assert service.state() == "active"
    assert TOLD in service.visitor().get(link).text


@on_sqlite
def test_a_decision_that_waits_for_strapi_is_not_carried_out(service: Service) -> None:
    service.visitor().apply()
    sue = service.reviewer()
    opened = sue.get("/review")
    busy = sqlite3.connect(service.strapi.path, isolation_level=None)
    busy.execute("BEGIN IMMEDIATE")
    assert sue.send(f"/review/{service.author_id()}/activate", opened).status_code == 503
    busy.close()
    say_so(service)
    service.deliver()

    assert [row["email"] for row in service.strapi.admins()] == [SUE]
    assert service.rows("SELECT state FROM signup") == [{"state": "stopped"}]


def test_an_undo_that_waits_for_strapi_takes_effect(undoing: Service) -> None:
    undoing.reviewer().decide("activate", ADA)
    with undoing.app.app_context():
        assert Signup.get().change_state("undoing", "active")
    assert TOLD in say_so(undoing)
    undoing.deliver()

    assert [row["email"] for row in undoing.strapi.admins()] == [SUE]


def test_withdrawing_too_late_says_so(undoing: Service) -> None:
    link = undoing.visitor().link()
    undoing.reviewer()
    visitor = undoing.visitor()
    opened = visitor.get(link)
    undoing.reviewer().decide("activate", ADA)

    answer = visitor.send(f"{link}/withdraw", opened)

    assert answer.status_code == 409
    assert "Nothing was withdrawn" in answer.text
    with undoing.app.app_context():
        assert Signup.get().change_state("undoing", "active")
    assert "Nothing was withdrawn" in visitor.send(f"{link}/withdraw", opened).text


def test_a_dispute_outlives_a_purge(service: Service, later: Later) -> None:
    service.visitor().apply()
    service.strapi.change(ADA, "is_active = true")
    service.deliver()
    say_so(service)
    later(timedelta(days=366))
    service.run("purge")
    assert service.state() == "active"

    service.strapi.change(ADA, "is_active = false")
    service.deliver()
    assert [row["email"] for row in service.strapi.admins()] == [SUE]


def test_a_reviewer_who_says_so_still_hears_of_signups(service: Service) -> None:
    visitor = service.visitor()
    service.strapi.change(SUE, "email = 'former@example.com'")
    visitor.ask_and_get_link(SUE)
    service.strapi.change("former@example.com", f"email = '{SUE}'")
    link = visitor.link("stop", SUE)
    service.visitor().ask_and_get_link()
    service.visitor().confirm()
    with service.app.app_context():
        service.app.extensions["reconciler"].run()
    visitor.post(link)

    assert SUE in [to for to, _ in subjects(service)]


def test_what_earlier_versions_ignored_can_be_said_again(service: Service) -> None:
    """Up to version 0.3, the mailbox was suppressed, and nobody was told of the account."""
    service.visitor().apply()
    service.reviewer().decide("activate", ADA)
    service.deliver()
    say_so(service)
    service.ledger.do("UPDATE signup SET disputed_at = NULL, dispute_told_at = NULL")

    assert TOLD in say_so(service)
    assert subjects(service) == [(SUE, SUBJECT)]


def test_an_operator_who_allows_the_mailbox_again_ends_the_dispute(service: Service) -> None:
    service.visitor().apply()
    sue = service.reviewer()
    sue.decide("activate", ADA)
    say_so(service)
    assert "wasn’t me" in sue.get("/review?state=active").text

    assert "may get emails again" in service.run("allow", ADA).output
    assert "wasn’t me" not in sue.get("/review?state=active").text

"""Deciding: the first decision wins, only our own rows change, and a decision can be undone."""

import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from models.signups import decide
from models.signups.history import Actor
from models.signups.signup import Signup
from models.strapi import StrapiClient
from tests.conftest import every_engine, every_strapi, on_sqlite
from tests.support.service import ADA, PUBLIC, TOM, Later, Service, Visitor, token_of
from tests.support.smtp_server import html, text
from tests.support.strapi_file import SUE, SUE_PASSWORD

TEN_MINUTES = timedelta(minutes=10)
WELCOME = "You can write for cms.example.com now"
DECLINE = "About your application to cms.example.com"


@pytest.fixture
def ada(service: Service) -> int:
    """Ada waits; the id of her row in Strapi."""
    service.visitor().apply()
    return service.author_id()


@pytest.fixture
def tom(service: Service) -> Visitor:
    """Another reviewer."""
    service.strapi.add_admin(TOM, SUE_PASSWORD, "strapi-super-admin")
    return service.reviewer(TOM)


def subjects(service: Service) -> list[str]:
    return [message["Subject"] for message in service.deliver()]


# Declining


@every_strapi
def test_a_declined_author_stays_inactive_and_is_told_the_reason(service: Service) -> None:
    service.visitor().apply()
    service.reviewer().decide("decline", ADA, reason="We are <full>.", tell="y")

    [email] = service.deliver()

    assert email["To"] == ADA
    assert "We are <full>." in text(email)
    assert "We are &lt;full&gt;." in html(email)
    assert not service.strapi.is_active(ADA)
    assert (service.state(), service.signup()["decided_by"]) == ("declined", SUE)


def test_declining_silently_tells_reviewers_alone(service: Service, ada: int, sue: Visitor) -> None:
    sue.decide("decline", ada, reason="Between us.")
    assert service.deliver() == []
    assert service.state() == "declined"
    assert "Between us." not in service.visitor().get(service.visitor().link()).text
    assert "Between us." in sue.get("/review?state=declined").text


def test_a_bad_reason_comes_back_with_a_message_and_decides_nothing(
    service: Service, ada: int, sue: Visitor
) -> None:
    answer = sue.decide("decline", ada, reason="x" * 1001, tell="y")
    assert answer.status_code == 422
    assert 'href="#reason">Use at most 1000 characters.<' in answer.text
    assert 'id="reason-error">Use at most 1000 characters.<' in answer.text
    assert "x" * 1001 in answer.text
    assert service.state() == "waiting"


def test_the_preview_of_a_decline_is_the_email_that_goes_out(
    service: Service, ada: int, sue: Visitor
) -> None:
    page = sue.decide("preview", ada, reason="We are full.", tell="y").text
    assert service.state() == "waiting"
    assert "No letter goes out." in sue.decide("preview", ada, reason="We are full.").text

    sue.decide("decline", ada, reason="We are full.", tell="y")
    [email] = service.deliver()
    assert text(email).strip().replace("\r\n", "\n") in page
    assert email["Subject"] in page


# Who may decide about whom


def test_nothing_is_decided_without_a_session(service: Service, ada: int) -> None:
    for verb in ("activate", "decline", "undo"):
        answer = service.visitor().client.post(f"/review/{ada}/{verb}", base_url=PUBLIC)
        assert answer.location.startswith("/review/login")
    assert service.state() == "waiting"


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM admin_users WHERE email = 'ada@example.org'",
        "UPDATE admin_users SET document_id = 'z' WHERE email = 'ada@example.org'",
    ],
)
def test_only_the_row_that_we_created_is_decided_about(
    service: Service, ada: int, sue: Visitor, change: str
) -> None:
    service.strapi.do(change)
    others = service.strapi.add_admin("ed@example.com", None, "strapi-author", active=False)
    before = service.strapi.admins()

    for author_id in (ada, others):
        assert sue.decide("activate", author_id).status_code == 404

    assert service.strapi.admins() == before
    assert service.deliver() == []


def test_an_admin_user_whom_we_did_not_create_is_out_of_reach(
    service: Service, sue: Visitor
) -> None:
    service.strapi.add_admin("ed@example.com", None, "strapi-author", active=False)
    ed = (service.strapi.admin("ed@example.com") or {})["id"]
    assert sue.decide("activate", ed).status_code == 404
    assert not service.strapi.is_active("ed@example.com")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE admin_users_roles_lnk SET role_id = 2 WHERE user_id = ?",
        "INSERT INTO admin_users_roles_lnk (user_id, role_id) VALUES (?, 1)",
        "INSERT INTO admin_users (email) SELECT upper(email) FROM admin_users WHERE id = ?",
    ],
)
def test_a_row_that_was_changed_in_strapi_is_left_to_strapis_panel(
    service: Service, ada: int, sue: Visitor, change: str
) -> None:
    service.strapi.do(change, ada)

    answer = sue.decide("activate", ada)

    assert answer.status_code == 409
    assert re.search("Strapi(’|&#39;)s panel", answer.text)
    found = service.strapi.rows("SELECT is_active FROM admin_users WHERE id = ?", ada)
    assert found == [{"is_active": 0}]
    assert service.state() == "waiting"


def test_a_row_that_was_changed_after_the_decline_is_not_replaced(
    service: Service, ada: int, sue: Visitor, later: Later
) -> None:
    sue.decide("decline", ada, reason="")
    service.strapi.do("UPDATE admin_users_roles_lnk SET role_id = 2 WHERE user_id = ?", ada)
    later(timedelta(days=31))
    service.visitor().ask_and_get_link()
    before = service.strapi.admins()

    assert service.visitor().confirm().status_code == 409
    assert service.strapi.admins() == before


# The first decision wins


def test_a_second_reviewer_sees_whose_decision_was_first(
    service: Service, ada: int, sue: Visitor, tom: Visitor
) -> None:
    sue.decide("activate", ada)

    answer = tom.decide("decline", ada, reason="Plagiarism.", tell="y")

    assert answer.status_code == 409
    assert f"Decided by {SUE}" in answer.text
    assert "Plagiarism." not in answer.text
    assert service.state() == "active"
    assert subjects(service) == [WELCOME]


@pytest.mark.parametrize("first", ["activate", "decline"])
def test_fifty_decisions_at_once_are_one_decision_and_one_email(
    undoing: Service, later: Later, first: str
) -> None:
    verbs = ["activate", "decline"] if first == "activate" else ["decline", "activate"]
    sue = undoing.reviewer()
    given = {"csrf_token": token_of(sue.get("/review")), "reason": "", "tell": "y"}
    visitors = [undoing.visitor() for _ in range(50)]
    for visitor in visitors:
        visitor.use_cookie(sue.cookie())
    author_id = undoing.author_id()

    def decide(number: int) -> int:
        path = f"/review/{author_id}/{verbs[number % 2]}"
        return visitors[number].client.post(path, data=given, base_url=PUBLIC).status_code

    with ThreadPoolExecutor(10) as threads:
        answers = set(threads.map(decide, range(50)))

    assert {303} <= answers <= {303, 409}
    later(TEN_MINUTES)
    assert subjects(undoing) == [WELCOME if undoing.strapi.is_active(ADA) else DECLINE]
    decided = "SELECT * FROM event WHERE what IN ('activated', 'declined')"
    assert len(undoing.rows(decided)) == 1


@on_sqlite
def test_a_decision_that_waits_for_a_busy_strapi_is_noted_and_carried_out(
    service: Service, ada: int, sue: Visitor
) -> None:
    opened = sue.get("/review")
    busy = sqlite3.connect(service.strapi.path, isolation_level=None)
    busy.execute("BEGIN IMMEDIATE")
    answer = sue.send(f"/review/{ada}/activate", opened)
    busy.close()

    assert answer.status_code == 503
    assert "The decision is noted" in answer.text
    assert sue.decide("decline", ada, reason="", tell="y").status_code == 409
    assert subjects(service) == [WELCOME]
    assert (service.state(), service.signup()["decided_by"]) == ("active", SUE)


def test_without_strapi_nothing_is_decided_and_the_answer_names_no_path(
    service: Service, ada: int, sue: Visitor
) -> None:
    with service.strapi.away():
        answer = sue.get("/review")
    assert answer.status_code == 503
    assert not re.search("strapi.db|elsewhere|admin_users", answer.text)
    assert service.state() == "waiting"


# Undoing


@every_strapi
def test_an_activation_can_be_undone_with_one_click_and_no_email_goes_out(
    undoing: Service, later: Later
) -> None:
    sue = undoing.reviewer()
    page = sue.get(sue.decide("activate", ADA).location).text
    assert "The letter goes out at" in page
    assert undoing.strapi.is_active(ADA)
    assert undoing.deliver() == []

    answer = sue.decide("undo", ADA)

    assert "no letter went out." in sue.get(answer.location).text
    assert not undoing.strapi.is_active(ADA)
    assert undoing.state() == "waiting"
    later(timedelta(minutes=11))
    assert undoing.deliver() == []


def test_a_decline_that_was_undone_can_be_decided_otherwise(undoing: Service, later: Later) -> None:
    sue = undoing.reviewer()
    sue.decide("decline", ADA, reason="By mistake.", tell="y")
    sue.decide("undo", ADA)
    assert (undoing.state(), undoing.signup()["reason"]) == ("waiting", None)

    sue.decide("activate", ADA)
    later(TEN_MINUTES)

    assert subjects(undoing) == [WELCOME]


def test_after_ten_minutes_the_email_goes_out_and_nothing_can_be_undone(
    undoing: Service, later: Later
) -> None:
    sue = undoing.reviewer()
    sue.decide("decline", ADA, reason="We are full.", tell="y")
    later(TEN_MINUTES - timedelta(seconds=2))
    assert undoing.deliver() == []

    later(timedelta(seconds=3))
    assert sue.decide("undo", ADA).status_code == 409
    assert subjects(undoing) == [DECLINE]
    assert "no decision that can still be taken back" in sue.decide("undo", ADA).text
    assert undoing.state() == "declined"


def test_a_declined_author_is_activated_only_when_the_reviewer_says_after_all(
    undoing: Service, later: Later
) -> None:
    sue = undoing.reviewer()
    sue.decide("decline", ADA, reason="We are full.", tell="y")
    assert sue.decide("activate", ADA).status_code == 409
    assert not undoing.strapi.is_active(ADA)
    assert "Activate after all" in sue.get(f"/review/signup/{undoing.signup()['id']}").text

    assert sue.decide("activate", ADA, after_all="y").status_code == 303

    assert undoing.strapi.is_active(ADA)
    later(TEN_MINUTES)
    assert subjects(undoing) == [WELCOME]


def test_an_undo_while_strapi_is_away_is_carried_out_when_it_is_back(undoing: Service) -> None:
    undoing.reviewer().decide("activate", ADA)
    nowhere = StrapiClient("/nowhere.db", "strapi-author")
    with undoing.app.app_context(), pytest.raises(decide.Postponed):
        decide.undo(Signup.get(), nowhere, by=Actor(SUE))
    assert undoing.state() == "undoing"
    assert undoing.strapi.is_active(ADA)

    undoing.deliver()

    assert undoing.state() == "waiting"
    assert not undoing.strapi.is_active(ADA)


def test_a_row_that_got_other_roles_since_is_not_deactivated(undoing: Service) -> None:
    sue = undoing.reviewer()
    sue.decide("activate", ADA)
    other_role = "UPDATE admin_users_roles_lnk SET role_id = 2 WHERE user_id = ?"
    undoing.strapi.do(other_role, undoing.author_id())

    assert sue.decide("undo", ADA).status_code == 409

    assert undoing.strapi.is_active(ADA)
    assert undoing.state() == "active"
    assert subjects(undoing) == [WELCOME]


# What is remembered


@every_engine
def test_the_history_says_who_did_what_from_which_ip_and_for_what_reason(undoing: Service) -> None:
    sue, ada = undoing.reviewer(), undoing.author_id()
    sue.decide("decline", ada, reason="By mistake.")
    sue.decide("undo", ada)
    sue.decide("activate", ada)
    for change in ("is_active = false", "is_active = true"):
        undoing.strapi.change(ADA, change)
        undoing.deliver()
    undoing.strapi.remove(ADA)
    undoing.deliver()

    events = undoing.rows("SELECT what, event.by, address, why FROM event ORDER BY id")

    here = "127.0.0.1"
    assert [tuple(event.values()) for event in events] == [
        ("asked", "author", here, None),
        ("confirmed", "author", here, None),
        ("declined", SUE, here, "By mistake."),
        ("taken back", SUE, here, None),
        ("activated", SUE, here, None),
        ("deactivated", None, None, None),
        ("activated", None, None, None),
        ("removed", None, None, None),
    ]
    page = sue.get(f"/review/signup/{undoing.signup()['id']}").text
    assert page.count("<li>\n        <strong>") == 8
    assert "by sue@example.com, from 127.0.0.1" in page
    assert "By mistake." in page
    assert len(re.findall(r"in Strapi,\s", page)) == 3


@every_engine
def test_a_purged_signup_keeps_what_was_done_and_loses_ip_and_reason(
    service: Service, later: Later
) -> None:
    service.visitor().apply()
    service.reviewer().decide("decline", ADA, reason="Personal.")
    later(timedelta(days=366))
    service.deliver()
    service.run("purge")

    events = service.rows("SELECT what, event.by, address, why FROM event")
    assert ("declined", SUE, None, None) in [tuple(event.values()) for event in events]
    assert all(event["address"] is None for event in events)


@every_strapi
def test_an_author_whom_the_panel_deactivates_is_shown_so_and_welcomed_once(
    service: Service,
) -> None:
    sue, link = service.reviewer(), service.visitor().apply()
    sue.decide("activate", ADA)
    assert len(service.deliver()) == 1
    for _ in range(2):
        service.strapi.change(ADA, "is_active = false")
        assert service.deliver() == []
        assert ADA in sue.get("/review?state=deactivated").text
        assert "Your account is switched off" in service.visitor().get(link).text
        service.strapi.change(ADA, "is_active = true")
        assert service.deliver() == []
        assert ADA in sue.get("/review?state=active").text

    service.strapi.change(ADA, "is_active = false")
    service.deliver()
    assert sue.decide("activate", ADA).status_code == 303
    assert service.strapi.is_active(ADA)

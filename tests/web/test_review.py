"""The review desk: Strapi's super admins, with their own credentials, decide."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.conftest import every_engine, every_strapi, on_sqlite
from tests.support.service import ADA, ADA_PASSWORD, PUBLIC, Service, Visitor, token_of
from tests.support.smtp_server import html, text
from tests.support.strapi_file import SUE, SUE_PASSWORD


@pytest.fixture
def waiting(service: Service) -> int:
    """Ada waits; the id of her row in Strapi."""
    service.visitor().apply()
    return int(service.signup()["strapi_id"])


@pytest.fixture
def sue(service: Service) -> Visitor:
    """A super admin who is logged in."""
    visitor = service.visitor()
    assert visitor.log_in().status_code == 303
    return visitor


def test_the_desk_shows_what_helps_to_decide(service: Service, sue: Visitor) -> None:
    service.visitor().ask()
    service.deliver()
    service.visitor().confirm(why="I write about <engines>.")

    page = sue.get("/review").text
    assert "Ada Lovelace" in page
    assert ADA in page
    assert "I write about &lt;engines&gt;." in page
    assert page.count("<article") == 1


@every_engine
def test_others_are_found_by_state_name_and_address(service: Service, sue: Visitor) -> None:
    for number in range(30):
        service.visitor().apply(f"author{number}@example.org")
    sue.decide("activate", service.signup("author7@example.org")["strapi_id"])

    assert "29 people" in sue.get("/review").text
    assert sue.get("/review").text.count("<article") == 25
    assert sue.get("/review?page=2").text.count("<article") == 4
    assert "author7@" in sue.get("/review?state=active").text
    assert "1 person" in sue.get("/review?q=author12%40").text
    assert "1 person" in sue.get("/review?q=AUTHOR12%40").text
    assert "29 people" in sue.get("/review?q=ada+lovelace").text
    assert "0 people" in sue.get("/review?q=author_2").text
    assert "0 people" in sue.get("/review?q=%25").text
    assert sue.get("/review?state=nonsense&page=-3").status_code == 200


def test_a_decision_is_shown_where_it_was_made(service: Service, sue: Visitor) -> None:
    for number in range(30):
        service.visitor().apply(f"author{number}@example.org")
    author_id = service.signup("author29@example.org")["strapi_id"]
    page = sue.get("/review?q=author&page=2").text
    path = f"/review/{author_id}/activate?q=author&amp;page=2"
    assert path in page

    answer = sue.post(path.replace("amp;", ""), page="/review")

    assert set(answer.location.split("?")[1].split("&")) >= {"q=author", "page=2"}
    page = sue.get(answer.location).text
    assert f"Ada Lovelace is active. Decided by {SUE}." in page


@every_strapi
def test_a_declined_author_stays_out_and_hears_the_reason(service: Service) -> None:
    service.visitor().apply()
    sue = service.visitor()
    sue.log_in()
    sue.decide("decline", service.signup()["strapi_id"], reason="We are <full>.", tell="y")

    [letter] = service.deliver()

    assert letter["To"] == ADA
    assert "We are <full>." in text(letter)
    assert "We are &lt;full&gt;." in html(letter)
    assert service.strapi.admin(ADA)["is_active"] == 0  # type: ignore[index]
    signup = service.signup()
    assert (signup["state"], signup["decided_by"]) == ("declined", SUE)


def test_declining_silently_sends_no_letter(service: Service, waiting: int, sue: Visitor) -> None:
    sue.decide("decline", waiting, reason="Between us.")
    assert service.deliver() == []
    assert service.signup()["state"] == "declined"
    assert "Between us." not in service.visitor().get(service.visitor().link()).text
    assert "Between us." in sue.get("/review?state=declined").text


def test_a_declined_address_may_apply_again_after_a_while(
    service: Service, waiting: int, sue: Visitor, later: Callable[[timedelta], None]
) -> None:
    sue.decide("decline", waiting, reason="")
    later(timedelta(days=31))
    service.visitor().apply()

    assert service.signup()["state"] == "waiting"
    assert len(service.strapi.admins()) == 2


def test_bad_input_keeps_what_was_typed(service: Service, waiting: int, sue: Visitor) -> None:
    answer = sue.decide("decline", waiting, reason="x" * 1001, tell="y")
    assert answer.status_code == 422
    assert 'href="#reason">Use at most 1000 characters.<' in answer.text
    assert 'id="reason-error">Use at most 1000 characters.<' in answer.text
    assert "x" * 1001 in answer.text
    assert service.signup()["state"] == "waiting"


def test_the_first_decision_wins_and_the_second_reviewer_sees_whose_it_was(
    service: Service, waiting: int, sue: Visitor
) -> None:
    service.strapi.add_admin("tom@example.com", "Super1secret", "strapi-super-admin")
    tom = service.visitor()
    tom.log_in("tom@example.com", "Super1secret")
    sue.decide("activate", waiting)

    answer = tom.decide("decline", waiting, reason="No.", tell="y")

    assert answer.status_code == 409
    assert f"Decided by {SUE}" in answer.text
    assert service.signup()["state"] == "active"
    assert [letter["Subject"] for letter in service.deliver()] == [
        "You can write for cms.example.com now"
    ]


def test_twenty_decisions_at_once_are_one(service: Service, waiting: int) -> None:
    reviewers = [service.visitor() for _ in range(4)]
    for reviewer in reviewers:
        reviewer.log_in()

    def decide(number: int) -> int:
        verb = ("activate", "decline")[number % 2]
        return reviewers[number % 4].decide(verb, waiting, reason="", tell="y").status_code

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(decide, range(20)))

    assert set(answers) <= {303, 409}
    letters = service.deliver()
    assert len(letters) == 1
    active = service.signup()["state"] == "active"
    assert service.strapi.admin(ADA)["is_active"] == active  # type: ignore[index]
    assert ("You can write" in letters[0]["Subject"]) == active


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM admin_users WHERE email = 'ada@example.org'",
        "UPDATE admin_users SET email = 'eve@example.org' WHERE email = 'ada@example.org'",
        "UPDATE admin_users SET document_id = 'z' WHERE email = 'ada@example.org'",
    ],
)
def test_only_the_row_that_we_made_is_decided_about(
    service: Service, waiting: int, sue: Visitor, change: str
) -> None:
    service.strapi.do(change)
    before = service.strapi.admins()

    answer = sue.decide("activate", waiting)

    assert answer.status_code == 404
    assert service.strapi.admins() == before
    assert service.deliver() == []


def test_admins_who_did_not_come_through_us_are_out_of_reach(
    service: Service, sue: Visitor
) -> None:
    ed = service.strapi.add_admin("ed@example.com", "Super1secret", "strapi-author", active=False)
    service.visitor().apply()

    assert sue.decide("activate", ed).status_code == 404
    assert sue.decide("activate", 2**70).status_code == 404
    assert service.strapi.admin("ed@example.com")["is_active"] == 0  # type: ignore[index]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE admin_users_roles_lnk SET role_id = 2 WHERE user_id = ?",
        "INSERT INTO admin_users_roles_lnk (user_id, role_id) VALUES (?, 1)",
        "INSERT INTO admin_users (email) SELECT upper(email) FROM admin_users WHERE id = ?",
    ],
)
def test_a_row_that_was_changed_in_strapi_is_left_to_strapis_panel(
    service: Service, waiting: int, sue: Visitor, change: str
) -> None:
    service.strapi.do(change, waiting)

    answer = sue.decide("activate", waiting)

    assert answer.status_code == 409
    assert "Strapi’s panel" in answer.text or "Strapi&#39;s panel" in answer.text
    assert service.strapi.rows("SELECT is_active FROM admin_users WHERE id = ?", waiting) == [
        {"is_active": 0}
    ]
    assert service.signup()["state"] == "waiting"


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("nobody@example.com", SUE_PASSWORD),
        (SUE, "Wrong1password"),
        ("ed@example.com", SUE_PASSWORD),
        ("inactive@example.com", SUE_PASSWORD),
        ("blocked@example.com", SUE_PASSWORD),
        ("invited@example.com", SUE_PASSWORD),
        ("odd@example.com", SUE_PASSWORD),
        (SUE, "Ä" * 80),
    ],
)
def test_everybody_but_an_active_super_admin_gets_one_answer(
    service: Service, email: str, password: str
) -> None:
    add = service.strapi.add_admin
    add("ed@example.com", SUE_PASSWORD, "strapi-editor")
    add("inactive@example.com", SUE_PASSWORD, "strapi-super-admin", active=False)
    add("blocked@example.com", SUE_PASSWORD, "strapi-super-admin", blocked=True)
    add("invited@example.com", None, "strapi-super-admin")
    add("odd@example.com", SUE_PASSWORD, "strapi-super-admin")
    service.strapi.do("UPDATE admin_users SET password = 'x' WHERE email = 'odd@example.com'")

    answer = service.visitor().log_in(email, password)

    assert answer.status_code == 422
    assert "not the address and password of a super admin" in answer.text
    assert password not in answer.text
    api = service.app.test_client().get("/api/authors", auth=(email, password))
    assert api.status_code == 401


def test_a_super_admin_logs_in_however_the_address_is_typed(service: Service) -> None:
    service.strapi.do("UPDATE admin_users SET email = 'Sue@Example.com'")
    assert service.visitor().log_in(" SUE@example.COM ").status_code == 303


@every_engine
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE admin_users SET is_active = false",
        "UPDATE admin_users SET blocked = true",
        "UPDATE admin_users SET password = 'changed'",
        "DELETE FROM admin_users_roles_lnk",
        "DELETE FROM admin_users",
    ],
)
def test_a_session_ends_with_the_right_to_it(
    service: Service, waiting: int, sue: Visitor, change: str
) -> None:
    assert sue.get("/review").status_code == 200
    service.strapi.do(f"{change} {'WHERE user_id' if 'lnk' in change else 'WHERE id'} = 1")

    assert sue.get("/review").location == "/review/login"
    answer = sue.client.post(f"/review/{waiting}/activate", base_url=PUBLIC)
    assert answer.location == "/review/login?ended=True"
    assert "nothing was decided" in sue.get(answer.location).text
    assert service.strapi.admin(ADA)["is_active"] == 0  # type: ignore[index]


def test_logging_out_ends_every_copy_of_the_cookie(service: Service, sue: Visitor) -> None:
    copy = sue.client.get_cookie("__Host-signup", domain="join.example.com")
    assert copy
    sue.post("/review/logout", page="/review")

    thief = service.app.test_client()
    thief.set_cookie("__Host-signup", copy.value, domain="join.example.com")
    assert thief.get("/review", base_url=PUBLIC).location == "/review/login"


def test_a_session_lasts_half_an_hour_idle_and_eight_hours_at_most(
    service: Service, sue: Visitor, later: Callable[[timedelta], None]
) -> None:
    for _ in range(16):
        later(timedelta(minutes=29))
        assert sue.get("/review").status_code == 200
    later(timedelta(minutes=29))
    assert sue.get("/review").status_code == 303

    tom = service.visitor()
    tom.log_in()
    later(timedelta(minutes=31))
    assert tom.get("/review").status_code == 303


@on_sqlite
def test_a_decision_that_a_busy_strapi_keeps_waiting_is_noted_and_carried_out(
    service: Service, waiting: int, sue: Visitor
) -> None:
    token = token_of(sue.get("/review"))
    busy = sqlite3.connect(service.strapi.path, isolation_level=None)
    busy.execute("BEGIN IMMEDIATE")
    path = f"/review/{waiting}/activate"
    answer = sue.client.post(path, data={"csrf_token": token}, base_url=PUBLIC)
    busy.close()

    assert answer.status_code == 503
    assert "The decision is noted" in answer.text
    assert sue.decide("decline", waiting, reason="", tell="y").status_code == 409
    [letter] = service.deliver()
    assert letter["Subject"] == "You can write for cms.example.com now"
    signup = service.signup()
    assert (signup["state"], signup["decided_by"]) == ("active", SUE)


def test_a_reason_stays_with_the_person_it_was_written_for(
    service: Service, waiting: int, sue: Visitor
) -> None:
    service.visitor().apply("grace@example.org")
    sue.decide("activate", waiting)
    answer = sue.decide("decline", waiting, reason="Plagiarism.", tell="y")
    assert answer.status_code == 409
    assert "Plagiarism." not in answer.text
    assert "Plagiarism." not in sue.get("/review").text


def test_a_row_that_was_changed_after_the_decline_is_not_replaced(
    service: Service, waiting: int, sue: Visitor, later: Callable[[timedelta], None]
) -> None:
    sue.decide("decline", waiting, reason="")
    service.strapi.do("UPDATE admin_users_roles_lnk SET role_id = 2 WHERE user_id = ?", waiting)
    later(timedelta(days=31))
    service.visitor().ask()
    service.deliver()
    before = service.strapi.admins()

    assert service.visitor().confirm().status_code == 409
    assert service.strapi.admins() == before


def test_logging_out_with_an_old_token_says_so(service: Service, sue: Visitor) -> None:
    assert sue.client.post("/review/logout", base_url=PUBLIC).status_code == 400
    assert sue.get("/review").status_code == 200


def test_nothing_is_decided_without_session_or_token(
    service: Service, waiting: int, sue: Visitor
) -> None:
    for verb in ("activate", "decline"):
        path = f"/review/{waiting}/{verb}"
        assert (
            service.visitor()
            .client.post(path, base_url=PUBLIC)
            .location.startswith("/review/login")
        )
        assert sue.client.post(path, base_url=PUBLIC).status_code == 400
        foreign = {"csrf_token": "foreign"}
        assert sue.client.post(path, data=foreign, base_url=PUBLIC).status_code == 400
    assert service.signup()["state"] == "waiting"
    assert sue.client.post("/review/login", data={"email": SUE}, base_url=PUBLIC).status_code == 400


def test_an_author_is_no_reviewer(service: Service, waiting: int, sue: Visitor) -> None:
    sue.decide("activate", waiting)
    assert service.visitor().log_in(ADA, ADA_PASSWORD).status_code == 422


def test_without_strapis_file_nothing_is_decided(
    service: Service, waiting: int, sue: Visitor
) -> None:
    with service.strapi.away():
        answer = sue.get("/review")
    assert answer.status_code == 503
    assert service.strapi.url not in answer.text
    assert "elsewhere" not in answer.text
    assert "admin_users" not in answer.text
    assert service.signup()["state"] == "waiting"

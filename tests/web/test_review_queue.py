"""The review desk: what helps to decide, several at once, second thoughts, and who hears."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from werkzeug.test import TestResponse

from tests.conftest import every_engine, every_strapi
from tests.support.service import ADA, Service, Visitor, token_of
from tests.support.smtp_server import text
from tests.support.strapi_file import SUE, SUE_PASSWORD

GRACE = "grace@example.org"
TOM = "tom@example.com"
TEN_MINUTES = timedelta(minutes=10)
WELCOME = "You can write for cms.example.com now"
DECLINE = "About your application to cms.example.com"


@pytest.fixture
def service(start: Callable[..., Service]) -> Service:
    """The service with ten minutes for second thoughts, as it comes."""
    return start(UNDO_SECONDS=600)


@pytest.fixture
def sue(service: Service) -> Visitor:
    """A super admin who is logged in."""
    return at_the_desk(service)


@pytest.fixture
def ada(service: Service) -> int:
    """Ada waits; the id of her row in Strapi."""
    service.visitor().apply()
    return int(service.signup()["strapi_id"])


def at_the_desk(service: Service, email: str = SUE) -> Visitor:
    visitor = service.visitor()
    assert visitor.log_in(email).status_code == 303
    return visitor


def page_of(sue: Visitor, email: str = ADA) -> TestResponse:
    return sue.get(f"/review/signup/{sue.service.signup(email)['id']}")


def is_active(service: Service, email: str = ADA) -> bool:
    row = service.strapi.admin(email)
    assert row
    return bool(row["is_active"])


# What helps to decide


@pytest.mark.parametrize(
    ("email", "mark"),
    [
        ("ada@gmail.com", "free mail"),
        ("ada@mailinator.com", "throw-away mailbox"),
        ("ada@inbox.mailinator.com", "throw-away mailbox"),
        ("ada@пример.com", "ada@xn--e1afmkfd.com"),
        ("ada@müller.example", "reads müller.example: may be mistaken"),
    ],
)
def test_an_address_that_deserves_a_second_look_is_marked(
    service: Service, sue: Visitor, email: str, mark: str
) -> None:
    service.visitor().ask(email)
    [letter] = service.deliver()
    service.visitor().confirm(service.visitor().link(email=letter["To"]))

    assert mark in sue.get("/review").text
    assert mark in page_of(sue, letter["To"]).text


def test_an_ordinary_address_is_not_marked(sue: Visitor, ada: int) -> None:
    assert ada
    assert 'class="mark"' not in sue.get("/review").text


@every_engine
def test_what_was_decided_about_this_address_and_domain_before_is_shown(
    service: Service, sue: Visitor, ada: int, later: Callable[[timedelta], None]
) -> None:
    for number in range(3):
        service.visitor().apply(f"author{number}@example.org")
    sue.decide("activate", service.signup("author0@example.org")["strapi_id"])
    sue.decide("decline", ada, reason="")
    later(timedelta(days=31))
    sue = at_the_desk(service)
    service.visitor().apply()

    for page in (sue.get("/review?q=ada%40").text, page_of(sue).text):
        assert re.search(r"This address before</dt><dd>\s*1 declined\s*</dd>", page)
        assert re.search(
            r"Others at example.org</dt><dd>\s*1 active, 1 declined, 2 waiting\s*</dd>", page
        )


def test_the_page_of_a_signup_tells_in_words_what_the_role_allows(
    service: Service, sue: Visitor, ada: int
) -> None:
    assert ada
    assert "write no kind of content yet" in page_of(sue).text
    service.strapi.allow("plugin::content-manager.explorer.create", "api::article.article")
    own = '["admin::is-creator"]'
    for verb in ("update", "delete"):
        action = f"plugin::content-manager.explorer.{verb}"
        service.strapi.allow(action, "api::article.article", own)

    page = page_of(sue).text

    assert "article: create</li>" in page
    assert "article, their own: change, delete</li>" in page
    assert "media library: read" in page
    assert "may do more than write" not in page


@every_strapi
@pytest.mark.parametrize(
    "action", ["admin::users.create", "plugin::users-permissions.roles.update", "admin::roles.read"]
)
def test_a_role_that_may_do_more_than_write_is_warned_of(service: Service, action: str) -> None:
    sue = at_the_desk(service)
    assert "may do more than write" not in sue.get("/review").text
    service.strapi.allow(action)

    assert f"may do more than write: {action}" in sue.get("/review").text
    checked = service.app.test_cli_runner().invoke(args=["check"])
    assert checked.exit_code == 1
    assert f"it may do more than write: {action}" in checked.output


def test_a_signup_that_was_never_confirmed_has_no_page(service: Service, sue: Visitor) -> None:
    service.visitor().ask()
    assert page_of(sue).status_code == 404
    assert sue.get("/review/signup/999999").status_code == 404


# Second thoughts


@every_strapi
def test_an_activation_is_taken_back_with_one_click_and_no_letter_ever_went_out(
    service: Service, later: Callable[[timedelta], None]
) -> None:
    sue = at_the_desk(service)
    service.visitor().apply()
    ada = service.signup()["strapi_id"]
    page = sue.get(sue.decide("activate", ada).location).text
    assert "The letter goes out at" in page
    assert is_active(service)
    assert service.deliver() == []

    answer = sue.decide("undo", ada)

    assert "no letter went out." in sue.get(answer.location).text
    assert not is_active(service)
    assert service.signup()["state"] == "waiting"
    later(timedelta(minutes=11))
    assert service.deliver() == []


def test_a_decline_is_taken_back_and_decided_otherwise(
    service: Service, sue: Visitor, ada: int, later: Callable[[timedelta], None]
) -> None:
    sue.decide("decline", ada, reason="By mistake.", tell="y")
    sue.decide("undo", ada)
    assert (service.signup()["state"], service.signup()["reason"]) == ("waiting", None)

    sue.decide("activate", ada)
    later(TEN_MINUTES)

    assert [letter["Subject"] for letter in service.deliver()] == [WELCOME]


def test_after_ten_minutes_the_letter_goes_out_and_nothing_is_taken_back(
    service: Service, sue: Visitor, ada: int, later: Callable[[timedelta], None]
) -> None:
    sue.decide("decline", ada, reason="We are full.", tell="y")
    later(TEN_MINUTES - timedelta(seconds=2))
    assert service.deliver() == []

    later(timedelta(seconds=3))
    assert sue.decide("undo", ada).status_code == 409
    assert [letter["Subject"] for letter in service.deliver()] == [DECLINE]
    assert "no decision that can still be taken back" in sue.decide("undo", ada).text
    assert service.signup()["state"] == "declined"


def test_with_no_time_for_second_thoughts_letters_go_out_at_once(
    start: Callable[..., Service],
) -> None:
    service = start(UNDO_SECONDS=0)
    service.visitor().apply()
    sue = at_the_desk(service)
    page = sue.get(sue.decide("activate", service.signup()["strapi_id"]).location).text
    assert "Take it back" not in page
    assert [letter["Subject"] for letter in service.deliver()] == [WELCOME]


def test_somebody_declined_is_activated_after_all_and_only_when_that_is_meant(
    service: Service, sue: Visitor, ada: int, later: Callable[[timedelta], None]
) -> None:
    sue.decide("decline", ada, reason="We are full.", tell="y")
    assert sue.decide("activate", ada).status_code == 409
    assert not is_active(service)
    page = page_of(sue)
    assert "Activate after all" in page.text

    assert sue.decide("activate", ada, after_all="y").status_code == 303

    assert is_active(service)
    later(TEN_MINUTES)
    assert [letter["Subject"] for letter in service.deliver()] == [WELCOME]


def test_a_decision_taken_back_while_strapi_is_away_is_undone_when_it_is_there(
    service: Service, sue: Visitor, ada: int
) -> None:
    sue.decide("activate", ada)
    with service.app.app_context():
        from models.signups import decide  # noqa: PLC0415 (as a process that died right after it)
        from models.signups.history import Actor  # noqa: PLC0415
        from models.signups.signup import Signup  # noqa: PLC0415
        from models.strapi import StrapiClient  # noqa: PLC0415

        signup = Signup.by_strapi_id(ada)
        assert signup
        with pytest.raises(decide.Postponed):
            decide.undo(signup, StrapiClient("/nowhere.db", "strapi-author"), by=Actor(SUE))
    assert service.signup()["state"] == "undoing"
    assert is_active(service)

    service.deliver()

    assert service.signup()["state"] == "waiting"
    assert not is_active(service)


def test_a_row_that_got_other_roles_meanwhile_is_not_put_out(
    service: Service, sue: Visitor, ada: int
) -> None:
    sue.decide("activate", ada)
    service.strapi.do("UPDATE admin_users_roles_lnk SET role_id = 2 WHERE user_id = ?", ada)

    answer = sue.decide("undo", ada)

    assert answer.status_code == 409
    assert is_active(service)
    assert service.signup()["state"] == "active"
    assert [letter["Subject"] for letter in service.deliver()] == [WELCOME]


# Several at once


def choose(sue: Visitor, verb: str, *emails: str, **fields: str) -> TestResponse:
    ids = [str(sue.service.signup(email)["strapi_id"]) for email in emails]
    given = {"csrf_token": token_of(sue.get("/review")), "authors": ids, "verb": verb, **fields}
    return sue.client.post("/review/several", data=given, base_url=sue.service.public)


@pytest.fixture
def three(service: Service) -> list[str]:
    """Three who wait."""
    emails = [f"author{number}@example.org" for number in range(3)]
    for email in emails:
        service.visitor().apply(email)
    return emails


@every_engine
def test_several_are_activated_at_once_and_taken_back_at_once(
    service: Service, sue: Visitor, three: list[str]
) -> None:
    page = sue.get(choose(sue, "activate", *three[:2]).location).text
    assert page.count("is active. Decided by") == 2
    assert [is_active(service, email) for email in three] == [True, True, False]

    page = sue.get(choose(sue, "undo", *three[:2]).location).text
    assert page.count("waits for a decision. The decision was taken back") == 2
    assert not any(is_active(service, email) for email in three)


def test_several_are_declined_with_one_reason_after_seeing_the_letter(
    service: Service, sue: Visitor, three: list[str], later: Callable[[timedelta], None]
) -> None:
    page = choose(sue, "ask", *three)
    assert page.status_code == 200
    assert re.search(r"<input checked [^>]*name=\"tell\"", page.text)
    assert all(email in page.text for email in three)
    page = choose(sue, "preview", *three, reason="We are <full>.", tell="y")
    assert "thank you for wanting to write" in page.text
    assert "We are &lt;full&gt;." in page.text
    assert {service.signup(email)["state"] for email in three} == {"waiting"}

    answer = choose(sue, "decline", *three, reason="We are <full>.", tell="y")

    assert sue.get(answer.location).text.count("is declined. Decided by") == 3
    later(TEN_MINUTES)
    letters = service.deliver()
    assert sorted(letter["To"] for letter in letters) == three
    assert all("We are <full>." in text(letter) for letter in letters)


def test_of_several_those_whom_somebody_else_decided_about_are_named(
    service: Service, sue: Visitor, three: list[str]
) -> None:
    service.strapi.add_admin(TOM, SUE_PASSWORD, "strapi-super-admin")
    tom = at_the_desk(service, TOM)
    tom.decide("decline", service.signup(three[0])["strapi_id"], reason="")

    page = sue.get(choose(sue, "activate", *three).location).text

    assert "Nothing was changed for Ada Lovelace. Ada Lovelace is declined. Decided by tom@" in page
    assert [is_active(service, email) for email in three] == [False, True, True]


@pytest.mark.parametrize("fields", [{}, {"authors": "999"}, {"authors": "x"}])
def test_choosing_nobody_is_answered_with_what_to_do(
    sue: Visitor, ada: int, fields: dict[str, str]
) -> None:
    assert ada
    answer = sue.post("/review/several", page="/review", verb="activate", **fields)
    assert answer.status_code == 422
    assert "Nobody was chosen." in answer.text


def test_a_bad_reason_for_several_keeps_whom_was_chosen_and_what_was_typed(
    service: Service, sue: Visitor, three: list[str]
) -> None:
    answer = choose(sue, "decline", *three[:2], reason="x" * 1001, tell="y")
    assert answer.status_code == 422
    assert "Use at most 1000 characters." in answer.text
    assert "x" * 1001 in answer.text
    for email in three[:2]:
        assert f'name="authors" value="{service.signup(email)["strapi_id"]}"' in answer.text
    assert choose(sue, "nonsense", *three).status_code == 422
    assert {service.signup(email)["state"] for email in three} == {"waiting"}


def test_a_decline_is_previewed_as_the_letter_will_read(
    service: Service, sue: Visitor, ada: int, later: Callable[[timedelta], None]
) -> None:
    page = sue.decide("preview", ada, reason="We are full.", tell="y").text
    assert service.signup()["state"] == "waiting"
    assert "No letter goes out." in sue.decide("preview", ada, reason="We are full.").text

    sue.decide("decline", ada, reason="We are full.", tell="y")
    later(TEN_MINUTES)
    [letter] = service.deliver()
    assert text(letter).strip().replace("\r\n", "\n") in page
    assert letter["Subject"] in page


@pytest.mark.parametrize("round_", range(20))
def test_fifty_decisions_at_once_are_one_decision_and_one_letter(
    service: Service, ada: int, later: Callable[[timedelta], None], round_: int
) -> None:
    reviewers = [at_the_desk(service) for _ in range(5)]
    tokens = [token_of(reviewer.get("/review")) for reviewer in reviewers]

    def decide(number: int) -> int:
        verb = ("activate", "decline")[(number + round_) % 2]
        who = number % 5
        given = {"csrf_token": tokens[who], "reason": "", "tell": "y"}
        client = service.app.test_client()
        cookie = reviewers[who].client.get_cookie("__Host-signup", domain="join.example.com")
        assert cookie
        client.set_cookie("__Host-signup", cookie.value, domain="join.example.com")
        return client.post(f"/review/{ada}/{verb}", data=given, base_url=service.public).status_code

    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(decide, range(50)))

    assert set(answers) <= {303, 409}
    assert 303 in answers
    later(TEN_MINUTES)
    letters = service.deliver()
    assert len(letters) == 1
    assert (letters[0]["Subject"] == WELCOME) == is_active(service)
    decided = "SELECT * FROM event WHERE what IN ('activated', 'declined')"
    assert len(service.rows(decided)) == 1


# History


@every_engine
def test_the_history_tells_who_did_what_when_from_where_and_why(
    service: Service, sue: Visitor, ada: int
) -> None:
    sue.decide("decline", ada, reason="By mistake.")
    sue.decide("undo", ada)
    sue.decide("activate", ada)
    service.strapi.do("UPDATE admin_users SET is_active = false WHERE id = ?", ada)
    service.deliver()
    service.strapi.do("UPDATE admin_users SET is_active = true WHERE id = ?", ada)
    service.deliver()
    service.strapi.do("DELETE FROM admin_users WHERE id = ?", ada)
    service.deliver()

    told = service.rows("SELECT what, event.by, address, why FROM event ORDER BY id")

    here = "127.0.0.1"
    assert [tuple(event.values()) for event in told] == [
        ("asked", "author", here, None),
        ("confirmed", "author", here, None),
        ("declined", SUE, here, "By mistake."),
        ("taken back", SUE, here, None),
        ("activated", SUE, here, None),
        ("deactivated", None, None, None),
        ("activated", None, None, None),
        ("removed", None, None, None),
    ]
    page = page_of(sue).text
    assert page.count("<li>\n        <strong>") == 8
    assert "by sue@example.com, from 127.0.0.1" in page
    assert "By mistake." in page
    assert len(re.findall(r"in Strapi,\s", page)) == 3


@every_strapi
def test_an_author_put_out_in_strapi_is_shown_so_and_welcomed_once(
    service: Service, later: Callable[[timedelta], None]
) -> None:
    sue = at_the_desk(service)
    link = service.visitor().apply()
    ada = service.signup()["strapi_id"]
    sue.decide("activate", ada)
    later(TEN_MINUTES)
    assert len(service.deliver()) == 1
    for _ in range(2):
        service.strapi.do("UPDATE admin_users SET is_active = false WHERE id = ?", ada)
        assert service.deliver() == []
        assert ADA in sue.get("/review?state=deactivated").text
        assert "Your account is switched off" in service.visitor().get(link).text
        service.strapi.do("UPDATE admin_users SET is_active = true WHERE id = ?", ada)
        assert service.deliver() == []
        assert ADA in sue.get("/review?state=active").text

    service.strapi.do("UPDATE admin_users SET is_active = false WHERE id = ?", ada)
    service.deliver()
    assert sue.decide("activate", ada).status_code == 303
    assert is_active(service)


def test_an_active_author_is_one_link_away_in_strapis_panel(sue: Visitor, ada: int) -> None:
    sue.decide("activate", ada)
    assert f'href="https://cms.example.com/admin/settings/users/{ada}"' in page_of(sue).text


@every_engine
def test_an_erased_signup_keeps_what_was_done_and_forgets_from_where(
    service: Service, sue: Visitor, ada: int, later: Callable[[timedelta], None]
) -> None:
    sue.decide("decline", ada, reason="Personal.")
    later(timedelta(days=366))
    service.deliver()
    service.app.test_cli_runner().invoke(args=["purge"])

    events = service.rows("SELECT what, event.by, address, why FROM event")
    assert ("declined", SUE, None, None) in [tuple(event.values()) for event in events]
    assert all(event["address"] is None for event in events)


# Letters to reviewers


@every_engine
def test_reviewers_are_reminded_after_a_day_and_then_weekly(
    service: Service, ada: int, later: Callable[[timedelta], None]
) -> None:
    assert ada
    later(timedelta(hours=23))
    assert service.deliver() == []
    days = []
    for day in range(1, 24):
        later(timedelta(days=1))
        days += [day] * len(service.deliver())
    assert days == [1, 8, 15, 22]
    letter = service.mail.messages[-1]
    assert letter["To"] == SUE
    assert "for 23 days so far" in text(letter)
    assert "/review" in text(letter)
    assert "activate" not in text(letter)


def test_nobody_is_reminded_of_who_was_decided_about(
    service: Service, sue: Visitor, ada: int, later: Callable[[timedelta], None]
) -> None:
    sue.decide("decline", ada, reason="")
    later(timedelta(days=2))
    assert service.deliver() == []


def test_each_reviewer_turns_the_letters_off_for_himself(service: Service, sue: Visitor) -> None:
    service.strapi.add_admin(TOM, SUE_PASSWORD, "strapi-super-admin")
    assert "Turn that off" in sue.get("/review").text
    sue.post("/review/notices/off", page="/review")
    assert "Write to me again" in sue.get("/review").text
    service.visitor().apply()
    assert [to["To"] for to in service.mail.messages if "waiting to write" in to["Subject"]] == [
        TOM
    ]

    sue.post("/review/notices/on", page="/review")
    service.mail.clear()
    service.visitor().apply(GRACE)
    assert SUE in [letter["To"] for letter in service.mail.messages]


def test_a_letter_that_is_owed_already_is_turned_off_too(
    service: Service, sue: Visitor, ada: int, later: Callable[[timedelta], None]
) -> None:
    assert ada
    service.visitor().apply(GRACE)
    sue.post("/review/notices/off", page="/review")
    later(timedelta(minutes=16))
    assert service.deliver() == []


def test_with_reviewers_of_its_own_the_desk_offers_letters_to_them_alone(
    start: Callable[..., Service],
) -> None:
    service = start(REVIEWERS=["Tom@example.com"])
    service.strapi.add_admin(TOM, SUE_PASSWORD, "strapi-super-admin")
    assert "Turn that off" not in at_the_desk(service).get("/review").text
    tom = at_the_desk(service, TOM)
    tom.post("/review/notices/off", page="/review")
    service.visitor().apply()
    assert [to["To"] for to in service.mail.messages] == [ADA, ADA]


def test_the_door_says_when_nobody_can_review(service: Service) -> None:
    assert "Nobody can decide" not in service.visitor().get("/review/login").text
    service.strapi.do("UPDATE admin_users SET is_active = false")
    assert "Nobody can decide" in service.visitor().get("/review/login").text

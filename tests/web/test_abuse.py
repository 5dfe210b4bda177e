"""The form is no weapon: not against a mailbox, not against everybody, not for programs."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from werkzeug.test import TestResponse

from models.signups import start
from models.signups.history import AUTHOR, Actor
from tests.conftest import every_engine
from tests.support.service import ADA, PUBLIC, Service, Visitor, token_of
from tests.support.smtp_server import text
from tests.support.strapi_file import SUE
from tests.web.test_rate_limits import Elsewhere

PERSON = {"firstname": "Ada", "lastname": "Lovelace", "email": ADA}
FLOOD = "signup flood"


def send(visitor: Visitor, page: TestResponse, **fields: str) -> TestResponse:
    """Send the form on a page that was just opened."""
    given = {"csrf_token": token_of(page), **PERSON, **fields}
    return visitor.client.post("/signup", data=given, base_url=PUBLIC)


def flood(service: Service, letters: int) -> None:
    """Have so many first letters asked for, from all over the world."""
    rules = {"by": Actor(AUTHOR), "reapply_after": timedelta(days=30), "most": 1000}
    with service.app.app_context():
        for number in range(letters):
            assert start.start_signup(f"author{number}@example.net", "Ada", None, **rules)  # type: ignore[arg-type]


# One mailbox


@pytest.mark.parametrize(
    "spellings",
    [
        ["ada@example.org", "ada+a@example.org", "Ada+b@Example.org", "ada+a+c@example.org"],
        ["ad.king@gmail.com", "adking@gmail.com", "a.dking+x@googlemail.com", "ADKING@gmail.com"],
    ],
)
def test_a_mailbox_gets_three_letters_an_hour_however_its_address_is_spelt(
    service: Service, spellings: list[str]
) -> None:
    for email in spellings:
        assert service.visitor().ask(email).location == "/signup/sent"

    assert len(service.deliver()) == 3
    assert len(service.rows("SELECT * FROM signup")) == len({*map(str.lower, spellings[:3])})


def test_a_mailbox_gets_six_letters_a_day_however_its_address_is_spelt(
    service: Service, later: Callable[[timedelta], None]
) -> None:
    for hour in range(4):
        for number in range(3):
            service.visitor().ask(f"ada+{hour}{number}@example.org")
        later(timedelta(hours=2))
    assert len(service.deliver()) == 6


def test_addresses_of_one_mailbox_are_different_people(service: Service) -> None:
    for email in ("ada@example.org", "ada+press@example.org"):
        service.visitor().apply(email)
    assert {row["email"] for row in service.strapi.admins()} == {
        SUE,
        "ada@example.org",
        "ada+press@example.org",
    }


def test_dots_are_nothing_but_googles(service: Service) -> None:
    for email in ("a.da@example.org", "ad.a@example.org", "a.d.a@example.org", ADA):
        service.visitor().ask(email)
    assert len(service.deliver()) == 4


def test_a_mailbox_that_gets_no_more_letters_learns_nothing_new_about_its_owner(
    service: Service,
) -> None:
    for _ in range(3):
        service.visitor().ask()
    service.visitor().ask(first="Mallory")
    service.visitor().ask("ada+new@example.org")

    [signup] = service.rows("SELECT * FROM signup")
    assert signup["firstname"] == "Ada"


def test_what_is_counted_outlives_a_purge(service: Service) -> None:
    for _ in range(3):
        service.visitor().ask()
    service.deliver()
    assert service.app.test_cli_runner().invoke(args=["purge"]).exit_code == 0
    service.visitor().ask()
    assert service.deliver() == []


# Everybody


def test_three_hundred_first_letters_an_hour_are_enough_for_everybody(
    service: Service, caplog: pytest.LogCaptureFixture, later: Callable[[timedelta], None]
) -> None:
    service.visitor().apply("grace@example.org")
    flood(service, 298)
    assert service.visitor().ask().status_code == 303

    answers = [service.visitor().ask(email) for email in ("tom@example.org", ADA, SUE)]

    for answer in answers:
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert "So many people apply just now" in answer.text
        for name in ("Ada", "Lovelace"):
            assert f'value="{name}"' in answer.text
    bodies = {re.sub(r'value="[^"]*"', "", answer.text) for answer in answers}
    assert len(bodies) == 1
    assert len(service.rows("SELECT * FROM letter WHERE kind = 'confirm'")) == 300
    assert service.rows("SELECT * FROM signup WHERE email = 'tom@example.org'") == []
    alarms = [line for line in caplog.records if line.getMessage() == FLOOD]
    assert [line.levelname for line in alarms] == ["ERROR"]

    later(timedelta(hours=1, seconds=1))
    assert service.visitor().ask("tom@example.org").status_code == 303


def test_a_flood_stops_fresh_links_and_letters_sent_again_too(service: Service) -> None:
    visitor = service.visitor()
    visitor.ask()
    service.deliver()
    old = visitor.link()
    visitor.ask()
    flood(service, 298)

    assert visitor.post("/signup/again", page="/signup/sent").status_code == 503
    assert visitor.post(f"{old}/renew", page=old).status_code == 503
    assert len(service.rows("SELECT * FROM letter WHERE kind = 'confirm'")) == 300


def test_a_site_of_fame_may_send_more_and_a_small_one_fewer(start: Callable[..., Service]) -> None:
    service = start(MAX_LETTERS=2)
    answers = [service.visitor().ask(email).status_code for email in ("a@b.org", "b@b.org", ADA)]
    assert answers == [303, 303, 503]


def test_the_setting_lifts_the_cap(start: Callable[..., Service]) -> None:
    service = start(RATELIMIT_ENABLED=False)
    flood(service, 300)
    assert service.visitor().ask().status_code == 303


# Programs


def alike(service: Service, answer: TestResponse, visitor: Visitor) -> None:
    """Claim that a visitor was told what everybody is told."""
    honest = Elsewhere(service, "192.0.2.9")
    told = honest.ask("honest@example.org")
    assert (answer.status_code, answer.location) == (told.status_code, told.location)
    assert answer.text == told.text
    assert set(answer.headers.keys()) == set(told.headers.keys())
    pages = [each.get(answer.location).text for each in (visitor, honest)]
    assert len({re.sub(r'name="csrf_token"[^>]+', "", page) for page in pages}) == 1


def effects(service: Service) -> list[object]:
    return [*service.rows("SELECT * FROM signup"), *service.rows("SELECT * FROM letter")]


def test_who_fills_in_what_nobody_sees_is_told_yes_and_gets_nothing(service: Service) -> None:
    visitor = service.visitor()
    answer = visitor.post("/signup", **PERSON, subject="Cheap pills")

    assert effects(service) == []
    alike(service, answer, visitor)
    assert visitor.post("/signup/again", page="/signup/sent").status_code == 303
    assert [letter["To"] for letter in service.deliver()] == ["honest@example.org"]


def test_who_is_quicker_than_a_person_is_told_yes_and_gets_nothing(
    service: Service, later: Callable[[timedelta], None]
) -> None:
    visitor = service.visitor()
    page = visitor.get("/signup")
    later(timedelta(seconds=2, milliseconds=800))
    answer = send(visitor, page)

    assert effects(service) == []
    alike(service, answer, visitor)


def test_who_takes_three_seconds_gets_the_letter(
    service: Service, later: Callable[[timedelta], None]
) -> None:
    visitor = service.visitor()
    page = visitor.get("/signup")
    later(timedelta(seconds=3))
    send(visitor, page)
    assert [letter["To"] for letter in service.deliver()] == [ADA]


def test_who_never_saw_the_form_is_a_program(service: Service) -> None:
    visitor = service.visitor()
    assert send(visitor, visitor.get("/review/login")).location == "/signup/sent"
    assert effects(service) == []


def test_a_person_who_was_but_quick_presses_send_it_again(service: Service) -> None:
    visitor = service.visitor()
    send(visitor, visitor.get("/signup"))
    visitor.post("/signup/again", page="/signup/sent")
    assert [letter["To"] for letter in service.deliver()] == [ADA]


def test_a_mistake_may_be_mended_quickly(
    service: Service, later: Callable[[timedelta], None]
) -> None:
    visitor = service.visitor()
    page = visitor.get("/signup")
    later(timedelta(seconds=4))
    wrong = send(visitor, page, email="ada@example")
    assert wrong.status_code == 422
    send(visitor, wrong)
    assert [letter["To"] for letter in service.deliver()] == [ADA]


def test_a_page_that_was_open_too_long_may_be_sent_again_quickly(service: Service) -> None:
    visitor = service.visitor()
    stale = visitor.client.post("/signup", data=PERSON, base_url=PUBLIC)
    assert stale.status_code == 400
    send(visitor, stale)
    assert [letter["To"] for letter in service.deliver()] == [ADA]


def test_of_several_tabs_each_works(service: Service, later: Callable[[timedelta], None]) -> None:
    visitor = service.visitor()
    first = visitor.get("/signup")
    later(timedelta(seconds=4))
    second = visitor.get("/signup")
    send(visitor, second)
    send(visitor, first, email="grace@example.org")
    assert {letter["To"] for letter in service.deliver()} == {ADA, "grace@example.org"}


def test_a_visitors_second_application_takes_time_too(
    service: Service, later: Callable[[timedelta], None]
) -> None:
    visitor = service.visitor()
    visitor.ask()
    page = visitor.get("/signup")
    send(visitor, page, email="grace@example.org")
    assert [letter["To"] for letter in service.deliver()] == [ADA]

    later(timedelta(seconds=3))
    send(visitor, page, email="grace@example.org")
    assert [letter["To"] for letter in service.deliver()] == ["grace@example.org"]


def test_the_setting_lifts_the_minimum_time_but_not_the_trap(start: Callable[..., Service]) -> None:
    service = start(RATELIMIT_ENABLED=False)
    visitor = service.visitor()
    send(visitor, visitor.get("/signup"), subject="Cheap pills")
    assert effects(service) == []
    send(visitor, visitor.get("/signup"))
    assert [letter["To"] for letter in service.deliver()] == [ADA]


def test_a_password_manager_may_be_quick_behind_the_link(service: Service) -> None:
    visitor = service.visitor()
    visitor.ask()
    service.deliver()
    assert visitor.confirm().status_code == 303
    assert service.strapi.admin(ADA)


def test_the_trap_is_out_of_everybodys_way(service: Service) -> None:
    page = service.visitor().get("/signup").text
    decoy = page.split('class="decoy"')[1].split("<button")[0]
    assert decoy.startswith(' aria-hidden="true"')
    assert 'autocomplete="off"' in decoy
    assert 'tabindex="-1"' in decoy
    assert "Leave this empty" in decoy


# This wasn't me


def test_a_stop_outlives_a_change_of_keys(start: Callable[..., Service]) -> None:
    old, new = "old-key-" + "abcdefgh" * 4, "new-key-" + "ijklmnop" * 4
    service = start(SECRET_KEY=old)
    visitor = service.visitor()
    visitor.ask()
    service.deliver()
    stop = visitor.link("stop")

    rotated = start(SECRET_KEY=new, SECRET_KEY_FALLBACKS=[old])
    rotated.visitor().post(stop)
    rotated.visitor().ask()
    assert rotated.deliver() == []
    assert [len(row["digest"]) for row in rotated.rows("SELECT * FROM stop")] == [64]
    assert ADA not in str(effects(rotated))


def test_a_stop_said_under_an_old_key_holds_under_the_new_one(
    start: Callable[..., Service],
) -> None:
    old, new = "old-key-" + "abcdefgh" * 4, "new-key-" + "ijklmnop" * 4
    service = start(SECRET_KEY=old)
    visitor = service.visitor()
    visitor.ask()
    service.deliver()
    visitor.post(visitor.link("stop"))
    service.deliver()

    rotated = start(SECRET_KEY=new, SECRET_KEY_FALLBACKS=[old])
    assert rotated.visitor().ask().location == "/signup/sent"
    assert rotated.deliver() == []
    assert ADA not in str(effects(rotated))


def test_opening_the_stop_link_stops_nothing(service: Service) -> None:
    visitor = service.visitor()
    visitor.ask()
    service.deliver()
    visitor.get(visitor.link("stop"))
    assert visitor.client.post(visitor.link("stop"), base_url=PUBLIC).status_code == 400
    assert service.rows("SELECT * FROM stop") == []
    assert visitor.confirm().status_code == 303


# Several links, and admins that others made


@every_engine
def test_of_several_links_the_first_that_is_used_wins(service: Service) -> None:
    stranger, ada = service.visitor(), service.visitor()
    stranger.ask(first="Mallory", last="")
    ada.ask()
    letters = service.deliver()
    links = [re.search(r"/confirm/\S+", text(letter)) for letter in letters]
    first, second = (found[0] for found in links if found)

    assert ada.confirm(second).location == second
    made = service.strapi.admins()
    again = {"password": "Another1engine", "firstname": "Mallory"}
    assert ada.client.post(first, data=again, base_url=PUBLIC).location == first

    assert service.strapi.admins() == made
    assert "We have your application" in ada.get(first).text


@pytest.mark.parametrize("active", [True, False])
def test_an_address_that_became_an_admin_between_letter_and_click_is_never_touched(
    service: Service, active: bool
) -> None:
    visitor = service.visitor()
    visitor.ask()
    service.deliver()
    service.strapi.add_admin(ADA, "Invited1by-strapi", "strapi-editor", active=active)
    before = service.strapi.admins(), service.strapi.links()

    answer = visitor.confirm()

    assert answer.status_code == 409
    assert "has an account already" in answer.text
    assert service.deliver() == []
    assert (service.strapi.admins(), service.strapi.links()) == before
    visitor.post(visitor.link("stop"))
    service.deliver()
    assert (service.strapi.admins(), service.strapi.links()) == before

"""The form is no weapon: not against one mailbox, not against all, and not for programs."""

import re
from datetime import timedelta
from typing import Any

import pytest
from time_machine import travel
from werkzeug.test import TestResponse

from models.rate_limits import Places
from models.signups import start as signups
from models.signups.history import AUTHOR, Actor
from models.signups.start import EmailLimits, Outcome
from models.timestamps import now
from tests.conftest import every_engine
from tests.support.service import (
    ADA,
    GRACE,
    NEW_KEY,
    OLD_KEY,
    PUBLIC,
    Later,
    Service,
    Start,
    Visitor,
)
from tests.support.smtp_server import text
from tests.support.strapi_file import SUE

ADAS_FORM = {"firstname": "Ada", "lastname": "Lovelace", "email": ADA}


def send(visitor: Visitor, page: TestResponse, **fields: str) -> TestResponse:
    """Send the signup form of a page that was opened before."""
    return visitor.send("/signup", page, **{**ADAS_FORM, **fields})


def recipients(service: Service) -> list[str]:
    return [message["To"] for message in service.deliver()]


def flood(service: Service, number: int) -> None:
    """Ask for so many first emails, from all over the world."""
    limits = EmailLimits(1000, 1000, 1000, Places("network", None), Places("domain", None))
    rules: Any = {"by": Actor(AUTHOR), "reapply_after": timedelta(days=30), "limits": limits}
    with service.app.app_context():
        for each in range(number):
            email = f"author{each}@example.net"
            assert signups.start_signup(email, "Ada", None, **rules) == Outcome.QUEUED


# One mailbox


@pytest.mark.parametrize(
    "spellings",
    [
        ["ada@example.org", "ada+a@example.org", "Ada+b@Example.org", "ada+a+c@example.org"],
        ["ad.king@gmail.com", "adking@gmail.com", "a.dking+x@googlemail.com", "ADKING@gmail.com"],
    ],
)
def test_a_mailbox_gets_three_emails_an_hour_however_it_is_spelled(
    service: Service, spellings: list[str]
) -> None:
    for email in spellings:
        assert service.visitor().ask(email).location == "/signup/sent"

    assert len(service.deliver()) == 3
    service.run("purge")
    service.visitor().ask(spellings[0], first="Mallory")
    assert service.deliver() == []
    assert {row["firstname"] for row in service.rows("SELECT * FROM signup")} == {"Ada"}


def test_a_mailbox_gets_six_emails_a_day_however_it_is_spelled(
    service: Service, later: Later
) -> None:
    for hour in range(4):
        for number in range(3):
            service.visitor().ask(f"ada+{hour}{number}@example.org")
        later(timedelta(hours=2))
    assert len(service.deliver()) == 6


def test_emails_of_one_mailbox_are_different_people(service: Service) -> None:
    for email in (ADA, "ada+press@example.org"):
        service.visitor().apply(email)
    assert {row["email"] for row in service.strapi.admins()} == {SUE, ADA, "ada+press@example.org"}


def test_dots_count_everywhere_but_at_google(service: Service) -> None:
    for email in ("a.da@example.org", "ad.a@example.org", "a.d.a@example.org", ADA):
        service.visitor().ask(email)
    assert len(service.deliver()) == 4


# Everybody


def test_after_three_hundred_first_emails_in_an_hour_all_get_the_same_503(
    service: Service, caplog: pytest.LogCaptureFixture, later: Later
) -> None:
    service.visitor().apply(GRACE)
    flood(service, 298)
    assert service.visitor().ask().status_code == 303

    answers = [service.visitor().ask(email) for email in ("tom@example.org", ADA, SUE)]

    for answer in answers:
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert "So many people apply just now" in answer.text
        assert 'value="Lovelace"' in answer.text
    assert len({re.sub(r'value="[^"]*"', "", answer.text) for answer in answers}) == 1
    assert len(service.rows("SELECT * FROM letter WHERE kind = 'confirm'")) == 300
    assert service.rows("SELECT * FROM signup WHERE email = 'tom@example.org'") == []
    alerts = [line for line in caplog.records if line.getMessage() == "signup flood"]
    assert [line.levelname for line in alerts] == ["ERROR"]

    later(timedelta(hours=1, seconds=1))
    assert service.visitor().ask("tom@example.org").status_code == 303


def test_a_flood_stops_repeated_emails_too_and_no_owner_of_a_link(
    service: Service, later: Later
) -> None:
    visitor = service.visitor()
    old = visitor.ask_and_get_link()
    visitor.ask()
    flood(service, 296)
    later(timedelta(minutes=20))
    flood(service, 2)

    refused = visitor.post("/signup/again", page="/signup/sent")
    assert refused.status_code == 503
    # The first of the 300 is an hour old then.
    assert 0 <= 40 * 60 - int(refused.headers["Retry-After"]) < 60
    assert "Please wait a while" in refused.text
    assert "those of this hour are used up" in service.run("check").output
    assert visitor.post(f"{old}/renew", page=old).location == "/signup/sent"
    assert len(service.rows("SELECT * FROM letter WHERE kind = 'confirm'")) == 301


def test_settings_change_and_lift_the_limit_for_everybody(start: Start) -> None:
    emails = ("a@b.org", "b@b.org", ADA)
    few = start(MAX_LETTERS=2)
    assert [few.visitor().ask(email).status_code for email in emails] == [303, 303, 503]

    assert start(MAX_LETTERS=2, RATELIMIT_ENABLED=False).visitor().ask().status_code == 303


# Programs


def assert_told_what_all_are_told(service: Service, answer: TestResponse, visitor: Visitor) -> None:
    other = Visitor(service, "192.0.2.9")
    honest = other.ask("honest@example.org")
    assert (answer.status_code, answer.location) == (honest.status_code, honest.location)
    assert answer.text == honest.text
    assert set(answer.headers.keys()) == set(honest.headers.keys())
    pages = [each.get(answer.location).text for each in (visitor, other)]
    assert len({re.sub(r'name="csrf_token"[^>]+', "", page) for page in pages}) == 1


def effects(service: Service) -> list[object]:
    return [*service.rows("SELECT * FROM signup"), *service.emails()]


def test_a_filled_honeypot_looks_like_success_and_sends_nothing(service: Service) -> None:
    visitor = service.visitor()
    answer = visitor.post("/signup", **ADAS_FORM, subject="Cheap pills")

    assert effects(service) == []
    assert_told_what_all_are_told(service, answer, visitor)
    assert visitor.post("/signup/again", page="/signup/sent").status_code == 303
    assert recipients(service) == ["honest@example.org"]


def test_a_form_sent_in_less_than_three_seconds_looks_like_success_and_sends_nothing(
    service: Service,
) -> None:
    opened = now() - timedelta(seconds=10)
    with travel(opened, tick=False):
        visitor = service.visitor()
        page = visitor.get("/signup")
    with travel(opened + timedelta(seconds=2, milliseconds=900), tick=False):
        answer = send(visitor, page)

    # A program that never opened the form.
    program = service.visitor()
    send(program, program.get("/review/login"))

    assert effects(service) == []
    assert_told_what_all_are_told(service, answer, visitor)
    service.deliver()
    with travel(opened + timedelta(seconds=3), tick=False):
        send(visitor, page)
    assert recipients(service) == [ADA]


def test_a_person_who_was_too_quick_presses_send_it_again(service: Service) -> None:
    visitor = service.visitor()
    send(visitor, visitor.get("/signup"))
    visitor.post("/signup/again", page="/signup/sent")
    assert recipients(service) == [ADA]


def test_a_corrected_or_stale_form_may_be_sent_at_once(service: Service, later: Later) -> None:
    visitor = service.visitor()
    page = visitor.get("/signup")
    later(timedelta(seconds=4))
    wrong = send(visitor, page, email="ada@example")
    assert wrong.status_code == 422
    send(visitor, wrong)
    assert recipients(service) == [ADA]

    visitor = service.visitor()
    stale = visitor.client.post("/signup", data=ADAS_FORM, base_url=PUBLIC)
    assert stale.status_code == 400
    send(visitor, stale)
    assert recipients(service) == [ADA]


def test_a_form_works_in_several_tabs_at_once(service: Service, later: Later) -> None:
    visitor = service.visitor()
    first = visitor.get("/signup")
    later(timedelta(seconds=4))
    send(visitor, visitor.get("/signup"))
    send(visitor, first, email=GRACE)
    assert set(recipients(service)) == {ADA, GRACE}


def test_a_second_application_of_a_visitor_takes_three_seconds_too(
    service: Service, later: Later
) -> None:
    visitor = service.visitor()
    visitor.ask()
    page = visitor.get("/signup")
    send(visitor, page, email=GRACE)
    assert recipients(service) == [ADA]

    later(timedelta(seconds=3))
    send(visitor, page, email=GRACE)
    assert recipients(service) == [GRACE]


def test_the_setting_lifts_the_minimum_time_but_not_the_honeypot(start: Start) -> None:
    service = start(RATELIMIT_ENABLED=False)
    visitor = service.visitor()
    send(visitor, visitor.get("/signup"), subject="Cheap pills")
    assert effects(service) == []
    send(visitor, visitor.get("/signup"))
    assert recipients(service) == [ADA]


def test_the_honeypot_is_hidden_from_people_and_their_programs(service: Service) -> None:
    page = service.visitor().get("/signup").text
    decoy = page.split('class="decoy"')[1].split("<button")[0]
    assert decoy.startswith(' aria-hidden="true"')
    for wanted in ('autocomplete="off"', 'tabindex="-1"', "Leave this empty"):
        assert wanted in decoy


# "This wasn't me"


@pytest.mark.parametrize("stopped_before", [True, False])
def test_a_suppression_holds_under_a_new_secret_key(start: Start, stopped_before: bool) -> None:
    visitor = start(SECRET_KEY=OLD_KEY).visitor()
    visitor.ask_and_get_link()
    stop = visitor.link("stop")
    if stopped_before:
        visitor.post(stop)

    service = start(SECRET_KEY=NEW_KEY, SECRET_KEY_FALLBACKS=[OLD_KEY])
    if not stopped_before:
        service.visitor().post(stop)
    service.deliver()

    assert service.visitor().ask().location == "/signup/sent"
    assert service.deliver() == []
    assert {len(row["digest"]) for row in service.rows("SELECT * FROM stop")} == {64}
    assert ADA not in str(effects(service))


def test_opening_the_stop_link_stops_nothing(service: Service) -> None:
    visitor = service.visitor()
    visitor.ask_and_get_link()
    visitor.get(visitor.link("stop"))
    assert visitor.client.post(visitor.link("stop"), base_url=PUBLIC).status_code == 400
    assert service.rows("SELECT * FROM stop") == []
    assert visitor.confirm().status_code == 303


# Several links, and admin users that others made


@every_engine
def test_of_several_links_only_the_first_use_makes_an_author(service: Service) -> None:
    service.visitor().ask(first="Mallory", last="")
    ada = service.visitor()
    ada.ask()
    found = [re.search(r"/confirm/\S+", text(message)) for message in service.deliver()]
    first, second = (each[0] for each in found if each)

    assert ada.confirm(second).location == second
    created = service.strapi.admins()
    again = {"password": "Another1engine", "firstname": "Mallory"}
    assert ada.client.post(first, data=again, base_url=PUBLIC).location == first

    assert service.strapi.admins() == created
    assert "We have your application" in ada.get(first).text


@every_engine
@pytest.mark.parametrize(("email", "active"), [(ADA, True), ("Ada@Example.ORG", False)])
def test_an_email_that_became_an_admin_user_before_the_click_is_left_alone(
    service: Service, email: str, active: bool
) -> None:
    visitor = service.visitor()
    visitor.ask_and_get_link()
    service.strapi.add_admin(email, None, "strapi-editor", active=active)
    before = service.strapi.admins(), service.strapi.links()

    answer = visitor.confirm()

    assert answer.status_code == 409
    assert "has an account already" in answer.text
    visitor.post(visitor.link("stop"))
    assert service.deliver() == []
    assert (service.strapi.admins(), service.strapi.links()) == before

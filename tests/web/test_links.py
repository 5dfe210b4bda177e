"""Signed links: which are accepted, for how long, and the page of every state."""

import hashlib
import re
from datetime import timedelta

import pytest
from itsdangerous import URLSafeTimedSerializer
from werkzeug.test import TestResponse

from tests.conftest import every_engine
from tests.support.service import (
    ADA,
    GRACE,
    NEW_KEY,
    OLD_KEY,
    PUBLIC,
    TABLES,
    Later,
    Service,
    Start,
    Visitor,
)
from tests.support.smtp_server import text
from tests.support.strapi_file import SUE


@pytest.fixture
def link(service: Service) -> str:
    return service.visitor().ask_and_get_link()


LATER_LIFE = timedelta(days=30)


def opaque(page: TestResponse) -> str:
    """A page without the form token and the link."""
    return re.sub(r'value="[^"]+"|/confirm/[^/"]+', "", page.text)


def everything(service: Service) -> list[object]:
    """Every row of both databases, but for the time at which a session was last used."""
    names = (*TABLES, "stop", "count")
    ledger = [service.rows(f"SELECT * FROM {name} ORDER BY id") for name in names]
    ledger = [[{**row, "seen_at": None} for row in rows] for rows in ledger]
    return [*ledger, service.strapi.admins(), service.strapi.links()]


def test_get_head_and_options_change_nothing(service: Service, sue: Visitor, link: str) -> None:
    visitor = service.visitor()
    waiting = visitor.apply(GRACE)
    before = everything(service)

    requests = 0
    for rule in service.app.url_map.iter_rules():
        for token in (link.rsplit("/", maxsplit=1)[-1], waiting.split("/")[-1], "nonsense"):
            known = {"token": token, "wanted": "off", "filename": "style.css"}
            path = rule.build({name: known.get(name, "1") for name in rule.arguments})
            assert path
            for method in ("GET", "HEAD", "OPTIONS"):
                for client in (visitor.client, sue.client):
                    with client.open(path[1], method=method, base_url=PUBLIC) as answer:
                        assert answer.status_code < 500 or path[1] == "/healthz"
                    requests += 1

    assert requests > 200
    assert everything(service) == before


def test_a_link_works_for_two_days_and_not_a_second_longer(
    service: Service, link: str, later: Later
) -> None:
    later(timedelta(days=2, seconds=-5))
    assert service.visitor().get(link).status_code == 200

    later(timedelta(seconds=6))
    answer = service.visitor().get(link)
    assert answer.status_code == 410
    assert "This link has expired" in answer.text
    assert service.visitor().confirm(link).status_code == 410
    assert service.strapi.admin(ADA) is None


def test_the_email_says_how_long_its_link_works(start: Start) -> None:
    service = start(LINK_MAX_AGE=3600)
    service.visitor().ask()
    [email] = service.deliver()
    assert "The link works for 1 hour, until " in text(email)


def test_a_damaged_link_has_its_page(service: Service, link: str) -> None:
    token = link.rsplit("/", maxsplit=1)[-1]
    damaged = [f"{token}x", f"x{token}", token[:20], f"{token}%00", "x" * 9000, "é"]
    for path in (f"/confirm/{each}" for each in damaged):
        for answer in (service.visitor().get(path), service.visitor().client.post(path)):
            assert answer.status_code == 404
            assert "This link is not complete" in answer.text


def test_a_token_works_for_one_purpose_alone(service: Service, sue: Visitor, link: str) -> None:
    visitor = service.visitor()
    stop = visitor.link("stop")
    assert visitor.get(link.replace("/confirm/", "/stop/")).status_code == 404
    assert visitor.get(stop.replace("/stop/", "/confirm/")).status_code == 404
    assert visitor.get(f"/confirm/{sue.cookie()}").status_code == 404


def test_a_link_signed_with_another_algorithm_is_refused(service: Service, link: str) -> None:
    content = [service.signup()["key"], 1]
    key, salt = service.app.config["SECRET_KEY"], f"confirm {PUBLIC}"
    for digest, status in (("sha256", 200), ("sha1", 404), ("sha512", 404)):
        how = {"digest_method": getattr(hashlib, digest)}
        token = URLSafeTimedSerializer(key, salt=salt, signer_kwargs=how).dumps(content)
        assert service.visitor().get(f"/confirm/{token}").status_code == status


def test_a_link_of_another_installation_with_the_same_key_is_not_ours(start: Start) -> None:
    link = start(PUBLIC_URL="https://staging.example.com").visitor().ask_and_get_link()
    assert start().visitor().get(link).status_code == 404


def test_a_link_holds_nothing_but_a_random_key(service: Service, link: str) -> None:
    signup = service.signup()
    content = URLSafeTimedSerializer("any").loads_unsafe(link.rsplit("/", maxsplit=1)[-1])[1]
    assert content == [signup["key"], 1]
    assert not any(str(signup[name]) in link for name in ("email", "firstname"))
    assert signup["key"] not in str([{**row, "key": ""} for row in service.emails()])


def test_a_new_key_keeps_old_links_alive_while_it_has_a_fallback(start: Start) -> None:
    link = start(SECRET_KEY=OLD_KEY).visitor().ask_and_get_link()

    rotated = start(SECRET_KEY=NEW_KEY, SECRET_KEY_FALLBACKS=[OLD_KEY])
    assert rotated.visitor().get(link).status_code == 200
    newer = rotated.visitor().ask_and_get_link()

    without_fallback = start(SECRET_KEY=NEW_KEY).visitor()
    assert without_fallback.get(newer).status_code == 200
    assert without_fallback.get(link).status_code == 404


def test_a_link_from_a_clock_slightly_ahead_works_and_from_one_far_ahead_waits(
    service: Service, later: Later
) -> None:
    for ahead, status in ((timedelta(seconds=90), 200), (timedelta(hours=1), 503)):
        later(ahead)
        link = service.visitor().ask_and_get_link()
        later(-ahead)
        assert service.visitor().get(link).status_code == status


@pytest.fixture
def links(service: Service, sue: Visitor) -> dict[str, str]:
    """A link to a signup in each state, from its newest email."""
    visitor = service.visitor()
    people = ("waiting", "active", "declined", "withdrawn", "removed")
    for state in people:
        visitor.apply(f"{state}@example.org")
    links = {state: visitor.link(email=f"{state}@example.org") for state in people}
    sue.decide("activate", "active@example.org")
    sue.decide("decline", "declined@example.org", reason="Not <this> time.", tell="y")
    visitor.post(f"{links['withdrawn']}/withdraw", page=links["withdrawn"])
    service.strapi.remove("removed@example.org")
    links["stopped"] = visitor.ask_and_get_link("stopped@example.org")
    visitor.post(visitor.link("stop", "stopped@example.org"))
    service.deliver()
    return links


def test_every_state_has_its_page(service: Service, links: dict[str, str]) -> None:
    visitor = service.visitor()
    titles = {
        "waiting": "We have your application",
        "active": "You can write now",
        "declined": "Your application was declined",
        "withdrawn": "You withdrew your application",
        "removed": "This account no longer exists",
        "stopped": "We will not write to you again",
    }
    for state, title in titles.items():
        page = visitor.get(links[state])
        assert page.status_code == 200
        assert f"<h1>{title}</h1>" in page.text
    assert "Not &lt;this&gt; time." in visitor.get(links["declined"]).text


def test_a_link_that_is_over_shows_and_does_the_same_in_every_state(
    service: Service, links: dict[str, str], later: Later
) -> None:
    visitor = service.visitor()
    links["asked"] = visitor.ask_and_get_link("asked@example.org")
    later(LATER_LIFE + timedelta(seconds=1))
    before = everything(service)

    pages = {opaque(visitor.get(link)) for link in links.values()}
    assert len(pages) == 1
    assert "This link has expired" in pages.pop()
    for link in links.values():
        for path in (link, f"{link}/withdraw"):
            assert visitor.post(path, page=link).status_code == 410
    assert everything(service) == before

    renewed = [visitor.post(f"{link}/renew", page=link) for link in links.values()]
    assert {(each.status_code, each.location) for each in renewed} == {(303, "/signup/sent")}
    assert "We were asked to send it again" in visitor.get("/signup/sent").text
    told = {str(message["To"]).partition("@")[0] for message in service.deliver()} - {"sue"}
    assert sorted(told) == ["active", "asked", "declined", "removed", "waiting", "withdrawn"]


def test_the_life_of_a_link_depends_on_its_email(service: Service, later: Later) -> None:
    visitor = service.visitor()
    first, received = visitor.apply(), visitor.link()
    assert visitor.get(first).status_code == visitor.get(received).status_code == 200

    later(timedelta(days=2, seconds=1))
    assert visitor.get(first).status_code == 410
    assert "We have your application" in visitor.get(received).text
    later(LATER_LIFE - timedelta(days=2, seconds=6))
    assert visitor.get(received).status_code == 200
    later(timedelta(seconds=6))
    assert visitor.get(received).status_code == 410


def test_an_email_that_is_asked_for_replaces_the_links_of_earlier_ones(
    service: Service, later: Later
) -> None:
    visitor = service.visitor()
    old = [visitor.apply(), visitor.link()]
    newest = visitor.ask_and_get_link()

    for link in old:
        answer = visitor.post(f"{link}/withdraw", page=link)
        assert (answer.status_code, ADA in answer.text) == (410, False)
        assert "There is a newer link" in answer.text
    assert service.state() == "waiting"
    visitor.post(f"{newest}/withdraw", page=newest)
    assert service.state() == "withdrawn"


def test_a_later_link_does_not_confirm_a_signup_of_a_restored_backup(
    service: Service, later: Later
) -> None:
    visitor = service.visitor()
    visitor.apply()
    received = visitor.link()
    service.ledger.do("UPDATE signup SET state = 'asked'")
    later(timedelta(days=2, seconds=1))
    assert visitor.confirm(received).status_code == 410


def test_links_in_mailboxes_from_earlier_versions_work_for_two_days(
    service: Service, later: Later
) -> None:
    visitor = service.visitor()
    visitor.apply()
    key, salt = service.app.config["SECRET_KEY"], f"confirm {PUBLIC}"
    how = {"digest_method": hashlib.sha256}
    signer = URLSafeTimedSerializer(key, salt=salt, signer_kwargs=how)
    contents = service.signup()["key"], [service.signup()["key"], 1]
    paths = [f"/confirm/{signer.dumps(content)}" for content in contents]

    assert {visitor.get(path).status_code for path in paths} == {200}
    later(timedelta(days=2, seconds=1))
    assert {visitor.get(path).status_code for path in paths} == {410}


@pytest.mark.parametrize("half_confirmed", [False, True])
def test_stop_erases_the_request_and_its_email_everywhere(
    service: Service, link: str, half_confirmed: bool
) -> None:
    visitor = service.visitor()
    if half_confirmed:
        service.confirm_half()
    assert "Never write to this address again?" in visitor.get(visitor.link("stop")).text
    visitor.post(visitor.link("stop"))
    service.deliver()

    assert ADA.encode() not in service.ledger_bytes()
    visitor.ask()
    assert service.deliver() == []
    assert visitor.confirm(link).status_code == 303
    assert service.strapi.admin(ADA) is None


@every_engine
def test_after_stop_an_author_stays_active_and_gets_no_email(
    service: Service, sue: Visitor
) -> None:
    visitor = service.visitor()
    visitor.apply()
    stop = visitor.link("stop")
    sue.decide("activate", ADA)
    visitor.post(stop)

    assert [message["To"] for message in service.deliver()] == [SUE]
    assert "We will not write to you again" in visitor.get(stop).text
    visitor.ask()
    assert service.deliver() == []
    assert service.state() == "active"


@every_engine
def test_withdrawing_removes_the_row_and_the_author_may_apply_again(service: Service) -> None:
    visitor = service.visitor()
    link = visitor.apply()
    visitor.post(f"{link}/withdraw", page=link)
    service.deliver()
    assert service.strapi.admin(ADA) is None
    assert len(service.strapi.links()) == 1

    visitor.apply()
    assert service.strapi.admin(ADA) is not None

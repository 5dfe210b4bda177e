"""The signed link: genuine or not, in time or not, and its page in every state."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from itsdangerous import URLSafeTimedSerializer

from models.ledger.database import database
from models.signups.confirm import Application, note_intent
from models.signups.history import AUTHOR, Actor
from models.signups.signup import Signup
from models.strapi import Author
from models.timestamps import now
from tests.conftest import every_engine
from tests.support.service import ADA, PUBLIC, Service
from tests.support.strapi_file import SUE, SUE_PASSWORD


@pytest.fixture
def link(service: Service) -> str:
    service.visitor().ask()
    service.deliver()
    return service.visitor().link()


def test_looking_changes_nothing(service: Service, link: str) -> None:
    visitor, sue = service.visitor(), service.visitor()
    visitor.apply("grace@example.org")
    sue.log_in()
    waiting = visitor.link(email="grace@example.org").split("/")[-1]
    before = everything(service)

    looked = 0
    for rule in service.app.url_map.iter_rules():
        for token in (link.rsplit("/", maxsplit=1)[-1], waiting, "nonsense"):
            known = {
                "token": token,
                "author_id": "1",
                "letter_id": "1",
                "number": "1",
                "wanted": "off",
                "filename": "style.css",
            }
            path = rule.build({name: known.get(name, "1") for name in rule.arguments})
            assert path
            for method in ("GET", "HEAD", "OPTIONS"):
                for client in (visitor.client, sue.client):
                    with client.open(path[1], method=method, base_url=PUBLIC) as answer:
                        assert answer.status_code < 500 or path[1] == "/healthz"
                    looked += 1

    assert looked > 200
    assert everything(service) == before


def everything(service: Service) -> list[object]:
    tables = ("signup", "event", "letter", "session", "stop", "count", "muted")
    ledger = [service.rows(f"SELECT * FROM {table} ORDER BY id") for table in tables]
    # When a session was last used is about the session, and nobody else's business.
    ledger = [[{**row, "seen_at": None} for row in rows] for rows in ledger]
    return [*ledger, service.strapi.admins(), service.strapi.links()]


def test_a_link_works_for_its_life_and_not_a_second_longer(
    service: Service, link: str, later: Callable[[timedelta], None]
) -> None:
    life = timedelta(seconds=172800)
    later(life - timedelta(seconds=5))
    assert service.visitor().get(link).status_code == 200

    later(timedelta(seconds=6))
    answer = service.visitor().get(link)
    assert answer.status_code == 410
    assert "This link has expired" in answer.text
    assert service.visitor().confirm(link).status_code == 410
    assert service.strapi.admin(ADA) is None


def test_the_letter_states_the_links_life(start: Callable[..., Service]) -> None:
    service = start(LINK_MAX_AGE=3600)
    service.visitor().ask()
    [letter] = service.deliver()
    assert "The link works for 1 hour, until " in letter.get_body(("plain",)).get_content()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "damage", ["{}x", "x{}", "{:.20}", ".", "{}%00", "%2e%2e", "x" * 9000, "é"]
)
def test_a_damaged_link_has_its_page(service: Service, link: str, damage: str) -> None:
    path = "/confirm/" + damage.format(link.rsplit("/", maxsplit=1)[-1])
    for answer in (service.visitor().get(path), service.visitor().client.post(path)):
        assert answer.status_code == 404
        assert "This link is not complete" in answer.text


def test_a_link_is_good_for_its_purpose_alone(service: Service) -> None:
    visitor = service.visitor()
    visitor.ask()
    service.deliver()
    for kind, other in (("confirm", "stop"), ("stop", "confirm")):
        token = visitor.link(kind).split("/")[-1]
        assert visitor.get(f"/{other}/{token}").status_code == 404


def test_a_link_of_another_installation_with_our_key_is_not_ours(
    start: Callable[..., Service],
) -> None:
    elsewhere = start(PUBLIC_URL="https://staging.example.com")
    elsewhere.visitor().ask()
    elsewhere.deliver()
    link = elsewhere.visitor().link()

    assert start().visitor().get(link).status_code == 404


def test_a_link_holds_nothing_but_a_random_key(service: Service, link: str) -> None:
    signup = service.signup()
    key = URLSafeTimedSerializer("any").loads_unsafe(link.rsplit("/", maxsplit=1)[-1])[1]
    assert key == [signup["key"], 1]
    assert not any(str(signup[name]) in link for name in ("email", "firstname"))
    assert signup["key"] not in str(
        [{**row, "key": ""} for row in service.rows("SELECT * FROM letter")]
    )


def test_a_new_key_keeps_old_links_alive(start: Callable[..., Service]) -> None:
    old, new = "old-key-" + "abcdefgh" * 4, "new-key-" + "ijklmnop" * 4
    service = start(SECRET_KEY=old)
    service.visitor().ask()
    service.deliver()
    link = service.visitor().link()

    rotated = start(SECRET_KEY=new, SECRET_KEY_FALLBACKS=[old])
    assert rotated.visitor().get(link).status_code == 200
    rotated.visitor().ask()
    rotated.deliver()
    assert start(SECRET_KEY=new).visitor().get(rotated.visitor().link()).status_code == 200
    assert start(SECRET_KEY=new).visitor().get(link).status_code == 404


def test_a_clock_that_is_ahead_makes_no_link_expire(
    service: Service, later: Callable[[timedelta], None]
) -> None:
    later(timedelta(seconds=90))
    service.visitor().ask()
    service.deliver()
    ahead = service.visitor().link()
    later(timedelta(seconds=-90))
    assert service.visitor().get(ahead).status_code == 200

    later(timedelta(hours=1))
    service.visitor().ask()
    service.deliver()
    far_ahead = service.visitor().link()
    later(timedelta(hours=-1))
    assert service.visitor().get(far_ahead).status_code == 503


def test_every_state_has_its_page(service: Service) -> None:
    visitor, sue = service.visitor(), service.visitor()
    sue.log_in()
    people = ("waiting", "active", "declined", "withdrawn", "removed")
    links = {state: visitor.apply(f"{state}@example.org") for state in people}
    ids = {state: service.signup(f"{state}@example.org")["strapi_id"] for state in people}
    sue.decide("activate", ids["active"])
    sue.decide("decline", ids["declined"], reason="Not <this> time.", tell="y")
    visitor.post(f"{links['withdrawn']}/withdraw", page=links["withdrawn"])
    service.strapi.do("DELETE FROM admin_users WHERE id = ?", ids["removed"])
    visitor.ask("stopped@example.org")
    service.deliver()
    links["stopped"] = visitor.link(email="stopped@example.org")
    visitor.post(visitor.link("stop", "stopped@example.org"))
    service.deliver()

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


def test_stop_erases_the_request_and_keeps_no_address(service: Service, link: str) -> None:
    visitor = service.visitor()
    assert "Never write to this address again?" in visitor.get(visitor.link("stop")).text
    visitor.post(visitor.link("stop"))
    service.deliver()

    assert ADA.encode() not in ledger_bytes(service)
    visitor.ask()
    assert service.deliver() == []
    assert visitor.confirm(link).status_code == 303
    assert service.strapi.admin(ADA) is None


def test_stop_after_a_confirmation_that_was_cut_short_leaves_nobody_in_strapi(
    service: Service, link: str
) -> None:
    visitor = service.visitor()
    with service.app.app_context():
        signup = Signup.by_key(service.signup()["key"])
        assert signup
        note_intent(signup, Application("hashed", "Ada", None, None, Actor(AUTHOR)), now())
        author = Author(signup.identity, "Ada", None, "hashed")
        service.app.extensions["strapi"].write(lambda people: people.create_author(author))
    visitor.post(visitor.link("stop"))
    service.deliver()

    assert service.strapi.admin(ADA) is None
    assert ADA.encode() not in ledger_bytes(service)


@every_engine
def test_nothing_is_sent_to_an_address_that_said_stop(service: Service) -> None:
    visitor, sue = service.visitor(), service.visitor()
    visitor.apply()
    stop = visitor.link("stop")
    sue.log_in()
    sue.decide("activate", service.signup()["strapi_id"])
    visitor.post(stop)

    assert service.deliver() == []
    assert "We will not write to you again" in visitor.get(stop).text
    visitor.ask()
    assert service.deliver() == []
    assert service.signup()["state"] == "active"


@every_engine
def test_withdrawing_removes_the_row_and_lets_one_apply_again(service: Service) -> None:
    visitor = service.visitor()
    link = visitor.apply()
    visitor.post(f"{link}/withdraw", page=link)
    service.deliver()
    assert service.strapi.admin(ADA) is None
    assert len(service.strapi.links()) == 1

    visitor.apply()
    assert service.strapi.admin(ADA) is not None


def ledger_bytes(service: Service) -> bytes:
    """Every byte of the ledger, its write-ahead log included."""
    with service.app.app_context():
        database.truncate_wal()
    return b"".join(path.read_bytes() for path in service.ledger.path.parent.glob("ledger.db*"))


def test_the_session_of_a_reviewer_is_no_link(service: Service) -> None:
    sue = service.visitor()
    assert sue.log_in(SUE, SUE_PASSWORD).status_code == 303
    cookie = sue.client.get_cookie("__Host-signup", domain="join.example.com")
    assert cookie
    assert sue.get(f"/confirm/{cookie.value}").status_code == 404

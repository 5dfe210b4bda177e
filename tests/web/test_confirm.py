"""Confirming: a password makes an inactive author in Strapi, once and as Strapi makes it."""

import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import bcrypt
import pytest

from models import password_hashing
from tests.conftest import every_strapi
from tests.support.service import ADA, ADA_PASSWORD, GRACE, PUBLIC, Service, Start, token_of
from tests.support.strapi_file import SUE, SUE_PASSWORD


@pytest.fixture
def link(service: Service) -> str:
    return service.visitor().ask_and_get_link(first="Typed", last="By a stranger")


@every_strapi
@pytest.mark.strapi_cost
def test_the_author_is_as_strapi_makes_one_but_inactive(service: Service, link: str) -> None:
    service.visitor().confirm(link, firstname=" Ada ", lastname="")

    ada = service.strapi.admin(ADA)
    assert ada
    assert bcrypt.checkpw(ADA_PASSWORD.encode(), ada["password"].encode())
    assert re.fullmatch(r"\$2a\$10\$[./A-Za-z0-9]{53}", ada["password"])
    assert (ada["firstname"], ada["lastname"]) == ("Ada", None)
    assert (ada["is_active"], ada["blocked"], ada["registration_token"]) == (0, 0, None)
    assert ada["created_at"] == ada["updated_at"]
    assert type(ada["created_at"]) is type(service.strapi.present())
    filled = {"id", "firstname", "email", "password", "is_active", "blocked"}
    filled |= {"created_at", "updated_at"}
    if "document_id" in ada:
        filled |= {"document_id", "published_at"}
        assert re.fullmatch("[a-z][a-z0-9]{23}", ada["document_id"])
        assert ada["published_at"] == ada["created_at"]
    assert {name for name, value in ada.items() if value is not None} == filled

    sues, adas = service.strapi.links()
    [role] = service.strapi.rows("SELECT id FROM admin_roles WHERE code = 'strapi-author'")
    assert (adas["user_id"], adas["role_id"]) == (ada["id"], role["id"])
    assert {adas[name] for name in adas if name.endswith(("_ord", "_order"))} <= {1.0}
    assert set(sues) == set(adas)
    assert list(service.strapi.damage()) == []


@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("", "Choose a password."),
        ("Short1", "The password still needs at least 8 characters."),
        ("alllower1", "The password still needs an upper-case letter."),
        ("ALLUPPER1", "The password still needs a lower-case letter."),
        ("NoDigitsHere", "The password still needs a digit."),
        ("Ä" * 36 + "a1", "This password is too long. Use at most 72 letters or digits."),
    ],
)
def test_a_password_against_strapis_rules_gets_a_message_and_the_form_as_filled_in(
    service: Service, link: str, password: str, message: str
) -> None:
    answer = service.visitor().confirm(link, password=password, why="Because.", firstname="Augusta")

    assert answer.status_code == 422
    assert f'id="password-error">{message}<' in answer.text
    assert 'value="Augusta"' in answer.text
    assert "Because." in answer.text
    assert not password or password not in answer.text
    assert service.strapi.admin(ADA) is None
    assert service.visitor().confirm(link).status_code == 303


def test_a_password_is_hashed_as_it_was_typed(service: Service) -> None:
    long = "A1 " + "engines of brass, " * 3 + "and of cards ä"
    passwords = [" Spaces 1 around ", "Ümläut 1X", long, "Nul\0byte1", "100%FFort & Brass"]
    for number, password in enumerate(passwords):
        email = f"author{number}@example.org"
        link = service.visitor().ask_and_get_link(email)
        assert service.visitor().confirm(link, password=password).status_code == 303
        row = service.strapi.admin(email) or {}
        assert bcrypt.checkpw(password.encode(), row["password"].encode()), password


def test_a_password_is_stored_logged_and_emailed_nowhere(
    service: Service, link: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    service.visitor().confirm(link)
    emails = "".join(map(str, service.deliver()))

    hashed = (service.strapi.admin(ADA) or {})["password"]
    everywhere = service.ledger_bytes() + emails.encode() + caplog.text.encode()
    assert ADA_PASSWORD.encode() not in everywhere
    assert hashed.encode() not in everywhere
    assert link.rsplit("/", maxsplit=1)[-1] not in caplog.text
    assert ADA not in caplog.text


def test_the_names_are_those_that_the_owner_of_the_mailbox_sends(
    service: Service, link: str
) -> None:
    assert 'value="Typed"' in service.visitor().get(link).text

    service.visitor().confirm(link, why="I write about engines.")

    assert (service.strapi.admin(ADA) or {})["firstname"] == "Ada"
    signup = service.signup()
    assert (signup["firstname"], signup["why"]) == ("Ada", "I write about engines.")


def test_a_second_click_shows_the_state_and_changes_nothing(service: Service, link: str) -> None:
    service.visitor().confirm(link)
    before = service.strapi.admins(), service.emails()

    page = service.visitor().client.post(link, data={"password": "Another1secret"}, base_url=PUBLIC)

    assert page.location == link
    assert (service.strapi.admins(), service.emails()) == before


@every_strapi
def test_fifty_posts_at_once_make_one_author(service: Service, link: str) -> None:
    visitor = service.visitor()
    given = {"csrf_token": token_of(visitor.get(link)), "password": ADA_PASSWORD}
    given |= {"firstname": "Ada", "why": ""}
    visitors = [service.visitor() for _ in range(50)]
    barrier = threading.Barrier(50)

    def post(number: int) -> int:
        visitors[number].use_cookie(visitor.cookie())
        barrier.wait()
        return visitors[number].client.post(link, data=given, base_url=PUBLIC).status_code

    with ThreadPoolExecutor(50) as threads:
        answers = set(threads.map(post, range(50)))

    assert {303} <= answers <= {303, 503}
    assert len(service.strapi.admins()) == len(service.strapi.links()) == 2
    assert [email["kind"] for email in service.emails()].count("received") == 1


def test_without_a_first_super_admin_nothing_is_written(service: Service, link: str) -> None:
    service.strapi.do("DELETE FROM admin_users")

    answer = service.visitor().confirm(link)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "Your link still works" in answer.text
    assert service.strapi.admins() == []

    service.strapi.add_admin(SUE, SUE_PASSWORD, "strapi-super-admin")
    assert service.visitor().confirm(link).status_code == 303


def test_a_full_queue_asks_to_come_back_with_the_form_as_filled_in(start: Start) -> None:
    service = start(MAX_WAITING=1)
    service.visitor().apply(GRACE)
    service.visitor().ask_and_get_link()

    answer = service.visitor().confirm(why="I write about engines.")

    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "I write about engines." in answer.text
    assert ADA_PASSWORD not in answer.text
    assert service.strapi.admin(ADA) is None

    service.strapi.remove(GRACE)
    service.deliver()
    assert service.visitor().confirm().status_code == 303


def test_no_more_passwords_are_hashed_at_a_time_than_there_are_cores() -> None:
    cores = os.cpu_count() or 1
    one_more = threading.Thread(target=password_hashing.verify, args=(ADA_PASSWORD, None))
    for _ in range(cores):
        assert password_hashing._free_cores.acquire(blocking=False)
    one_more.start()
    one_more.join(0.3)
    assert one_more.is_alive()

    password_hashing._free_cores.release(cores)
    one_more.join(30)
    assert not one_more.is_alive()


@pytest.mark.parametrize(
    ("rule", "typed", "status"),
    [("required", "", 422), ("required", "Engines.", 303), ("optional", "", 303), ("off", "", 303)],
)
def test_the_motivation_is_asked_for_as_the_setting_says(
    start: Start, rule: str, typed: str, status: int
) -> None:
    service = start(ASK_WHY=rule)
    link = service.visitor().ask_and_get_link()

    assert ("Why would you like" in service.visitor().get(link).text) == (rule != "off")
    assert service.visitor().confirm(link, why=typed).status_code == status

"""Behind the link: a password, and an inactive author in Strapi, once and as Strapi makes it."""

import os
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import bcrypt
import pytest

from models import password_hashing
from tests.conftest import every_engine, every_strapi
from tests.support.service import ADA, ADA_PASSWORD, PUBLIC, Service
from tests.support.strapi_file import StrapiFile
from tests.web.test_links import ledger_bytes


@pytest.fixture
def link(service: Service) -> str:
    service.visitor().ask(first="Typed", last="By a stranger")
    service.deliver()
    return service.visitor().link()


@every_strapi
def test_the_author_is_as_strapi_makes_them_but_inactive(service: Service, link: str) -> None:
    service.visitor().confirm(link, firstname=" Ada ", lastname="")

    ada = service.strapi.admin(ADA)
    assert ada
    assert bcrypt.checkpw(ADA_PASSWORD.encode(), ada["password"].encode())
    assert ada["password"].startswith("$2a$10$")
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

    sue, mine = service.strapi.links()
    [role] = service.strapi.rows("SELECT id FROM admin_roles WHERE code = 'strapi-author'")
    assert (mine["user_id"], mine["role_id"]) == (ada["id"], role["id"])
    orders = {mine[name] for name in mine if name.endswith(("_ord", "_order"))}
    assert orders <= {1.0}
    assert list(service.strapi.damage()) == []
    assert set(sue) == set(mine)


@every_engine
def test_a_second_author_comes_after_the_first_within_the_role(service: Service) -> None:
    for email in (ADA, "grace@example.org"):
        service.visitor().apply(email)
    assert [link["user_ord"] for link in service.strapi.links()[1:]] == [1.0, 2.0]


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
def test_strapis_password_rules_hold_and_nothing_typed_is_lost(
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


@pytest.mark.parametrize(
    "password",
    [
        " Spaces 1 around ",
        "Ümläut 1X",
        "A1 " + "engines of brass, " * 3 + "and of cards ä",
        "Nul\0byte1",
    ],
)
def test_a_password_is_kept_as_it_was_typed(service: Service, link: str, password: str) -> None:
    assert service.visitor().confirm(link, password=password).status_code == 303
    ada = service.strapi.admin(ADA)
    assert ada
    assert bcrypt.checkpw(password.encode(), ada["password"].encode())


def test_a_password_is_stored_logged_and_mailed_nowhere(
    service: Service, link: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    service.visitor().confirm(link)
    letters = service.deliver()

    hashed = service.strapi.admin(ADA)["password"]  # type: ignore[index]
    everywhere = ledger_bytes(service) + "".join(map(str, letters)).encode() + caplog.text.encode()
    assert ADA_PASSWORD.encode() not in everywhere
    assert hashed.encode() not in everywhere
    assert link.rsplit("/", maxsplit=1)[-1] not in caplog.text
    assert ADA not in caplog.text


def test_the_names_are_those_of_the_proven_mailbox(service: Service, link: str) -> None:
    page = service.visitor().get(link).text
    assert 'value="Typed"' in page

    service.visitor().confirm(link, why="I write about engines.")

    assert service.strapi.admin(ADA)["firstname"] == "Ada"  # type: ignore[index]
    signup = service.signup()
    assert (signup["firstname"], signup["why"]) == ("Ada", "I write about engines.")


def test_a_second_click_shows_how_things_stand_and_changes_nothing(
    service: Service, link: str
) -> None:
    service.visitor().confirm(link)
    before, owed = service.strapi.admins(), service.rows("SELECT * FROM letter")

    page = service.visitor().client.post(link, data={"password": "Another1secret"}, base_url=PUBLIC)

    assert page.location == link
    assert service.strapi.admins() == before
    assert service.rows("SELECT * FROM letter") == owed


@every_strapi
def test_fifty_posts_at_once_make_one_author(service: Service, link: str) -> None:
    visitor = service.visitor()
    page = visitor.get(link)
    token = re.search(r'csrf_token" type="hidden" value="([^"]+)', page.text)
    cookie = visitor.client.get_cookie("__Host-signup", domain="join.example.com")
    assert token
    assert cookie
    barrier = threading.Barrier(50)

    def post(_: int) -> int:
        client = service.app.test_client()
        client.set_cookie("__Host-signup", cookie.value, domain="join.example.com")
        given = {"csrf_token": token[1], "password": ADA_PASSWORD, "firstname": "Ada", "why": ""}
        barrier.wait()
        return client.post(link, data=given, base_url=PUBLIC).status_code

    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(post, range(50)))

    assert set(answers) <= {303, 503}
    assert 303 in answers
    assert len(service.strapi.admins()) == 2
    assert len(service.strapi.links()) == 2
    assert len(service.rows("SELECT * FROM letter WHERE kind = 'received'")) == 1


@every_engine
def test_an_address_that_strapi_spells_otherwise_is_the_same_address(
    service: Service, link: str
) -> None:
    service.strapi.add_admin("Ada@Example.ORG", None, "strapi-editor", active=False)
    before = service.strapi.admins()

    answer = service.visitor().confirm(link)

    assert answer.status_code == 409
    assert "has an account already" in answer.text
    assert service.strapi.admins() == before


def test_without_a_first_administrator_nothing_is_written(
    service: Service, link: str, strapi: StrapiFile
) -> None:
    strapi.do("DELETE FROM admin_users")

    answer = service.visitor().confirm(link)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "Your link still works" in answer.text
    assert strapi.admins() == []

    strapi.add_admin("sue@example.com", "Super1secret", "strapi-super-admin")
    assert service.visitor().confirm(link).status_code == 303
    assert strapi.admin(ADA)


def test_a_full_queue_asks_to_come_back_with_the_form_as_filled_in(
    start: Callable[..., Service],
) -> None:
    service = start(MAX_WAITING=1)
    service.visitor().apply("grace@example.org")
    service.visitor().ask()
    service.deliver()

    answer = service.visitor().confirm(why="I write about engines.")

    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "I write about engines." in answer.text
    assert ADA_PASSWORD not in answer.text
    assert service.strapi.admin(ADA) is None

    service.strapi.do("DELETE FROM admin_users WHERE email = 'grace@example.org'")
    service.deliver()
    assert service.visitor().confirm().status_code == 303
    assert service.strapi.admin(ADA)


def test_no_more_passwords_are_hashed_at_a_time_than_there_are_cores() -> None:
    cores = os.cpu_count() or 1
    one_more = threading.Thread(target=password_hashing.verify, args=(ADA_PASSWORD, None))
    for _ in range(cores):
        assert password_hashing._core.acquire(blocking=False)
    one_more.start()
    one_more.join(0.5)
    assert one_more.is_alive()

    password_hashing._core.release(cores)
    one_more.join(30)
    assert not one_more.is_alive()


@pytest.mark.parametrize(
    ("rule", "typed", "status"),
    [("required", "", 422), ("required", "Engines.", 303), ("optional", "", 303), ("off", "", 303)],
)
def test_why_is_asked_as_the_setting_says(
    start: Callable[..., Service], rule: str, typed: str, status: int
) -> None:
    service = start(ASK_WHY=rule)
    service.visitor().ask()
    service.deliver()
    link = service.visitor().link()

    assert ("Why would you like" in service.visitor().get(link).text) == (rule != "off")
    assert service.visitor().confirm(link, why=typed).status_code == status

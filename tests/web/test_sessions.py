"""Sessions at the review desk: the ledger keeps them, and ends them."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from itsdangerous import URLSafeTimedSerializer

from models.timestamps import now, to_milliseconds
from tests.conftest import every_engine, on_sqlite
from tests.support.service import PUBLIC, Service, Visitor, downgrade, token_of
from tests.support.strapi_file import SUE, SUE_PASSWORD

COOKIE = "__Host-signup"
HOST = "join.example.com"


@pytest.fixture
def sue(service: Service) -> Visitor:
    visitor = service.visitor()
    assert visitor.log_in().status_code == 303
    return visitor


def cookie(visitor: Visitor) -> str:
    found = visitor.client.get_cookie(COOKIE, domain=HOST)
    assert found
    return found.value


def copy_of(visitor: Visitor) -> Visitor:
    """Somebody who got hold of the cookie."""
    thief = visitor.service.visitor()
    thief.client.set_cookie(COOKIE, cookie(visitor), domain=HOST)
    return thief


def is_in(visitor: Visitor) -> bool:
    return visitor.get("/review").status_code == 200


def test_a_login_makes_a_new_session_and_what_was_before_is_worthless(service: Service) -> None:
    visitor = service.visitor()
    visitor.get("/review/login")
    early = copy_of(visitor)
    token = token_of(visitor.get("/review/login"))
    visitor.log_in()

    assert is_in(visitor)
    assert not is_in(early)
    assert token_of(visitor.get("/review")) != token
    stale = {"csrf_token": token}
    assert visitor.client.post("/review/logout", data=stale, base_url=PUBLIC).status_code == 400


def test_a_second_login_in_the_same_browser_ends_the_first(service: Service, sue: Visitor) -> None:
    first = copy_of(sue)
    sue.log_in()
    assert is_in(sue)
    assert not is_in(first)


def test_only_a_hash_of_a_session_is_kept(service: Service, sue: Visitor) -> None:
    [session] = service.rows("SELECT * FROM session")
    assert len(session["digest"]) == 64
    assert session["digest"] not in cookie(sue)


def test_a_copied_cookie_revives_no_session_that_was_idle(
    service: Service, sue: Visitor, later: Callable[[timedelta], None]
) -> None:
    thief = copy_of(sue)
    later(timedelta(minutes=31))
    assert not is_in(thief)
    assert not is_in(sue)
    assert service.rows("SELECT * FROM session") == []


def test_eight_hours_are_the_end_however_busy_and_whoever_has_a_copy(
    sue: Visitor, later: Callable[[timedelta], None]
) -> None:
    thief = copy_of(sue)
    for _ in range(19):
        later(timedelta(minutes=25))
        assert is_in(sue)
    later(timedelta(minutes=6))
    assert not is_in(sue)
    assert not is_in(thief)


@every_engine
def test_a_look_at_the_desk_writes_at_most_once_a_minute_that_the_session_is_in_use(
    service: Service, sue: Visitor, later: Callable[[timedelta], None]
) -> None:
    before = service.rows("SELECT * FROM session")
    later(timedelta(seconds=50))
    assert is_in(sue)
    assert service.rows("SELECT * FROM session") == before

    later(timedelta(seconds=20))
    assert is_in(sue)
    [after] = service.rows("SELECT * FROM session")
    assert {**after, "seen_at": None} == {**before[0], "seen_at": None}
    assert after["seen_at"] - before[0]["seen_at"] > 60_000


@on_sqlite
def test_a_ledger_that_cannot_be_written_leaves_the_desk_readable(
    service: Service, sue: Visitor, later: Callable[[timedelta], None]
) -> None:
    later(timedelta(minutes=2))
    service.ledger.do(
        "CREATE TRIGGER full BEFORE UPDATE ON session BEGIN SELECT raise(ABORT, 'full'); END"
    )
    assert is_in(sue)


def test_a_session_of_a_clock_far_ahead_is_none(
    service: Service, sue: Visitor, later: Callable[[timedelta], None]
) -> None:
    ahead = to_milliseconds(now() + timedelta(days=3650))
    service.ledger.do("UPDATE session SET began_at = ?, seen_at = ?", ahead, ahead)
    assert not is_in(sue)


@pytest.mark.parametrize(
    ("change", "back"),
    [
        ("UPDATE admin_users SET is_active = false", "UPDATE admin_users SET is_active = true"),
        ("UPDATE admin_users SET blocked = true", "UPDATE admin_users SET blocked = false"),
        (
            "UPDATE admin_users_roles_lnk SET role_id = 2",
            "UPDATE admin_users_roles_lnk SET role_id = 1",
        ),
    ],
)
def test_a_session_that_was_refused_stays_ended_when_the_right_comes_back(
    service: Service, sue: Visitor, change: str, back: str
) -> None:
    service.strapi.do(change)
    assert not is_in(sue)
    service.strapi.do(back)
    assert not is_in(sue)
    assert sue.log_in().status_code == 303


def test_a_password_that_changed_ends_every_session_of_its_owner_alone(service: Service) -> None:
    service.strapi.add_admin("tom@example.com", SUE_PASSWORD, "strapi-super-admin")
    here, there, tom = (service.visitor() for _ in range(3))
    here.log_in()
    there.log_in()
    tom.log_in("tom@example.com")
    service.strapi.do("UPDATE admin_users SET password = 'new' WHERE email = ?", SUE)
    assert [is_in(each) for each in (here, there, tom)] == [False, False, True]


@every_engine
def test_logging_out_everywhere_ends_all_sessions_of_this_reviewer(service: Service) -> None:
    service.strapi.add_admin("tom@example.com", SUE_PASSWORD, "strapi-super-admin")
    here, there, tom = (service.visitor() for _ in range(3))
    here.log_in()
    there.log_in()
    tom.log_in("tom@example.com")
    assert "End all sessions" in here.get("/review").text

    answer = here.post("/review/logout/everywhere", page="/review")

    assert answer.location == "/review/login"
    assert [is_in(each) for each in (here, there, tom)] == [False, False, True]


def test_logging_out_everywhere_needs_a_session_and_its_token(
    service: Service, sue: Visitor
) -> None:
    path = "/review/logout/everywhere"
    assert service.visitor().client.post(path, base_url=PUBLIC).status_code == 303
    assert sue.client.post(path, base_url=PUBLIC).status_code == 400
    assert is_in(sue)


def test_a_command_ends_the_sessions_of_one_reviewer_or_all(service: Service) -> None:
    service.strapi.add_admin("tom@example.com", SUE_PASSWORD, "strapi-super-admin")
    sue, tom = service.visitor(), service.visitor()
    sue.log_in()
    tom.log_in("tom@example.com")

    assert service.run("logout", "SUE@example.com").output == "1 session ended\n"
    assert [is_in(each) for each in (sue, tom)] == [False, True]
    assert service.run("logout", "nobody@example.com").exit_code == 1
    sue.log_in()
    assert service.run("logout").output == "2 sessions ended\n"
    assert [is_in(each) for each in (sue, tom)] == [False, False]


@pytest.mark.parametrize("path", ["/review", "/review/signup/1", "/review?state=active"])
@pytest.mark.parametrize("value", ["", "x", "eyJyZXZpZXciOiJ4In0.x.y", "." * 3000])
def test_a_made_up_cookie_opens_nothing(service: Service, path: str, value: str) -> None:
    visitor = service.visitor()
    visitor.client.set_cookie(COOKIE, value, domain=HOST)
    assert visitor.get(path).location == "/review/login"


def test_a_link_and_a_form_token_are_no_sessions(service: Service) -> None:
    visitor = service.visitor()
    visitor.apply()
    for value in (visitor.link().split("/")[-1], token_of(visitor.get("/signup"))):
        thief = service.visitor()
        thief.client.set_cookie(COOKIE, value, domain=HOST)
        assert not is_in(thief)
        assert thief.get(f"/confirm/{cookie(visitor)}").status_code == 404


def test_the_cookie_is_signed_with_sha_256(service: Service, sue: Visitor) -> None:
    signature = cookie(sue).rsplit(".", maxsplit=1)[-1]
    assert len(signature) == len(URLSafeTimedSerializer("k").dumps("").rsplit(".")[-1]) + 16


@pytest.mark.parametrize(
    ("public", "name", "secure"),
    [
        ("https://join.example.com", "__Host-signup", True),
        ("https://join.example.com/authors", "__Host-signup", True),
        ("http://127.0.0.1:5000", "signup", False),
    ],
)
def test_the_cookie_is_kept_to_its_host_and_whole_path(
    start: Callable[..., Service], public: str, name: str, secure: bool
) -> None:
    client = start(PUBLIC_URL=public).app.test_client()
    sent = client.get("/signup", base_url=public.removesuffix("/authors")).headers["Set-Cookie"]
    attributes = sent.split("; ")
    assert attributes[0].startswith(f"{name}=")
    assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= set(attributes)
    assert ("Secure" in attributes) == secure
    assert not any(each.startswith(("Domain", "Expires", "Max-Age")) for each in attributes)


def test_a_session_and_an_open_form_outlive_a_new_key(start: Callable[..., Service]) -> None:
    old, new = "old-key-" + "abcdefgh" * 4, "new-key-" + "ijklmnop" * 4
    visitor, sue = start(SECRET_KEY=old).visitor(), start(SECRET_KEY=old).visitor()
    sue.log_in()
    form = {"csrf_token": token_of(visitor.get("/signup")), "firstname": "Ada"}

    for each in (visitor, sue):
        moved = start(SECRET_KEY=new, SECRET_KEY_FALLBACKS=[old]).visitor()
        moved.client.set_cookie(COOKIE, cookie(each), domain=HOST)
        each.client = moved.client
    form["email"] = "ada@example.org"
    assert visitor.client.post("/signup", data=form, base_url=PUBLIC).status_code == 303
    assert is_in(sue)


def test_a_form_from_before_a_key_that_is_gone_comes_back_filled_in(
    start: Callable[..., Service],
) -> None:
    old, new = "old-key-" + "abcdefgh" * 4, "new-key-" + "ijklmnop" * 4
    visitor = start(SECRET_KEY=old).visitor()
    token = token_of(visitor.get("/signup"))
    moved = start(SECRET_KEY=new).visitor()
    moved.client.set_cookie(COOKIE, cookie(visitor), domain=HOST)
    form = {"csrf_token": token, "firstname": "Ada", "email": "ada@example.org"}

    answer = moved.client.post("/signup", data=form, base_url=PUBLIC)

    assert answer.status_code == 400
    assert 'value="ada@example.org"' in answer.text
    form["csrf_token"] = token_of(answer)
    assert moved.client.post("/signup", data=form, base_url=PUBLIC).status_code == 303


@on_sqlite
def test_an_open_session_of_an_older_version_is_asked_to_log_in_again(
    start: Callable[..., Service], service: Service, sue: Visitor
) -> None:
    assert is_in(sue)
    downgrade(service.ledger, "0005_mailboxes")
    upgraded = start()
    assert upgraded.app.extensions["ledger_fault"] is None
    assert upgraded.rows("SELECT * FROM session") == []

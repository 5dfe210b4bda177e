"""Review sessions: rows of the ledger that end when they should."""

from datetime import timedelta

import pytest
from itsdangerous import URLSafeTimedSerializer

from models.timestamps import now, to_milliseconds
from tests.conftest import every_engine, on_sqlite
from tests.support.service import (
    ADA,
    COOKIE,
    NEW_KEY,
    OLD_KEY,
    PUBLIC,
    TOM,
    Later,
    Service,
    Start,
    Visitor,
    token_of,
)
from tests.support.strapi_file import SUE, SUE_PASSWORD


def copy_of(visitor: Visitor) -> Visitor:
    """A browser with a copy of the cookie."""
    thief = visitor.service.visitor()
    thief.use_cookie(visitor.cookie())
    return thief


def is_in(visitor: Visitor) -> bool:
    return visitor.get("/review").status_code == 200


@pytest.fixture
def three(service: Service) -> list[Visitor]:
    """Sue in two browsers, and Tom."""
    service.strapi.add_admin(TOM, SUE_PASSWORD, "strapi-super-admin")
    return [service.reviewer(email) for email in (SUE, SUE, TOM)]


# Where a session begins


def test_a_login_starts_a_new_session_and_voids_what_was_before(service: Service) -> None:
    visitor = service.visitor()
    opened = visitor.get("/review/login")
    early = copy_of(visitor)
    visitor.log_in()
    first = copy_of(visitor)

    assert is_in(visitor)
    assert not is_in(early)
    assert token_of(visitor.get("/review")) != token_of(opened)
    assert visitor.send("/review/logout", opened).status_code == 400

    visitor.log_in()
    assert is_in(visitor)
    assert not is_in(first)


def test_a_super_admin_logs_in_however_the_email_is_spelled(service: Service) -> None:
    service.strapi.do("UPDATE admin_users SET email = 'Sue@Example.com'")
    assert service.visitor().log_in(" SUE@example.COM ").status_code == 303


def test_without_an_account_in_strapi_nobody_can_log_in(service: Service) -> None:
    service.strapi.do("DELETE FROM admin_users")
    for email in (SUE, "admin", "admin@example.com", "root@localhost"):
        for password in ("", "admin", "password", SUE_PASSWORD):
            assert service.visitor().log_in(email, password).status_code == 422


def test_only_a_hash_of_a_session_is_stored(service: Service, sue: Visitor) -> None:
    [session] = service.rows("SELECT * FROM session")
    assert len(session["digest"]) == 64
    assert session["digest"] not in sue.cookie()


def test_keys_of_signups_are_random_and_have_128_bits(service: Service) -> None:
    for number in range(20):
        service.visitor().ask(f"author{number}@example.org")
    keys = [row["key"] for row in service.rows("SELECT key FROM signup")]
    assert len(set(keys)) == 20
    # 22 characters of base64 hold 128 bits.
    assert all(len(key) >= 22 for key in keys)
    assert all(len({key[place] for key in keys}) > 4 for place in range(21))


def test_cookies_tokens_and_links_that_are_no_session_open_nothing(service: Service) -> None:
    visitor = service.visitor()
    visitor.apply()
    made_up = ["", "x", "eyJyZXZpZXciOiJ4In0.x.y", "." * 3000]
    signed = [visitor.link().split("/")[-1], token_of(visitor.get("/signup")), visitor.cookie()]
    for value in made_up + signed:
        thief = service.visitor()
        thief.use_cookie(value)
        for path in ("/review", "/review/signup/1", "/review?state=active"):
            assert thief.get(path).location == "/review/login"


# Where it ends


def test_a_session_lasts_half_an_hour_idle(service: Service, sue: Visitor, later: Later) -> None:
    thief = copy_of(sue)
    later(timedelta(minutes=29))
    assert is_in(sue)
    later(timedelta(minutes=31))
    assert not is_in(thief)
    assert not is_in(sue)
    assert service.rows("SELECT * FROM session") == []


def test_a_session_lasts_eight_hours_at_most_for_each_copy(sue: Visitor, later: Later) -> None:
    thief = copy_of(sue)
    for _ in range(19):
        later(timedelta(minutes=25))
        assert is_in(sue)
    later(timedelta(minutes=6))
    assert not is_in(sue)
    assert not is_in(thief)


def test_logging_out_ends_every_copy(sue: Visitor) -> None:
    thief = copy_of(sue)
    sue.post("/review/logout", page="/review")
    assert not is_in(thief)


def test_logging_out_needs_a_session_and_its_token(service: Service, sue: Visitor) -> None:
    for path in ("/review/logout", "/review/logout/everywhere"):
        assert service.visitor().client.post(path, base_url=PUBLIC).status_code in {303, 400}
        assert sue.client.post(path, base_url=PUBLIC).status_code == 400
    assert is_in(sue)


@every_engine
def test_logging_out_everywhere_ends_all_sessions_of_this_reviewer(three: list[Visitor]) -> None:
    assert "End all sessions" in three[0].get("/review").text

    answer = three[0].post("/review/logout/everywhere", page="/review")

    assert answer.location == "/review/login"
    assert [is_in(each) for each in three] == [False, False, True]


def test_every_page_of_a_reviewer_offers_to_log_out(service: Service, sue: Visitor) -> None:
    service.visitor().apply()
    signup = f"/review/signup/{service.signup()['id']}"
    for page in ("/review", "/review?state=active", "/review?q=nobody", signup):
        assert 'action="/review/logout"' in sue.get(page).text


def test_a_new_password_ends_every_session_of_its_owner_alone(
    service: Service, three: list[Visitor]
) -> None:
    service.strapi.change(SUE, "password = 'new'")
    assert [is_in(each) for each in three] == [False, False, True]


@every_engine
@pytest.mark.parametrize(
    ("change", "back"),
    [
        ("UPDATE admin_users SET is_active = false", "UPDATE admin_users SET is_active = true"),
        ("UPDATE admin_users SET blocked = true", "UPDATE admin_users SET blocked = false"),
        (
            "UPDATE admin_users_roles_lnk SET role_id = 2 WHERE user_id = 1",
            "UPDATE admin_users_roles_lnk SET role_id = 1 WHERE user_id = 1",
        ),
        ("DELETE FROM admin_users WHERE id = 1", ""),
    ],
)
def test_a_session_ends_with_the_right_to_it_and_stays_ended(
    service: Service, sue: Visitor, change: str, back: str
) -> None:
    service.visitor().apply()
    token = token_of(sue.get("/review"))
    service.strapi.do(change)

    decision = f"/review/{service.author_id()}/activate"
    answer = sue.client.post(decision, data={"csrf_token": token}, base_url=PUBLIC)
    assert answer.location == "/review/login"
    assert "nothing was decided" in sue.get(answer.location).text
    assert not service.strapi.is_active(ADA)
    assert not is_in(sue)
    if back:
        service.strapi.do(back)
        assert not is_in(sue)
        assert sue.log_in().status_code == 303


def test_a_session_from_a_clock_far_ahead_is_refused(service: Service, sue: Visitor) -> None:
    ahead = to_milliseconds(now() + timedelta(days=3650))
    service.ledger.do("UPDATE session SET began_at = ?, seen_at = ?", ahead, ahead)
    assert not is_in(sue)


# How it is stored


@every_engine
def test_the_time_of_last_use_is_written_once_a_minute(
    service: Service, sue: Visitor, later: Later
) -> None:
    [before] = service.rows("SELECT * FROM session")
    later(timedelta(seconds=50))
    assert is_in(sue)
    assert service.rows("SELECT * FROM session") == [before]

    later(timedelta(seconds=20))
    assert is_in(sue)
    [after] = service.rows("SELECT * FROM session")
    assert {**after, "seen_at": None} == {**before, "seen_at": None}
    assert after["seen_at"] - before["seen_at"] > 60_000


@on_sqlite
def test_a_ledger_that_cannot_be_written_leaves_the_queue_readable(
    service: Service, sue: Visitor, later: Later
) -> None:
    later(timedelta(minutes=2))
    service.ledger.do(
        "CREATE TRIGGER full BEFORE UPDATE ON session BEGIN SELECT raise(ABORT, 'full'); END"
    )
    assert is_in(sue)


# The cookie


def test_the_cookie_is_signed_with_sha_256(sue: Visitor) -> None:
    signature = sue.cookie().rsplit(".", maxsplit=1)[-1]
    assert len(signature) == len(URLSafeTimedSerializer("k").dumps("").rsplit(".")[-1]) + 16


def test_the_cookie_of_a_login_holds_a_random_key_of_256_bits_alone(service: Service) -> None:
    cookies = [service.reviewer().cookie() for _ in range(5)]
    contents = [URLSafeTimedSerializer("any").loads_unsafe(cookie)[1] for cookie in cookies]
    assert all(set(content) == {"review"} for content in contents)
    # 43 characters of base64 hold 256 bits.
    assert [len(content["review"]) for content in contents] == [43] * 5
    assert len({content["review"] for content in contents}) == 5


@pytest.mark.parametrize(
    ("public", "name", "secure"),
    [
        (PUBLIC, COOKIE, True),
        (f"{PUBLIC}/authors", COOKIE, True),
        ("http://127.0.0.1:5000", "signup", False),
    ],
)
def test_the_cookie_is_for_its_host_and_every_path_and_not_for_scripts(
    start: Start, public: str, name: str, secure: bool
) -> None:
    client = start(PUBLIC_URL=public).app.test_client()
    sent = client.get("/signup", base_url=public.removesuffix("/authors")).headers["Set-Cookie"]
    attributes = sent.split("; ")
    assert attributes[0].startswith(f"{name}=")
    assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= set(attributes)
    assert ("Secure" in attributes) == secure
    assert not any(each.startswith(("Domain", "Expires", "Max-Age")) for each in attributes)


def test_a_session_and_an_open_form_survive_a_new_key(start: Start) -> None:
    old = start(SECRET_KEY=OLD_KEY)
    visitor, sue = old.visitor(), old.reviewer()
    opened = visitor.get("/signup")

    new = start(SECRET_KEY=NEW_KEY, SECRET_KEY_FALLBACKS=[OLD_KEY])
    moved, moved_sue = new.visitor(), new.visitor()
    moved.use_cookie(visitor.cookie())
    moved_sue.use_cookie(sue.cookie())
    assert moved.send("/signup", opened, firstname="Ada", email=ADA).status_code == 303
    assert is_in(moved_sue)

"""An answer takes the same time with and without an account."""

import statistics
import time
from collections.abc import Callable
from functools import partial

import pytest

from models import password_hashing
from tests.support.service import PUBLIC, WRONG_PASSWORD, Service, token_of
from tests.support.strapi_file import SUE, SUE_PASSWORD, hash_once
from tests.web.test_limits import failures
from tests.web.test_signup import have_people_in_every_state

Way = Callable[[], object]


@pytest.fixture
def unlimited(start: Callable[..., Service]) -> Service:
    return start(RATELIMIT_ENABLED=False)


@pytest.fixture
def same_time(
    report_line: Callable[[str], None],
) -> Callable[[str, dict[str, Way], int], None]:
    """Try several ways in turn, and compare the medians of the CPU time that each takes."""

    def same_time(what: str, ways: dict[str, Way], tries: int) -> None:
        took: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(tries):
            for name, way in ways.items():
                began = time.process_time()
                way()
                took[name].append((time.process_time() - began) * 1000)
        medians = [statistics.median(times) for times in took.values()]
        apart = max(medians) - min(medians)
        report_line(f"{what}: medians are {apart:.1f} ms apart")
        assert apart < 5, dict(zip(ways, medians, strict=True))

    return same_time


def test_every_failed_login_takes_the_same_time(
    unlimited: Service,
    monkeypatch: pytest.MonkeyPatch,
    same_time: Callable[[str, dict[str, Way], int], None],
) -> None:
    # At a low cost, other differences are not lost in the hashes.
    monkeypatch.setattr(password_hashing, "COST", 6)
    people = failures(unlimited)
    cheap = hash_once(SUE_PASSWORD, 6)
    unlimited.strapi.do("UPDATE admin_users SET password = ? WHERE email = ?", cheap, SUE)
    visitor = unlimited.visitor()
    opened = visitor.get("/review/login")
    ways: dict[str, Way] = {
        f"{email} {password[:5]}": partial(
            visitor.send, "/review/login", opened, email=email, password=password
        )
        for email, password in people
    }
    same_time("failed logins", ways, 60)


def test_a_comparison_without_a_stored_hash_takes_as_long_as_one_with_strapis(
    same_time: Callable[[str, dict[str, Way], int], None],
) -> None:
    stored = hash_once(SUE_PASSWORD, 10)
    ways: dict[str, Way] = {
        "stored": partial(password_hashing.verify, WRONG_PASSWORD, stored),
        "none": partial(password_hashing.verify, WRONG_PASSWORD, None),
    }
    same_time("password comparisons", ways, 30)


def test_the_form_takes_the_same_time_for_every_email(
    unlimited: Service, same_time: Callable[[str, dict[str, Way], int], None]
) -> None:
    have_people_in_every_state(unlimited)
    unlimited.deliver()
    visitor = unlimited.visitor()
    token = token_of(visitor.get("/signup"))

    def ask(email: str) -> None:
        given = {"csrf_token": token, "firstname": "Ada", "email": email}
        assert visitor.client.post("/signup", data=given, base_url=PUBLIC).status_code == 303

    numbers = iter(range(10**6))
    names = ("waiting", "active", "declined", "stopped")
    ways: dict[str, Way] = {name: partial(ask, f"{name}@example.org") for name in names}
    ways["super admin"] = partial(ask, SUE)
    ways["unknown"] = lambda: ask(f"new{next(numbers)}@example.org")
    same_time("requests for a link", ways, 60)

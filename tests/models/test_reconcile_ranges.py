"""Differences: only who has changed in Strapi is compared, and nobody's change is missed."""

import logging
import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from models.differences import EVERYBODY
from models.strapi import SPAN
from tests.conftest import every_engine
from tests.support.service import ADA, Service
from tests.support.strapi_file import StrapiFile

GRACE = "grace@example.org"
# Two spans behind the first.
FAR = 2 * SPAN + 5
ALARM = "email duplicated in strapi"


def add_far_away(strapi: StrapiFile, email: str, number: int = FAR) -> None:
    """Somebody of Strapi's own, with an id far behind the others'; the next one follows."""
    strapi.do("INSERT INTO admin_users (id, firstname, email) VALUES (?, 'E', ?)", number, email)


@pytest.fixture
def apart(service: Service) -> Service:
    """Ada and Grace have applied, with many ids between them."""
    service.visitor().apply(ADA)
    add_far_away(service.strapi, "eve@example.org")
    service.visitor().apply(GRACE)
    assert service.signup(GRACE)["strapi_id"] == FAR + 1
    return service


@pytest.mark.parametrize("email", [ADA, GRACE])
def test_a_change_is_followed_wherever_it_is(apart: Service, email: str) -> None:
    apart.strapi.do("UPDATE admin_users SET is_active = 1 WHERE email = ?", email)

    assert [letter["To"] for letter in apart.deliver()] == [email]
    assert apart.signup(email)["state"] == "active"


def test_one_who_came_as_another_went_is_not_taken_for_the_same(apart: Service) -> None:
    apart.strapi.do("UPDATE admin_users SET is_active = 1 WHERE email = ?", ADA)
    apart.deliver()
    swap = "UPDATE admin_users SET is_active = 1 - is_active WHERE email IN (?, ?)"
    apart.strapi.do(swap, ADA, GRACE)
    apart.deliver()

    states = apart.signup(ADA)["state"], apart.signup(GRACE)["state"]
    assert states == ("deactivated", "active")


def test_the_last_of_a_span_is_missed_when_gone(apart: Service) -> None:
    apart.strapi.do("DELETE FROM admin_users WHERE id >= ?", FAR)
    apart.deliver()

    assert apart.signup(ADA)["state"] == "waiting"
    assert apart.signup(GRACE)["state"] == "removed"


def test_only_those_are_compared_among_whom_somebody_has_changed(
    apart: Service, caplog: pytest.LogCaptureFixture
) -> None:
    apart.strapi.do("UPDATE admin_users SET is_active = 1 WHERE email = ?", GRACE)
    with caplog.at_level(logging.DEBUG, "peewee"):
        apart.deliver()

    compared = re.findall(r'LOWER\("t1"."email"\).*BETWEEN.*\[(\d+), \d+\]', caplog.text)
    assert compared == [str(2 * SPAN)]


@every_engine
def test_what_shows_in_no_census_is_noticed_all_the_same(
    service: Service, later: Callable[[timedelta], None]
) -> None:
    service.visitor().apply()
    service.strapi.do("UPDATE admin_users SET email = 'eve@example.org' WHERE email = ?", ADA)
    service.deliver()
    assert service.signup()["state"] == "waiting"

    later(EVERYBODY + timedelta(seconds=1))
    service.deliver()

    assert service.signup()["state"] == "removed"


def test_everybody_is_compared_in_a_file_that_was_put_back(
    service: Service, strapi: StrapiFile
) -> None:
    backup = strapi.path.read_bytes()
    service.visitor().apply()
    strapi.path.unlink()
    strapi.path.write_bytes(backup)
    service.deliver()

    assert service.signup()["state"] == "removed"


def test_a_double_is_found_wherever_it_is(apart: Service, caplog: pytest.LogCaptureFixture) -> None:
    add_far_away(apart.strapi, "Ada@Example.org", 2 * FAR)
    apart.deliver()
    apart.deliver()
    assert caplog.text.count(ALARM) == 1

    apart.strapi.do("DELETE FROM admin_users WHERE id = ?", 2 * FAR)
    apart.deliver()
    assert not apart.app.extensions["reconciler"].duplicated

"""Time zones: a Strapi on a server keeps its dates in the local time of its process."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from time_machine import travel

from models.signups.confirm import Application, record_intent
from models.signups.history import AUTHOR, Actor
from models.signups.signup import Signup
from models.strapi import Author
from models.timestamps import as_stored, now
from tests.support.service import ADA, Service, Visitor
from tests.support.strapi_file import SUE
from tests.support.strapi_on_server import ENGINES

NEW_YORK = ZoneInfo("America/New_York")
# Half past one in New York, for the first and for the second time in that night.
ONCE = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
AGAIN = ONCE + timedelta(hours=1)

on_servers = pytest.mark.parametrize("shape", ENGINES, indirect=True)


@pytest.fixture
def service(start: Callable[..., Service]) -> Service:
    return start(STRAPI_TIMEZONE=NEW_YORK.key)


@pytest.fixture
def sue(service: Service) -> Visitor:
    """Sue at the review desk."""
    visitor = service.visitor()
    visitor.log_in()
    return visitor


@on_servers
def test_dates_are_written_as_strapi_reads_them(service: Service, sue: Visitor) -> None:
    instant = datetime(2026, 7, 4, 3, 30, tzinfo=UTC)
    with travel(instant, tick=False):
        service.visitor().apply()
    row = service.strapi.admin(ADA) or {}
    there = datetime(2026, 7, 3, 23, 30)  # noqa: DTZ001 (so it stands there)
    assert row["created_at"] == row["updated_at"] == row["published_at"] == there

    sue.decide("activate", row["id"])

    saved = (service.strapi.admin(ADA) or {})["updated_at"].replace(tzinfo=NEW_YORK)
    assert abs(saved - now()) < timedelta(minutes=1)
    assert (service.strapi.admin(ADA) or {})["created_at"] == there


@on_servers
@pytest.mark.parametrize(("instant", "documented"), [(AGAIN, True), (AGAIN, False), (ONCE, False)])
def test_who_came_in_an_hour_that_there_was_twice_is_known_again(
    service: Service, instant: datetime, documented: bool
) -> None:
    """Strapi 4 has no document ids."""
    if not documented:
        service.strapi.do("ALTER TABLE admin_users DROP COLUMN document_id")
    with travel(instant, tick=True):
        service.visitor().apply()
        sue = service.visitor()
        sue.log_in()
        assert sue.decide("activate", service.signup()["strapi_id"]).status_code == 303
        service.deliver()
        assert service.signup()["state"] == "active"

        service.strapi.do("UPDATE admin_users SET is_active = ? WHERE email <> ?", False, SUE)
        service.deliver()
        assert service.signup()["state"] == "deactivated"


@on_servers
def test_a_confirmation_cut_short_in_an_hour_that_there_was_twice_completes_by_itself(
    service: Service,
) -> None:
    service.strapi.do("ALTER TABLE admin_users DROP COLUMN document_id")
    with travel(AGAIN, tick=True):
        service.visitor().ask()
        with service.app.app_context():
            signup = Signup.get()
            sent = Application("hashed", "Ada", None, None, Actor(AUTHOR))
            record_intent(signup, sent, as_stored(now(), NEW_YORK))
            author = Author(signup.identity, "Ada", None, "hashed")
            strapi = service.app.extensions["strapi"]
            strapi.write(lambda people: people.create_author(author))
        service.deliver()

    assert service.signup()["state"] == "waiting"


@pytest.mark.parametrize("instant", [ONCE, AGAIN, ONCE - timedelta(hours=1)])
def test_what_is_kept_reads_the_same_ever_after(instant: datetime) -> None:
    birth = as_stored(instant, NEW_YORK)

    assert birth == as_stored(birth, NEW_YORK)
    assert birth.astimezone(NEW_YORK).replace(tzinfo=None) == instant.astimezone(NEW_YORK).replace(
        tzinfo=None
    )

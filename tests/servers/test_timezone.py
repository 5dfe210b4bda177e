"""A Strapi on a server stores its dates in the local time of its process."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from time_machine import travel

from models.timestamps import as_stored, now
from tests.support.service import ADA, Service, Start, Visitor
from tests.support.strapi_on_server import on_servers

NEW_YORK = ZoneInfo("America/New_York")
# Half past one in New York twice: before and after its clocks go back.
FIRST = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
SECOND = FIRST + timedelta(hours=1)


@pytest.fixture
def service(start: Start) -> Service:
    return start(STRAPI_TIMEZONE=NEW_YORK.key)


@on_servers
def test_dates_are_written_in_strapis_local_time(service: Service, sue: Visitor) -> None:
    with travel(datetime(2026, 7, 4, 3, 30, tzinfo=UTC), tick=False):
        service.visitor().apply()
    row = service.strapi.admin(ADA) or {}
    local = datetime(2026, 7, 3, 23, 30)  # noqa: DTZ001 (as it is stored)
    assert row["created_at"] == row["updated_at"] == row["published_at"] == local

    sue.decide("activate", row["id"])

    row = service.strapi.admin(ADA) or {}
    assert abs(row["updated_at"].replace(tzinfo=NEW_YORK) - now()) < timedelta(minutes=5)
    assert row["created_at"] == local


@on_servers
@pytest.mark.parametrize(
    ("instant", "documented"), [(SECOND, True), (SECOND, False), (FIRST, False)]
)
def test_an_author_from_an_hour_that_comes_twice_is_recognised(
    service: Service, instant: datetime, documented: bool
) -> None:
    """Without document ids, as in Strapi 4, the time of creation identifies a row."""
    if not documented:
        service.strapi.do("ALTER TABLE admin_users DROP COLUMN document_id")
    with travel(instant, tick=True):
        service.visitor().apply()
        assert service.reviewer().decide("activate", ADA).status_code == 303
        service.deliver()
        assert service.state() == "active"

        service.strapi.change(ADA, "is_active = false")
        service.deliver()
        assert service.state() == "deactivated"


@on_servers
def test_a_confirmation_cut_off_in_an_hour_that_comes_twice_completes(service: Service) -> None:
    service.strapi.do("ALTER TABLE admin_users DROP COLUMN document_id")
    with travel(SECOND, tick=True):
        service.visitor().ask()
        service.confirm_half()
        service.deliver()

    assert service.state() == "waiting"


@pytest.mark.parametrize("instant", [FIRST, SECOND, FIRST - timedelta(hours=1)])
def test_a_stored_time_reads_the_same_ever_after(instant: datetime) -> None:
    stored = as_stored(instant, NEW_YORK)

    assert stored == as_stored(stored, NEW_YORK)
    local, before = (each.astimezone(NEW_YORK).replace(tzinfo=None) for each in (stored, instant))
    assert local == before

"""A lease is for one holder at a time, and ends by itself when the holder dies."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from models.ledger.leases import DURATION, Lease, lease
from models.timestamps import EPOCH, now
from tests.conftest import every_engine
from tests.support.service import Service

pytestmark = every_engine

SECOND = timedelta(seconds=1)


def test_one_holder_at_a_time(service: Service) -> None:
    with service.app.app_context():
        for _ in range(2):
            with lease("work") as first, lease("work") as second, lease("other work") as other:
                assert (first, second, other) == (True, False, True)
        assert [each.until for each in Lease.select()] == [EPOCH, EPOCH]


def test_a_lease_is_given_back_after_an_error(service: Service) -> None:
    with service.app.app_context():
        with pytest.raises(ZeroDivisionError), lease("work"):
            raise ZeroDivisionError
        with lease("work") as mine:
            assert mine


@pytest.mark.parametrize(
    ("ahead", "free"),
    [(DURATION - SECOND, False), (DURATION + SECOND, True)],
)
def test_the_lease_of_a_dead_holder_ends(
    service: Service, later: Callable[[timedelta], None], ahead: timedelta, free: bool
) -> None:
    with service.app.app_context():
        with lease("work"):
            later(ahead)
            with lease("work") as second:
                assert second is free
                held = Lease.get().holder
            assert Lease.get().holder == held
        assert Lease.get().until == EPOCH


def test_a_lease_from_a_clock_that_jumped_is_free(service: Service) -> None:
    with service.app.app_context():
        Lease.create(name="work", holder="other", until=now() + timedelta(days=1))
        with lease("work") as mine:
            assert mine

"""Trips: how often a server is asked for one step; each costs as long as the way there and back."""

import logging

import pytest

from tests.support.service import Service
from tests.support.strapi_on_server import ENGINES


@pytest.mark.parametrize("backend", ENGINES, indirect=True)
def test_a_step_asks_a_server_a_few_times(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    visitor, sue = service.visitor(), service.visitor()
    visitor.get("/signup")

    def asked() -> int:
        found = [line for line in caplog.records if line.name == "peewee"]
        caplog.clear()
        return len(found)

    with caplog.at_level(logging.DEBUG, "peewee"):
        visitor.ask()
        assert asked() <= 16
        service.deliver()
        asked()
        visitor.confirm()
        assert asked() <= 28
        sue.log_in()
        assert asked() <= 12
        sue.get("/review")
        assert asked() <= 16

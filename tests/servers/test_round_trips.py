"""How many statements one step sends to a server: each costs a round trip."""

import logging

import pytest

from tests.support.service import Service
from tests.support.strapi_on_server import on_servers


@on_servers
def test_a_step_sends_few_statements(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    visitor, sue = service.visitor(), service.visitor()
    visitor.get("/signup")

    def statements() -> int:
        found = [line for line in caplog.records if line.name == "peewee"]
        caplog.clear()
        return len(found)

    with caplog.at_level(logging.DEBUG, "peewee"):
        visitor.ask()
        assert statements() <= 24
        service.deliver()
        statements()
        visitor.confirm()
        assert statements() <= 44
        sue.log_in()
        # The first login from this network.
        assert statements() <= 16
        sue.get("/review")
        assert statements() <= 24

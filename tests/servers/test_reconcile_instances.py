"""Several instances beside one ledger: one of them settles, and connections are waited for."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from models.ledger import database
from tests.support.processes import wait_until
from tests.support.database_servers import Server
from tests.support.paths import ROOT
from tests.support.service import ADA, Service
from tests.support.strapi_on_server import ENGINES

every_server = pytest.mark.parametrize("shape", ENGINES, indirect=True)

HOLD = """
import sys
from models import ledger
from models.ledger import database
from tests.support.paths import ROOT
ledger.set_up(sys.argv[1])
with database.only_one("settling") as mine:
    print(mine, flush=True)
    input()
"""


@every_server
def test_settling_is_done_by_one_at_a_time(start: Callable[..., Service]) -> None:
    service = start()
    visitor = service.visitor()
    visitor.apply()
    others = hold(service)
    assert others.said == "True"
    visitor.service.strapi.do("UPDATE admin_users SET is_active = true WHERE email = ?", ADA)

    assert visitor.service.deliver() == []

    others.kill()
    others.communicate()
    wait_until(lambda: "You can write for" in str([each["Subject"] for each in service.deliver()]))


@every_server
def test_whoever_settles_keeps_others_from_it_only_meanwhile(
    start: Callable[..., Service],
) -> None:
    service = start()

    first, second = hold(service), hold(service)
    told = [first.said, second.said]
    first.communicate("\n")
    second.communicate("\n")
    third = hold(service)
    third.communicate("\n")

    assert [*told, third.said] == ["True", "False", "True"]


def test_who_finds_every_connection_in_use_waits_for_one(server: Server) -> None:
    server.create("ledger")
    engine: Any = database.engine_for(server.url("ledger", max_connections="1"))
    first = threading.Event()

    def use_it() -> None:
        with engine.connection_context():
            first.set()
            engine.execute_sql("SELECT %s", (1,))
            time.sleep(0.2)

    user = threading.Thread(target=use_it)
    user.start()
    first.wait()
    with engine.connection_context():
        assert engine.execute_sql("SELECT 2").fetchone() == (2,)
    user.join()
    engine.disconnect()


def test_a_machine_that_is_gone_holds_no_lock_for_long(postgresql: Server) -> None:
    postgresql.create("ledger")
    engine: Any = database.engine_for(postgresql.url("ledger"))

    with engine.connection_context():
        names = ("idle", "interval", "count")
        told = [engine.execute_sql(f"SHOW tcp_keepalives_{name}").fetchone() for name in names]

    engine.disconnect()
    assert told == [("30",), ("10",), ("3",)]


class Holder(subprocess.Popen[str]):
    """A process that would settle, and takes its time."""

    def __init__(self, address: str) -> None:
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", HOLD, address]
        super().__init__(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
        assert self.stdout
        # Whether nobody else does.
        self.said = self.stdout.readline().strip()


def hold(service: Service) -> Holder:
    return Holder(service.records.address)

"""Several instances on one ledger: one of them reconciles, and connections are waited for."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from models.ledger import database
from tests.support.database_servers import Server
from tests.support.paths import ROOT
from tests.support.processes import wait_until
from tests.support.service import ADA, Service
from tests.support.strapi_on_server import on_servers

# Take the lock under which one instance reconciles ("settling" is its stored name), say whether
# it was free, and keep it until a line comes.
HOLD = """
import sys
from models.ledger import database
database.open_ledger(sys.argv[1])
with database.database.try_lock("settling") as mine:
    print(mine, flush=True)
    input()
"""


class Holder(subprocess.Popen[str]):
    """Another process that reconciles until it is released. `got_lock` says if it may."""

    def __init__(self, url: str) -> None:
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", HOLD, url]
        super().__init__(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
        assert self.stdout
        self.got_lock = self.stdout.readline().strip() == "True"

    def release(self) -> None:
        self.communicate("\n")


@pytest.fixture
def service(start: Callable[..., Service]) -> Service:
    return start()


@pytest.fixture
def hold(service: Service) -> Iterator[Callable[[], Holder]]:
    """Start another process that reconciles."""
    with ExitStack() as stack:

        def hold() -> Holder:
            holder = stack.enter_context(Holder(service.ledger.url))
            stack.callback(holder.kill)
            return holder

        yield hold


@on_servers
def test_one_instance_reconciles_at_a_time(service: Service, hold: Callable[[], Holder]) -> None:
    service.visitor().apply()
    first = hold()
    assert first.got_lock
    assert not hold().got_lock
    service.strapi.do("UPDATE admin_users SET is_active = true WHERE email = ?", ADA)

    assert service.deliver() == []

    first.kill()
    first.communicate()
    wait_until(lambda: "You can write for" in str([m["Subject"] for m in service.deliver()]))
    assert hold().got_lock


def test_a_request_waits_for_a_free_connection(server: Server) -> None:
    server.create("ledger")
    engine: Any = database.engine_for(server.url("ledger", max_connections="1"))
    first = threading.Event()

    def use() -> None:
        with engine.connection_context():
            first.set()
            engine.execute_sql("SELECT %s", (1,))
            time.sleep(0.2)

    user = threading.Thread(target=use)
    user.start()
    first.wait()
    with engine.connection_context():
        assert engine.execute_sql("SELECT 2").fetchone() == (2,)
    user.join()
    engine.close_idle()


def test_a_machine_that_is_gone_holds_no_lock_for_long(postgresql: Server) -> None:
    postgresql.create("ledger")
    engine: Any = database.engine_for(postgresql.url("ledger"))

    with engine.connection_context():
        names = ("idle", "interval", "count")
        seconds = [engine.execute_sql(f"SHOW tcp_keepalives_{name}").fetchone() for name in names]

    engine.close_idle()
    assert seconds == [("30",), ("10",), ("3",)]

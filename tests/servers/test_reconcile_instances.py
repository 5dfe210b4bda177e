"""Several instances beside one ledger: one reconciles at a time, and connections are waited for."""

import subprocess
import sys
import threading
import time
from datetime import timedelta
from typing import Any

from models.ledger import database
from models.ledger.leases import DURATION
from tests.conftest import every_engine
from tests.support.database_servers import Server
from tests.support.paths import ROOT
from tests.support.service import ADA, Later, Service

HOLD = """
import sys
from models.ledger.database import open_ledger
from models.ledger.leases import lease
open_ledger(sys.argv[1])
with lease("settling") as mine:
    print(mine, flush=True)
    input()
"""


@every_engine
def test_one_instance_reconciles_at_a_time(service: Service, later: Later) -> None:
    service.visitor().apply()
    other = Holder(service)
    assert other.told == "True"
    service.strapi.change(ADA, "is_active = true")

    assert service.deliver() == []

    other.kill()
    other.communicate()
    assert service.deliver() == []
    later(DURATION + timedelta(seconds=1))
    assert ["You can write for" in each["Subject"] for each in service.deliver()] == [True]


@every_engine
def test_an_instance_that_has_reconciled_leaves_it_to_the_others(service: Service) -> None:
    first, second = Holder(service), Holder(service)
    told = [first.told, second.told]
    first.communicate("\n")
    second.communicate("\n")
    third = Holder(service)
    third.communicate("\n")

    assert [*told, third.told] == ["True", "False", "True"]


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
    engine.close_idle()


def test_a_machine_that_is_gone_holds_no_lock_for_long(postgresql: Server) -> None:
    postgresql.create("ledger")
    engine: Any = database.engine_for(postgresql.url("ledger"))

    with engine.connection_context():
        names = ("idle", "interval", "count")
        told = [engine.execute_sql(f"SHOW tcp_keepalives_{name}").fetchone() for name in names]

    engine.close_idle()
    assert told == [("30",), ("10",), ("3",)]


class Holder(subprocess.Popen[str]):
    """A process that wants to reconcile, and takes its time."""

    def __init__(self, service: Service) -> None:
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", HOLD, service.ledger.url]
        super().__init__(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
        assert self.stdout
        # Whether no other process reconciles.
        self.told = self.stdout.readline().strip()

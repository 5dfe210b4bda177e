"""Several instances on one database server: whoever answers, it is the same service."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from models import ledger
from tests.deployed import NGINX, ROOT, Answer, Client
from tests.fleet import INSTANCES, WHO, Fleet
from tests.servers import Server
from tests.stage import ADA, SUE, SUE_PASSWORD, MailServer, Service
from tests.strapi.served import ENGINES
from tests.test_serve import eventually

pytestmark = pytest.mark.skipif(not NGINX, reason="no nginx: install nginx")
every_server = pytest.mark.parametrize("shape", ENGINES, indirect=True)


@pytest.fixture(scope="module")
def fleet(
    server: Server, mail_server: MailServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    mail_server.forget()
    fleet = Fleet(tmp_path_factory.mktemp("fleet"), server, mail_server)
    with ExitStack() as stack:
        stack.callback(fleet.stop)
        fleet.start()
        yield fleet
    assert "Traceback" not in fleet.said()


def everywhere(ask: Callable[[], Answer]) -> list[Answer]:
    """What each instance answers: the requests go round."""
    answers: dict[str, Answer] = {}
    for _ in range(3 * INSTANCES):
        answer = ask()
        answers[answer.headers[WHO]] = answer
    assert len(answers) == INSTANCES
    return list(answers.values())


def logged_in(client: Client) -> Client:
    answer = client.post("/review/login", email=SUE, password=SUE_PASSWORD)
    assert answer.status == 303, answer.text
    return client


def test_a_session_begun_at_one_instance_is_valid_at_the_others(fleet: Fleet) -> None:
    sue = logged_in(fleet.client(1))

    answers = everywhere(lambda: sue.get("/review"))

    assert [answer.status for answer in answers] == [200] * INSTANCES
    assert all("Log out" in answer.text for answer in answers)


def test_a_session_that_ended_at_one_instance_has_ended_at_the_others(fleet: Fleet) -> None:
    sue = logged_in(fleet.client(2))
    copied = dict(sue.cookies)

    assert sue.post("/review/logout", page="/review").status == 303

    thief = fleet.client(3)
    for answer in everywhere(lambda: with_cookies(thief, copied).get("/review")):
        assert answer.status == 303


def test_all_sessions_end_everywhere(fleet: Fleet) -> None:
    here, there = logged_in(fleet.client(4)), logged_in(fleet.client(5))

    assert here.post("/review/logout/everywhere", page="/review").status == 303

    copied = dict(there.cookies)
    for answer in everywhere(lambda: with_cookies(there, copied).get("/review")):
        assert answer.status == 303


def test_wrong_passwords_are_counted_over_all_instances(fleet: Fleet) -> None:
    guesser = fleet.client(6)
    wrong: dict[str, Any] = {"email": SUE, "password": "Wrong1password"}

    statuses = [guesser.post("/review/login", **wrong).status for _ in range(5)]
    refused = everywhere(lambda: guesser.post("/review/login", **wrong))

    assert statuses == [422] * 5
    assert [answer.status for answer in refused] == [429] * INSTANCES


def test_posts_are_counted_over_all_instances(fleet: Fleet) -> None:
    flooder = fleet.client(7)

    statuses = [flooder.post("/signup", email="nobody").status for _ in range(30)]
    refused = everywhere(lambda: flooder.post("/signup", email="nobody"))

    assert statuses == [422] * 30
    assert [answer.status for answer in refused] == [429] * INSTANCES


def with_cookies(client: Client, cookies: dict[str, str]) -> Client:
    """Whoever has copied these."""
    client.cookies.clear()
    client.cookies.update(cookies)
    return client


HOLD = """
import sys
from models import ledger
from models.ledger import database
ledger.use(sys.argv[1])
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
    visitor.service.strapi.do("UPDATE admin_users SET is_active = true WHERE email = ?", ADA)

    assert visitor.service.deliver() == []

    others.kill()
    others.communicate()
    eventually(lambda: "You can write for" in str([each["Subject"] for each in service.deliver()]))


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
    engine: Any = ledger.at(server.url("ledger", max_connections="1"))
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
    engine.leave()


def test_a_machine_that_is_gone_holds_no_lock_for_long(postgresql: Server) -> None:
    postgresql.create("ledger")
    engine: Any = ledger.at(postgresql.url("ledger"))

    with engine.connection_context():
        names = ("idle", "interval", "count")
        told = [engine.execute_sql(f"SHOW tcp_keepalives_{name}").fetchone() for name in names]

    engine.leave()
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

"""A database server that restarts, cuts everybody off, is away or full, or lets somebody else go
first: each answer is a good one or 503, and soon, and a repeat goes on."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from models.engines import server_from_url
from models.strapi import AdminUsers, StrapiUnavailable
from tests.faults.misbehaving_smtp import RudeServer
from tests.faults.signup_load import Crowd, Nursed
from tests.support.processes import wait_until
from tests.support.database_servers import Server
from tests.support.service import ADA, Service, StrapiFile

Tally = Callable[..., None]
Start = Callable[..., Service]

# Seconds for which a visitor may wait on a busy machine.
PATIENCE = 8


@pytest.fixture
def shape(server: Server) -> str:
    """Both databases are on the server."""
    return server.name


@pytest.fixture
def nursed(nursed: Nursed) -> Nursed:
    nursed.start()
    return nursed


def restarts(server: Server) -> None:
    for _ in range(3):
        server.restart(immediate=True)
        time.sleep(0.5)


def cuts_everybody_off(server: Server) -> None:
    for _ in range(20):
        server.cut_connections("ledger")
        server.cut_connections("strapi")
        time.sleep(0.05)


def is_away(server: Server) -> None:
    server.kill()
    time.sleep(10)
    server.start()


@pytest.mark.parametrize("fault", [restarts, cuts_everybody_off, is_away])
def test_under_load_nothing_acknowledged_is_lost_and_everything_recovers(
    nursed: Nursed,
    server: Server,
    strapi: StrapiFile,
    records: StrapiFile,
    fault: Callable[[Server], None],
    tally: Tally,
) -> None:
    crowd = Crowd(nursed)
    time.sleep(1)
    fault(server)
    before = len(crowd.confirmed)
    deadline = time.monotonic() + 30
    while len(crowd.confirmed) < before + 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    crowd.disconnect()

    violations = [f"answered with {s}" for s, _ in nursed.watch.answers if s not in (200, 303, 503)]
    slow = [seconds for _, seconds in nursed.watch.answers if seconds > PATIENCE]
    violations += [f"an answer took {seconds:.1f} s" for seconds in slow]
    violations += [] if len(crowd.confirmed) > before + 1 else ["nobody could go on"]
    violations += crowd.broken_promises(strapi, records)
    if nursed.get("/healthz") != '{"status":"ok"}\n':
        violations.append("it is not well")
    name = fault.__name__.replace("_", " ")
    tally(f"database server {name}, under load", len(nursed.watch.answers), violations)


@pytest.fixture
def invited(start: Start) -> tuple[Service, str]:
    """The service, and Ada's link."""
    service = start(RATELIMIT_ENABLED=False)
    service.visitor().ask()
    service.deliver()
    return service, service.visitor().link()


def test_idle_connections_that_died_in_a_restart_trouble_nobody(
    invited: tuple[Service, str], server: Server, tally: Tally
) -> None:
    service, link = invited
    with ThreadPoolExecutor(8) as visitors:
        list(visitors.map(lambda n: service.visitor().ask(f"author{n}@example.org"), range(8)))
    server.restart(immediate=True)

    assert service.visitor().ask("grace@example.org").status_code == 303
    assert service.visitor().confirm(link).status_code == 303
    tally("idle connections die in a restart", 2)


def test_a_server_that_is_just_coming_back_is_waited_for(
    invited: tuple[Service, str], server: Server, tally: Tally
) -> None:
    service, link = invited
    server.kill()
    timer = threading.Timer(1, server.start)
    timer.start()

    answers = [service.visitor().ask("grace@example.org"), service.visitor().confirm(link)]
    timer.join()
    assert [answer.status_code for answer in answers] == [303, 303]
    tally("database server away for a second", 2)


def test_a_server_that_stays_away_is_not_waited_for_by_one_after_another(
    invited: tuple[Service, str], server: Server, tally: Tally
) -> None:
    service, link = invited
    server.kill()
    began = time.monotonic()
    try:
        with ThreadPoolExecutor(8) as visitors:
            answers = list(visitors.map(lambda _: service.visitor().confirm(link), range(8)))
        waited = time.monotonic() - began
    finally:
        server.start()

    assert {answer.status_code for answer in answers} == {503}
    assert all(answer.headers["Retry-After"] for answer in answers)
    assert waited < PATIENCE
    assert service.visitor().confirm(link).status_code == 303
    tally("database server away, 8 visitors at once", 8)


def test_a_connection_that_dies_while_the_mail_server_thinks_sends_no_letter_twice(
    start: Start, server: Server, tally: Tally
) -> None:
    slow = RudeServer(".", "delay")
    service = start(MAIL_PORT=slow.port)
    service.visitor().ask()

    def cut() -> None:
        wait_until(lambda: bool(service.rows("SELECT 1 FROM letter WHERE leased_until > 0")))
        server.cut_connections("ledger")

    cutter = threading.Thread(target=cut)
    cutter.start()
    service.deliver()
    cutter.join()
    service.records.do("UPDATE letter SET leased_until = 0")
    service.deliver()
    slow.stop()

    assert len(slow.taken) == 1
    tally("connection cut while the mail server takes a letter")


# What keeps everybody from a table.
LOCKED = {
    "postgresql": ("BEGIN", "LOCK TABLE admin_users IN ACCESS EXCLUSIVE MODE"),
    "mariadb": ("LOCK TABLES admin_users WRITE",),
}


@pytest.fixture
def rival(strapi: StrapiFile) -> Iterator[Any]:
    """Somebody else in Strapi's database."""
    rival = server_from_url(strapi.address)
    assert rival
    rival.connect()
    yield rival
    rival.close()
    rival.disconnect()


def test_a_table_that_somebody_else_locks_is_waited_for_and_not_for_ever(
    invited: tuple[Service, str], server: Server, rival: Any, tally: Tally
) -> None:
    service, link = invited
    for statement in LOCKED[server.name]:
        rival.execute_sql(statement)

    began = time.monotonic()
    answer = service.visitor().confirm(link)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert time.monotonic() - began < PATIENCE
    rival.close()
    rival.disconnect()
    assert service.visitor().confirm(link).status_code == 303
    tally("table of Strapi's locked by somebody else", 2)


def test_a_deadlock_is_tried_again(invited: tuple[Service, str], tally: Tally) -> None:
    service, _ = invited
    service.strapi.add_admin(ADA, None, "strapi-author")
    strapi = service.app.extensions["strapi"]
    both, tried = threading.Barrier(2), []

    def rename(first: int, second: int) -> None:
        def change(people: AdminUsers) -> None:
            tried.append(first)
            engine = people.shape.admins._meta.database
            name = "UPDATE admin_users SET firstname = 'Sue' WHERE id = %s"
            engine.execute_sql(name, (first,))
            with suppress(threading.BrokenBarrierError):
                both.wait(1)
            engine.execute_sql(name, (second,))

        strapi.write(change, str(first))

    sue, ada = (admin["id"] for admin in service.strapi.admins())
    with ThreadPoolExecutor(2) as rivals:
        done = [rivals.submit(rename, sue, ada), rivals.submit(rename, ada, sue)]
        assert [each.exception() for each in done] == [None, None]
    assert len(tried) == 3
    tally("deadlock")


def test_a_server_that_dies_under_a_lock_and_stays_away_is_nothing_worse(
    invited: tuple[Service, str], server: Server, tally: Tally
) -> None:
    service, link = invited

    def change(people: AdminUsers) -> None:
        server.kill()
        people.shape.admins.select().exists()

    with pytest.raises(StrapiUnavailable):
        service.app.extensions["strapi"].write(change, ADA)
    server.start()
    assert service.visitor().confirm(link).status_code == 303
    tally("database server dies under a lock")


def test_a_server_that_takes_no_more_connections_is_asked_again(
    start: Start, server: Server, strapi: StrapiFile, tally: Tally
) -> None:
    server.user("few", "Few1only")
    server.give("strapi", "few")
    account = server.url("strapi", "few", "Few1only")
    service = start(STRAPI_DATABASE=account)
    service.visitor().ask()
    service.deliver()
    link = service.visitor().link()
    service.app.extensions["strapi"].disconnect()
    server.run(ONLY_ONE[server.name], "strapi")
    rival = server_from_url(account)
    assert rival
    rival.connect()

    assert service.visitor().confirm(link).status_code == 503
    rival.close()
    rival.disconnect()
    assert service.visitor().confirm(link).status_code == 303
    tally("database server full", 2)


ONLY_ONE = {
    "postgresql": "ALTER ROLE few CONNECTION LIMIT 1; GRANT ALL ON ALL TABLES IN SCHEMA public"
    " TO few; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO few",
    "mariadb": "ALTER USER few@'127.0.0.1' WITH MAX_USER_CONNECTIONS 1",
}

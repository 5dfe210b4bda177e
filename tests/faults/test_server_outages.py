"""A database server that restarts, is down or full, or cuts or blocks connections.

Each answer is a good one or 503, it comes soon, and a repetition goes on.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress

import pytest

from models.engines import server_from_url
from models.strapi import AdminUsers, StrapiUnavailable
from tests.faults.misbehaving_smtp import MisbehavingSMTP
from tests.faults.signup_load import PEOPLE, RestartableService, SignupLoad
from tests.support.database_servers import Server
from tests.support.processes import wait_until
from tests.support.report_tables import Report
from tests.support.running_service import HEALTHY
from tests.support.service import ADA, Service, Start
from tests.support.strapi_file import StrapiFile

# Seconds that a visitor may wait: 5, and more on a busy machine.
PATIENCE = 20


@pytest.fixture
def backend(server: Server) -> str:
    """Both databases are on the server."""
    return server.name


def restarts(server: Server) -> None:
    for _ in range(3):
        server.restart()
        time.sleep(0.5)


def cuts_connections(server: Server) -> None:
    for _ in range(20):
        server.cut_connections("ledger")
        server.cut_connections("strapi")
        time.sleep(0.05)


def is_down_for_10_seconds(server: Server) -> None:
    server.kill()
    time.sleep(10)
    server.start()


@pytest.mark.parametrize("fault", [restarts, cuts_connections, is_down_for_10_seconds])
def test_under_load_nothing_accepted_is_lost_and_the_service_recovers(
    restartable: RestartableService,
    server: Server,
    strapi: StrapiFile,
    ledger: StrapiFile,
    fault: Callable[[Server], None],
    report: Report,
) -> None:
    restartable.start()
    clients = [restartable.client() for _ in range(PEOPLE)]
    with SignupLoad(clients, restartable.mail) as load:
        wait_until(lambda: load.confirmed)
        fault(server)
        before = len(load.confirmed)
        wait_until(lambda: len(load.confirmed) > before + 1)

    ledger.do("UPDATE letter SET leased_until = 0, due_at = 0 WHERE sent_at IS NULL")
    load.wait_for_the_rest(strapi, ledger)
    answers = list(load.answers())
    broken = [f"answered with {a.status}" for a in answers if a.status not in (200, 303, 503)]
    broken += [f"an answer took {a.seconds:.1f} s" for a in answers if a.seconds > PATIENCE]
    broken += load.violations(strapi, ledger)
    if restartable.get("/healthz") != HEALTHY:
        broken.append("it is not healthy")
    name = fault.__name__.replace("_", " ")
    report(f"database server {name}, under load", len(answers), broken)


@pytest.fixture
def service(start: Start) -> Service:
    return start(RATELIMIT_ENABLED=False)


@pytest.fixture
def link(service: Service) -> str:
    """Ada's link."""
    return service.visitor().ask_and_get_link()


def ask(service: Service, number: int) -> int:
    return service.visitor().ask(f"author{number}@example.org").status_code


def test_connections_that_died_while_idle_are_replaced(
    service: Service, link: str, server: Server, report: Report
) -> None:
    with ThreadPoolExecutor(8) as visitors:
        list(visitors.map(lambda number: ask(service, number), range(8)))
    server.restart()

    assert ask(service, 9) == 303
    assert service.visitor().confirm(link).status_code == 303
    report("idle connections die in a restart", 2)


def start_later(server: Server) -> float:
    """Start the server in half a second; return when it has started."""
    time.sleep(0.5)
    server.start()
    return time.monotonic()


def test_a_server_that_is_just_coming_back_is_waited_for(
    service: Service, link: str, server: Server, report: Report
) -> None:
    server.kill()
    began = time.monotonic()
    with ThreadPoolExecutor(1) as threads:
        started = threads.submit(start_later, server)

        statuses = [ask(service, 1), service.visitor().confirm(link).status_code]

        down = started.result() - began
    # On a busy machine, the server may take longer to start than a visitor waits.
    assert statuses == [303, 303] or down > 4
    report("database server down for a second", 2)


def test_a_server_that_stays_down_is_not_waited_for_by_one_visitor_after_another(
    service: Service, link: str, server: Server, report: Report
) -> None:
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
    report("database server down, 8 visitors at once", 8)


def test_a_connection_that_dies_while_an_email_is_sent_causes_no_second_email(
    start: Start, server: Server, report: Report
) -> None:
    with MisbehavingSMTP(".", "delay") as slow, ThreadPoolExecutor(1) as threads:
        service = start(MAIL_PORT=slow.port)
        service.visitor().ask()
        delivered = threads.submit(service.deliver)
        wait_until(lambda: service.rows("SELECT 1 FROM letter WHERE leased_until > 0"))
        server.cut_connections("ledger")
        delivered.result()
        service.ledger.do("UPDATE letter SET leased_until = 0")
        service.deliver()

    assert len(slow.received) == 1
    report("connection cut while the mail server accepts an email")


# The statements that block a table for everybody else.
LOCK = {
    "postgresql": ("BEGIN", "LOCK TABLE admin_users IN ACCESS EXCLUSIVE MODE"),
    "mariadb": ("LOCK TABLES admin_users WRITE",),
}


def test_a_table_that_another_program_locks_is_not_waited_for_endlessly(
    service: Service, link: str, server: Server, report: Report
) -> None:
    with closing(server.connect("strapi")) as rival:
        for statement in LOCK[server.name]:
            rival.cursor().execute(statement)
        began = time.monotonic()
        answer = service.visitor().confirm(link)

    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert time.monotonic() - began < PATIENCE
    assert service.visitor().confirm(link).status_code == 303
    report("table of Strapi's locked by another program", 2)


def test_a_deadlock_is_tried_again(service: Service, report: Report) -> None:
    service.strapi.add_admin(ADA, None, "strapi-author")
    strapi = service.app.extensions["strapi"]
    both, tried = threading.Barrier(2), []

    def rename(first: int, second: int) -> None:
        def change(admin_users: AdminUsers) -> None:
            tried.append(first)
            engine = admin_users.schema.admin_users._meta.database
            name = "UPDATE admin_users SET firstname = 'Sue' WHERE id = %s"
            engine.execute_sql(name, (first,))
            with suppress(threading.BrokenBarrierError):
                both.wait(1)
            engine.execute_sql(name, (second,))

        strapi.write(change, str(first))

    sue, ada = (admin["id"] for admin in service.strapi.admins())
    with ThreadPoolExecutor(2) as threads:
        done = [threads.submit(rename, sue, ada), threads.submit(rename, ada, sue)]
        assert [each.exception() for each in done] == [None, None]
    assert len(tried) == 3
    report("deadlock")


def test_a_server_that_dies_during_a_write_costs_one_answer(
    service: Service, link: str, server: Server, report: Report
) -> None:
    def change(admin_users: AdminUsers) -> None:
        server.kill()
        admin_users.schema.admin_users.select().exists()

    with pytest.raises(StrapiUnavailable):
        service.app.extensions["strapi"].write(change, ADA)
    server.start()
    assert service.visitor().confirm(link).status_code == 303
    report("database server dies during a write")


# The statements that leave the account "few" one connection.
ONLY_ONE = {
    "postgresql": "ALTER ROLE few CONNECTION LIMIT 1; GRANT ALL ON ALL TABLES IN SCHEMA public"
    " TO few; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO few",
    "mariadb": "ALTER USER few@'127.0.0.1' WITH MAX_USER_CONNECTIONS 1",
}


def test_a_server_without_a_free_connection_is_asked_again_later(
    start: Start, server: Server, strapi: StrapiFile, report: Report
) -> None:
    server.user("few", "Few1only")
    server.give("strapi", "few")
    url = server.url("strapi", "few", "Few1only")
    service = start(STRAPI_DATABASE=url)
    link = service.visitor().ask_and_get_link()
    service.app.extensions["strapi"].disconnect()
    server.run(ONLY_ONE[server.name], "strapi")
    rival = server_from_url(url)
    assert rival
    rival.connect()

    assert service.visitor().confirm(link).status_code == 503
    rival.close()
    rival.close_idle()
    assert service.visitor().confirm(link).status_code == 303
    report("database server full", 2)

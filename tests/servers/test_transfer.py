"""Moving the ledger to a server and between servers. tests/models/test_transfer.py has the rest."""

import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from models.mail.suppressions import Suppression
from tests.support.database_servers import Server
from tests.support.service import Service, migrate_at
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import StrapiFile
from tests.support.strapi_on_server import StrapiOnServer
from tests.support.transfer import fill, rows_at


@pytest.fixture
def target(server: Server) -> StrapiOnServer:
    """A database without tables."""
    return StrapiOnServer.empty(server, "moved")


def test_a_ledger_moves_from_one_server_to_another_and_back(
    postgresql: Server, mariadb: Server, strapi: StrapiFile, mail_server: SMTPServer
) -> None:
    mail_server.clear()
    source = StrapiOnServer.empty(postgresql, "ledger")
    target = StrapiOnServer.empty(mariadb, "moved")
    back = StrapiOnServer.empty(postgresql, "back")
    service = Service(strapi, mail_server, source, {})
    fill(service)
    before = rows_at(source.url)
    assert service.run("move-ledger", target.url).exit_code == 0
    service.end()
    assert rows_at(target.url) == before

    service = Service(strapi, mail_server, target, {})
    assert service.run("move-ledger", back.url).exit_code == 0
    service.end()
    assert rows_at(back.url) == before


def test_a_row_that_does_not_fit_leaves_the_target_empty(
    service: Service, target: StrapiOnServer
) -> None:
    service.visitor().apply()
    service.ledger.do("UPDATE event SET what = ?", "x" * 300)

    result = service.run("move-ledger", target.url)

    assert result.exit_code == 1
    assert "nothing was moved: rows of event" in result.output
    assert "xxx" not in result.output
    assert target.rows("SELECT id FROM signup") == []
    service.ledger.do("UPDATE event SET what = 'asked'")
    assert service.run("move-ledger", target.url).exit_code == 0


def test_a_connection_that_is_cut_leaves_the_target_empty(
    service: Service, target: StrapiOnServer
) -> None:
    service.visitor().apply()
    with service.app.app_context():
        Suppression.add("eve@example.org", ["key"])
    migrate_at(target.url)

    blocker = target.server.connect(target.database)
    with ThreadPoolExecutor(1) as threads, closing(blocker):
        hold = {"postgresql": "LOCK TABLE stop IN SHARE MODE", "mysql": "LOCK TABLES stop READ"}
        blocker.cursor().execute(hold[target.server.scheme])
        moved = threads.submit(service.run, "move-ledger", target.url)
        while not waits_to_insert(target, "stop"):
            time.sleep(0.01)
        target.server.cut_connections(target.database)
        result = moved.result()

    assert result.exit_code == 1
    assert "nothing was moved" in result.output
    assert target.rows("SELECT id FROM signup") == []
    assert service.run("move-ledger", target.url).exit_code == 0
    assert len(target.rows("SELECT id FROM stop")) == 1


def waits_to_insert(target: StrapiOnServer, table: str) -> bool:
    """Whether a connection waits there to insert into this table."""
    queries = {
        "postgresql": "SELECT 1 FROM pg_stat_activity WHERE datname = ? AND query LIKE ?",
        "mysql": "SELECT 1 FROM information_schema.processlist WHERE db = ? AND info LIKE ?",
    }
    insert = f"INSERT INTO _{table}_ %"
    return bool(target.rows(queries[target.server.scheme], target.database, insert))


def test_a_long_ledger_is_never_in_memory_at_once(service: Service, postgresql: Server) -> None:
    service.ledger.do(
        "INSERT INTO stop (digest, stopped_at) WITH RECURSIVE number(n) AS"
        " (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 10000)"
        " SELECT printf('%064d', n), n FROM number"
    )
    target = StrapiOnServer.empty(postgresql, "moved")
    tracemalloc.start()
    result = service.run("move-ledger", target.url)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert result.exit_code == 0
    assert len(target.rows("SELECT id FROM stop")) == 10000
    assert peak < 3_000_000, peak

"""Moving the ledger: all of it comes along, or nothing, and the service goes on there."""

import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from models.ledger.database import database, engine_for, migrate
from models.mail.suppressions import Suppression
from models.transfer import TABLES
from tests.conftest import every_engine
from tests.support.database_servers import Server
from tests.support.service import ADA, MailServer, Service, StrapiFile
from tests.support.strapi_on_server import StrapiOnServer
from tests.web.test_commands import run

GRACE = "grace@example.org"
# Right to left, beyond the first 65,536 characters, and with an accent of its own.
NAMES = [("עדה", "לאבלייס"), ("آدا", "لوفليس"), ("𠮷野", "花子"), ("Ade\u0301le", "Straße")]
SMILE = "🖋️👩‍🚀 \r\n— שלום"


@pytest.fixture
def target(server: Server) -> StrapiOnServer:
    """A database without tables."""
    return StrapiOnServer.empty(server, "moved")


@pytest.fixture
def reopened(
    service: Service, strapi: StrapiFile, mail_server: MailServer, tmp_path: Path
) -> Iterator[Callable[[StrapiOnServer], Service]]:
    """Ends the service, and starts it with its ledger elsewhere."""
    opened = []

    def reopened(records: StrapiOnServer) -> Service:
        service.end()
        opened.append(Service(strapi, mail_server, tmp_path / "none.db", {}, records))
        return opened[-1]

    yield reopened
    for each in opened:
        each.end()


def lived_in(service: Service) -> None:
    """Leave a ledger in which there is something of everything."""
    visitor, sue = service.visitor(), service.visitor()
    for first, last in NAMES:
        email = f"n{NAMES.index((first, last))}@example.org"
        visitor.ask(email, first, last)
        service.deliver()
        visitor.confirm(visitor.link(email=email), firstname=first, lastname=last, why=SMILE)
    sue.log_in()
    sue.post("/review/notices/off", page="/review")
    sue.decide("activate", service.signup("n0@example.org")["strapi_id"])
    sue.decide("decline", service.signup("n1@example.org")["strapi_id"], reason="לא 😀", tell="y")
    visitor.ask("eve@example.org")
    service.deliver()
    visitor.post(visitor.link("stop", "eve@example.org"))
    visitor.ask()
    service.deliver()


def rows_at(address: str) -> dict[str, list[Any]]:
    """What the models read in each table of a ledger."""
    engine = engine_for(address)
    with engine.connection_context():
        found = {
            table.__name__: list(table.select().order_by(table.id).tuples().execute(engine))
            for table in TABLES
        }
    engine.disconnect()
    return found


def move(service: Service, target: StrapiOnServer) -> Result:
    return run(service, "move-ledger", target.address)


def test_every_row_moves_and_the_service_goes_on_there(
    service: Service, target: StrapiOnServer, reopened: Callable[[StrapiOnServer], Service]
) -> None:
    lived_in(service)
    before = rows_at(service.records.address)
    assert all(before.values()), {name: len(rows) for name, rows in before.items()}
    sent_before = service.visitor().link()

    result = move(service, target)

    number = sum(len(rows) for rows in before.values())
    assert result.output == f"{number} rows moved: set SIGNUP_LEDGER to this URL\n"
    assert rows_at(target.address) == rows_at(service.records.address) == before

    moved = reopened(target)
    assert moved.visitor().confirm(sent_before).status_code == 303
    assert moved.signup()["state"] == "waiting"
    moved.visitor().apply(GRACE)
    assert moved.signup(GRACE)["id"] == 1 + max(row[0] for row in before["Signup"])
    assert "👩‍🚀" in moved.signup("n0@example.org")["why"]
    assert moved.signup("n2@example.org")["firstname"] == "𠮷野"
    for table in TABLES:
        name = table._meta.table_name
        assert moved.rows(f"SELECT id FROM {name}") or name in {"session", "count"}


def test_a_ledger_moves_on_from_one_server_to_another(
    postgresql: Server,
    mariadb: Server,
    strapi: StrapiFile,
    mail_server: MailServer,
    tmp_path: Path,
) -> None:
    mail_server.forget()
    source = StrapiOnServer.empty(postgresql, "ledger")
    target = StrapiOnServer.empty(mariadb, "moved")
    service = Service(strapi, mail_server, tmp_path / "none.db", {}, source)
    lived_in(service)
    before = rows_at(source.address)

    assert move(service, target).exit_code == 0

    service.end()
    assert rows_at(target.address) == before
    back = StrapiOnServer.empty(postgresql, "back")
    service = Service(strapi, mail_server, tmp_path / "none.db", {}, target)
    assert move(service, back).exit_code == 0
    service.end()
    assert rows_at(back.address) == before


def test_a_target_that_holds_rows_is_left_alone(service: Service, target: StrapiOnServer) -> None:
    service.visitor().ask()
    assert move(service, target).exit_code == 0
    target.do("UPDATE signup SET firstname = 'Changed'")

    again = move(service, target)

    assert (again.exit_code, again.output) == (
        1,
        "Error: there is a ledger already: name an empty database\n",
    )
    assert target.rows("SELECT firstname FROM signup") == [{"firstname": "Changed"}]


def test_somebody_elses_tables_are_left_alone(service: Service, target: StrapiOnServer) -> None:
    target.do("CREATE TABLE goods (name varchar(20))")

    result = move(service, target)

    assert result.exit_code == 1
    assert "nothing was moved" in result.output
    assert "is another program's database" in result.output
    names = "SELECT table_name AS name FROM information_schema.tables WHERE table_schema IN (?, ?)"
    assert target.rows(names, "public", "moved") == [{"name": "goods"}]


def test_a_row_that_does_not_fit_leaves_the_target_empty(
    service: Service, target: StrapiOnServer
) -> None:
    service.visitor().apply()
    service.records.do("UPDATE event SET what = ?", "x" * 300)

    result = move(service, target)

    assert result.exit_code == 1
    assert "nothing was moved: rows of event" in result.output
    assert "xxx" not in result.output
    assert target.rows("SELECT id FROM signup") == []
    service.records.do("UPDATE event SET what = 'asked'")
    assert move(service, target).exit_code == 0


def test_a_connection_that_is_cut_leaves_the_target_empty(
    service: Service, target: StrapiOnServer
) -> None:
    service.visitor().apply()
    with service.app.app_context():
        Suppression.add("eve@example.org", ["key"])
    engine = engine_for(target.address)
    migrate(engine)
    engine.disconnect()

    blocker = target.server.connect(target.database)
    with ThreadPoolExecutor(1) as threads, closing(blocker):
        hold = {"postgresql": "LOCK TABLE stop IN SHARE MODE", "mysql": "LOCK TABLES stop READ"}
        blocker.cursor().execute(hold[target.server.scheme])
        moved = threads.submit(move, service, target)
        while not about_to_write(target, "stop"):
            time.sleep(0.01)
        target.server.cut_connections(target.database)
        result = moved.result()

    assert result.exit_code == 1
    assert "nothing was moved" in result.output
    assert target.rows("SELECT id FROM signup") == []
    assert move(service, target).exit_code == 0
    assert len(target.rows("SELECT id FROM stop")) == 1


def about_to_write(target: StrapiOnServer, table: str) -> bool:
    """Whether somebody waits there to insert into this table."""
    asked = {
        "postgresql": "SELECT 1 FROM pg_stat_activity WHERE datname = ? AND query LIKE ?",
        "mysql": "SELECT 1 FROM information_schema.processlist WHERE db = ? AND info LIKE ?",
    }
    waiting = f"INSERT INTO _{table}_ %"
    return bool(target.rows(asked[target.server.scheme], target.database, waiting))


@every_engine
def test_nobody_writes_the_ledger_while_it_moves(service: Service, records: StrapiFile) -> None:
    """A service that still runs answers that it can take nothing now."""
    service.visitor().ask()
    tables = [table._meta.table_name for table in TABLES]
    with (
        service.app.app_context(),
        database.still(*tables),
        ThreadPoolExecutor(1) as other,
    ):
        answer = other.submit(service.visitor().ask, GRACE).result()
    assert answer.status_code == 503

    assert [row["email"] for row in records.rows("SELECT email FROM signup")] == [ADA]
    assert service.visitor().ask(GRACE).status_code == 303


def test_a_long_ledger_is_never_in_memory_at_once(service: Service, postgresql: Server) -> None:
    service.records.do(
        "INSERT INTO stop (digest, stopped_at) WITH RECURSIVE number(n) AS"
        " (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 10000)"
        " SELECT printf('%064d', n), n FROM number"
    )
    target = StrapiOnServer.empty(postgresql, "moved")
    tracemalloc.start()
    result = move(service, target)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert result.exit_code == 0
    assert len(target.rows("SELECT id FROM stop")) == 10000
    assert peak < 3_000_000, peak

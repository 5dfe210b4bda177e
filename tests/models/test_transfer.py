"""Moving the ledger: every row moves, or none, and the service goes on there."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from models.ledger.database import database
from models.transfer import TABLES
from tests.conftest import SERVERS, every_engine
from tests.support.service import ADA, GRACE, Service, Start
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import SQLiteFile, StrapiFile
from tests.support.strapi_on_server import StrapiOnServer
from tests.support.transfer import fill, rows_at


@pytest.fixture(params=["SQLite", *SERVERS])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> SQLiteFile:
    """A database without tables."""
    if request.param == "SQLite":
        return SQLiteFile(tmp_path / "moved.db")
    return StrapiOnServer.empty(request.getfixturevalue(request.param), "moved")


def test_every_row_moves_and_the_service_goes_on_there(
    service: Service, target: SQLiteFile, strapi: StrapiFile, mail_server: SMTPServer
) -> None:
    fill(service)
    before = rows_at(service.ledger.url)
    assert all(before.values()), {name: len(rows) for name, rows in before.items()}
    link = service.visitor().link()

    result = service.run("move-ledger", target.url)

    number = sum(len(rows) for rows in before.values())
    assert result.output == f"{number} rows moved: set SIGNUP_LEDGER to this URL\n"
    assert rows_at(target.url) == rows_at(service.ledger.url) == before

    service.end()
    moved = Service(strapi, mail_server, target, {})
    assert moved.visitor().confirm(link).status_code == 303
    assert moved.state() == "waiting"
    moved.visitor().apply(GRACE)
    assert moved.signup(GRACE)["id"] == 1 + max(row[0] for row in before["Signup"])
    assert "👩‍🚀" in moved.signup("n0@example.org")["why"]
    assert moved.signup("n2@example.org")["firstname"] == "𠮷野"
    for name in {table._meta.table_name for table in TABLES} - {"session", "count"}:
        assert moved.rows(f"SELECT id FROM {name}")
    moved.end()


def test_a_target_that_holds_rows_is_left_alone(service: Service, target: SQLiteFile) -> None:
    service.visitor().ask()
    assert service.run("move-ledger", target.url).exit_code == 0
    target.do("UPDATE signup SET firstname = 'Changed'")

    again = service.run("move-ledger", target.url)

    assert again.exit_code == 1
    assert again.output == "Error: there is a ledger already: name an empty database\n"
    assert target.rows("SELECT firstname FROM signup") == [{"firstname": "Changed"}]


def test_another_programs_database_is_left_alone(service: Service, target: SQLiteFile) -> None:
    target.do("CREATE TABLE goods (name varchar(20))")

    result = service.run("move-ledger", target.url)

    assert result.exit_code == 1
    assert "nothing was moved" in result.output
    assert "is another program's database" in result.output
    with pytest.raises(Exception, match="signup"):
        target.rows("SELECT * FROM signup")


@every_engine
def test_nobody_writes_the_ledger_while_it_moves(start: Start, service: Service) -> None:
    """A service that still runs answers 503."""
    service.visitor().ask()
    tables = [table._meta.table_name for table in TABLES]
    with service.app.app_context(), database.frozen_tables(*tables), ThreadPoolExecutor(1) as other:
        answer = other.submit(service.visitor().ask, GRACE).result()
    assert answer.status_code == 503

    assert [row["email"] for row in service.rows("SELECT email FROM signup")] == [ADA]
    assert service.visitor().ask(GRACE).status_code == 303

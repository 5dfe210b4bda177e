"""Names that Strapi's columns cannot hold: the person is told at the field, the operator by
`flask check`, and no log has a part of the name."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers.conftest import on_mariadb, on_postgresql
from tests.support.database_servers import Server
from tests.support.paths import DATA
from tests.support.service import ADA, Service
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import SUE, SUE_PASSWORD, SQLiteFile
from tests.support.strapi_on_server import StrapiOnServer
from tests.web.test_log_events import Log

DATABASE = "narrow"
CONVERT = "SET foreign_key_checks = 0; ALTER TABLE admin_users CONVERT TO CHARACTER SET {}"
SHORT = {"postgresql": "ALTER firstname TYPE varchar(5)", "mariadb": "MODIFY firstname varchar(5)"}

Open = Callable[[str], Service]


@pytest.fixture
def open_strapi(server: Server, tmp_path: Path, mail_server: SMTPServer) -> Iterator[Open]:
    """The service beside a Strapi whose admin users are in this encoding."""
    started = []
    mail_server.clear()

    def open_strapi(encoding: str) -> Service:
        strapi = strapi_in(server, encoding)
        started.append(Service(strapi, mail_server, SQLiteFile(tmp_path / "ledger.db"), {}))
        return started[-1]

    yield open_strapi
    for service in started:
        service.end()
    if server.name == "mariadb":
        server.run("SET GLOBAL sql_mode = DEFAULT")


@pytest.fixture
def log() -> Iterator[Log]:
    log = Log()
    logging.root.addHandler(log.handler)
    yield log
    logging.root.removeHandler(log.handler)


def strapi_in(server: Server, encoding: str) -> StrapiOnServer:
    if server.name == "mariadb":
        strapi = StrapiOnServer.on(server, DATABASE)
        server.run(CONVERT.format(encoding), DATABASE)
        return strapi
    server.run(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    server.run(f"CREATE DATABASE {DATABASE} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
    server.run((DATA / "fresh-5.54.0.postgresql.sql").read_text(), DATABASE)
    strapi = StrapiOnServer(server, DATABASE)
    strapi.add_admin(SUE, SUE_PASSWORD, "strapi-super-admin")
    return strapi


def refuse_and_correct(service: Service, log: Log, typed: str, lost: str, correct: str) -> None:
    """Send a name that cannot be stored, then the same without those characters."""
    visitor = service.visitor()
    link = visitor.ask_and_get_link()

    answer = visitor.confirm(link, lastname=typed)

    assert answer.status_code == 422
    assert f'<a href="#lastname">We cannot store {lost}. Write it in other letters' in answer.text
    assert f'value="{typed}"' in answer.text
    logged = str(log.lines())
    assert [each for each in ("xc5", "xf0", *lost.split()) if each in logged.lower()] == []
    assert service.strapi.admin(ADA) is None
    assert visitor.confirm(link, lastname=correct).status_code == 303
    assert (service.strapi.admin(ADA) or {})["lastname"] == correct


@pytest.mark.parametrize(
    ("server", "encoding", "typed", "lost", "correct"),
    [
        ("postgresql", "LATIN1", "Żółć-Ñandú", "Ż ł ć", "Zolc-Ñandú"),
        ("postgresql", "WIN1251", "Łukin Иван", "Ł", "Lukin Иван"),
        ("mariadb", "utf8mb3", "Ada 😀𠮷", "😀 𠮷", "Żółć 花子"),
        ("mariadb", "latin1", "Żółć-Ñandú", "Ż ł ć", "Zolc-Ñandú"),
        ("mariadb", "ascii", "Núñez", "ú ñ", "Nunez"),
    ],
    indirect=["server"],
)
def test_a_name_that_cannot_be_stored_is_refused_at_the_field(
    open_strapi: Open, log: Log, encoding: str, typed: str, lost: str, correct: str
) -> None:
    service = open_strapi(encoding)

    check = service.run("check")

    assert "WARN   Strapi's database can hold every name" in check.output
    assert f"it cannot in firstname ({encoding})" in check.output
    assert check.exit_code == 0
    refuse_and_correct(service, log, typed, lost, correct)


@on_mariadb
def test_a_server_that_is_not_strict_stores_no_question_marks(
    server: Server, open_strapi: Open, log: Log
) -> None:
    server.run("SET GLOBAL sql_mode = ''")
    refuse_and_correct(open_strapi("latin1"), log, "Żak", "Ż", "Zak")


@pytest.mark.parametrize("server", ["postgresql", "mariadb"], indirect=True)
def test_a_name_that_is_too_long_for_its_column(server: Server, open_strapi: Open) -> None:
    service = open_strapi("UTF8" if server.name == "postgresql" else "utf8mb4")
    server.run(f"ALTER TABLE admin_users {SHORT[server.name]}", DATABASE)
    visitor = service.visitor()
    link = visitor.ask_and_get_link()

    answer = visitor.confirm(link, firstname="Augusta")

    assert answer.status_code == 422
    assert '<a href="#firstname">Use at most 5 characters here.</a>' in answer.text
    assert visitor.confirm(link).status_code == 303


@on_postgresql
def test_sql_ascii_is_read_and_written_as_utf_8(open_strapi: Open) -> None:
    service = open_strapi("SQL_ASCII")
    check = service.run("check")
    assert (check.exit_code, "it cannot in" in check.output) == (0, False)
    visitor = service.visitor()

    assert visitor.confirm(visitor.ask_and_get_link(), lastname="Żółć 😀").status_code == 303

    assert (service.strapi.admin(ADA) or {})["lastname"] == "Żółć 😀".encode()
    service.deliver()
    assert "Żółć 😀" in service.reviewer().get("/review").text


@on_postgresql
def test_a_login_that_the_encoding_cannot_hold_is_a_wrong_one(open_strapi: Open) -> None:
    service = open_strapi("LATIN1")
    for email in ("żak@example.com", "花@example.com"):
        assert service.visitor().log_in(email).status_code == 422
    assert service.visitor().log_in().status_code == 303

"""Servers that speak German: errors are known by their codes, and no user's name is told."""

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from peewee import OperationalError

from models.engines import server_from_url
from tests.conftest import running
from tests.servers.conftest import PASSWORD, USER, Check
from tests.support.database_servers import GermanMariaDB, GermanPostgreSQL, Server

SEATS = 3
FULL = (
    "all of its connections are in use, or its pg_hba.conf accepts none of this user from this host"
)


@pytest.fixture(scope="module", params=[GermanPostgreSQL, GermanMariaDB])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    yield from running(request.param)


@pytest.fixture
def small() -> Iterator[Server]:
    """A PostgreSQL that takes few connections at a time."""

    class Small(GermanPostgreSQL):
        def _command(self) -> list[str]:
            seats = f"--max_connections={SEATS}"
            return [*super()._command(), seats, "--superuser_reserved_connections=0"]

    yield from running(Small)


@contextmanager
def engine_for(url: str) -> Iterator[Any]:
    engine: Any = server_from_url(url)
    yield engine
    engine.close()
    engine.close_idle()


def test_wrong_urls_are_explained_in_english(server: Server, check: Check) -> None:
    server.user(USER, "Right1password")
    for url, advice in {
        server.url("strapi", USER, PASSWORD): "refuses this user or password",
        server.url("nowhere"): "has no such database",
        server.url("mysql" if server.name == "mariadb" else "postgres"): "has no table",
    }.items():
        output = check(STRAPI_DATABASE=url)
        assert advice in output
        assert "operator" not in output


def test_a_missing_right_is_named_without_the_account(server: Server, check: Check) -> None:
    server.user(USER, PASSWORD)
    table = "strapi.admin_users" if server.name == "mariadb" else "admin_users"
    account = f"{USER}@'127.0.0.1'" if server.name == "mariadb" else USER
    rest = [table.replace("users", each) for each in ("roles", "users_roles_lnk")]
    for each in (*rest, table):
        server.run(f"GRANT SELECT ON {each} TO {account}", "strapi")
    output = check(STRAPI_DATABASE=server.url("strapi", USER, PASSWORD))
    assert "grants this user too little (INSERT" in output
    assert "admin_users" in output


def test_a_deadlock_is_temporary(server: Server) -> None:
    server.create("locks")
    server.run("CREATE TABLE goods (id int PRIMARY KEY, name int)", "locks")
    server.run("INSERT INTO goods VALUES (1, 0), (2, 0)", "locks")
    both, errors = threading.Barrier(2), []

    def update(first: int, second: int) -> None:
        with engine_for(server.url("locks")) as engine:
            try:
                with engine.atomic():
                    engine.execute_sql("UPDATE goods SET name = 1 WHERE id = %s", (first,))
                    both.wait(30)
                    engine.execute_sql("UPDATE goods SET name = 1 WHERE id = %s", (second,))
            except OperationalError as error:
                errors.append(engine.is_temporary(error))

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(update, (1, 2), (2, 1)))
    assert errors == [True]


def refusal(url: str) -> tuple[bool, str]:
    """Whether the refusal of a connection is temporary, and what is said of it."""
    with engine_for(url) as engine, pytest.raises(OperationalError) as raised:
        engine.connect()
    return engine.is_temporary(raised.value), engine.explain(raised.value)


def test_a_server_that_refuses_everybody_is_asked_again(small: Server) -> None:
    url = small.url("postgres")
    with ExitStack() as held:
        for _ in range(SEATS):
            held.enter_context(small.connect())
        assert refusal(url) == (True, f"refuses the connection: {FULL}")
    with small.connect():
        # It ends when this connection does, and lets nobody in meanwhile.
        os.kill(small.pid, signal.SIGTERM)
        assert refusal(url)[0]

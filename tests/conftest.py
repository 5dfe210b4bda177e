"""The cast and the stage: real files in the shapes of real Strapis, a real mail server."""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from time_machine import travel

from models.timestamps import now
from tests.support.database_servers import MariaDB, PostgreSQL, Server
from tests.support.service import CHROMIUM, FLAGS, SHAPES, MailServer, Service, StrapiFile
from tests.support.strapi_on_server import ENGINES, StrapiOnServer

pytest_plugins = ["tests.support.report_tables"]


@pytest.fixture(params=[os.environ.get("ENGINE", SHAPES[-1])])
def shape(request: pytest.FixtureRequest) -> str:
    """The version whose file the test runs on, or the engine of the newest Strapi's database and of
    the ledger: the newest version's file, unless the test names more or ENGINE another."""
    return request.param


every_shape = pytest.mark.parametrize("shape", [*SHAPES, *ENGINES], indirect=True)
# Where a file is looked at, which no server has.
on_a_file = pytest.mark.parametrize("shape", [SHAPES[-1]], indirect=True)
every_engine = pytest.mark.parametrize("shape", [SHAPES[-1], *ENGINES], indirect=True)


@pytest.fixture
def strapi(shape: str, tmp_path: Path, request: pytest.FixtureRequest) -> StrapiFile:
    """Strapi's database, with Sue, its super admin."""
    if shape in ENGINES:
        return StrapiOnServer.on(request.getfixturevalue(shape), "strapi")
    return StrapiFile.made_by(shape, tmp_path / "strapi.db")


@pytest.fixture
def records(shape: str, tmp_path: Path, request: pytest.FixtureRequest) -> StrapiFile:
    """Where the ledger is kept: on the same engine."""
    if shape in ENGINES:
        return StrapiOnServer.empty(request.getfixturevalue(shape), "ledger")
    return StrapiFile(tmp_path / "ledger.db")


@pytest.fixture(scope="session")
def mail_server() -> Iterator[MailServer]:
    """A real SMTP server on 127.0.0.1."""
    server = MailServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def start(
    strapi: StrapiFile, records: StrapiFile, mail_server: MailServer, tmp_path: Path
) -> Iterator[Callable[..., Service]]:
    """Starts the service beside `strapi`, with settings of the test's own."""
    mail_server.forget()

    started = []

    def start(**settings: object) -> Service:
        started.append(Service(strapi, mail_server, tmp_path / "ledger.db", settings, records))
        return started[-1]

    yield start
    for service in started:
        service.end()


@pytest.fixture
def service(start: Callable[..., Service]) -> Service:
    """The service with nothing but what it requires."""
    return start()


@pytest.fixture
def later() -> Iterator[Callable[[timedelta], None]]:
    """Sets the clock ahead."""
    travels = []

    def later(by: timedelta) -> None:
        journey = travel(now() + by, tick=True)
        journey.start()
        travels.append(journey)

    yield later
    for journey in reversed(travels):
        journey.stop()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A real PostgreSQL."""
    yield from running(PostgreSQL)


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Server]:
    """A real MariaDB."""
    yield from running(MariaDB)


@pytest.fixture(scope="session", params=["postgresql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Server:
    """Each of the two."""
    found: Server = request.getfixturevalue(request.param)
    return found


def running(engine: type[Server]) -> Iterator[Server]:
    """One that runs until the tests end, and leaves nothing behind."""
    if missing := engine.missing():
        pytest.skip(missing)
    server = engine()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real browser."""
    if not CHROMIUM:
        pytest.skip("no chromium on the PATH: install it, or name one with CHROMIUM=/path")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`make test ARGS='--renew -k golden'` writes the letters down as they are now."""
    parser.addoption("--renew", action="store_true", help="renew tests/golden")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where everything is installed, a skipped test is a failed one."""
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    if os.environ.get("NO_SKIPS") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED

"""The cast and the stage: real files in the shapes of real Strapis, a real mail server."""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from time_machine import travel

from models import ledger
from models.instant import now
from tests.servers import MariaDB, PostgreSQL, Server
from tests.stage import CHROMIUM, FLAGS, SHAPES, MailServer, Service, StrapiFile

pytest_plugins = ["tests.tallies"]


@pytest.fixture(params=SHAPES[-1:])
def shape(request: pytest.FixtureRequest) -> str:
    """The version whose database the test runs on: the newest, unless the test names all."""
    return request.param


every_shape = pytest.mark.parametrize("shape", SHAPES, indirect=True)


@pytest.fixture
def strapi(shape: str, tmp_path: Path) -> StrapiFile:
    """Strapi's database, with Sue, its super admin."""
    return StrapiFile.made_by(shape, tmp_path / "strapi.db")


@pytest.fixture(scope="session")
def mail_server() -> Iterator[MailServer]:
    """A real SMTP server on 127.0.0.1."""
    server = MailServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def start(
    strapi: StrapiFile, mail_server: MailServer, tmp_path: Path
) -> Iterator[Callable[..., Service]]:
    """Starts the service beside `strapi`, with settings of the test's own."""
    mail_server.forget()

    def start(**settings: object) -> Service:
        return Service(strapi, mail_server, tmp_path / "ledger.db", settings)

    yield start
    if not ledger.database.is_closed():
        ledger.database.close()


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

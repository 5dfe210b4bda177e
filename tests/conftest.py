"""What tests start from: Strapi's database, the ledger, a mail server, the service, a browser."""

import os
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from time_machine import travel

from models import password_hashing
from models.timestamps import now
from tests.support.browser import CHROMIUM, FLAGS
from tests.support.database_servers import MariaDB, PostgreSQL, Server
from tests.support.running_service import RunningService
from tests.support.service import Later, Service, Start, Visitor, new_ledger, required
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import STRAPI_VERSIONS, SQLiteFile, StrapiFile
from tests.support.strapi_on_server import ENGINES, StrapiOnServer

pytest_plugins = ["tests.support.report_tables"]

# Set by `make test-all`. `make test` needs no database server.
ALL_TESTS = bool(os.environ.get("ALL_TESTS"))
NEWEST = os.environ.get("ENGINE", STRAPI_VERSIONS[-1])
SERVERS = ENGINES if ALL_TESTS else []

every_strapi = pytest.mark.parametrize("backend", [*STRAPI_VERSIONS, *SERVERS], indirect=True)
every_engine = pytest.mark.parametrize("backend", [NEWEST, *SERVERS], indirect=True)
# For tests that look at files.
on_sqlite = pytest.mark.parametrize("backend", [STRAPI_VERSIONS[-1]], indirect=True)


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> str:
    """What keeps both databases: SQLite, named by Strapi's version, or a server's engine."""
    return str(getattr(request, "param", NEWEST))


@pytest.fixture(autouse=True)
def cheap_hashes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash at cost 4. At Strapi's cost, 10, each login takes 50 ms."""
    if not request.node.get_closest_marker("strapi_cost"):
        monkeypatch.setattr(password_hashing, "COST", 4)


@pytest.fixture
def strapi(
    backend: str, cheap_hashes: None, tmp_path: Path, request: pytest.FixtureRequest
) -> StrapiFile:
    """Strapi's database, with Sue, its super admin."""
    if backend in ENGINES:
        return StrapiOnServer.on(request.getfixturevalue(backend), "strapi")
    return StrapiFile.made_by(backend, tmp_path / "strapi.db")


@pytest.fixture
def ledger(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> SQLiteFile:
    """The ledger, on the same engine."""
    if backend in ENGINES:
        return StrapiOnServer.empty(request.getfixturevalue(backend), "ledger")
    return new_ledger(tmp_path / "ledger.db")


@pytest.fixture(scope="session")
def mail_server() -> Iterator[SMTPServer]:
    """An SMTP server on 127.0.0.1."""
    with SMTPServer() as server:
        yield server


@pytest.fixture
def start(strapi: StrapiFile, ledger: SQLiteFile, mail_server: SMTPServer) -> Iterator[Start]:
    """Start the service beside `strapi` with some settings."""
    mail_server.clear()
    started = []

    def start(**settings: object) -> Service:
        started.append(Service(strapi, mail_server, ledger, settings))
        return started[-1]

    yield start
    for service in started:
        service.end()


@pytest.fixture
def service(start: Start) -> Service:
    """The service with the settings that it requires."""
    return start()


@pytest.fixture
def undoing(start: Start) -> Service:
    """Ada waits. A decision about her can be undone for ten minutes."""
    service = start(UNDO_SECONDS=600)
    service.visitor().apply()
    return service


@pytest.fixture
def process(
    strapi: StrapiFile, ledger: SQLiteFile, mail_server: SMTPServer, tmp_path: Path
) -> Iterator[RunningService]:
    """The service under gunicorn, which the test starts."""
    mail_server.clear()
    settings = required(strapi, mail_server, ledger.url)
    with RunningService(settings, mail_server, tmp_path / "output") as process:
        yield process


@pytest.fixture
def sue(service: Service) -> Visitor:
    """A super admin who is logged in."""
    return service.reviewer()


@pytest.fixture
def later() -> Iterator[Later]:
    """Set the clock ahead."""
    travels = []

    def later(by: timedelta) -> None:
        travels.append(travel(now() + by, tick=True))
        travels[-1].start()

    yield later
    for each in reversed(travels):
        each.stop()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server."""
    yield from running(PostgreSQL)


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Server]:
    """A MariaDB server."""
    yield from running(MariaDB)


@pytest.fixture(scope="session", params=["postgresql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Server:
    """Each database server."""
    found: Server = request.getfixturevalue(request.param)
    return found


def running(engine: type[Server]) -> Iterator[Server]:
    """Start a server, and remove it and its files when the tests end."""
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
    """Chromium."""
    if not CHROMIUM:
        pytest.skip("no chromium on the PATH: install it, or name one with CHROMIUM=/path")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`make test ARGS='--renew -k email_texts'` renews tests/data/emails."""
    parser.addoption("--renew", action="store_true", help="renew tests/data/emails")


def pytest_report_header() -> str:
    return "all tests" if ALL_TESTS else "databases: SQLite (`make test-all` adds the servers)"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many tests were skipped for each reason."""
    skipped = terminalreporter.stats.get("skipped", [])
    for reason, count in Counter(str(report.longrepr[-1]) for report in skipped).items():
        terminalreporter.write_line(f"{count} × {reason}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With NO_SKIPS=1, fail the run when a test was skipped."""
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    if os.environ.get("NO_SKIPS") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED

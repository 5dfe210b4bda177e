"""`flask check` against a server."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.database_servers import ADMIN_PASSWORD, Server
from tests.support.service import Service
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import SQLiteFile
from tests.support.strapi_on_server import StrapiOnServer

# No text of the service contains these words: if they are shown, they were leaked.
USER, PASSWORD = "strangername", "Str4ngers/pass?word@"

on_postgresql = pytest.mark.parametrize("server", ["postgresql"], indirect=True)
on_mariadb = pytest.mark.parametrize("server", ["mariadb"], indirect=True)

Check = Callable[..., str]


@pytest.fixture
def check(
    server: Server, tmp_path: Path, mail_server: SMTPServer, caplog: pytest.LogCaptureFixture
) -> Iterator[Check]:
    """Run `flask check` with these settings; return what it says, on one line."""
    strapi = StrapiOnServer.on(server, "strapi")
    services = []

    def check(**settings: object) -> str:
        ledger = SQLiteFile(tmp_path / "ledger.db")
        services.append(Service(strapi, mail_server, ledger, settings))
        output = services[-1].run("check").output
        for secret in (USER, PASSWORD, ADMIN_PASSWORD):
            assert secret not in output + caplog.text
        return " ".join(output.split())

    yield check
    for service in services:
        service.end()

"""What the tests of faults share: a service that is back at once after a kill."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.signup_load import RestartableService
from tests.support.service import required
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import StrapiFile


@pytest.fixture
def restartable(
    strapi: StrapiFile, ledger: StrapiFile, mail_server: SMTPServer, tmp_path: Path
) -> Iterator[RestartableService]:
    """The service, which the test starts, kills and starts again."""
    mail_server.clear()
    settings = required(strapi, mail_server, tmp_path / "ledger.db")
    named = {**settings, "LEDGER": ledger.url, "MAX_WAITING": 100_000}
    with RestartableService(named, mail_server, tmp_path / "output") as service:
        yield service

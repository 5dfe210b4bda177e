"""What the tests of faults share: the service in a process that can be killed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.signup_load import Nursed
from tests.support.service import required
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import SQLiteFile, StrapiFile


@pytest.fixture
def nursed(
    strapi: StrapiFile, ledger: SQLiteFile, mail_server: SMTPServer, tmp_path: Path
) -> Iterator[Nursed]:
    """The service, which the test starts, kills and starts again."""
    mail_server.clear()
    settings = required(strapi, mail_server, tmp_path / "ledger.db")
    nursed = Nursed(settings, mail_server, ledger)
    yield nursed
    nursed.stop()

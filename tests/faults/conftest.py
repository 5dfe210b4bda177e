"""What the tests of faults share: the service in a process that can be killed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.signup_load import Nursed
from tests.support.service import MailServer, StrapiFile, required


@pytest.fixture
def nursed(
    strapi: StrapiFile, records: StrapiFile, mail_server: MailServer, tmp_path: Path
) -> Iterator[Nursed]:
    """The service, which the test starts, kills and starts again."""
    mail_server.forget()
    settings = required(strapi, mail_server, tmp_path / "ledger.db")
    nursed = Nursed(settings, mail_server, records)
    yield nursed
    nursed.stop()

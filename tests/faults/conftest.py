"""What the tests of faults share: a service that is back at once after a kill."""

from collections.abc import Iterator

import pytest

from tests.faults.signup_load import RestartableService
from tests.support.running_service import RunningService


@pytest.fixture
def restartable(process: RunningService) -> Iterator[RestartableService]:
    """The service, which the test starts, kills and starts again."""
    settings = {**process.settings, "MAX_WAITING": 100_000}
    with RestartableService(settings, process.mail, process.log) as service:
        yield service

"""kill -9 of everything at random moments, while people sign up and confirm."""

import os
import random
import time
from collections.abc import Callable

import pytest

from tests.conftest import every_engine
from tests.faults.signup_load import Crowd, Nursed
from tests.support.strapi_file import SQLiteFile, StrapiFile
from tests.support.strapi_on_server import ENGINES

KILLS = 1000 if os.environ.get("FAULTS") == "full" else 200
# On a server, whose own crashes are somebody else's to test.
FEWER = 10


@pytest.mark.timeout(1200)
@every_engine
def test_nothing_acknowledged_is_lost_to_kills_at_random(
    nursed: Nursed,
    strapi: StrapiFile,
    ledger: SQLiteFile,
    backend: str,
    tally: Callable[..., None],
) -> None:
    kills = KILLS // FEWER if backend in ENGINES else KILLS
    nursed.start()
    crowd = Crowd(nursed)
    for _ in range(kills):
        time.sleep(random.uniform(0.01, 0.15))
        nursed.kill()
        nursed.start()
    crowd.disconnect()

    violations = list(crowd.broken_promises(strapi, ledger))
    assert len(crowd.asked) > kills / 10
    assert crowd.confirmed
    done = f"{len(crowd.asked)} signups and {len(crowd.confirmed)} confirmations"
    print(f"{done} were acknowledged")
    tally("kill -9 of everything, after 10 to 150 ms under load", kills, violations)

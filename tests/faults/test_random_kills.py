"""kill -9 of everything at random moments, while people sign up and confirm."""

import os
import random
import time

import pytest

from tests.faults.signup_load import PEOPLE, RestartableService, SignupLoad
from tests.support.report_tables import Report
from tests.support.strapi_file import StrapiFile

KILLS = 1000 if os.environ.get("FAULTS") == "full" else 100


@pytest.mark.timeout(1200)
def test_random_kills_lose_nothing_that_was_accepted(
    restartable: RestartableService, strapi: StrapiFile, ledger: StrapiFile, report: Report
) -> None:
    restartable.start()
    clients = [restartable.client() for _ in range(PEOPLE)]
    with SignupLoad(clients, restartable.mail) as load:
        for _ in range(KILLS):
            time.sleep(random.uniform(0.01, 0.15))
            restartable.kill()
            restartable.start()

    ledger.do("UPDATE letter SET leased_until = 0, due_at = 0 WHERE sent_at IS NULL")
    load.wait_for_the_rest(strapi, ledger)
    assert len(load.asked) > KILLS / 10
    assert load.confirmed
    broken = load.violations(strapi, ledger)
    report("kill -9 of everything, after 10 to 150 ms under load", KILLS, broken)

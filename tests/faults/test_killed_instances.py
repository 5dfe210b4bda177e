"""Three instances behind nginx, two of them killed at random, while people sign up and decide."""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import pytest

from tests.faults.signup_load import WAITING, SignupLoad
from tests.support.database_servers import Server
from tests.support.deployment import NEEDS_NGINX
from tests.support.instances import InstanceGroup
from tests.support.processes import Gunicorn
from tests.support.report_tables import Report
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import SUE, SUE_PASSWORD

pytestmark = NEEDS_NGINX

SECONDS = 120 if os.environ.get("FAULTS") == "full" else 12
PEOPLE = 6
TOLD = {"activate": "You can write for", "decline": "About your application"}


class DecidedLoad(SignupLoad):
    """People who sign up, and Sue who decides about them."""

    def __init__(self, group: InstanceGroup) -> None:
        super().__init__([group.client(number) for number in range(PEOPLE)], group.mail)
        self.group = group
        self.sue = group.client(PEOPLE)
        self.decided: dict[str, str] = {}
        self._reviewer = threading.Thread(target=self._review)

    def __enter__(self) -> Self:
        self._reviewer.start()
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self._reviewer.join()

    def _review(self) -> None:
        form: dict[str, Any] = {"email": SUE, "password": SUE_PASSWORD}
        while self.sue.post("/review/login", **form).status != 303:
            if self.done.wait(0.1):
                return
        while not self.done.wait(0.1):
            for author in self.group.strapi.admins():
                if author["email"] not in {SUE, *self.decided} and not self.done.is_set():
                    self._decide(author["id"], author["email"])

    def _decide(self, number: int, email: str) -> None:
        verb = random.choice(["activate", "decline"])
        told: dict[str, Any] = {"tell": "y", "reason": "Not now."} if verb == "decline" else {}
        if self.sue.post(f"/review/{number}/{verb}", page="/review", **told).status == 303:
            self.decided[email] = verb


def kill_again_and_again(instance: Gunicorn, done: threading.Event) -> int:
    """Kill an instance at random moments and start it again; return how often."""
    kills = 0
    while not done.wait(random.uniform(0.3, 2.5)):
        instance.kill()
        kills += 1
        instance.start()
    return kills


@pytest.fixture
def group(server: Server, mail_server: SMTPServer, tmp_path: Path) -> Iterator[InstanceGroup]:
    mail_server.clear()
    settings = {"RATELIMIT_ENABLED": False, "MAX_WAITING": 100_000}
    with InstanceGroup(tmp_path, server, mail_server, **settings) as group:
        yield group


@pytest.mark.timeout(600)
def test_killed_instances_lose_nothing_and_do_nothing_twice(
    group: InstanceGroup, report: Report
) -> None:
    with DecidedLoad(group) as load, ThreadPoolExecutor(2) as killers:
        killed = [
            killers.submit(kill_again_and_again, instance, load.done)
            for instance in group.instances[1:]
        ]
        time.sleep(SECONDS)
        load.done.set()
        kills = sum(each.result() for each in killed)
    load.wait_for_the_rest(group.strapi, group.ledger)

    broken = [*load.violations(group.strapi, group.ledger), *undecided(load), *odd(load, kills)]
    assert kills
    assert load.confirmed
    assert load.decided, [answer.status for answer in load.sue.answers]
    report(f"kill -9 of two of three instances on {group.ledger.server.name}", kills, broken)


def undecided(load: DecidedLoad) -> Iterator[str]:
    """Decisions that were lost, or that somebody was not told of."""
    active = {admin["email"]: bool(admin["is_active"]) for admin in load.group.strapi.admins()}
    signups = load.group.ledger.rows("SELECT email, state FROM signup")
    states = {row["email"]: row["state"] for row in signups}
    for email, verb in load.decided.items():
        if active[email] != (verb == "activate"):
            yield f"Sue decided to {verb} {email}, but in Strapi it is not done"
        if states[email] != {"activate": "active", "decline": "declined"}[verb]:
            yield f"Sue decided to {verb} {email}, who is {states[email]}"
        if email not in load.told(TOLD[verb]):
            yield f"{email} was not told of the decision"
    for subject in (*TOLD.values(), WAITING):
        for email, ids in load.told(subject).items():
            if len(ids) > 1:
                yield f"{email} got {len(ids)} emails '{subject}'"


def odd(load: DecidedLoad, kills: int) -> Iterator[str]:
    """Answers, copies of emails and log lines that should not be."""
    statuses = Counter(answer.status for answer in load.answers())
    # An author whose signup is not complete yet is not in the queue. A decision whose answer was
    # lost stays.
    statuses += Counter(a.status for a in load.sue.answers if a.status not in (404, 409))
    for status, number in statuses.items():
        if status not in (200, 303, 503):
            yield f"{number} requests were answered with {status}"
    # Each kill can hit one email between the mail server's answer and the note of it.
    copies = Counter(str(message["Message-ID"]) for message in load.mail.messages)
    repeated = [each for each, number in copies.items() if number > 1]
    if len(repeated) > kills or max(copies.values()) > 2:
        yield f"{len(repeated)} emails came again, beside {kills} kills"
    if "Traceback" in load.group.output():
        yield load.group.output()[-4000:]

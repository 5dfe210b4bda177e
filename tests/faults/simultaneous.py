"""Let many processes of the service do the same at the same moment.

Run as `python -m tests.faults.simultaneous`. It reads what to do as JSON, creates and forks the
service, starts all forks at once, and prints what each returned, as JSON.
"""

import json
import multiprocessing
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from models import password_hashing
from models.mail.outbox import OutgoingEmail
from tests.faults.forked_service import service_at
from tests.support.paths import ROOT
from tests.support.service import ADA, WRONG_PASSWORD, Service

PROCESSES = 50


def run_simultaneously(service: Service, act: str, link: str = "") -> list[Any]:
    """What each of the processes returned."""
    task = {
        "strapi": service.strapi.url,
        "ledger": service.ledger.url,
        "mail_port": service.mail.port,
        "limited": service.app.config["RATELIMIT_ENABLED"],
        "act": act,
        "link": link,
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.simultaneous"],
        cwd=ROOT,
        input=json.dumps(task),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return list(json.loads(done.stdout))


def confirm(service: Service, link: str, number: int) -> int:
    return service.visitor().confirm(link, password=f"Analytical{number}engine").status_code


def ask(service: Service, link: str, number: int) -> int:
    return service.visitor().ask(ADA).status_code


def guess(service: Service, link: str, number: int) -> int:
    return service.visitor().log_in(password=WRONG_PASSWORD).status_code


def lease(service: Service, link: str, number: int) -> list[int]:
    """The ids of the emails that this process has to send."""
    leased = []
    with service.app.app_context():
        while email := OutgoingEmail.lease_next():
            leased.append(email.id)
    return leased


ACTS: dict[str, Callable[[Service, str, int], Any]] = {
    each.__name__: each for each in (confirm, ask, guess, lease)
}


def main() -> None:
    password_hashing.COST = 4
    task = json.loads(sys.stdin.read())
    service = service_at(task["strapi"], task["ledger"], task["mail_port"], task["limited"])
    # Templates and translations are read once, not by each fork.
    for path in ("/signup", "/review/login", task["link"] or "/"):
        service.visitor().get(path)
    service.end()
    forks = multiprocessing.get_context("fork")
    start, results = forks.Barrier(PROCESSES), forks.SimpleQueue()

    def act(number: int) -> None:
        start.wait()
        results.put(ACTS[task["act"]](service, task["link"], number))

    processes = [forks.Process(target=act, args=(number,)) for number in range(PROCESSES)]
    for process in processes:
        process.start()
    print(json.dumps([results.get() for _ in processes]))


if __name__ == "__main__":
    main()

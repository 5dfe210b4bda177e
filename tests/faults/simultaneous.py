"""Let many processes of the service do the same at the same moment.

Run as `python -m tests.faults.simultaneous`. It reads what to do as JSON, creates and forks the
service, starts all forks at once, and prints what each returned, as JSON.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from models import password_hashing
from models.mail.outbox import OutgoingEmail
from tests.faults.forked_service import DatabaseAt
from tests.support.paths import ROOT
from tests.support.service import ADA, Service
from tests.support.smtp_server import SMTPServer

PROCESSES = 50


def run_simultaneously(service: Service, act: str, link: str = "") -> list[Any]:
    """What each of the processes returned."""
    task = {
        "strapi": service.strapi.url,
        "ledger": service.ledger.url,
        "mail_port": service.mail.port,
        "settings": {"RATELIMIT_ENABLED": service.app.config["RATELIMIT_ENABLED"]},
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


def lease(service: Service, link: str, number: int) -> list[int]:
    """The ids of the emails that this process has to send."""
    leased = []
    with service.app.app_context():
        while email := OutgoingEmail.claim_next():
            leased.append(email.id)
    return leased


ACTS: dict[str, Callable[[Service, str, int], Any]] = {
    "confirm": confirm,
    "ask": ask,
    "lease": lease,
}


def main() -> None:
    password_hashing.COST = 4
    task = json.loads(sys.stdin.read())
    mail, ledger = SMTPServer(task["mail_port"]), DatabaseAt(task["ledger"])
    service = Service(DatabaseAt(task["strapi"]), mail, ledger, task["settings"])
    waiting, starting = os.pipe()
    pipes = []
    for number in range(PROCESSES):
        reading, writing = os.pipe()
        if os.fork() == 0:
            os.close(starting)
            os.read(waiting, 1)
            result = ACTS[task["act"]](service, task["link"], number)
            os.write(writing, json.dumps(result).encode())
            os._exit(0)
        os.close(writing)
        pipes.append(reading)
    os.close(starting)
    print(json.dumps([json.loads(os.fdopen(pipe).read() or "null") for pipe in pipes]))


if __name__ == "__main__":
    main()

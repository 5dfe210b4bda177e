"""Fork a fresh service for each fault, from a process that has imported it once.

Run as `python -m tests.faults.forked_service` with fault.c preloaded. It reads a `Trial` from each
line and answers with an `Outcome`.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from werkzeug.test import TestResponse

from models import password_hashing
from tests.faults.acts import ACTS, Person
from tests.support.paths import ROOT
from tests.support.service import Service, Visitor
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import StrapiFile

SOURCE = Path(__file__).with_name("fault.c")


@dataclass(frozen=True)
class Fault:
    """What happens at the n-th write to a path that contains `place` or `also`.

    The call fails with the errno `failure`; if it is 0, the process is killed, `torn` after half of
    the write.
    """

    nth: int = 0
    failure: int = 0
    torn: bool = False
    place: str = ""
    also: str = ""


@dataclass(frozen=True)
class Trial:
    """An act on the databases with these URLs, and the fault during it."""

    strapi: str
    ledger: str
    mail_port: int
    act: str
    person: Person
    fault: Fault


@dataclass(frozen=True)
class Outcome:
    """Whether the process was killed. Otherwise what the visitor saw, and how many writes it took.

    `again` is the status of a second attempt after the fault, if the first one failed.
    """

    killed: bool
    status: int = 0
    headers: str = ""
    again: int = 0
    writes: int = 0

    @property
    def accepted(self) -> bool:
        return self.status in (200, 303)


class ForkServer:
    """The process, as the tests use it."""

    def __init__(self, library: Path) -> None:
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.forked_service", str(library)],
            cwd=ROOT,
            env={**os.environ, "LD_PRELOAD": str(library)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, trial: Trial) -> Outcome:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(asdict(trial)) + "\n")
        self._process.stdin.flush()
        return Outcome(**json.loads(self._process.stdout.readline()))

    def stop(self) -> None:
        with self._process:
            self._process.kill()


def service_at(strapi: str, ledger: str, mail_port: int, limited: bool = False) -> Service:
    """The service on the databases with these URLs or paths."""
    nowhere = StrapiFile(Path(os.devnull))
    urls = {"STRAPI_DATABASE": strapi, "LEDGER": ledger, "RATELIMIT_ENABLED": limited}
    return Service(nowhere, SMTPServer(mail_port), nowhere, urls)


def perform(trial: Trial, library: ctypes.CDLL) -> dict[str, object]:
    """Do the act with the fault. If it fails, do it again without."""
    service = service_at(trial.strapi, trial.ledger, trial.mail_port)
    visitor, act, fault = service.visitor(), ACTS[trial.act], trial.fault
    if act.needs_login:
        visitor.log_in()
    plan = (fault.failure, int(fault.torn), fault.place.encode(), fault.also.encode())
    library.fault_plan(fault.nth, *plan)
    answer = attempt(visitor, trial)
    writes = library.fault_count()
    library.fault_plan(0, *plan)
    status = answer.status_code if answer else 0
    failed = fault.failure and status not in (200, 303)
    again = attempt(visitor, trial) if failed else answer
    return {
        "status": status,
        "headers": str(answer.headers) if answer else "",
        "again": again.status_code if again else 0,
        "writes": writes,
    }


def attempt(visitor: Visitor, trial: Trial) -> TestResponse | None:
    """Do the act. The worker logs what goes wrong, and tries again later."""
    act = ACTS[trial.act]
    try:
        return act.do(visitor, trial.person)
    except Exception:
        if not trial.act.startswith("send"):
            raise
        return None


def main() -> None:
    password_hashing.COST = 4
    library = ctypes.CDLL(sys.argv[1])
    for line in sys.stdin:
        given = json.loads(line)
        named = {"person": Person(**given["person"]), "fault": Fault(**given["fault"])}
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            outcome = perform(Trial(**{**given, **named}), library)
            os.write(writing, json.dumps(outcome).encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            told = pipe.read()
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        print(json.dumps({"killed": killed, **json.loads(told or "{}")}), flush=True)


if __name__ == "__main__":
    main()

"""A process that has imported the service once, and forks a fresh one for each fault.

Run as `python -m tests.faults.stable` with fault.c preloaded, it reads a Trial a line and answers
with a line: what the visitor was told, or that the process was killed.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.support.paths import ROOT
from tests.support.service import Service, Visitor
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import StrapiFile

SOURCE = Path(__file__).with_name("fault.c")


@dataclass(frozen=True)
class Trial:
    """An act of one visitor, on the databases of these addresses, and the fault that meets it at
    the n-th write: an errno to fail with, or 0 for a kill, `torn` after half of the write."""

    strapi: str
    ledger: str
    mail_port: int
    act: str
    link: str = ""
    author_id: int = 0
    nth: int = 0
    failure: int = 0
    torn: bool = False
    place: str = ""
    also: str = ""


@dataclass(frozen=True)
class Outcome:
    """Whether the process was killed; else the status that the visitor got, the one that a
    second attempt got once the fault was over, and how many writes there were."""

    killed: bool
    status: int = 0
    headers: str = ""
    again: int = 0
    writes: int = 0


class Stable:
    """The process, as the tests talk to it."""

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
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def service_of(strapi: StrapiFile, ledger: StrapiFile, mail: SMTPServer) -> Service:
    """The service on these databases."""
    return Service(strapi, mail, ledger, {"RATELIMIT_ENABLED": False})


class Named(StrapiFile):
    """A database of which nothing is known but its address."""

    def __init__(self, address: str) -> None:
        super().__init__(Path(address))
        self.by_email = address

    @property
    def address(self) -> str:
        return self.by_email


ACTS: dict[str, Callable[[Visitor, Trial], Any]] = {
    "signup": lambda visitor, _: visitor.ask(),
    "confirm": lambda visitor, trial: visitor.confirm(trial.link),
    "withdraw": lambda visitor, trial: visitor.post(f"{trial.link}/withdraw", page=trial.link),
    "stop": lambda visitor, trial: visitor.post(trial.link),
    "activate": lambda visitor, trial: visitor.decide("activate", trial.author_id),
    "decline": lambda visitor, trial: visitor.decide("decline", trial.author_id, tell="y"),
    "deliver": lambda visitor, _: visitor.service.deliver(),
}


def perform(trial: Trial, library: ctypes.CDLL) -> dict[str, object]:
    """Do what the trial says, then once more without the fault."""
    strapi, ledger = Named(trial.strapi), Named(trial.ledger)
    service = service_of(strapi, ledger, SMTPServer(trial.mail_port))
    visitor, act = service.visitor(), ACTS[trial.act]
    if trial.act in ("activate", "decline"):
        visitor.log_in()
    plan = (trial.failure, int(trial.torn), trial.place.encode(), trial.also.encode())
    library.fault_plan(trial.nth, *plan)
    told = answer(act, visitor, trial)
    writes = library.fault_count()
    library.fault_plan(0, *plan)
    refused = getattr(told, "status_code", 503) not in (200, 303)
    again = answer(act, visitor, trial) if trial.failure and refused else told
    return {
        "status": getattr(told, "status_code", 0),
        "headers": str(getattr(told, "headers", "")),
        "again": getattr(again, "status_code", 0),
        "writes": writes,
    }


def answer(act: Callable[[Visitor, Trial], Any], visitor: Visitor, trial: Trial) -> Any:
    """What a visitor is told; a courier that stumbles tries again, as its loop does."""
    try:
        return act(visitor, trial)
    except Exception as error:
        if trial.act != "deliver":
            raise
        return error


def main() -> None:
    library = ctypes.CDLL(sys.argv[1])
    for line in sys.stdin:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            outcome = perform(Trial(**json.loads(line)), library)
            os.write(writing, json.dumps(outcome).encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            said = pipe.read()
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        print(json.dumps({"killed": killed, **json.loads(said or "{}")}), flush=True)


if __name__ == "__main__":
    main()

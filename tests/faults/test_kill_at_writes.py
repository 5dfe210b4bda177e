"""A kill or a failing disk at every single write. Afterwards every promise still holds."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count, product
from pathlib import Path
from typing import Any

import pytest

from tests.faults.acts import ACTS, Person, bring_to, reviewers_know, states, violations
from tests.faults.forked_service import Fault, ForkServer, Outcome, Trial
from tests.faults.snapshots import FileSnapshot, ServerSnapshot
from tests.support.report_tables import Report
from tests.support.service import ADA, Later, Service
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import StrapiFile
from tests.support.strapi_on_server import ENGINES

FULL = os.environ.get("FAULTS") == "full"
# (version of Strapi, journal mode of its file, moment of the kill)
KILLS = [("5.54.0", "delete", "before"), ("4.2.3", "wal", "during")]
if FULL:
    KILLS = list(product(("4.2.3", "5.54.0"), ("delete", "wal"), ("before", "during")))
# Not in full, every third write is tried, beginning with the first or the second one.
STRIDE = 1 if FULL else 3
# On a server, a write is a message: every so many, and none is cut in half.
SERVER_STRIDE = 1 if FULL else 7
DISK_STRIDE = 1 if FULL else 5
SERVER_ACTS = list(ACTS) if FULL else ["signup", "send the link", "confirm", "activate"]
TRIALS = [(act, *kill) for act in ACTS for kill in KILLS]
TRIALS += [(act, engine, "", "before") for act in SERVER_ACTS for engine in ENGINES]


@pytest.fixture(scope="session")
def fork_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler to inject faults: install gcc")
    fork_server = ForkServer(tmp_path_factory.mktemp("fault") / "fault.so")
    yield fork_server
    fork_server.stop()


@dataclass
class Experiment:
    """One act, tried from the same state with a fault at another write each time."""

    fork_server: ForkServer
    mail: SMTPServer
    snapshot: FileSnapshot | ServerSnapshot
    act: str

    def __post_init__(self) -> None:
        """Bring Ada to the step before the act, and remember everything."""
        service = self._service(self.snapshot.strapi, self.snapshot.ledger)
        self.ada = bring_to(service, ACTS[self.act].before)
        service.end()
        self.snapshot.take()
        self._messages = list(self.mail.messages)

    def run(self, fault: Fault, first: int, stride: int) -> Iterator[tuple[Outcome, list[str]]]:
        """What came of each trial and which promises broke, up to one without a fault."""
        for nth in count(first, stride):
            self.mail.messages[:] = self._messages
            strapi, ledger = self.snapshot.restore()
            planned = (self.act, self.ada, replace(fault, nth=nth))
            outcome = self.fork_server.run(Trial(strapi.url, ledger.url, self.mail.port, *planned))
            service = self._service(strapi, ledger)
            found = list(broken_promises(self.act, self.ada, outcome, service))
            service.end()
            yield outcome, [f"{self.act}, {fault}, write {nth}: {each}" for each in found]
            if not outcome.killed and outcome.writes < nth:
                return

    def _service(self, strapi: StrapiFile, ledger: StrapiFile) -> Service:
        return Service(strapi, self.mail, ledger, {"RATELIMIT_ENABLED": False})


@pytest.fixture
def experiment(
    fork_server: ForkServer,
    mail_server: SMTPServer,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    later: Later,
) -> Callable[..., Experiment]:
    """Prepare an act. Its trials run 20 minutes later, when no lease and no pause is left."""

    def experiment(act: str, backend: str, journal: str) -> Experiment:
        mail_server.clear()
        snapshot: Any = (
            ServerSnapshot(request.getfixturevalue(backend))
            if backend in ENGINES
            else FileSnapshot(tmp_path, backend, journal)
        )
        prepared = Experiment(fork_server, mail_server, snapshot, act)
        later(timedelta(minutes=20))
        return prepared

    return experiment


def broken_promises(act: str, ada: Person, outcome: Outcome, service: Service) -> Iterator[str]:
    """What is wrong once the service has started again, and Ada or Sue has tried again."""
    do, _, after = ACTS[act]
    service.deliver()
    service.deliver()
    if outcome.accepted and states(service, ADA) != [after]:
        yield f"the act was accepted, and the signups are {states(service, ADA)}"
    if service.strapi.admin(ADA) and not reviewers_know(service):
        yield "Ada is in Strapi, and no reviewer was told"
    if states(service, ADA) != [after] or act in ("activate", "decline"):
        visitor = service.visitor()
        if ACTS[act].needs_login:
            visitor.log_in()
        answer = do(visitor, ada)
        if answer and answer.status_code not in (200, 303, 409):
            yield f"repeated, the act is answered with {answer.status_code}"
        service.deliver()
    yield from violations(service, ADA, after, copies=2)
    if after == "asked":
        link = service.visitor().link()
        if "Choose a password" not in service.visitor().get(link).text:
            yield "the link does not work"


@pytest.mark.parametrize(
    ("act", "backend", "journal", "moment"), TRIALS, ids=lambda part: part.replace(" ", "-")
)
def test_a_kill_at_any_write_loses_nothing_that_was_accepted(
    experiment: Callable[..., Experiment],
    report: Report,
    act: str,
    backend: str,
    journal: str,
    moment: str,
) -> None:
    on_server = backend in ENGINES
    place = "socket:" if on_server else "trial/"
    fault = Fault(torn=moment == "during", place=place, also="socket:")
    first = 1 if on_server or backend == "5.54.0" else min(2, STRIDE)
    trials = list(
        experiment(act, backend, journal).run(fault, first, SERVER_STRIDE if on_server else STRIDE)
    )
    assert any(outcome.killed for outcome, _ in trials)
    where = f" to {backend}" if on_server else ""
    broken = [each for _, found in trials for each in found]
    report(f"kill -9 {moment} every write of '{act}'{where}", len(trials), broken)


@pytest.mark.parametrize("place", ["ledger.db", "strapi.db"])
@pytest.mark.parametrize("failure", [errno.ENOSPC, errno.EIO], ids=["ENOSPC", "EIO"])
@pytest.mark.parametrize("act", ACTS)
def test_a_failing_disk_gets_a_clear_answer_and_needs_no_restart(
    experiment: Callable[..., Experiment], report: Report, act: str, failure: int, place: str
) -> None:
    fault = Fault(failure=failure, place=f"trial/{place}")
    trials = list(experiment(act, "5.54.0", "delete").run(fault, 1, DISK_STRIDE))
    broken = [each for outcome, found in trials for each in (*found, *unclear_answers(outcome))]
    report(f"{errno.errorcode[failure]} at every write of '{act}'", len(trials), broken)


def unclear_answers(outcome: Outcome) -> Iterator[str]:
    """What is wrong with the answers while the disk failed, and after that."""
    if outcome.status not in (0, 200, 303, 503):
        yield f"the answer is {outcome.status}"
    if outcome.status == 503 and "Retry-After" not in outcome.headers:
        yield "the answer does not say when to try again"
    if outcome.again not in (0, 200, 303, 409):
        yield f"a second attempt, with a good disk, is answered with {outcome.again}"

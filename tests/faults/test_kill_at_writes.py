"""Killed, or with a failing disk, at every single write: afterwards every promise still holds."""

import errno
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.faults.forked_service import Outcome, Stable, Trial, service_of
from tests.faults.invariants import damage
from tests.faults.snapshots import Files, Tables
from tests.support.service import ADA, Service
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import SUE, StrapiFile
from tests.support.strapi_on_server import ENGINES

Tally = Callable[..., None]
Later = Callable[[timedelta], None]
Ground = Files | Tables

FULL = os.environ.get("FAULTS") == "full"
# Of the calls that may fail, every so many.
STRIDE = 1 if FULL else 5
REDUCED = (("5.54.0", "delete", "before"), ("4.2.3", "wal", "half of"))
# The state before each act.
BEFORE = {
    "signup": "new",
    "deliver": "asked",
    "confirm": "invited",
    "stop": "invited",
    "deliver news": "confirmed",
    "activate": "waiting",
    "decline": "waiting",
    "withdraw": "waiting",
    "deliver the end": "decided",
}
KILLS = [
    (shape, journal, kill)
    for shape in ("4.2.3", "5.54.0")
    for journal in ("delete", "wal")
    for kill in ("before", "half of")
    if FULL or (shape, journal, kill) in REDUCED
]
# Of the writes into files, every other one: odd ones beside the newest Strapi, even ones beside an
# old one.
EVERY = 1 if FULL else 2
# Beside a server, every so many writes, and half of a write is none there.
FEWER = 1 if FULL else 7
SERVED = list(BEFORE) if FULL else ["signup", "deliver", "confirm", "activate"]
TRIALS = [(act, how) for act in BEFORE for how in KILLS]
TRIALS += [(act, (engine, "", "before")) for act in SERVED for engine in ENGINES]


@pytest.fixture(scope="session")
def stable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stable]:
    if shutil.which("cc") is None:
        pytest.skip("a C compiler injects these faults: install gcc")
    stable = Stable(tmp_path_factory.mktemp("fault") / "fault.so")
    yield stable
    stable.stop()


@pytest.fixture
def prepare(
    mail_server: SMTPServer, tmp_path: Path, request: pytest.FixtureRequest
) -> Callable[[str, str, str], tuple[Ground, Trial]]:
    """Makes the databases in the state before an act; returns the act without a fault."""

    def prepare(act: str, shape: str, journal: str) -> tuple[Ground, Trial]:
        served = shape in ENGINES
        ground: Ground = (
            Tables(request.getfixturevalue(shape)) if served else Files(tmp_path, shape, journal)
        )
        mail_server.clear()
        service = service_of(ground.strapi, ground.ledger, mail_server)
        trial = brought_to(BEFORE[act], service, act.split(maxsplit=1)[0])
        service.end()
        ground.keep()
        return ground, trial

    return prepare


def brought_to(state: str, service: Service, act: str) -> Trial:
    """The act, once Ada is where she would do it."""
    trial = Trial(service.strapi.url, service.ledger.url, service.mail.port, act)
    visitor = service.visitor()
    if state == "new":
        return trial
    visitor.ask()
    if state == "asked":
        return trial
    service.deliver()
    trial = replace(trial, link=visitor.link("stop" if act == "stop" else "confirm"))
    if state == "invited":
        return trial
    visitor.confirm()
    if state == "confirmed":
        return trial
    service.deliver()
    trial = replace(trial, author_id=service.signup()["strapi_id"])
    if state == "decided":
        sue = service.visitor()
        sue.log_in()
        sue.decide("activate", trial.author_id)
    return trial


@pytest.mark.parametrize(
    ("act", "how"),
    TRIALS,
    ids=lambda each: each if isinstance(each, str) else "-".join(filter(None, each)),
)
def test_killed_at_any_write_nothing_accepted_is_lost(
    stable: Stable,
    prepare: Callable[[str, str, str], tuple[Ground, Trial]],
    mail_server: SMTPServer,
    later: Later,
    tally: Tally,
    act: str,
    how: tuple[str, str, str],
) -> None:
    shape, journal, what = how
    ground, before = prepare(act, shape, journal)
    letters, recipients = list(mail_server.messages), list(mail_server.recipients)
    later(timedelta(minutes=20))
    served = shape in ENGINES
    # Whatever is sent to a server or written into a file.
    place = "socket:" if served else "trial/"
    violations: list[str] = []
    first = 1 if served or shape == "5.54.0" else EVERY
    for tried, nth in enumerate(count(first, FEWER if served else EVERY)):  # noqa: B007 (told below)
        mail_server.messages[:], mail_server.recipients[:] = letters, recipients
        strapi, ledger = ground.again()
        fault = {"nth": nth, "torn": what == "half of", "place": place, "also": "socket:"}
        trial = on(strapi, ledger, before, **fault)
        outcome = stable.run(trial)
        service = service_of(strapi, ledger, mail_server)
        found = broken_promises(act, trial, outcome, service, len(letters))
        where = f"{act}, {shape}, {journal}, killed at write {nth}"
        violations += [f"{where}: {each}" for each in found]
        if not outcome.killed:
            break
    assert tried >= 1
    to = f" to {shape}" if served else ""
    tally(f"kill -9 {what} every write of {act}{to}", tried, violations)


@pytest.mark.parametrize("place", ["ledger.db", "strapi.db"])
@pytest.mark.parametrize("failure", [errno.ENOSPC, errno.EIO], ids=["ENOSPC", "EIO"])
@pytest.mark.parametrize("act", BEFORE)
def test_a_failing_disk_gets_a_clear_answer_and_heals_without_a_restart(
    stable: Stable,
    prepare: Callable[[str, str, str], tuple[Ground, Trial]],
    mail_server: SMTPServer,
    later: Later,
    tally: Tally,
    act: str,
    failure: int,
    place: str,
) -> None:
    ground, before = prepare(act, "5.54.0", "delete")
    letters, recipients = list(mail_server.messages), list(mail_server.recipients)
    later(timedelta(minutes=20))
    violations: list[str] = []
    for tried, nth in enumerate(count(1, STRIDE)):  # noqa: B007 (how often is told below)
        mail_server.messages[:], mail_server.recipients[:] = letters, recipients
        strapi, ledger = ground.again()
        fault = {"nth": nth, "failure": failure, "place": f"trial/{place}"}
        trial = on(strapi, ledger, before, **fault)
        outcome = stable.run(trial)
        found = unclear_answers(outcome)
        service = service_of(strapi, ledger, mail_server)
        found += broken_promises(act, trial, outcome, service, len(letters))
        name = errno.errorcode[failure]
        violations += [f"{act}, {name} at write {nth} of {place}: {each}" for each in found]
        if outcome.writes < nth:
            break
    tally(f"{errno.errorcode[failure]} at every write of {act}", tried, violations)


def on(strapi: StrapiFile, ledger: StrapiFile, trial: Trial, **fault: Any) -> Trial:
    """The same act, on these databases, with a fault."""
    return replace(trial, strapi=strapi.url, ledger=ledger.url, **fault)


def unclear_answers(outcome: Outcome) -> list[str]:
    """What is wrong with the pages that the visitor saw."""
    wrong = []
    if outcome.status not in (0, 200, 303, 503):
        wrong.append(f"the answer is {outcome.status}")
    if outcome.status == 503 and "Retry-After" not in outcome.headers:
        wrong.append("nobody is told when to try again")
    if outcome.again not in (0, 200, 303, 409):
        wrong.append(f"a second attempt, with a good disk, gets {outcome.again}")
    return wrong


def broken_promises(
    act: str, trial: Trial, outcome: Outcome, service: Service, before: int
) -> list[str]:
    """With the service started again, let everybody finish their way, and see what is wrong."""
    service.deliver()
    service.deliver()
    accepted = not outcome.killed and outcome.status in (200, 303)
    wrong = [
        *CHECKS.get(act, arrives_and_waits)(service, trial, accepted),
        *damage(service.strapi, service.ledger),
        *repeated(service.mail, before),
    ]
    service.end()
    return wrong


def arrives_and_waits(service: Service, trial: Trial, accepted: bool) -> Iterator[str]:
    """Ada asks again where she was not answered, follows her link, and waits."""
    visitor = service.visitor()
    if service.strapi.admin(ADA):
        # By itself, before anybody clicks again (I4).
        yield from missing(service, SUE, "waiting to write")
    if not trial.link:
        arrived = any("/confirm/" in str(letter) for letter in service.mail.messages)
        if accepted and not arrived:
            yield "a signup was accepted, and no letter came"
        if not arrived:
            visitor.ask()
            service.deliver()
    link = trial.link or visitor.link()
    if accepted and "Choose a password" in visitor.get(link).text and trial.act == "confirm":
        yield "a confirmation was accepted, and the link is still open"
    if "Choose a password" in visitor.get(link).text:
        visitor.confirm(link)
    service.deliver()
    admin = service.strapi.admin(ADA)
    if admin is None or admin["is_active"]:
        yield f"Ada is not an inactive author, but {admin}"
    if service.signup()["state"] != "waiting":
        yield f"the signup is {service.signup()['state']}"
    yield from missing(service, ADA, "has your application")
    yield from missing(service, SUE, "waiting to write")


def is_decided(state: str, is_active: bool, verb: str) -> Callable[..., Iterator[str]]:
    """Sue, who decides once more, finds it decided once, and Ada has one letter about it."""

    def check(service: Service, trial: Trial, accepted: bool) -> Iterator[str]:
        was = service.signup()["state"]
        if was not in ("waiting", state) or (accepted and was != state):
            yield f"the signup is {was}"
        if bool(service.strapi.admins()[-1]["is_active"]) != (was == "active"):
            yield "Strapi and the ledger disagree"
        sue = service.visitor()
        sue.log_in()
        sue.decide(verb, trial.author_id, tell="y")
        service.deliver()
        if service.signup()["state"] != state:
            yield f"decided once more, it is {service.signup()['state']}"
        if bool(service.strapi.admins()[-1]["is_active"]) != is_active:
            yield "Strapi did not hear of it"
        yield from missing(service, ADA, "You can write" if is_active else "About your application")

    return check


def is_dropped(service: Service, trial: Trial, accepted: bool) -> Iterator[str]:
    """Ada, who says it once more, has no row in Strapi."""
    visitor = service.visitor()
    page = trial.link
    post = f"{page}/withdraw" if trial.act == "withdraw" else page
    if visitor.get(page).status_code == 200 and "<form" in visitor.get(page).text:
        if accepted:
            yield "what was accepted can be said again"
        visitor.post(post, page=page)
    service.deliver()
    if service.strapi.admin(ADA):
        yield "the row is still in Strapi"


CHECKS: dict[str, Callable[[Service, Trial, bool], Iterator[str]]] = {
    "activate": is_decided("active", True, "activate"),
    "deliver the end": is_decided("active", True, "activate"),
    "decline": is_decided("declined", False, "decline"),
    "withdraw": is_dropped,
    "stop": is_dropped,
}


def missing(service: Service, recipient: str, subject: str) -> Iterator[str]:
    """The letter that did not come."""
    mine = [letter for letter in service.mail.messages if letter["To"] == recipient]
    if not any(subject in letter["Subject"] for letter in mine):
        yield f"no letter '{subject}' came to {recipient}"


def repeated(mail: SMTPServer, before: int) -> Iterator[str]:
    """Letters that came too often: twice only where it could not be written down that they
    were sent, and then recognisable (I5)."""
    new = mail.messages[before:]
    copies = Counter(letter["Message-ID"] for letter in new)
    for letter in new:
        if copies[letter["Message-ID"]] > 2:
            yield f"{copies[letter['Message-ID']]} copies of {letter['Subject']}"
    different = {letter["Message-ID"]: (letter["To"], letter["Subject"]) for letter in new}
    for (recipient, subject), number in Counter(different.values()).items():
        if number > 1:
            yield f"{number} different letters '{subject}' to {recipient}"

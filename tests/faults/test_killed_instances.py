"""Three instances behind nginx, of which two are killed at random while many people sign up,
confirm and are decided about: nothing is lost, and nothing happens twice."""

import contextlib
import http.client
import os
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.support.database_servers import Server
from tests.support.deployment import NGINX, Answer, Client
from tests.support.instances import Fleet, Instance
from tests.support.service import ADA_PASSWORD, SUE, SUE_PASSWORD, MailServer, text

pytestmark = pytest.mark.skipif(not NGINX, reason="no nginx: install nginx")

SECONDS = 120 if os.environ.get("FAULTS") == "full" else 12
PEOPLE = 6
# A worker that died keeps its email for 20 seconds and its lease for 60. The machine may be busy.
PATIENCE = 100
SIGNED_UP, AWAY = "/signup/sent", 503
CONFIRM, RECEIVED = "Confirm your address", "has your application"
ACTIVATED, DECLINED, WAITING = "You can write for", "About your application", "waiting to write"


class Mailboxes:
    """Everybody's letters, each looked at once."""

    def __init__(self, mail: MailServer) -> None:
        self._mail = mail
        self._seen = 0
        self._lock = threading.Lock()
        self.links: dict[str, str] = {}

    def link(self, email: str) -> str | None:
        """The path of the newest link in this mailbox."""
        with self._lock:
            new = self._mail.letters[self._seen :]
            self._seen += len(new)
            for letter in new:
                if found := re.search(r"https://[^/]+(/confirm/\S+)", text(letter)):
                    self.links[str(letter["To"])] = found[1]
            return self.links.get(email)

    def with_subject(self, subject: str) -> dict[str, list[str]]:
        """The letters of this kind by recipient, each by its Message-ID, however often it came;
        what comes again, because its courier died, may say how things stand by then."""
        found: dict[str, set[str]] = {}
        firsts: dict[str, EmailMessage] = {}
        for letter in self._mail.letters:
            firsts.setdefault(str(letter["Message-ID"]), letter)
        for letter in firsts.values():
            if subject in letter["Subject"]:
                found.setdefault(str(letter["To"]), set()).add(str(letter["Message-ID"]))
        return {email: sorted(letters) for email, letters in found.items()}

    def repeated(self) -> list[str]:
        """The Message-IDs that came again, as often as they did so."""
        copies = Counter(str(letter["Message-ID"]) for letter in self._mail.letters)
        return list((copies - Counter(set(copies))).elements())


class Crowd:
    """People who sign up and confirm, Sue who decides, and what each was told."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.mailboxes = Mailboxes(fleet.mail)
        self.tries: Counter[str] = Counter()
        self.asked: set[str] = set()
        self.confirmed: set[str] = set()
        self.decided: dict[str, str] = {}
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.done = threading.Event()
        lives = [(self._live, number) for number in range(PEOPLE)]
        self._threads = [
            threading.Thread(target=live, args=(fleet.client(number), number))
            for live, number in [*lives, (self._decide, PEOPLE)]
        ]
        for thread in self._threads:
            thread.start()

    def disconnect(self) -> None:
        self.done.set()
        for thread in self._threads:
            thread.join()

    def _live(self, client: Client, person: int) -> None:
        number, open_ones = 0, list[str]()
        while not self.done.is_set():
            number += 1
            open_ones.append(f"author{number}of{person}@example.org")
            # A machine that is too busy lets a request wait for longer than a client does.
            with contextlib.suppress(TimeoutError, http.client.IncompleteRead):
                self._asks(client, open_ones[-1])
                for each in list(open_ones):
                    link = self.mailboxes.link(each)
                    if link and self._confirms(client, each, link):
                        open_ones.remove(each)

    def _asks(self, client: Client, email: str) -> None:
        """Sign up, and again where it may not have arrived."""
        while email not in self.asked and not self.done.is_set():
            self.tries[email] += 1
            answer = client.post("/signup", firstname="Ada", email=email)
            if self._told("sign up", answer) and answer.headers["Location"].endswith(SIGNED_UP):
                self.asked.add(email)

    def _confirms(self, client: Client, email: str, link: str) -> bool:
        answer = client.post(link, firstname="Ada", lastname="", why="", password=ADA_PASSWORD)
        if answer.status == 410 and self.tries[email] > 1:
            # Asked again, because no answer came: the newer link is on its way.
            return False
        if self._told("confirm", answer):
            self.confirmed.add(email)
            return True
        return False

    def _decide(self, client: Client, _: int) -> None:
        form: dict[str, Any] = {"email": SUE, "password": SUE_PASSWORD}
        while not self._told("log in", client.post("/review/login", page="", **form)):
            time.sleep(0.1)
        while not self.done.is_set():
            for author in self.fleet.strapi.admins():
                if author["email"] not in {SUE, *self.decided} and not self.done.is_set():
                    self._decides(client, author["id"], author["email"])
            time.sleep(0.1)

    def _decides(self, client: Client, number: int, email: str) -> None:
        verb = random.choice(["activate", "decline"])
        told: dict[str, Any] = {"tell": "y", "reason": "Not now."} if verb == "decline" else {}
        answer = client.post(f"/review/{number}/{verb}", page="/review", **told)
        # Somebody whose signup is still being completed is not on the desk yet; and what was
        # decided by a form whose answer was lost stays so.
        if answer.status not in (404, 409) and self._told(verb, answer):
            self.decided[email] = verb

    def _told(self, what: str, answer: Answer) -> bool:
        """Whether a form had success."""
        self.statuses[what, answer.status] += 1
        return answer.status == 303


def kill_again_and_again(instance: Instance, done: threading.Event, kills: list[float]) -> None:
    """Kill an instance at random moments, and let it come back."""
    while not done.wait(random.uniform(0.3, 2.5)):
        instance.kill()
        kills.append(time.monotonic())
        instance.start()


@pytest.fixture
def fleet(server: Server, mail_server: MailServer, tmp_path: Path) -> Iterator[Fleet]:
    mail_server.forget()
    lifted = {"RATELIMIT_ENABLED": False, "MAX_WAITING": 100_000}
    fleet = Fleet(tmp_path, server, mail_server, **lifted)
    with ExitStack() as stack:
        stack.callback(fleet.stop)
        fleet.start()
        yield fleet


@pytest.mark.timeout(600)
def test_nothing_is_lost_and_nothing_happens_twice(
    fleet: Fleet, tally: Callable[..., None]
) -> None:
    kills: list[float] = []
    crowd = Crowd(fleet)
    killers = [
        threading.Thread(target=kill_again_and_again, args=(each, crowd.done, kills))
        for each in fleet.instances[1:]
    ]
    for killer in killers:
        killer.start()
    time.sleep(SECONDS)
    crowd.disconnect()
    for killer in killers:
        killer.join()
    wait_for_the_rest(fleet)

    violations = [*lost(crowd), *twice(crowd, len(kills)), *odd(crowd)]
    assert len(kills) > SECONDS / 4
    assert len(crowd.confirmed) > SECONDS / 2
    assert set(crowd.decided.values()) == {"activate", "decline"}
    counts = f"{len(crowd.asked)} signups, {len(crowd.confirmed)} confirmations and"
    print(f"{counts} {len(crowd.decided)} decisions were acknowledged beside {len(kills)} kills")
    engine = fleet.strapi.server.name
    tally(f"kill -9 of two of three instances on {engine}", len(kills), violations)


def wait_for_the_rest(fleet: Fleet) -> None:
    """Until every letter has gone out, but for what reviewers will hear later, and everything
    that was begun is settled."""
    owed = "SELECT kind FROM letter WHERE sent_at IS NULL AND kind <> 'waiting'"
    begun = "SELECT email FROM signup WHERE state = 'asked' AND born_at IS NOT NULL"
    unsettled = "SELECT email FROM signup WHERE state IN ('activating', 'undoing')"
    until = time.monotonic() + PATIENCE
    while left := [row for what in (owed, begun, unsettled) for row in fleet.ledger.rows(what)]:
        if not settles_later(fleet, left):
            return
        assert time.monotonic() < until, (left, fleet.said()[-4000:])
        time.sleep(0.2)


def settles_later(fleet: Fleet, left: list[dict[str, object]]) -> bool:
    """Whether anything is left but links that were used up to the last step, and never again."""
    known = {admin["email"] for admin in fleet.strapi.admins()}
    return any("kind" in row or row["email"] in known for row in left)


def lost(crowd: Crowd) -> Iterator[str]:
    """What was told to have happened, and did not."""
    authors = {admin["email"]: admin for admin in crowd.fleet.strapi.admins()}
    states = {
        row["email"]: row["state"]
        for row in crowd.fleet.ledger.rows("SELECT email, state FROM signup")
    }
    invited, received = map(crowd.mailboxes.with_subject, (CONFIRM, RECEIVED))
    for email in crowd.asked - set(invited):
        yield f"{email} was told to check the mail, and got none"
    for email in crowd.confirmed - set(authors):
        yield f"{email}'s confirmation is lost"
    # Who was decided about at once needs not be told any more that a person decides.
    waiting = {email for email, state in states.items() if state == "waiting"}
    for email in waiting - set(received):
        yield f"{email} was not told that a person decides"
    for email, verb in crowd.decided.items():
        active = verb == "activate"
        if bool(authors[email]["is_active"]) != active:
            yield f"{email} was to be {verb}d, and is not so in Strapi"
        if states[email] != ("active" if active else "declined"):
            yield f"{email} was to be {verb}d, and is {states[email]}"
        if email not in crowd.mailboxes.with_subject(ACTIVATED if active else DECLINED):
            yield f"{email} was not told of the decision"
    if SUE not in crowd.mailboxes.with_subject(WAITING):
        yield "Sue was not told"


def twice(crowd: Crowd, kills: int) -> Iterator[str]:
    """What happened more often than once."""
    admins = crowd.fleet.strapi.admins()
    signups = crowd.fleet.ledger.rows("SELECT email FROM signup")
    for where, rows in (("Strapi", admins), ("the ledger", signups)):
        for email, number in Counter(row["email"].lower() for row in rows).items():
            if number > 1:
                yield f"{email} is in {where} {number} times"
    if sorted(link["user_id"] for link in crowd.fleet.strapi.links()) != [a["id"] for a in admins]:
        yield "somebody has no role, or several, or a role has nobody"
    for subject in (CONFIRM, RECEIVED, ACTIVATED, DECLINED, WAITING):
        for email, letters in crowd.mailboxes.with_subject(subject).items():
            # Who asks again, because no answer came, may get another link, or read once more how
            # it ended, where it has.
            if len(letters) > (crowd.tries[email] if subject in (CONFIRM, DECLINED) else 1):
                yield f"{email} got {len(letters)} letters {subject!r}"
    # Each kill may meet one letter between the mail server's yes and the note of it.
    repeated = crowd.mailboxes.repeated()
    if len(repeated) > kills or len(set(repeated)) != len(repeated):
        yield f"{len(repeated)} letters came again, beside {kills} kills: {repeated}"


def odd(crowd: Crowd) -> Iterator[str]:
    """What should not be."""
    ledger = crowd.fleet.ledger.rows("SELECT email, strapi_id FROM signup")
    ours = {row["email"]: row["strapi_id"] for row in ledger if row["strapi_id"]}
    theirs = {admin["email"]: admin["id"] for admin in crowd.fleet.strapi.admins()}
    if ours != {email: number for email, number in theirs.items() if email != SUE}:
        yield f"Strapi and the ledger disagree: {set(ours.items()) ^ set(theirs.items())}"
    for (what, status), number in crowd.statuses.items():
        if status not in (303, AWAY):
            yield f"{what} was answered {number} times with {status}"
    if "Traceback" in crowd.fleet.said():
        yield crowd.fleet.said()[-4000:]

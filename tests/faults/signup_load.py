"""People who sign up and confirm as fast as they can, and a service that is back after a kill."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from email.message import EmailMessage
from pathlib import Path
from typing import Self

from tests.faults.acts import damage
from tests.support.http_client import Answer, Client
from tests.support.paths import ROOT
from tests.support.processes import environment_of, wait_until
from tests.support.running_service import RunningService
from tests.support.service import ADA_PASSWORD
from tests.support.smtp_server import SMTPServer, text
from tests.support.strapi_file import SUE, StrapiFile

PEOPLE = 4
CONFIRM, RECEIVED, WAITING = "Confirm your address", "has your application", "waiting to write"


class RestartableService(RunningService):
    """A service that a prepared process forks, so that it is back at once after a kill."""

    def __enter__(self) -> Self:
        with self.log.open("ab") as log:
            self._forker = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.forked_gunicorn"],
                cwd=ROOT,
                env=environment_of(self.settings),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._child = 0
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        with self._forker:
            self._forker.kill()

    def begin(self, *options: str) -> None:
        arguments = ["--bind", f"127.0.0.1:{self.port}", *options, "app:serve()"]
        assert self._forker.stdin
        assert self._forker.stdout
        self._forker.stdin.write(json.dumps(arguments) + "\n")
        self._forker.stdin.flush()
        self._child = int(self._forker.stdout.readline())

    def ended(self) -> bool:
        return not Path(f"/proc/{self._child}").exists()

    def kill(self) -> None:
        if self._child:
            with suppress(ProcessLookupError):
                os.killpg(self._child, signal.SIGKILL)
            self._child = 0


class SignupLoad:
    """A thread for each client. They remember what they were told, to compare it with the truth."""

    def __init__(self, clients: Sequence[Client], mail: SMTPServer) -> None:
        self.clients = clients
        self.mail = mail
        self.asked: set[str] = set()
        self.confirmed: set[str] = set()
        self.done = threading.Event()
        self._links: dict[str, str] = {}
        self._seen = 0
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._repeat, args=(client, number))
            for number, client in enumerate(clients)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, client: Client, person: int) -> None:
        unconfirmed, number = list[str](), 0
        while not self.done.is_set():
            number += 1
            # The service was killed, or the machine is very busy.
            with suppress(OSError, http.client.HTTPException):
                email = f"author{number}of{person}@example.org"
                unconfirmed.append(email)
                self._ask(client, email)
                for each in list(unconfirmed):
                    link = self.link(each)
                    if link and self._confirm(client, each, link):
                        unconfirmed.remove(each)

    def _ask(self, client: Client, email: str) -> None:
        answer = client.post("/signup", firstname="Ada", email=email)
        if leads_to(answer, "/signup/sent"):
            self.asked.add(email)

    def _confirm(self, client: Client, email: str, link: str) -> bool:
        form = {"firstname": "Ada", "lastname": "", "why": "", "password": ADA_PASSWORD}
        if leads_to(client.post(link, None, "", **form), link):
            self.confirmed.add(email)
        return email in self.confirmed

    def link(self, email: str) -> str:
        """The path of the link in this mailbox, or nothing."""
        with self._lock:
            new = self.mail.messages[self._seen :]
            self._seen += len(new)
            for message in new:
                if found := re.search(r"https?://[^/]+(/confirm/\S+)", text(message)):
                    self._links[str(message["To"])] = found[1]
            return self._links.get(email, "")

    def answers(self) -> Iterator[Answer]:
        """Every answer that the clients got."""
        for client in self.clients:
            yield from client.answers

    def told(self, subject: str) -> dict[str, set[str]]:
        """The Message-IDs of the emails with this subject, by recipient.

        The first copy of an email counts: a later one may tell how things are by then.
        """
        firsts: dict[str, EmailMessage] = {}
        for message in list(self.mail.messages):
            firsts.setdefault(str(message["Message-ID"]), message)
        found: dict[str, set[str]] = {}
        for message_id, message in firsts.items():
            if subject in message["Subject"]:
                found.setdefault(str(message["To"]), set()).add(message_id)
        return found

    def wait_for_the_rest(self, strapi: StrapiFile, ledger: StrapiFile) -> None:
        """Wait until every email is sent, and everything that was begun is finished.

        Reviewers are told of more signups a quarter of an hour later.
        """
        # A worker that was killed keeps its leases for 20 seconds.
        ledger.do("UPDATE letter SET leased_until = 0 WHERE sent_at IS NULL")
        ledger.do("UPDATE lease SET until = 0")
        wait_until(lambda: not list(unfinished(strapi, ledger)))
        wait_until(lambda: SUE in self.told(WAITING))

    def violations(self, strapi: StrapiFile, ledger: StrapiFile) -> Iterator[str]:
        """What was lost of that which these people were told, and what is there twice."""
        authors = {admin["email"] for admin in strapi.admins()} - {SUE}
        signups = ledger.rows("SELECT email, state FROM signup")
        for each in self.asked - set(self.told(CONFIRM)):
            yield f"{each} was told to check the mailbox, and got no email"
        for each in self.confirmed - authors:
            yield f"{each}'s confirmation is lost"
        # Somebody who was decided about at once is told the decision only.
        waiting = {row["email"] for row in signups if row["state"] == "waiting"}
        for each in waiting - set(self.told(RECEIVED)):
            yield f"{each} was not told that a person decides"
        for subject in (CONFIRM, RECEIVED):
            for each, ids in self.told(subject).items():
                if len(ids) > 1:
                    yield f"{each} got {len(ids)} emails '{subject}'"
        for each, number in Counter(row["email"] for row in signups).items():
            if number > 1:
                yield f"{each} has {number} signups"
        if authors != {row["email"] for row in signups if row["state"] != "asked"}:
            yield "Strapi and the ledger disagree"
        yield from damage(strapi, ledger)


def leads_to(answer: Answer, path: str) -> bool:
    """Whether a form was accepted, and leads to this page."""
    return answer.status == 303 and answer.headers["Location"].endswith(path)


def unfinished(strapi: StrapiFile, ledger: StrapiFile) -> Iterator[str]:
    """What the worker still has to do."""
    for row in ledger.rows("SELECT kind FROM letter WHERE sent_at IS NULL AND kind <> 'waiting'"):
        yield str(row["kind"])
    known = {admin["email"] for admin in strapi.admins()}
    begun = "SELECT email FROM signup WHERE state = 'asked' AND born_at IS NOT NULL"
    # A confirmation that did not reach Strapi stays as it is until the next click.
    yield from (row["email"] for row in ledger.rows(begun) if row["email"] in known)
    undecided = "SELECT email FROM signup WHERE state IN ('activating', 'undoing')"
    yield from (row["email"] for row in ledger.rows(undecided))

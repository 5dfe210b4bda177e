"""A service that is back at once after a kill, and people who sign up and confirm meanwhile."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

from tests.faults.invariants import damage
from tests.servers.test_gunicorn import Process, eventually
from tests.support.paths import ROOT
from tests.support.service import ADA_PASSWORD, SUE, MailServer, StrapiFile, text

PEOPLE = 4


class Nursed(Process):
    """A service that is back at once after a kill."""

    def __init__(self, settings: dict[str, object], mail: MailServer, records: StrapiFile) -> None:
        super().__init__({**settings, "LEDGER": records.address, "MAX_WAITING": 100000}, mail)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("SIGNUP_")}
        environment |= {f"SIGNUP_{name}": str(value) for name, value in self._settings.items()}
        self._nursery = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.forked_gunicorn"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, *options: str) -> None:
        arguments = ["--bind", f"127.0.0.1:{self.port}", *options, "app:serve()"]
        assert self._nursery.stdin
        assert self._nursery.stdout
        self._nursery.stdin.write(json.dumps(arguments) + "\n")
        self._nursery.stdin.flush()
        self._child = int(self._nursery.stdout.readline())
        eventually(lambda: self.get("/healthz") is not None)

    def kill(self) -> None:
        os.killpg(self._child, signal.SIGKILL)

    def stop(self) -> str:
        self.kill()
        self._nursery.communicate(timeout=30)
        return ""


class Crowd:
    """People who sign up and confirm, and remember what they were told."""

    def __init__(self, process: Nursed) -> None:
        self.process = process
        self.asked: set[str] = set()
        self.confirmed: set[str] = set()
        self.done = threading.Event()
        self._threads = [threading.Thread(target=self._live, args=(n,)) for n in range(PEOPLE)]
        for thread in self._threads:
            thread.start()

    def disconnect(self) -> None:
        self.done.set()
        for thread in self._threads:
            thread.join()

    def _live(self, person: int) -> None:
        number = 0
        while not self.done.is_set():
            number += 1
            self._asks(f"author{number}of{person}@example.org")
            for email, link in list(self.links().items()):
                if f"of{person}@" in email and email not in self.confirmed:
                    self._confirms(email, link)
                    break

    def _asks(self, email: str) -> None:
        if self._told("/signup", firstname="Ada", email=email) == "/signup/sent":
            self.asked.add(email)

    def _confirms(self, email: str, link: str) -> None:
        if self._told(link, firstname="Ada", password=ADA_PASSWORD) == link:
            self.confirmed.add(email)

    def _told(self, path: str, **fields: str) -> str:
        """Where a form led; nowhere when the service was killed."""
        try:
            return self.process.post(path, **fields)
        except (OSError, AssertionError, http.client.HTTPException):
            time.sleep(0.01)
            return ""

    def links(self) -> dict[str, str]:
        """The link in everybody's mailbox."""
        found: dict[str, str] = {}
        for letter in list(self.process.mail.letters):
            if link := re.search(rf"{self.process.url}(/confirm/\S+)", text(letter)):
                found.setdefault(str(letter["To"]), link[1])
        return found

    def mailed(self, subject: str) -> set[str]:
        """Who got such a letter."""
        letters = list(self.process.mail.letters)
        return {str(letter["To"]) for letter in letters if subject in letter["Subject"]}

    def broken_promises(self, strapi: StrapiFile, ledger: StrapiFile) -> Iterator[str]:
        """Let every letter come, and see what was lost of what these people were told, and what is
        there twice."""
        ledger.do("UPDATE letter SET leased_until = 0, due_at = 0 WHERE sent_at IS NULL")
        ledger.do("UPDATE lease SET until = 0")
        # Reviewers hear of more signups a quarter of an hour later.
        open_letters = "SELECT 1 FROM letter WHERE sent_at IS NULL AND kind != 'waiting'"
        eventually(lambda: not ledger.rows(open_letters))
        eventually(lambda: SUE in self.mailed("waiting to write"))
        authors = [admin["email"] for admin in strapi.admins() if admin["email"] != SUE]
        for each in self.asked - self.mailed("Confirm your address"):
            yield f"{each} was told to check the mail, and got none"
        for each in self.confirmed - set(authors):
            yield f"{each}'s confirmation is lost"
        for each in set(authors) - self.mailed("has your application"):
            yield f"{each} was not told of it"
        for each in {each for each in authors if authors.count(each) > 1}:
            yield f"{each} is there twice"
        waiting = ledger.rows("SELECT email FROM signup WHERE state = 'waiting'")
        if sorted(row["email"] for row in waiting) != sorted(authors):
            yield "Strapi and the ledger disagree"
        if any(admin["is_active"] for admin in strapi.admins() if admin["email"] != SUE):
            yield "somebody was let in"
        yield from damage(strapi, ledger)

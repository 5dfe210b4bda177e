"""The review desk beside 100 and beside 100,000 signups and administrators."""

import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.crowd import fill
from tests.bench.effort import Effort
from tests.bench.served import Browser, served
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import SUE, SUE_PASSWORD, StrapiFile

# Quick acts are played more often; decisions, of which each is made once, must not run out.
MORE = 4
# The first page has 25 of them at either size.
WAITING = 50
GOAL = 3.0


@dataclass
class Desk:
    """A reviewer who is logged in to a service of one size."""

    size: int
    browser: Browser
    waiting: Iterator[int]

    def first_page(self) -> None:
        """Look at the queue."""
        assert self.browser.get("/review").count("<article") == 25

    def search_those_who_wait(self) -> None:
        """Look for somebody who waits."""
        assert self.browser.get("/review?q=waiting7@").count("<article") == 1

    def search_those_who_are_active(self) -> None:
        """Look for somebody among half of all who ever applied."""
        assert self.browser.get("/review?state=active&q=author50@").count("<article") == 1

    def look_at_one(self) -> None:
        """Open the page of a signup."""
        assert "waits for a decision" in self.browser.get("/review/signup/1")

    def decide(self) -> None:
        """Activate somebody; the form was there before."""
        self.browser.post(f"/review/{next(self.waiting)}/activate")


ACTS: dict[str, Callable[[Desk], None]] = {
    "the queue's first page": Desk.first_page,
    "a search among those who wait": Desk.search_those_who_wait,
    "a search among those who are active": Desk.search_those_who_are_active,
    "the page of one signup": Desk.look_at_one,
    "a decision": Desk.decide,
}


def run(effort: Effort) -> Iterator[str]:
    """Play every act at both sizes in turns, over HTTP; yields the lines of a table of medians."""
    small, large = effort.desk
    yield f"| act | beside {small} | beside {large:,} | ratio | at most {GOAL:.0f} |"
    yield "|---|---|---|---|---|"
    with ExitStack() as stack:
        desks = [stack.enter_context(desk(size)) for size in effort.desk]
        for name, act in ACTS.items():
            took = [[timed(act, each) for each in desks] for _ in range(MORE * effort.acts)]
            before, after = (statistics.median(each) for each in zip(*took, strict=True))
            met = "met" if after <= GOAL * before else "not met"
            yield f"| {name} | {before:.1f} ms | {after:.1f} ms | {after / before:.2f} | {met} |"


def timed(act: Callable[[Desk], None], at: Desk) -> float:
    """How many milliseconds it took."""
    began = time.perf_counter()
    act(at)
    return 1000 * (time.perf_counter() - began)


@contextmanager
def desk(size: int) -> Iterator[Desk]:
    """A service of this size, and a reviewer at its desk."""
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        folder = Path(place)
        mail = SMTPServer()
        mail.start()
        stack.callback(mail.stop)
        strapi = StrapiFile.made_by("5.54.0", folder / "strapi.db")
        fill(strapi, folder / "ledger.db", size, WAITING)
        settings = {"RATELIMIT_ENABLED": False, "MAX_WAITING": WAITING}
        browser = stack.enter_context(served(folder, strapi, mail, settings))
        browser.post("/review/login", email=SUE, password=SUE_PASSWORD)
        # Those on the second page go first, so that the first page stays full for long.
        pages = browser.get("/review?page=2") + browser.get("/review")
        ids = re.findall(r"/review/(\d+)/activate", pages)
        yield Desk(size, browser, map(int, ids))

"""Pages per second, and how long one takes, beside what the framework itself costs and beside
Flask-Security's register page with confirmation."""

import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.confirmations import enough
from tests.bench.effort import Effort
from tests.bench.figures import goal, quantile, ratio, spread
from tests.bench.load import Load, play
from tests.bench.measured import measured
from tests.bench.post import Post
from tests.bench.served import Browser, gunicorn
from tests.support.paths import ROOT

CLIENTS = 4
# More than anybody answers in a second: so many requests are made ready, each to be sent once.
FASTEST = 1500
OTHERS = ROOT / ".venv-bench" / "bin" / "python"
BARE, FORM = "a bare Flask page", "a plain Flask-WTF form"
GET, POST, LINK = "`GET /signup`", "`POST /signup`", "`GET /confirm/…`"
THEIR_GET, THEIR_POST = "Flask-Security: `GET /register`", "Flask-Security: `POST /register`"
THEIR_LINK = "Flask-Security: `GET /confirm/…`"
SHARE = 0.6
ABOUT = f"""\
By {CLIENTS} clients that ask again at once, under the same `gunicorn.conf.py`. A letter is owed for
each `POST /signup`, and sent meanwhile. Flask-Security hashes the password (bcrypt, cost 10) and
makes a link when somebody registers; its letters are made and handed to nobody. Its links carry a
hash that is slow, too (sha256_crypt, its default); the one that is looked at was confirmed before.
Requests per second: median, least and most; shares: the median over the rounds."""


@dataclass
class Page:
    """A page of a server: its requests, and what came of them so far."""

    port: int
    status: int
    requests: Callable[[], list[str]]
    repeat: bool = False
    tidy: Callable[[], None] = lambda: None
    rates: list[float] = field(default_factory=list)
    took: list[float] = field(default_factory=list)

    def ask(self, seconds: float) -> None:
        """Ask for it, for so long."""
        answers = play(Load(self.port, self.requests(), self.status, CLIENTS, seconds, self.repeat))
        self.tidy()
        self.rates.append(answers.rate)
        self.took.extend(answers.took)


def run(effort: Effort) -> Iterator[str]:
    """Ask for every page in turns; yields the lines of a table."""
    yield from ABOUT.splitlines()
    yield ""
    with ExitStack() as stack:
        pages = start(stack, effort)
        for page in pages.values():
            page.ask(effort.seconds / 5)
            page.rates.clear()
            page.took.clear()
        for _, page in itertools.product(range(effort.rounds), pages.values()):
            page.ask(effort.seconds)
    yield f"| page | requests/s | of {BARE} | p50 | p99 |"
    yield "|---|---|---|---|---|"
    for name, page in pages.items():
        yield row(name, page, pages[BARE])
    yield ""
    yield from goals(pages)


def start(stack: ExitStack, effort: Effort) -> dict[str, Page]:
    """Every page, on servers of their own."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    count = int(FASTEST * effort.seconds)
    pages = {BARE: plain(stack, folder, "constant"), FORM: plain(stack, folder, "form")}
    pages |= ours(stack, count)
    if OTHERS.exists():
        pages |= theirs(stack, folder, enough(effort))
    return pages


def plain(stack: ExitStack, folder: Path, what: str) -> Page:
    """One of the least that there can be."""
    application = f"tests.bench.plain:{what}()"
    served = stack.enter_context(gunicorn(application, folder / what, os.environ))
    return looked_at(served.port, "/")


def looked_at(port: int, path: str, status: int = 200) -> Page:
    """A page that is the same for everybody who comes without a cookie."""
    return Page(port, status, lambda: [Browser(port).getting(path)], repeat=True)


def ours(stack: ExitStack, count: int) -> dict[str, Page]:
    """This service's pages."""
    post = Post()
    stack.callback(post.stop)
    service = stack.enter_context(measured(post.port))
    [link] = service.links(1)
    return {
        GET: looked_at(service.port, "/signup"),
        POST: Page(
            service.port, 303, lambda: service.applications(count), tidy=service.forget_letters
        ),
        LINK: looked_at(service.port, link),
    }


def theirs(stack: ExitStack, folder: Path, count: int) -> dict[str, Page]:
    """Flask-Security's pages."""
    environment = {**os.environ, "SECURED": str(folder)}
    application = gunicorn("tests.bench.secured:create()", folder / "log", environment, 0, OTHERS)
    port = stack.enter_context(application).port
    browser = Browser(port)
    browser.get("/register")
    numbers = itertools.count()

    def registration() -> str:
        number = next(numbers)
        password = f"Quartz-Lantern-{number}!"
        person = {"email": f"new{number}@firm.com", "password": password}
        return browser.posting("/register", **person, password_confirm=password)

    return {
        THEIR_GET: looked_at(port, "/register"),
        THEIR_POST: Page(port, 302, lambda: [registration() for _ in range(count)]),
        THEIR_LINK: looked_at(port, (folder / "link").read_text(), 302),
    }


def row(name: str, page: Page, bare: Page) -> str:
    """One line of the table."""
    share = f"{100 * ratio(page.rates, bare.rates):.0f} %"
    p50, p99 = quantile(page.took, 50), quantile(page.took, 99)
    return f"| {name} | {spread(page.rates, 0)} | {share} | {p50:.1f} ms | {p99:.1f} ms |"


def goals(pages: dict[str, Page]) -> Iterator[str]:
    """What is to be reached."""
    rates = {name: page.rates for name, page in pages.items()}
    for one, other in ((GET, BARE), (POST, GET)):
        share = ratio(rates[one], rates[other])
        yield goal(f"{one} at least 60 % of {other}", share >= SHARE, f"{100 * share:.0f} %")
    if THEIR_GET not in pages:
        yield "* Flask-Security is not here: `make bench` installs it."
        return
    for one, other in ((GET, THEIR_GET), (POST, THEIR_POST), (LINK, THEIR_LINK)):
        times = ratio(rates[one], rates[other])
        yield goal(f"{one} ahead of {other}", times > 1, f"{times:.1f} times")

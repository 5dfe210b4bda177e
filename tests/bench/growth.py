"""What each thing costs beside few people, and beside a million."""

import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from models.ledger import database as ledger
from models.signups import confirm
from models.signups.confirm import Application
from models.signups.history import AUTHOR, Actor
from models.signups.signup import Signup
from models.timestamps import now, to_milliseconds
from signup.mail.delivery import deliver_due
from tests.bench.crowd import add_asking, fill
from tests.bench.effort import Effort
from tests.bench.measured import LIFTED
from tests.support.service import Service, Visitor, token_of
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import SQLiteFile, StrapiFile

WAITING = 50
HASHED = "$2a$10$" + "x" * 53
ABOUT = """\
Inside one process, in turns: each number of rows stands in the ledger, in the outbox and, but for a
quarter, in Strapi's `admin_users`. Medians; in parentheses, how many times the first."""
# Gets ready, and returns what is timed.
Act = Callable[["Site"], Callable[[], object]]


@dataclass
class Site:
    """A service beside so many people, and a super admin who is logged in."""

    size: int
    service: Service
    visitor: Visitor
    numbers: Iterator[int]

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Make its ledger this process's."""
        ledger.open_ledger(self.service.ledger.path)
        ledger.close()
        with self.service.app.app_context():
            yield

    def somebody(self) -> Signup:
        """Somebody who has just asked, and got the letter."""
        [key] = add_asking(self.service.ledger.path, 1)
        found = Signup.by_key(key)
        assert found
        return found


def signup(site: Site) -> Callable[[], object]:
    """`POST /signup`, from request to answer."""
    token = token_of(site.visitor.get("/signup"))
    email = f"new{next(site.numbers)}@firm.com"
    form = {"csrf_token": token, "email": email, "firstname": "Ada", "lastname": "Lovelace"}
    return lambda: taken(site, form)


def taken(site: Site, form: dict[str, str]) -> None:
    """Send the form, which must be taken."""
    public = site.service.public
    assert site.visitor.client.post("/signup", data=form, base_url=public).status_code == 303


def confirmation(site: Site) -> Callable[[], object]:
    """From the hash to the row in Strapi."""
    asked, strapi = site.somebody(), site.service.app.extensions["strapi"]
    sent = Application(HASHED, "Ada", "Lovelace", None, Actor(AUTHOR))
    return lambda: confirm.confirm(asked, strapi, sent, 10**9)


def first_page(site: Site) -> Callable[[], object]:
    """`GET /review`."""

    def look() -> None:
        assert site.visitor.get("/review").text.count("<article") == 25

    return look


def settling(site: Site) -> Callable[[], object]:
    """An active author is deactivated in Strapi's panel, or the other way round."""
    site.service.strapi.do(
        "UPDATE admin_users SET is_active = NOT is_active, updated_at = ? WHERE email = ?",
        to_milliseconds(now()),
        "author52@firm52.example",
    )
    return site.service.app.extensions["reconciler"].settle


def delivery(site: Site) -> Callable[[], object]:
    """One letter, from the outbox to the mail server."""
    StrapiFile(site.service.ledger.path).do("DELETE FROM letter WHERE sent_at IS NULL")
    add_asking(site.service.ledger.path, 1, sent=False)
    return lambda: next(deliver_due())


def delivery_of_many(site: Site) -> Callable[[], object]:
    """The same while every other letter is due, too."""
    if len(site.service.rows("SELECT id FROM letter WHERE sent_at IS NULL LIMIT 2")) < 2:
        StrapiFile(site.service.ledger.path).do("UPDATE letter SET sent_at = NULL")
    return lambda: next(deliver_due())


ACTS: dict[str, Act] = {
    "a signup (`POST /signup`)": signup,
    "a confirmation, without its hash": confirmation,
    "the queue's first page": first_page,
    "settling a change of one administrator": settling,
    "one delivery, the others sent": delivery,
    "one delivery, the others due": delivery_of_many,
}


def run(effort: Effort) -> Iterator[str]:
    """Do each act at each size in turns; yields the lines of a table."""
    yield from ABOUT.splitlines()
    yield ""
    yield f"| | {' | '.join(f'{size:,} rows' for size in effort.sizes)} |"
    yield "|---|" + "---|" * len(effort.sizes)
    with ExitStack() as stack:
        mail = SMTPServer()
        mail.start()
        stack.callback(mail.stop)
        sites = [stack.enter_context(site(size, mail)) for size in effort.sizes]
        for name, act in ACTS.items():
            took = [[timed(act, each) for each in sites] for _ in range(effort.acts)]
            medians = [statistics.median(each) for each in zip(*took, strict=True)]
            cells = (f"{each:.1f} ms ({each / medians[0]:.1f})" for each in medians)
            yield f"| {name} | {' | '.join(cells)} |"


@contextlib.contextmanager
def site(size: int, mail: SMTPServer) -> Iterator[Site]:
    """A service of this size."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        strapi = StrapiFile.made_by("5.54.0", folder / "strapi.db")
        fill(strapi, folder / "ledger.db", size, WAITING)
        service = Service(strapi, mail, SQLiteFile(folder / "ledger.db"), dict(LIFTED))
        made = Site(size, service, service.visitor(), iter(range(10**9)))
        with made.entered():
            assert made.visitor.log_in().status_code == 303
            # The first time, it compares everybody.
            service.app.extensions["reconciler"].settle()
        yield made
        ledger.close()


def timed(act: Act, at: Site) -> float:
    """How many milliseconds it took."""
    with at.entered():
        ready = act(at)
        began = time.perf_counter()
        ready()
        return 1000 * (time.perf_counter() - began)

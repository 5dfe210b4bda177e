"""What is measured. Each section runs the service anew, and returns its figures by name."""

import os
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import bcrypt

from tests.bench.load import Answers, Figures, Load, play, speed, start, times
from tests.bench.mail_server import SMTPServer, mail_server
from tests.bench.people import WAITING
from tests.bench.service import STRAPI_VERSION, Browser, Server, bare_page, instance, service
from tests.faults.lock_probe import LockProbe
from tests.support.database_servers import PostgreSQL
from tests.support.network import free_port
from tests.support.paths import ROOT
from tests.support.strapi_file import SUE, SUE_PASSWORD
from tests.support.strapi_on_server import StrapiOnServer
from tests.support.strapi_saves import saving
from tests.support.strapi_server import RealStrapi, cached

CORES = os.cpu_count() or 1
# Seconds within which the worker notices a change in Strapi, and reconciles.
NOTICED = 3.0


@dataclass(frozen=True)
class Run:
    """The checkout whose service runs, how much is measured, and whether beside a real Strapi."""

    root: Path = ROOT
    share: float = 1.0
    strapi: bool = bool(shutil.which("npm"))

    def count(self, full: int) -> int:
        """The share of a full number, at least 2."""
        return max(2, round(full * self.share))


def confirmations(run: Run) -> Figures:
    """Confirmations beside bare bcrypt at Strapi's cost, and the form meanwhile."""
    one, many = run.count(60), run.count(80 * CORES)
    with mail_server() as mail, service(run.root, mail.port) as server:
        requests = server.browser.confirmations(sign_up(server, mail, one + 2 * many))
        port, visits = server.browser.port, server.browser.visits("/signup", run.count(60))
        visiting = Load([port], visits, per_second=20)
        alone = play(Load([port], requests[:one], 303, clients=1))
        together = play(Load([port], requests[one:-many], 303, clients=16))
        undisturbed = play(visiting)
        confirming = start(Load([port], requests[-many:], 303, clients=16))
        disturbed = play(visiting)
        confirming.result()
    return {
        "confirmations a second, 1 client": alone.rate,
        "bare bcrypt hashes a second, 1 thread": hashes(1, one),
        "confirmations a second, 16 clients": together.rate,
        "bare bcrypt hashes a second, 16 threads": hashes(16, many),
        **times("`GET /signup`, 20 a second", undisturbed.milliseconds),
        **times("the same while 16 clients confirm", disturbed.milliseconds),
    }


def pages(run: Run) -> Figures:
    """Pages for 4 clients, each of which sends the next request at once."""
    with mail_server() as mail, service(run.root, mail.port) as server, bare_page() as bare:
        [link, *_] = sign_up(server, mail, 2)
        port, browser, count = [server.browser.port], server.browser, run.count(5000)
        bare_port, bare_visits = [bare.browser.port], bare.browser.visits("/", count)
        return {
            **speed("a bare Flask page", Load(bare_port, bare_visits)),
            **speed("`GET /signup`", Load(port, browser.visits("/signup", count))),
            **speed("`GET /confirm/…`", Load(port, browser.visits(link, run.count(2000)))),
            **speed("`POST /signup`", Load(port, browser.signups(run.count(1500)), 303)),
        }


def strapi(run: Run) -> Figures:
    """The lock on Strapi's file, and a real Strapi's own requests, at 10 confirmations a second."""
    count = run.count(100)
    with ExitStack() as stack:
        mail = stack.enter_context(mail_server())
        server = stack.enter_context(service(run.root, mail.port))
        requests = server.browser.confirmations(sign_up(server, mail, count))
        real = cached(STRAPI_VERSION, free_port()) if run.strapi else None
        if real:
            stack.callback(real.stop)
            real.install()
            real.start(server.strapi)
        alone = saves(real, count / 10)
        watch = LockProbe(server.strapi, server.worker)
        confirming = start(Load([server.browser.port], requests, 303, per_second=10))
        beside = saves(real, count / 10)
        confirming.result()
        return {
            **times("the lock on Strapi's file", watch.seen()),
            **times("a save in a real Strapi", alone),
            **times("the same beside 10 confirmations a second", beside),
        }


def saves(real: RealStrapi | None, seconds: float) -> list[float]:
    """The milliseconds of each save, 50 a second, if there is a real Strapi."""
    if real is None:
        return []
    _, answer = real.log_in(SUE, SUE_PASSWORD)
    done = saving(real, str(answer["data"]["token"]), lambda: time.sleep(seconds))
    assert all(status == 200 for status, _ in done), done
    return [1000 * took for _, took in done]


def review(run: Run) -> Figures:
    """The review pages with few and with many signups, one request after the other."""
    found: Figures = {}
    for people in (100, max(200, run.count(100_000))):
        with mail_server() as mail, service(run.root, mail.port, people) as server:
            server.wait_until_idle()
            for name, act in reviewing(server.browser).items():
                took = [milliseconds(act) for _ in range(run.count(20))]
                found[f"{name}, {people:,} signups (ms)"] = statistics.median(took)
    return found


def reviewing(browser: Browser) -> dict[str, Callable[[], None]]:
    """Log in; returns what a reviewer does then."""
    browser.get("/review/login")
    browser.post("/review/login", email=SUE, password=SUE_PASSWORD)
    active, waiting = "/review?state=active&q=active51@", iter(WAITING)
    return {
        "queue": lambda: browser.get("/review", "waiting1@firm"),
        "search in waiting": lambda: browser.get("/review?q=waiting7@", "waiting7@firm"),
        "search in active": lambda: browser.get(active, "active51@firm"),
        "signup": lambda: browser.get("/review/signup/1", "waiting1@firm"),
        "decision": lambda: browser.post(f"/review/{next(waiting)}/activate"),
    }


def memory(run: Run) -> Figures:
    """The time to start, and resident memory after many requests, a tenth of which are signups."""
    with mail_server() as mail, service(run.root, mail.port) as server:
        server.wait_until_idle()
        found: Figures = {"from start to first page (ms)": 1000 * server.started_in}
        found["memory, idle (MB)"] = server.memory()
        for full in (1000, 10_000):
            port, signups = [server.browser.port], server.browser.signups(run.count(full // 10))
            play(Load(port, server.browser.visits("/signup", run.count(full * 9 // 10))))
            play(Load(port, signups, 303))
            found[f"memory after {full:,} more requests (MB)"] = server.memory()
    return found


def emails(run: Run) -> Figures:
    """Signups while no mail server listens, and their emails as soon as one does."""
    port, count = free_port(), run.count(1000)
    with service(run.root, port) as server:
        signups = Load([server.browser.port], server.browser.signups(count), 303)
        found = speed("`POST /signup`, no mail server", signups)
        with mail_server(port) as mail:
            mail.wait_for(count)
            (first, _), (last, _) = mail.emails[0], mail.emails[count - 1]
            found["emails a second"] = (count - 1) / (last - first)
    return found


def reconcile(run: Run) -> Figures:
    """CPU that a change of one row in Strapi costs when many signups have a row there."""
    people, changes = run.count(10_000), run.count(4)
    with mail_server() as mail, service(run.root, mail.port, people) as server:
        server.wait_until_idle()
        began = server.cpu()
        time.sleep(changes * NOTICED)
        idle = server.cpu() - began
        for strapi_id in WAITING[:changes]:
            with closing(sqlite3.connect(server.strapi)) as database, database:
                change = "UPDATE admin_users SET lastname = 'Byron', updated_at = ? WHERE id = ?"
                database.execute(change, (int(1000 * time.time()), strapi_id))
            time.sleep(NOTICED)
        used = server.cpu() - began - 2 * idle
    return {f"CPU to reconcile {people:,} rows (ms, at most 150)": used / changes}


def instances(run: Run) -> Figures:
    """Several instances with their ledger and Strapi's tables on one PostgreSQL, 12 clients."""
    if PostgreSQL.missing():
        return {"several instances on PostgreSQL": None}
    found, postgresql = Figures(), PostgreSQL()
    with ExitStack() as stack:
        stack.callback(postgresql.remove)
        postgresql.start()
        for count in (1, 2, 3):
            signups, confirmed = on_postgresql(run, postgresql, count)
            found[f"signups a second, PostgreSQL, instances: {count}"] = signups.rate
            found[f"confirmations a second, PostgreSQL, instances: {count}"] = confirmed.rate
    return found


def on_postgresql(run: Run, postgresql: PostgreSQL, count: int) -> tuple[Answers, Answers]:
    """Signups and confirmations with so many instances and new databases."""
    with ExitStack() as stack:
        mail = stack.enter_context(mail_server())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        databases = (
            StrapiOnServer.on(postgresql, "strapi"),
            StrapiOnServer.empty(postgresql, "ledger"),
        )
        urls = [each.url for each in databases]
        servers = [
            stack.enter_context(instance(run.root, folder, mail.port, *urls)) for _ in range(count)
        ]
        ports, browser = [each.browser.port for each in servers], servers[0].browser
        requests = browser.signups(run.count(1000))
        signups = play(Load(ports, requests, 303, clients=12))
        mail.wait_for(len(requests))
        requests = browser.confirmations(mail.links()[: run.count(80 * CORES)])
        return signups, play(Load(ports, requests, 303, clients=12))


SECTIONS: dict[str, Callable[[Run], Figures]] = {
    section.__name__: section
    for section in (confirmations, pages, strapi, review, memory, emails, reconcile, instances)
}


def sign_up(server: Server, mail: SMTPServer, count: int) -> list[str]:
    """Sign up new people; returns the paths of the links in their emails."""
    play(Load([server.browser.port], server.browser.signups(count), 303))
    mail.wait_for(count)
    return mail.links()


def hashes(threads: int, count: int) -> float:
    """Hashes per second, at the cost that Strapi uses."""
    salt, began = bcrypt.gensalt(10, b"2a"), time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda _: bcrypt.hashpw(b"Quartz-Lantern-7!", salt), range(count)))
    return count / (time.perf_counter() - began)


def milliseconds(act: Callable[[], None]) -> float:
    """The time that it takes."""
    began = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - began)

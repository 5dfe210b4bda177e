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
from tests.bench.mail_server import MailServer
from tests.bench.people import WAITING
from tests.bench.service import STRAPI_VERSION, Server, bare_page, instance, service
from tests.faults.lock_probe import LockProbe
from tests.support.database_servers import PostgreSQL
from tests.support.http_client import Answer, Client
from tests.support.network import free_port
from tests.support.paths import ROOT
from tests.support.strapi_file import SUE, SUE_PASSWORD
from tests.support.strapi_on_server import StrapiOnServer
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
    with MailServer() as mail, service(run.root, mail.port) as server:
        port, requests = [server.port], server.confirmations(sign_up(server, mail, one + 2 * many))
        visiting = Load(port, server.visits("/signup", run.count(60)), per_second=20)
        alone = play(Load(port, requests[:one], 303, clients=1))
        together = play(Load(port, requests[one:-many], 303, clients=16))
        undisturbed = play(visiting)
        confirming = start(Load(port, requests[-many:], 303, clients=16))
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
    count = run.count(5000)
    with MailServer() as mail, service(run.root, mail.port) as server:
        with bare_page(server.log.with_name("bare.log")) as bare:
            found = speed("a bare Flask page", Load([bare.port], bare.visits("/signup", count)))
        [link, *_] = sign_up(server, mail, 2)
        port = [server.port]
        return {
            **found,
            **speed("`GET /signup`", Load(port, server.visits("/signup", count))),
            **speed("`GET /confirm/…`", Load(port, server.visits(link, run.count(2000)))),
            **speed("`POST /signup`", Load(port, server.signups(run.count(1500)), 303)),
        }


def strapi(run: Run) -> Figures:
    """The lock on Strapi's file, and a real Strapi's own requests, at 10 confirmations a second."""
    count = run.count(100)
    with ExitStack() as stack:
        mail = stack.enter_context(MailServer())
        server = stack.enter_context(service(run.root, mail.port))
        requests = server.confirmations(sign_up(server, mail, count))
        real = cached(STRAPI_VERSION, free_port()) if run.strapi else None
        if real:
            stack.callback(real.stop)
            real.install()
            real.start(server.strapi)
        alone = saves(real, count / 10)
        watch = LockProbe(server.strapi, server.worker)
        confirming = start(Load([server.port], requests, 303, per_second=10))
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
    done = real.save_profiles(str(answer["data"]["token"]), lambda: time.sleep(seconds))
    assert all(status == 200 for status, _ in done), done
    return [1000 * took for _, took in done]


def review(run: Run) -> Figures:
    """The review pages with few and with many signups, one request after the other."""
    found: Figures = {}
    for people in (100, max(200, run.count(100_000))):
        with MailServer() as mail, service(run.root, mail.port, people) as server:
            server.wait_until_idle()
            for name, answers in reviewing(server.client, run.count(20)).items():
                took = statistics.median(answer.seconds for answer in answers)
                found[f"{name}, {people:,} signups (ms)"] = 1000 * took
    return found


# What a reviewer looks at, and what is on the page.
LOOKS = {
    "queue": ("/review", "waiting1@firm"),
    "search in waiting": ("/review?q=waiting7@", "waiting7@firm"),
    "search in active": ("/review?state=active&q=active51@", "active51@firm"),
    "signup": ("/review/signup/1", "waiting1@firm"),
}


def reviewing(client: Client, count: int) -> dict[str, list[Answer]]:
    """Log in, look at each page so often, and decide; returns the answers."""
    client.post("/review/login", email=SUE, password=SUE_PASSWORD)
    found = {}
    for name, (path, expected) in LOOKS.items():
        found[name] = [client.get(path) for _ in range(count)]
        assert all(expected in answer.text for answer in found[name]), f"{path}: no {expected}"
    activations = (f"/review/{strapi_id}/activate" for strapi_id in WAITING[:count])
    found["decision"] = [client.post(path, page="/review") for path in activations]
    assert {answer.status for answer in found["decision"]} == {303}
    return found


def memory(run: Run) -> Figures:
    """The time to start, and resident memory after many requests, a tenth of which are signups."""
    with MailServer() as mail, service(run.root, mail.port) as server:
        server.wait_until_idle()
        found: Figures = {"from start to first page (ms)": 1000 * server.started_in}
        found["memory, idle (MB)"] = server.memory()
        for full in (1000, 10_000):
            play(Load([server.port], server.visits("/signup", run.count(full * 9 // 10))))
            play(Load([server.port], server.signups(run.count(full // 10)), 303))
            found[f"memory after {full:,} more requests (MB)"] = server.memory()
    return found


def emails(run: Run) -> Figures:
    """Signups while no mail server listens, and their emails as soon as one does."""
    port, count = free_port(), run.count(1000)
    with service(run.root, port) as server:
        signups = Load([server.port], server.signups(count), 303)
        found = speed("`POST /signup`, no mail server", signups)
        with MailServer(port=port) as mail:
            mail.wait_for(1)
            before, began = len(mail.received), time.perf_counter()
            mail.wait_for(count)
            found["emails a second"] = (count - before) / (time.perf_counter() - began)
    return found


def reconcile(run: Run) -> Figures:
    """CPU that a change of one row in Strapi costs when many signups have a row there."""
    people, changes = run.count(10_000), run.count(4)
    with MailServer() as mail, service(run.root, mail.port, people) as server:
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
    strapi = StrapiOnServer.on(postgresql, "strapi")
    ledger = StrapiOnServer.empty(postgresql, "ledger")
    with ExitStack() as stack:
        mail = stack.enter_context(MailServer())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = [
            stack.enter_context(
                instance(run.root, folder / f"log{number}", mail.port, strapi, ledger)
            )
            for number in range(count)
        ]
        ports, requests = [each.port for each in servers], servers[0].signups(run.count(1000))
        signups = play(Load(ports, requests, 303, clients=12))
        mail.wait_for(len(requests))
        requests = servers[0].confirmations(mail.links()[: run.count(80 * CORES)])
        return signups, play(Load(ports, requests, 303, clients=12))


SECTIONS: dict[str, Callable[[Run], Figures]] = {
    section.__name__: section
    for section in (confirmations, pages, strapi, review, memory, emails, reconcile, instances)
}


def sign_up(server: Server, mail: MailServer, count: int) -> list[str]:
    """Sign up new people; returns the paths of the links in their emails."""
    play(Load([server.port], server.signups(count), 303))
    mail.wait_for(count)
    return mail.links()


def hashes(threads: int, count: int) -> float:
    """Hashes per second, at the cost that Strapi uses."""
    salt, began = bcrypt.gensalt(10, b"2a"), time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda _: bcrypt.hashpw(b"Quartz-Lantern-7!", salt), range(count)))
    return count / (time.perf_counter() - began)

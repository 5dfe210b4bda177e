"""Stops, restarts, forks, logs, backups and erasure, as operators meet them."""

import contextlib
import ctypes
import json
import os
import re
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from models.mail.email_kinds import EmailKind
from models.mail.outbox import OutgoingEmail
from models.retention import purge
from tests.faults.misbehaving_smtp import MisbehavingSMTP
from tests.support.processes import wait_until
from tests.support.report_tables import Report
from tests.support.running_service import HEALTHY, RunningService
from tests.support.service import ADA, ADA_PASSWORD, PUBLIC, Service, required
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import SUE, SUE_PASSWORD, StrapiFile

GRACE = "grace@example.org"


@pytest.fixture
def slow_mail() -> Iterator[MisbehavingSMTP]:
    """A mail server that needs half a second for an email."""
    server = MisbehavingSMTP(".", "delay")
    yield server
    server.stop()


@pytest.fixture
def process(
    strapi: StrapiFile, mail_server: SMTPServer, tmp_path: Path
) -> Iterator[RunningService]:
    """The service under gunicorn, which the test starts."""
    mail_server.clear()
    settings = required(strapi, mail_server, tmp_path / "ledger.db")
    with RunningService(settings, mail_server, tmp_path / "output") as process:
        yield process


def test_a_graceful_stop_finishes_the_requests_and_the_email_in_progress(
    process: RunningService, slow_mail: MisbehavingSMTP, report: Report
) -> None:
    process.settings["MAIL_PORT"] = slow_mail.port
    process.start()
    process.ask()
    process.ask(GRACE)
    wait_until(lambda: process.ledger.rows("SELECT 1 FROM letter WHERE leased_until > 0"))
    with ThreadPoolExecutor() as visitors:
        asking = [visitors.submit(process.ask, f"author{n}@example.org") for n in range(4)]
        process.terminate()
        answered = [each.exception() is None for each in asking]
    process.wait()
    emails = process.ledger.rows("SELECT sent_at, leased_until FROM letter")
    sent = [email for email in emails if email["sent_at"]]
    broken = []
    if len(sent) != len(slow_mail.received):
        broken.append(f"{len(slow_mail.received)} emails arrived, {len(sent)} are known as sent")
    if any(email["leased_until"] for email in emails):
        broken.append("an email is still leased")
    if len(emails) < 2 + sum(answered):
        broken.append("a request was answered and is not in the outbox")
    if '"stopped"' not in process.output():
        broken.append("the worker did not stop by itself")
    report("graceful stop with an email and requests in progress", 1, broken)


def test_the_service_delivers_after_a_fork(process: RunningService, report: Report) -> None:
    process.start("--preload")
    process.ask()
    assert process.link()
    assert process.get("/healthz") == HEALTHY
    report("fork after the start (gunicorn --preload)")


def test_a_reload_loses_nothing(process: RunningService, report: Report) -> None:
    process.start()
    process.ask()
    os.kill(process.pid, signal.SIGHUP)
    wait_until(lambda: process.get("/healthz") == HEALTHY)
    process.confirm(process.link())
    process.wait_for_email("1 waiting", SUE)
    report("reload (SIGHUP)")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_thread_that_died_is_started_again(service: Service, report: Report) -> None:
    worker = service.app.extensions["worker"]
    worker.start()
    first = worker._thread
    # No loop catches SystemExit, and it ends a thread silently.
    ended = ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(first.ident), ctypes.py_object(SystemExit)
    )
    assert ended == 1
    wait_until(lambda: worker.running and worker._thread is not first)
    service.visitor().ask()
    wait_until(lambda: len(service.mail.messages) == 1)
    worker.stop()
    assert not worker.running
    report("worker thread dies")


def test_logs_are_json_lines_that_name_the_request_and_no_person(
    process: RunningService, strapi: StrapiFile, report: Report
) -> None:
    process.start()
    process.ask()
    link = process.link()
    process.confirm(link)
    process.post("/review/login", email=SUE, password=SUE_PASSWORD)
    process.get("/confirm/no-link-of-ours%1b[31m")
    with strapi.away():
        process.get("/review/login")
        wait_until(lambda: "failing" in process.get("/healthz"))
    output = process.stop()

    lines = [json.loads(line) for line in output.splitlines()]
    events = {line["event"] for line in lines}
    wanted = {"started", "signup requested", "email sent", "confirmed", "logged in", "stopped"}
    broken = [f"no line about {each}" for each in wanted - events]
    secrets = [ADA, SUE, ADA_PASSWORD, SUE_PASSWORD, link.split("/")[-1], "no-link-of-ours"]
    broken += [f"{each} is in the log" for each in secrets if each in output]
    broken += [f"no time or level: {line}" for line in lines if not {"time", "level"} <= set(line)]
    failed = [line for line in lines if line["event"] == "request failed"]
    ids = {line["request"] for line in failed}
    if not failed or len(ids) != len(failed) or not all(map(is_request_id, ids)):
        broken.append(f"failed requests are not logged once each, with an id: {failed}")
    report("logs: JSON lines without token, password or email", len(lines), broken)


def is_request_id(text: str) -> bool:
    return re.fullmatch("[0-9a-f]{16}", text) is not None


def test_a_reviewer_sends_a_parked_email_again(service: Service, report: Report) -> None:
    service.visitor().apply()
    service.mail.answer = "550 no such user"
    sue = service.visitor()
    sue.log_in()
    sue.decide("activate", service.signup()["strapi_id"])
    service.deliver()
    service.mail.answer = "250 OK"
    queue = sue.get("/review").text
    assert "1 undelivered letter" in queue
    assert "RCPT 550" in queue

    [parked] = service.rows("SELECT id FROM letter WHERE parked_at IS NOT NULL")
    again = f"/review/letters/{parked['id']}/send-again"
    assert sue.client.post(again, base_url=PUBLIC).status_code == 400
    assert sue.post(again, page="/review").status_code == 303
    assert [message["To"] for message in service.deliver()] == [ADA]
    assert sue.post(again, page="/review").status_code == 404
    assert "undelivered" not in sue.get("/review").text
    assert service.visitor().post(again, page="/review/login").status_code == 303
    report("recipient refused, then sent again from the review page")


def test_no_kind_of_email_waits_behind_many_of_another(service: Service) -> None:
    service.visitor().apply()
    with service.app.app_context():
        for number in range(50):
            OutgoingEmail.enqueue(EmailKind.WAITING, f"reviewer{number}@example.com")
    service.visitor().ask(GRACE)
    assert GRACE in [message["To"] for message in service.deliver()[:2]]


def test_a_clock_that_jumped_ten_years_and_back_delays_an_email_by_an_hour(
    service: Service, report: Report
) -> None:
    service.visitor().ask()
    ahead = "UPDATE letter SET due_at = due_at + 315360000000, leased_until = due_at + 315360000000"
    service.ledger.do(ahead)
    assert service.deliver() == []
    with service.app.app_context():
        purge(timedelta(days=365), timedelta(days=2))
    assert len(service.deliver()) == 1
    report("clock ten years ahead, and back")


def test_a_backup_made_under_load_can_be_restored(
    service: Service, tmp_path: Path, report: Report
) -> None:
    backups = [tmp_path / f"backup{number}.db" for number in range(10)]

    def back_up() -> None:
        for path in backups:
            with (
                contextlib.closing(sqlite3.connect(service.ledger.path)) as source,
                contextlib.closing(sqlite3.connect(path)) as target,
            ):
                source.backup(target, pages=1)

    thread = threading.Thread(target=back_up)
    thread.start()
    asked = 0
    while thread.is_alive() or asked < 20:
        service.visitor().ask(f"author{asked}@example.org")
        asked += 1
    thread.join()
    broken: list[str] = []
    for backup in map(StrapiFile, backups):
        broken += backup.damage()
        without_signup = "SELECT 1 FROM letter WHERE signup_id NOT IN (SELECT id FROM signup)"
        without_email = "SELECT 1 FROM signup WHERE id NOT IN (SELECT signup_id FROM letter)"
        if backup.rows(without_signup) or backup.rows(without_email):
            broken.append(f"{backup.path.name} has half of a transaction")
    report("backup of the ledger under load", len(backups), broken)


def test_an_erased_person_leaves_no_trace_in_the_ledgers_files(
    service: Service, later: Callable[[timedelta], None], report: Report
) -> None:
    visitor, sue = service.visitor(), service.visitor()
    visitor.apply()
    visitor.ask(GRACE)
    sue.log_in()
    sue.decide("decline", service.signup()["strapi_id"], reason="Not a Babbage", tell="y")
    service.deliver()
    assert b"Lovelace" in content(service)

    later(timedelta(days=366))
    service.deliver()
    with service.app.app_context():
        purge(timedelta(days=365), timedelta(days=2))
        left = content(service)
    traces = [ADA, "Lovelace", GRACE, "Babbage"]
    broken = [f"{each} is still in the files" for each in traces if each.encode() in left]
    report("erased people: traces in the ledger's files", len(traces), broken)


def content(service: Service) -> bytes:
    """Every byte of the ledger and of its write-ahead log."""
    return b"".join(path.read_bytes() for path in service.ledger.path.parent.glob("ledger.db*"))


def test_a_restored_backup_of_strapi_brings_signups_back_as_they_were(
    service: Service, report: Report
) -> None:
    visitor, sue = service.visitor(), service.visitor()
    link = visitor.apply()
    visitor.apply(GRACE)
    sue.log_in()
    sue.decide("activate", service.signup()["strapi_id"])
    service.deliver()
    backup = service.strapi.path.read_bytes()
    service.strapi.do("DELETE FROM admin_users WHERE email != ?", SUE)
    service.deliver()
    assert service.signup()["state"] == "removed"
    assert "no longer" in visitor.get(link).text

    service.strapi.path.write_bytes(backup)
    messages = service.deliver()
    states = [service.signup(email)["state"] for email in (ADA, GRACE)]
    broken = [] if states == ["active", "waiting"] else [f"the states are {states}"]
    broken += [f"told again: {each['Subject']}" for each in messages]
    report("Strapi's file replaced, and restored", 1, broken)

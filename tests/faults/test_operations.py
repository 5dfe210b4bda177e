"""Stops, restarts, forks, logs, backups and erasure, as operators meet them."""

import contextlib
import ctypes
import json
import os
import re
import signal
import sqlite3
import threading
from collections.abc import Iterator
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
from tests.support.service import (
    ADA,
    ADA_PASSWORD,
    GRACE,
    PUBLIC,
    Later,
    Service,
    Visitor,
)
from tests.support.strapi_file import SUE, SUE_PASSWORD, SQLiteFile, StrapiFile


@pytest.fixture
def slow_mail() -> Iterator[MisbehavingSMTP]:
    """A mail server that needs half a second for an email."""
    with MisbehavingSMTP(".", "delay") as server:
        yield server


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
    assert len(sent) == len(slow_mail.received)
    assert not any(email["leased_until"] for email in emails)
    assert len(emails) >= 2 + sum(answered)
    assert '"stopped"' in process.output()
    report("graceful stop with an email and requests in progress")


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
    assert {"started", "signup requested", "email sent", "confirmed", "logged in"} <= events
    assert "stopped" in events
    for secret in (ADA, SUE, ADA_PASSWORD, SUE_PASSWORD, link.split("/")[-1], "no-link-of-ours"):
        assert secret not in output
    assert all({"time", "level"} <= set(line) for line in lines)
    ids = [line["request"] for line in lines if line["event"] == "request failed"]
    assert ids
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch("[0-9a-f]{16}", each) for each in ids)
    report("logs: JSON lines without token, password or email", len(lines))


def test_a_reviewer_sends_a_parked_email_again(
    service: Service, sue: Visitor, report: Report
) -> None:
    service.visitor().apply()
    service.mail.answer = "550 no such user"
    sue.decide("activate", ADA)
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
    without_signup = "SELECT 1 FROM letter WHERE signup_id NOT IN (SELECT id FROM signup)"
    without_email = "SELECT 1 FROM signup WHERE id NOT IN (SELECT signup_id FROM letter)"
    for backup in map(SQLiteFile, backups):
        assert list(backup.damage()) == []
        assert backup.rows(without_signup) + backup.rows(without_email) == []
    report("backup of the ledger under load", len(backups))


def test_an_erased_person_leaves_no_trace_in_the_ledgers_files(
    service: Service, sue: Visitor, later: Later, report: Report
) -> None:
    visitor = service.visitor()
    visitor.apply()
    visitor.ask(GRACE)
    sue.decide("decline", ADA, reason="Not a Babbage", tell="y")
    service.deliver()
    assert b"Lovelace" in content(service)

    later(timedelta(days=366))
    service.deliver()
    with service.app.app_context():
        purge(timedelta(days=365), timedelta(days=2))
        left = content(service)
    traces = [ADA, "Lovelace", GRACE, "Babbage"]
    assert [each for each in traces if each.encode() in left] == []
    report("erased people: traces in the ledger's files", len(traces))


def content(service: Service) -> bytes:
    """Every byte of the ledger and of its write-ahead log."""
    return b"".join(path.read_bytes() for path in service.ledger.path.parent.glob("ledger.db*"))


def test_a_restored_backup_of_strapi_brings_signups_back_as_they_were(
    service: Service, sue: Visitor, report: Report
) -> None:
    visitor = service.visitor()
    link = visitor.apply()
    visitor.apply(GRACE)
    sue.decide("activate", ADA)
    service.deliver()
    backup = service.strapi.path.read_bytes()
    service.strapi.do("DELETE FROM admin_users WHERE email != ?", SUE)
    service.deliver()
    assert service.state() == "removed"
    assert "no longer" in visitor.get(link).text

    service.strapi.path.write_bytes(backup)
    assert service.deliver() == []
    assert (service.state(), service.state(GRACE)) == ("active", "waiting")
    report("Strapi's file replaced, and restored")

"""Stops, restarts, forks, logs, backups and oblivion, as operators meet them."""

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

from models.mail.outbox import EmailKind, OutgoingEmail
from models.retention import purge
from tests.faults.misbehaving_smtp import RudeServer
from tests.servers.test_gunicorn import Process, eventually
from tests.support.service import (
    ADA,
    ADA_PASSWORD,
    PUBLIC,
    SUE,
    SUE_PASSWORD,
    MailServer,
    Service,
    StrapiFile,
    required,
)

Tally = Callable[..., None]
Later = Callable[[timedelta], None]


@pytest.fixture
def slow_mail() -> Iterator[RudeServer]:
    """A mail server that takes half a second to take a letter."""
    server = RudeServer(".", "delay")
    yield server
    server.stop()


@pytest.fixture
def process(strapi: StrapiFile, mail_server: MailServer, tmp_path: Path) -> Iterator[Process]:
    mail_server.forget()
    process = Process(required(strapi, mail_server, tmp_path / "ledger.db"), mail_server)
    yield process
    process.stop()


def test_a_graceful_stop_cuts_no_request_and_finishes_the_letter_in_hand(
    process: Process, slow_mail: RudeServer, tally: Tally
) -> None:
    process._settings["MAIL_PORT"] = slow_mail.port
    process.start()
    process.ask()
    process.ask("grace@example.org")
    eventually(lambda: bool(process.ledger().rows("SELECT 1 FROM letter WHERE leased_until > 0")))
    with ThreadPoolExecutor() as visitors:
        # A password is being hashed, and Strapi's file waited for, when the stop comes.
        asking = [visitors.submit(process.ask, f"author{n}@example.org") for n in range(4)]
        process.terminate()
        answered = [each.exception() is None for each in asking]
    said = process.stop()
    letters = process.ledger().rows("SELECT sent_at, leased_until FROM letter")
    sent = [letter for letter in letters if letter["sent_at"]]
    violations = []
    if len(sent) != len(slow_mail.taken):
        violations.append(f"{len(slow_mail.taken)} letters are taken, {len(sent)} known as sent")
    if any(letter["leased_until"] for letter in letters):
        violations.append("a letter was left in hand")
    if len(letters) < 2 + sum(answered):
        violations.append("a request was answered and is not in the outbox")
    if '"stopped"' not in said:
        violations.append("the courier did not say goodbye")
    tally("graceful stop with a letter in hand and requests under way", 1, violations)


def test_a_service_that_was_forked_delivers(process: Process, tally: Tally) -> None:
    process.start("--preload")
    process.ask()
    assert process.link()
    assert process.get("/healthz") == '{"status":"ok"}\n'
    tally("fork after start (gunicorn --preload)")


def test_a_reload_loses_nothing(process: Process, tally: Tally) -> None:
    process.start()
    process.ask()
    os.kill(process._process.pid, signal.SIGHUP)
    eventually(lambda: process.get("/healthz") == '{"status":"ok"}\n')
    process.confirm(process.link())
    process.letter("1 waiting", SUE)
    tally("reload (SIGHUP)")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_courier_that_died_is_started_again(service: Service, tally: Tally) -> None:
    worker = service.app.extensions["worker"]
    worker.start()
    first = worker._thread
    # What no loop catches, and what ends a thread without a word.
    ended = ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(first.ident), ctypes.py_object(SystemExit)
    )
    assert ended == 1
    eventually(lambda: worker.running and worker._thread is not first)
    service.visitor().ask()
    eventually(lambda: len(service.mail.letters) == 1)
    worker.stop()
    assert not worker.running
    tally("courier's thread dies")


def test_logs_are_lines_that_name_the_request_and_nobody(
    process: Process, strapi: StrapiFile, tally: Tally
) -> None:
    process.start()
    process.ask()
    link = process.link()
    process.confirm(link)
    process.post("/review/login", email=SUE, password=SUE_PASSWORD)
    process.get("/confirm/no-link-of-ours%1b[31m")
    away = strapi.path.with_name("away.db")
    strapi.path.rename(away)
    process.get("/review/login")
    eventually(lambda: "failing" in (process.get("/healthz") or ""))
    away.rename(strapi.path)
    said = process.stop()

    violations = [f"not JSON: {line}" for line in said.splitlines() if not line.startswith("{")]
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    events = {line["event"] for line in lines}
    wanted = {"started", "signup requested", "email sent", "confirmed", "logged in", "stopped"}
    violations += [f"nothing is said about {each}" for each in wanted - events]
    secrets = [ADA, SUE, ADA_PASSWORD, SUE_PASSWORD, link.split("/")[-1], "no-link-of-ours"]
    violations += [f"{each} is in the log" for each in secrets if each in said]
    for line in lines:
        if not {"time", "level", "event"} <= line.keys():
            violations.append(f"a line without a time or an event: {line}")
        if line["event"] == "request failed" and not re.fullmatch("[0-9a-f]{16}", line["request"]):
            violations.append(f"a line without its request: {line}")
    failed = [line for line in lines if line.get("status") == 503]
    if len(failed) != len({line["request"] for line in failed}) or not failed:
        violations.append(f"failures are logged not once each: {failed}")
    tally("logs: lines of JSON without token, password or address", len(lines), violations)


def test_a_reviewer_sends_a_parked_letter_again(service: Service, tally: Tally) -> None:
    service.visitor().apply()
    service.mail.answer = "550 no such user"
    sue = service.visitor()
    sue.log_in()
    sue.decide("activate", service.signup()["strapi_id"])
    service.deliver()
    service.mail.answer = "250 OK"
    desk = sue.get("/review").text
    assert "1 undelivered letter" in desk
    assert "RCPT 550" in desk

    [parked] = service.rows("SELECT id FROM letter WHERE parked_at IS NOT NULL")
    again = f"/review/letters/{parked['id']}/send-again"
    assert sue.client.post(again, base_url=PUBLIC).status_code == 400
    assert sue.post(again, page="/review").status_code == 303
    assert [letter["To"] for letter in service.deliver()] == [ADA]
    assert sue.post(again, page="/review").status_code == 404
    assert "undelivered" not in sue.get("/review").text
    assert service.visitor().post(again, page="/review/login").status_code == 303
    tally("recipient refused, then sent again from the review page")


def test_no_kind_of_letter_waits_behind_a_flood_of_another(service: Service) -> None:
    service.visitor().apply()
    with service.app.app_context():
        for number in range(50):
            OutgoingEmail.enqueue(EmailKind.WAITING, f"reviewer{number}@example.com")
    service.visitor().ask("grace@example.org")
    assert "grace@example.org" in [letter["To"] for letter in service.deliver()[:2]]


def test_a_clock_that_jumped_years_ahead_and_back_delays_a_letter_by_an_hour(
    service: Service, tally: Tally
) -> None:
    service.visitor().ask()
    ahead = "UPDATE letter SET due_at = due_at + 315360000000, leased_until = due_at + 315360000000"
    service.records.do(ahead)
    assert service.deliver() == []
    with service.app.app_context():
        purge(timedelta(days=365), timedelta(days=2))
    assert len(service.deliver()) == 1
    tally("clock ten years ahead, and back")


def test_a_backup_made_under_load_restores_clean(
    service: Service, tmp_path: Path, tally: Tally
) -> None:
    backups = []

    def back_up() -> None:
        for number in range(10):
            path = tmp_path / f"backup{number}.db"
            with (
                contextlib.closing(sqlite3.connect(service.ledger)) as source,
                contextlib.closing(sqlite3.connect(path)) as target,
            ):
                source.backup(target, pages=1)
            backups.append(path)

    thread = threading.Thread(target=back_up)
    thread.start()
    asked = 0
    while thread.is_alive() or asked < 20:
        service.visitor().ask(f"author{asked}@example.org")
        asked += 1
    thread.join()
    violations = []
    for path in backups:
        backup = StrapiFile(path)
        sound = backup.rows("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
        orphans = backup.rows("SELECT 1 FROM letter WHERE signup_id NOT IN (SELECT id FROM signup)")
        unwritten = backup.rows(
            "SELECT 1 FROM signup WHERE id NOT IN (SELECT signup_id FROM letter)"
        )
        if not sound or orphans or unwritten:
            violations.append(f"{path.name}: {sound}, {orphans}, {unwritten}")
    tally("backup of the ledger under load", len(backups), violations)


def test_a_person_erased_leaves_no_trace_in_the_ledgers_files(
    service: Service, later: Later, tally: Tally
) -> None:
    visitor, sue = service.visitor(), service.visitor()
    visitor.apply()
    visitor.ask("grace@example.org")
    sue.log_in()
    sue.decide("decline", service.signup()["strapi_id"], reason="Not a Babbage", tell="y")
    service.deliver()
    assert b"Lovelace" in everything(service)

    later(timedelta(days=366))
    service.deliver()
    with service.app.app_context():
        purge(timedelta(days=365), timedelta(days=2))
        left = everything(service)
    people = [ADA, "Lovelace", "grace@example.org", "Babbage"]
    violations = [f"{each} is still in the files" for each in people if each.encode() in left]
    tally("erased people: traces in the ledger's files", len(people), violations)


def everything(service: Service) -> bytes:
    """Every byte of the ledger and of its log."""
    return b"".join(path.read_bytes() for path in service.ledger.parent.glob("ledger.db*"))


def test_a_restored_backup_of_strapi_brings_signups_back_as_they_were(
    service: Service, tally: Tally
) -> None:
    visitor, sue = service.visitor(), service.visitor()
    link = visitor.apply()
    visitor.apply("grace@example.org")
    sue.log_in()
    sue.decide("activate", service.signup()["strapi_id"])
    service.deliver()
    backup = service.strapi.path.read_bytes()
    service.strapi.do("DELETE FROM admin_users WHERE email != ?", SUE)
    service.deliver()
    assert service.signup()["state"] == "removed"
    assert "no longer" in visitor.get(link).text

    service.strapi.path.write_bytes(backup)
    letters = service.deliver()
    violations = []
    if service.signup()["state"] != "active":
        violations.append(f"the author is {service.signup()['state']}")
    if service.signup("grace@example.org")["state"] != "waiting":
        violations.append(f"who waited is {service.signup('grace@example.org')['state']}")
    if letters:
        violations.append(f"somebody was told twice: {[each['Subject'] for each in letters]}")
    tally("Strapi's file replaced, and restored", 1, violations)

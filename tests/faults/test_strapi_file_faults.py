"""Strapi's file busy, upgraded under the running service, and left half-written."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.invariants import damage
from tests.support.service import ADA, Service
from tests.support.strapi_file import SUE, StrapiFile

Tally = Callable[..., None]


@pytest.fixture
def link(service: Service) -> str:
    """Ada's link, which she is about to follow."""
    service.visitor().ask()
    service.deliver()
    return service.visitor().link()


@pytest.mark.parametrize(("seconds", "first"), [(1, 303), (4, 303), (30, 503)])
def test_a_file_that_somebody_else_writes_is_waited_for_and_not_for_ever(
    service: Service, link: str, tally: Tally, seconds: int, first: int
) -> None:
    writer = sqlite3.connect(service.strapi.path, check_same_thread=False, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(seconds, writer.execute, ["ROLLBACK"])
    timer.start()
    began = time.monotonic()
    answer = service.visitor().confirm(link)
    waited = time.monotonic() - began
    violations = []
    if answer.status_code != first or (first == 503 and not answer.headers.get("Retry-After")):
        violations.append(f"busy for {seconds} s, the answer is {answer.status_code}")
    if waited > max(seconds, 5) + 5 and first == 303:
        violations.append(f"the answer took {waited:.0f} s")
    if first == 503:
        if service.strapi.admin(ADA):
            violations.append("something was written")
        # Nothing is learned from the rest of the 30 seconds.
        timer.cancel()
        writer.execute("ROLLBACK")
    timer.join()
    writer.close()
    if service.visitor().confirm(link).status_code != 303 or not service.strapi.admin(ADA):
        violations.append("the link is burnt")
    tally("Strapi's file busy for 1, 4, 30 s", 1, violations)


# Writes more than fits into memory, so that it lies in the file before it is committed.
HALF_WRITING = """
import sqlite3, sys, time
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA cache_size = 1")
database.execute("BEGIN IMMEDIATE")
database.execute("UPDATE admin_users SET is_active = 0, password = hex(randomblob(20000))")
insert = "INSERT INTO strapi_core_store_settings (key, value) VALUES (?, hex(randomblob(200000)))"
for name in ("a", "b", "c"):
    database.execute(insert, [name])
print("half", flush=True)
time.sleep(60)
"""


def test_a_hot_journal_of_a_killed_strapi_is_rolled_back(
    service: Service, link: str, tally: Tally
) -> None:
    before = service.strapi.admins()
    writer = subprocess.Popen(
        [sys.executable, "-c", HALF_WRITING, str(service.strapi.path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout
    assert writer.stdout.readline() == "half\n"
    os.kill(writer.pid, signal.SIGKILL)
    writer.communicate()
    assert Path(f"{service.strapi.path}-journal").stat().st_size > 0

    answer = service.visitor().confirm(link)
    violations = list(damage(service.strapi, service.ledger))
    if answer.status_code != 303:
        violations.append(f"the answer is {answer.status_code}")
    if service.strapi.admins()[:1] != before:
        violations.append("what Strapi had not committed is there")
    tally("hot journal of a killed Strapi", 1, violations)


@pytest.mark.parametrize("backend", ["4.26.2"], indirect=True)
def test_an_upgrade_under_the_running_service_is_noticed(
    service: Service, link: str, tmp_path: Path, tally: Tally
) -> None:
    visitor, sue = service.visitor(), service.visitor()
    visitor.apply("grace@example.org")
    [grace] = [admin for admin in service.strapi.admins() if admin["email"] != SUE]
    old = tmp_path / "before-the-upgrade.db"
    service.strapi.path.rename(old)
    before = old.read_bytes()
    new = StrapiFile.made_by("5.54.0", service.strapi.path)
    names = [name for name in grace if name in new.admins()[0]]
    marks = ", ".join("?" for _ in names)
    new.do(
        f"INSERT INTO admin_users ({', '.join(names)}) VALUES ({marks})",
        *(grace[name] for name in names),
    )
    new.do(
        "INSERT INTO admin_users_roles_lnk (user_id, role_id)"
        " SELECT ?, id FROM admin_roles WHERE code = 'strapi-author'",
        grace["id"],
    )
    service.deliver()

    violations = []
    if visitor.confirm(link).status_code != 303:
        violations.append("who had a link cannot confirm")
    sue.log_in()
    if sue.decide("activate", grace["id"]).status_code != 303:
        violations.append("who waited cannot be activated")
    if not (new.admin("grace@example.org") or {}).get("is_active"):
        violations.append("the activation is lost")
    if not (new.admin(ADA) or {}).get("document_id"):
        violations.append("the new row is not one of Strapi 5")
    if old.read_bytes() != before:
        violations.append("the old file was written")
    tally("Strapi upgraded from 4 to 5 under the running service", 1, violations)

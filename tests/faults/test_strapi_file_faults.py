"""Strapi's file left half-written, or upgraded under the running service."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.acts import damage
from tests.support.report_tables import Report
from tests.support.service import ADA, GRACE, Service
from tests.support.strapi_file import StrapiFile


@pytest.fixture
def link(service: Service) -> str:
    """Ada's link, not used yet."""
    return service.visitor().ask_and_get_link()


# Write more than fits into memory, so that it is in the file before the commit.
HALF_WRITE = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA cache_size = 1")
database.execute("BEGIN IMMEDIATE")
database.execute("UPDATE admin_users SET is_active = 0, password = hex(randomblob(20000))")
insert = "INSERT INTO strapi_core_store_settings (key, value) VALUES (?, hex(randomblob(200000)))"
for name in ("a", "b", "c"):
    database.execute(insert, [name])
print("half", flush=True)
input()
"""


def test_a_hot_journal_of_a_killed_strapi_is_rolled_back(
    service: Service, link: str, report: Report
) -> None:
    before = service.strapi.admins()
    command = [sys.executable, "-c", HALF_WRITE, str(service.strapi.path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "half\n"
        writer.kill()
    assert Path(f"{service.strapi.path}-journal").stat().st_size > 0

    assert service.visitor().confirm(link).status_code == 303
    # What Strapi had not committed is not there.
    assert service.strapi.admins()[:1] == before
    report("hot journal of a killed Strapi", 1, damage(service.strapi, service.ledger))


@pytest.mark.parametrize("backend", ["4.26.2"], indirect=True)
def test_an_upgrade_of_strapi_under_the_running_service_is_noticed(
    service: Service, link: str, tmp_path: Path, report: Report
) -> None:
    visitor = service.visitor()
    visitor.apply(GRACE)
    grace = service.strapi.admin(GRACE)
    assert grace
    old = tmp_path / "before-the-upgrade.db"
    service.strapi.path.rename(old)
    before = old.read_bytes()
    new = upgraded(service.strapi.path, grace)
    service.deliver()

    assert visitor.confirm(link).status_code == 303
    assert service.reviewer().decide("activate", grace["id"]).status_code == 303
    assert new.is_active(GRACE)
    assert (new.admin(ADA) or {})["document_id"]
    assert old.read_bytes() == before
    report("Strapi upgraded from 4 to 5 under the running service")


def upgraded(path: Path, author: dict[str, object]) -> StrapiFile:
    """A database of Strapi 5 with this author from Strapi 4."""
    new = StrapiFile.made_by("5.54.0", path)
    names = [name for name in author if name in new.admins()[0]]
    marks = ", ".join("?" for _ in names)
    columns = ", ".join(names)
    values = [author[name] for name in names]
    new.do(f"INSERT INTO admin_users ({columns}) VALUES ({marks})", *values)
    new.do(
        "INSERT INTO admin_users_roles_lnk (user_id, role_id)"
        " SELECT ?, id FROM admin_roles WHERE code = 'strapi-author'",
        author["id"],
    )
    return new

"""What we do with Strapi's file, and which files and roles we refuse."""

import contextlib
import os
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from models.strapi import (
    Author,
    Identity,
    RoleUnusable,
    StrapiClient,
    StrapiUnavailable,
    UnknownSchema,
    new_document_id,
)
from models.timestamps import now
from tests.support.service import ADA, GRACE, Service, Start, Visitor
from tests.support.strapi_file import STRAPI_VERSIONS, StrapiFile

NEWEST = STRAPI_VERSIONS[-1]


def read(strapi: StrapiFile, role: str = "strapi-author") -> object:
    return StrapiClient(strapi.url, role).read(lambda users: users.role_id())


@pytest.mark.parametrize(
    ("backend", "mode"),
    [*((version, "delete") for version in STRAPI_VERSIONS), (NEWEST, "wal")],
    indirect=["backend"],
)
def test_the_whole_way_leaves_schema_and_journal_mode_alone(service: Service, mode: str) -> None:
    schema = "SELECT * FROM sqlite_master ORDER BY name"
    service.strapi.rows(f"PRAGMA journal_mode = {mode}")
    before = service.strapi.rows(schema)

    visitor, sue = service.visitor(), service.reviewer()
    link = visitor.apply()
    visitor.apply(GRACE)
    sue.decide("activate", GRACE)
    visitor.post(f"{link}/withdraw", page=link)
    service.deliver()

    assert service.strapi.rows(schema) == before
    assert service.strapi.rows("PRAGMA journal_mode") == [{"journal_mode": mode}]
    assert list(service.strapi.damage()) == []


# Each change to a sound database, and what the refusal names.
UNKNOWN_SCHEMAS = {
    "DROP TABLE admin_roles": "no table admin_roles",
    "DROP TABLE admin_users_roles_lnk": "no table admin_users_roles_lnk",
    "ALTER TABLE admin_users DROP COLUMN blocked": "admin_users has no column blocked",
    "DROP TABLE admin_users_roles_lnk; CREATE TABLE admin_users_roles_lnk (id INTEGER, user_id"
    " INTEGER)": "admin_users_roles_lnk has no column role_id",
    "ALTER TABLE admin_users RENAME TO old; CREATE TABLE admin_users (id INTEGER PRIMARY KEY,"
    " {columns}, tenant INTEGER NOT NULL)": "has a column tenant that must be filled",
}


@pytest.mark.parametrize(("change", "difference"), UNKNOWN_SCHEMAS.items())
def test_an_unknown_schema_is_refused_with_the_difference(
    strapi: StrapiFile, change: str, difference: str
) -> None:
    with strapi.connected() as database:
        database.execute("PRAGMA foreign_keys = off")
        indexes = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        for (index,) in database.execute(indexes).fetchall():
            database.execute(f"DROP INDEX {index}")
        names = [row[1] for row in database.execute("PRAGMA table_info(admin_users)")]
        database.executescript(change.format(columns=", ".join(names[1:])))

    with pytest.raises(UnknownSchema, match=difference):
        read(strapi)


@pytest.mark.parametrize(
    ("change", "role", "fault"),
    [
        ("SELECT 1", "no-such-role", "no role with the code 'no-such-role'"),
        ("UPDATE admin_roles SET code = 'strapi-author'", "strapi-author", "has 3 roles"),
        ("SELECT 1", "strapi-super-admin", "cannot be given the super admins' role"),
    ],
)
def test_a_role_that_authors_cannot_have_is_refused(
    start: Start, strapi: StrapiFile, change: str, role: str, fault: str
) -> None:
    service = start(AUTHOR_ROLE=role)
    strapi.do(change)
    service.visitor().ask_and_get_link()

    with pytest.raises(RoleUnusable, match=fault):
        read(strapi, role)
    assert service.visitor().confirm().status_code == 503
    assert strapi.admin(ADA) is None


@pytest.mark.parametrize("content", [None, b"", b"This is not a database. " * 100])
def test_a_file_that_is_not_strapis_is_refused_and_none_is_created(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "data.db"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(StrapiUnavailable, match=r"is not there|no table|not an SQLite database"):
        StrapiClient(str(path), "strapi-author").write(lambda users: users.any_exist(), ADA)

    found = [file.read_bytes() for file in tmp_path.iterdir()]
    assert found == ([] if content is None else [content])


def test_the_service_goes_on_without_the_file_and_heals_when_it_is_back(service: Service) -> None:
    visitor = service.visitor()
    with service.strapi.away():
        assert visitor.ask().status_code == 303
        assert len(service.deliver()) == 1
        answer = visitor.confirm()
        assert answer.status_code == 503
        assert "Your link still works" in answer.text
        health = visitor.get("/healthz")
        assert health.status_code == 503
        assert "strapi" in health.json["parts"]  # type: ignore[index]
        assert not service.strapi.path.exists()

    assert visitor.confirm().status_code == 303
    assert visitor.get("/healthz").json["parts"] == ["worker"]  # type: ignore[index]


def test_a_restored_file_is_the_one_that_is_written(service: Service, tmp_path: Path) -> None:
    service.visitor().apply(GRACE)
    backup = StrapiFile.made_by(NEWEST, tmp_path / "backup.db")
    old = service.strapi.path.rename(tmp_path / "old.db")
    untouched = old.read_bytes()
    backup.path.rename(service.strapi.path)

    service.visitor().apply(ADA)

    assert service.strapi.admin(ADA)
    assert old.read_bytes() == untouched
    assert service.state(GRACE) == "removed"


@contextlib.contextmanager
def unprivileged() -> Iterator[None]:
    """Work as a user whom file permissions hold for, unlike root."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_file_that_cannot_be_written_is_named() -> None:
    author = Author(Identity(ADA, None, new_document_id(), now()), "Ada", None, "hashed")
    message = "cannot be written: let the service's user write the file"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        strapi = StrapiFile.made_by(NEWEST, Path(folder) / "strapi.db")
        strapi.path.chmod(0o444)
        with unprivileged(), pytest.raises(StrapiUnavailable, match=message):
            StrapiClient(strapi.url, "strapi-author").dry_run(author)


# Locks


@contextlib.contextmanager
def locked(strapi: StrapiFile) -> Iterator[sqlite3.Connection]:
    """Hold Strapi's write lock, as a busy Strapi does."""
    holder = sqlite3.connect(strapi.path, isolation_level=None, check_same_thread=False)
    with contextlib.closing(holder):
        holder.execute("BEGIN IMMEDIATE")
        yield holder


@pytest.fixture
def ada(service: Service) -> Visitor:
    visitor = service.visitor()
    visitor.ask_and_get_link()
    return visitor


def test_a_busy_strapi_is_waited_for(service: Service, ada: Visitor) -> None:
    with locked(service.strapi) as holder:
        timer = threading.Timer(0.5, holder.rollback)
        timer.start()
        assert ada.confirm().status_code == 303
        timer.join()
    assert service.strapi.admin(ADA)


def test_a_strapi_that_stays_busy_is_given_up_and_the_link_still_works(
    service: Service, ada: Visitor
) -> None:
    with locked(service.strapi):
        answer = ada.confirm()

    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert ada.confirm().status_code == 303


def test_a_reader_that_blocks_the_commit_is_waited_for(service: Service, ada: Visitor) -> None:
    with contextlib.closing(
        sqlite3.connect(service.strapi.path, check_same_thread=False)
    ) as reader:
        rows = reader.execute("SELECT * FROM strapi_core_store_settings")
        rows.fetchone()
        timer = threading.Timer(0.5, rows.close)
        timer.start()
        assert ada.confirm().status_code == 303
        timer.join()
    assert len(service.strapi.admins()) == 2


def test_strapi_can_write_while_a_password_is_hashed_and_compared(
    service: Service, ada: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []

    def watch(name: str) -> None:
        original: Any = getattr(bcrypt, name)

        def watched(*given: Any) -> Any:
            with contextlib.closing(sqlite3.connect(service.strapi.path, timeout=0)) as strapi:
                strapi.execute("BEGIN IMMEDIATE")
            called.append(name)
            return original(*given)

        monkeypatch.setattr(bcrypt, name, watched)

    watch("hashpw")
    watch("checkpw")
    ada.confirm()
    service.reviewer().decide("activate", ADA)

    assert called == ["hashpw", "checkpw"]

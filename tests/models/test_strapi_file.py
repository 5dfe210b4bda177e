"""Strapi's file is somebody else's house: what we do in it, and what we refuse to touch."""

import contextlib
import hashlib
import multiprocessing
import os
import shutil
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from models import password_hashing
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
from tests.support.service import ADA, ADA_PASSWORD, Service
from tests.support.strapi_file import STRAPI_VERSIONS, StrapiFile


def schema_of(file: StrapiFile) -> list[dict[str, object]]:
    return file.rows("SELECT * FROM sqlite_master ORDER BY name")


@pytest.mark.parametrize("backend", STRAPI_VERSIONS, indirect=True)
@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_the_whole_way_leaves_schema_and_journal_mode_alone(
    service: Service, mode: str, backend: str
) -> None:
    service.strapi.rows(f"PRAGMA journal_mode = {mode}")
    before = schema_of(service.strapi)

    visitor, sue = service.visitor(), service.visitor()
    link = visitor.apply()
    visitor.apply("grace@example.org")
    sue.log_in()
    sue.decide("activate", service.signup("grace@example.org")["strapi_id"])
    visitor.post(f"{link}/withdraw", page=link)
    service.deliver()

    assert schema_of(service.strapi) == before
    assert service.strapi.rows("PRAGMA journal_mode") == [{"journal_mode": mode}]
    assert service.strapi.rows("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    assert service.strapi.rows("PRAGMA foreign_key_check") == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("DROP TABLE admin_roles", "no table admin_roles"),
        ("DROP TABLE admin_users_roles_lnk", "no table admin_users_roles_lnk"),
        ("ALTER TABLE admin_users DROP COLUMN blocked", "admin_users has no column blocked"),
        (
            "ALTER TABLE admin_users_roles_lnk DROP COLUMN role_id",
            "admin_users_roles_lnk has no column role_id",
        ),
    ],
)
def test_an_unknown_shape_is_refused_with_the_difference(
    strapi: StrapiFile, change: str, complaint: str
) -> None:
    with strapi.connected() as database:
        database.execute("PRAGMA foreign_keys = off")
        for (index,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'index'"
        ).fetchall():
            with contextlib.suppress(sqlite3.OperationalError):
                database.execute(f"DROP INDEX {index}")
        if "role_id" in change:
            database.execute("DROP TABLE admin_users_roles_lnk")
            database.execute("CREATE TABLE admin_users_roles_lnk (id INTEGER, user_id INTEGER)")
        else:
            database.execute(change)

    with pytest.raises(UnknownSchema, match=complaint):
        StrapiClient(str(strapi.path), "strapi-author").read(lambda people: people.any_exist())


def test_an_unknown_column_that_must_be_filled_is_refused_by_name(strapi: StrapiFile) -> None:
    strapi.do("CREATE TABLE admin_users_2 AS SELECT * FROM admin_users LIMIT 0")
    strapi.do("PRAGMA foreign_keys = off")
    with strapi.connected() as database:
        database.execute("PRAGMA foreign_keys = off")
        database.execute("ALTER TABLE admin_users RENAME TO old_users")
        columns = [row[1] for row in database.execute("PRAGMA table_info(old_users)")]
        rest = ", ".join(name for name in columns if name != "id")
        database.execute(
            f"CREATE TABLE admin_users (id INTEGER PRIMARY KEY, {rest}, tenant INTEGER NOT NULL)"
        )

    with pytest.raises(UnknownSchema, match="admin_users has a column tenant that must be filled"):
        StrapiClient(str(strapi.path), "strapi-author").read(lambda people: people.any_exist())


@pytest.mark.parametrize(
    ("change", "role", "complaint"),
    [
        ("SELECT 1", "no-such-role", "has 0 roles with the code 'no-such-role'"),
        ("UPDATE admin_roles SET code = 'strapi-author'", "strapi-author", "has 3 roles"),
        ("SELECT 1", "strapi-super-admin", "cannot be given the super admins' role"),
    ],
)
def test_a_role_that_authors_cannot_have_is_refused(
    start: Callable[..., Service], strapi: StrapiFile, change: str, role: str, complaint: str
) -> None:
    service = start(AUTHOR_ROLE=role)
    strapi.do(change)
    service.visitor().ask()
    service.deliver()

    with pytest.raises(RoleUnusable, match=complaint):
        StrapiClient(str(strapi.path), role).read(lambda people: people.role_id())
    assert service.visitor().confirm().status_code == 503
    assert strapi.admin(ADA) is None


@pytest.mark.parametrize("content", [None, b"", b"This is not a database. " * 100])
def test_a_file_that_is_not_strapis_is_refused_and_none_is_made(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "data.db"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(StrapiUnavailable, match=r"is not there|no table|not an SQLite database"):
        StrapiClient(str(path), "strapi-author").write(lambda people: people.any_exist())

    assert path.exists() == (content is not None)
    assert content is None or path.read_bytes() == content
    assert len(list(tmp_path.iterdir())) == (content is not None)


def test_the_service_goes_on_without_the_file_and_heals_when_it_is_back(service: Service) -> None:
    visitor, away = service.visitor(), service.strapi.path.with_suffix(".away")
    service.strapi.path.rename(away)

    assert visitor.ask().status_code == 303
    assert len(service.deliver()) == 1
    answer = visitor.confirm()
    assert answer.status_code == 503
    assert "Your link still works" in answer.text
    assert visitor.get("/healthz").status_code == 503
    assert "strapi" in visitor.get("/healthz").json["parts"]  # type: ignore[index]
    assert not service.strapi.path.exists()

    away.rename(service.strapi.path)
    assert visitor.confirm().status_code == 303
    assert visitor.get("/healthz").json["parts"] == ["worker"]  # type: ignore[index]


@pytest.fixture
def locked(strapi: StrapiFile) -> Iterator[Callable[[float], threading.Thread]]:
    """Holds Strapi's write lock for some seconds, as a busy Strapi would."""
    threads = []

    def locked(seconds: float) -> threading.Thread:
        held = threading.Event()

        def hold() -> None:
            with contextlib.closing(sqlite3.connect(strapi.path, isolation_level=None)) as database:
                database.execute("BEGIN IMMEDIATE")
                held.set()
                time.sleep(seconds)
                database.execute("ROLLBACK")

        thread = threading.Thread(target=hold)
        thread.start()
        threads.append(thread)
        held.wait()
        return thread

    yield locked
    for thread in threads:
        thread.join()


def test_a_busy_strapi_is_waited_for(
    service: Service, locked: Callable[[float], threading.Thread]
) -> None:
    service.visitor().ask()
    service.deliver()
    locked(1.0)

    assert service.visitor().confirm().status_code == 303
    assert service.strapi.admin(ADA)


def test_a_strapi_that_stays_busy_is_not_waited_for_for_ever(
    service: Service, locked: Callable[[float], threading.Thread]
) -> None:
    service.visitor().ask()
    service.deliver()
    holder = locked(6.5)

    answer = service.visitor().confirm()
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    holder.join()
    assert service.visitor().confirm().status_code == 303


def test_a_reader_in_the_way_of_the_commit_is_waited_for(service: Service) -> None:
    service.visitor().ask()
    service.deliver()
    reader = sqlite3.connect(service.strapi.path, check_same_thread=False)
    cursor = reader.execute("SELECT * FROM strapi_core_store_settings")
    cursor.fetchone()
    timer = threading.Timer(1.0, cursor.close)
    timer.start()

    assert service.visitor().confirm().status_code == 303
    timer.join()
    reader.close()
    assert len(service.strapi.admins()) == 2


def knock_often(
    path: Path, begun: Event, stop: Event, waits: "multiprocessing.Queue[list[float]]"
) -> None:
    """Try the write lock all the time, and note how long it was taken each time, in seconds."""
    taken: list[float] = []
    since = None
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as database:
        begun.set()
        while not stop.is_set():
            try:
                database.execute("BEGIN IMMEDIATE")
                database.execute("ROLLBACK")
                if since is not None:
                    taken.append(time.perf_counter() - since)
                since = None
            except sqlite3.OperationalError:
                since = since or time.perf_counter()
            # Less than it takes to write a row and to wait for the disk.
            time.sleep(0.0002)
    waits.put(taken)


def test_no_password_is_hashed_while_strapi_cannot_write(service: Service) -> None:
    began = time.perf_counter()
    password_hashing.hash_password(ADA_PASSWORD)
    hashing = time.perf_counter() - began
    emails = [f"author{number}@example.org" for number in range(12)]
    for email in emails:
        service.visitor().ask(email)
    service.deliver()
    context = multiprocessing.get_context("spawn")
    begun, stop, waits = context.Event(), context.Event(), context.Queue()
    knocker = context.Process(target=knock_often, args=(service.strapi.path, begun, stop, waits))
    knocker.start()
    # A new process takes as long as several confirmations.
    assert begun.wait(timeout=30)
    try:
        for email in emails:
            link = service.visitor().link(email=email)
            assert service.visitor().confirm(link).status_code == 303
    finally:
        stop.set()
        taken = waits.get(timeout=30)
        knocker.join()

    assert len(taken) >= 6
    assert statistics.median(taken) < hashing / 2


def test_a_restored_file_is_the_one_that_is_written(service: Service, tmp_path: Path) -> None:
    service.visitor().apply("grace@example.org")
    backup = StrapiFile.made_by(STRAPI_VERSIONS[-1], tmp_path / "backup.db")
    old = tmp_path / "old.db"
    service.strapi.path.rename(old)
    untouched = hashlib.sha256(old.read_bytes()).digest()
    backup.path.rename(service.strapi.path)

    service.visitor().apply(ADA)

    assert service.strapi.admin(ADA)
    assert hashlib.sha256(old.read_bytes()).digest() == untouched
    assert service.signup("grace@example.org")["state"] == "removed"


def write_as_nobody(path: Path, said: "multiprocessing.Queue[str]") -> None:
    """Try to write as somebody whom file permissions hold for, unlike root."""
    if os.geteuid() == 0:
        os.setuid(65534)
    author = Author(Identity(ADA, None, new_document_id(), now()), "Ada", None, "hashed")
    try:
        StrapiClient(str(path), "strapi-author").dry_run(author)
        said.put("written")
    except StrapiUnavailable as error:
        said.put(str(error))


def test_a_file_that_may_not_be_written_is_said_to_be_one(strapi: StrapiFile) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "strapi.db"
        shutil.copy(strapi.path, path)
        path.chmod(0o444)
        context = multiprocessing.get_context("fork")
        said = context.Queue()
        process = context.Process(target=write_as_nobody, args=(path, said))
        process.start()
        assert "cannot be written: let the service's user write the file" in said.get(timeout=30)
        process.join()

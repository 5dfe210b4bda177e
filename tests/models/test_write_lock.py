"""Strapi's write lock: queries run before it, and their answers are checked again behind it."""

from collections.abc import Callable
from typing import Any

import pytest
from peewee import SqliteDatabase

from models.strapi import (
    AdminUser,
    Author,
    EmailTaken,
    Identity,
    NoAdminUserYet,
    RoleUnusable,
    RowChanged,
    StrapiClient,
    new_document_id,
)
from models.strapi.roles import NEWEST
from models.timestamps import now
from tests.conftest import every_engine
from tests.support.service import ADA
from tests.support.strapi_file import StrapiFile

DUPLICATE = "INSERT INTO admin_users (email) VALUES ('Ada@example.org')"
LINK = "INSERT INTO admin_users_roles_lnk (user_id, role_id, user_ord) VALUES (?, ?, ?)"


@pytest.fixture(params=["delete", "wal"])
def client(strapi: StrapiFile, request: pytest.FixtureRequest) -> StrapiClient:
    strapi.rows(f"PRAGMA journal_mode = {request.param}")
    return StrapiClient(strapi.url, "strapi-author")


@pytest.fixture
def before_lock(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Do something once, after the queries and before the write lock."""
    begin: Any = SqliteDatabase.begin
    pending: list[Callable[[], object]] = []

    def begin_later(database: SqliteDatabase, *options: Any) -> None:
        while pending:
            pending.pop()()
        begin(database, *options)

    monkeypatch.setattr(SqliteDatabase, "begin", begin_later)
    return pending.append


def create(client: StrapiClient) -> AdminUser:
    identity = Identity(ADA, None, new_document_id(), now())
    author = Author(identity, "Ada", None, "hash")
    return client.write(lambda users: users.create_author(author), ADA)


def test_behind_the_lock_an_author_takes_two_inserts(
    client: StrapiClient, strapi: StrapiFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements: list[str] = []
    connect: Any = SqliteDatabase._connect  # type: ignore[attr-defined]

    def connect_and_listen(database: SqliteDatabase) -> Any:
        connection = connect(database)
        connection.set_trace_callback(statements.append)
        return connection

    monkeypatch.setattr(SqliteDatabase, "_connect", connect_and_listen)
    create(client)

    verbs = [statement.split()[0] for statement in statements]
    assert verbs[verbs.index("BEGIN") :] == ["BEGIN", "PRAGMA", "INSERT", "INSERT", "COMMIT"]
    assert strapi.admin(ADA)


@pytest.mark.parametrize(
    ("written", "refusal"),
    [
        (DUPLICATE, EmailTaken),
        ("DELETE FROM admin_users", NoAdminUserYet),
        ("UPDATE admin_roles SET code = 'strapi-writer'", RoleUnusable),
    ],
)
def test_a_change_before_the_lock_refuses_the_author(
    client: StrapiClient,
    strapi: StrapiFile,
    before_lock: Callable[[Callable[[], object]], None],
    written: str,
    refusal: type[Exception],
) -> None:
    before_lock(lambda: strapi.do(written))
    with pytest.raises(refusal):
        create(client)
    assert not [row for row in strapi.admins() if row["email"] == ADA]


def test_a_new_column_before_the_lock_makes_the_write_start_again(
    client: StrapiClient,
    strapi: StrapiFile,
    before_lock: Callable[[Callable[[], object]], None],
) -> None:
    before_lock(lambda: strapi.do("ALTER TABLE admin_users ADD COLUMN tenant INTEGER"))
    create(client)
    assert (strapi.admin(ADA) or {})["tenant"] is None


def test_an_author_comes_after_one_who_was_added_before_the_lock(
    client: StrapiClient,
    strapi: StrapiFile,
    before_lock: Callable[[Callable[[], object]], None],
) -> None:
    strapi.do("UPDATE admin_users_roles_lnk SET user_ord = 1")
    before_lock(lambda: strapi.do(LINK, 1, 3, 7))
    create(client)

    assert [link["user_ord"] for link in strapi.links() if link["role_id"] == 3] == [7, 8]


def test_a_duplicate_added_before_the_lock_keeps_an_author_inactive(
    client: StrapiClient,
    strapi: StrapiFile,
    before_lock: Callable[[Callable[[], object]], None],
) -> None:
    row = create(client)
    identity = Identity(ADA, row.id, row.document_id, row.created_at)
    before_lock(lambda: strapi.do(DUPLICATE))

    with pytest.raises(RowChanged):
        client.write(lambda users: users.set_active(identity, True, now()), ADA)


@every_engine
@pytest.mark.parametrize(("places", "place"), [((), 1), ((5, None), 6)])
def test_an_author_comes_after_the_last_of_the_role(
    strapi: StrapiFile, places: tuple[int | None, ...], place: int
) -> None:
    numbers = enumerate([*places, *(1000 + n for n in range(NEWEST + 1 if places else 0))])
    for number, given in numbers:
        user = strapi.add_admin(f"user{number}@example.org", None, "strapi-nobody")
        strapi.do(LINK, user, 3 if number < len(places) else 2, given)

    client = StrapiClient(strapi.url, "strapi-author")
    row = create(client)
    client.disconnect()

    [mine] = [each for each in strapi.links() if each["user_id"] == row.id]
    assert mine["user_ord"] == place

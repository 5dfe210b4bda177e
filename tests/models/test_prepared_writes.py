"""Foresight: what a change must know is looked up before Strapi has to wait for it, and once more
where somebody wrote in between."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from models.strapi import (
    AdminUsers,
    Author,
    EmailTaken,
    Identity,
    NoAdminUserYet,
    RoleUnusable,
    RowChanged,
    StrapiBusy,
    StrapiClient,
    new_document_id,
)
from models.strapi.roles import NEWEST
from models.timestamps import now
from tests.conftest import every_engine
from tests.support.service import ADA
from tests.support.strapi_file import StrapiFile


def author(email: str = ADA) -> Author:
    return Author(Identity(email, None, new_document_id(), now()), "Ada", None, "hash")


class Door:
    """The way into Strapi's file, with what SQLite does on it, and somebody in the way."""

    def __init__(self, strapi: StrapiFile) -> None:
        self.strapi = StrapiClient(strapi.url, "strapi-author")
        self.statements: list[str] = []

    @contextmanager
    def alone(self, meanwhile: Callable[[], object] = lambda: None) -> Iterator[AdminUsers]:
        """The administrators, in a transaction before which something happens `meanwhile`."""

        def heard(statement: str) -> None:
            self.statements.append(statement)
            if statement.startswith("BEGIN"):
                meanwhile()

        engine: Any = self.strapi.connection.engine
        with self.strapi.connection.opened():
            engine.connection().set_trace_callback(heard)
            with self.strapi.connection.alone(ADA, self.people) as administrators:
                yield administrators

    def people(self) -> AdminUsers:
        return AdminUsers(self.strapi.connection.engine, "strapi-author")


@pytest.fixture(params=["delete", "wal"])
def door(strapi: StrapiFile, request: pytest.FixtureRequest) -> Door:
    strapi.rows(f"PRAGMA journal_mode = {request.param}")
    return Door(strapi)


def test_nothing_is_looked_for_while_strapi_waits(door: Door, strapi: StrapiFile) -> None:
    with door.alone() as administrators:
        administrators.create_author(author())

    begin = next(n for n, said in enumerate(door.statements) if said.startswith("BEGIN"))
    verbs = [said.split()[0] for said in door.statements[begin:]]
    assert verbs == ["BEGIN", "PRAGMA", "INSERT", "INSERT", "COMMIT"]
    assert strapi.admin(ADA)


@pytest.mark.parametrize(
    ("written", "refusal"),
    [
        ("INSERT INTO admin_users (email) VALUES ('Ada@example.org')", EmailTaken),
        ("DELETE FROM admin_users", NoAdminUserYet),
        ("UPDATE admin_roles SET code = 'strapi-writer'", RoleUnusable),
        ("ALTER TABLE admin_users ADD COLUMN tenant INTEGER", StrapiBusy),
    ],
)
def test_what_was_written_between_look_and_lock_is_seen(
    door: Door, strapi: StrapiFile, written: str, refusal: type[Exception]
) -> None:
    before = len(strapi.admins())
    with pytest.raises(refusal), door.alone(lambda: strapi.do(written)) as administrators:
        administrators.create_author(author())

    assert not [row for row in strapi.admins() if row["email"] == ADA]
    assert len(strapi.admins()) <= before + 1


def test_who_came_between_look_and_lock_keeps_their_place(door: Door, strapi: StrapiFile) -> None:
    strapi.do("UPDATE admin_users_roles_lnk SET user_ord = 1")
    newcomer = "INSERT INTO admin_users_roles_lnk (user_id, role_id, user_ord) VALUES (1, 3, 7)"
    with door.alone(lambda: strapi.do(newcomer)) as administrators:
        administrators.create_author(author())

    assert [link["user_ord"] for link in strapi.links() if link["role_id"] == 3] == [7, 8]


def test_a_double_that_came_between_look_and_lock_keeps_an_author_out(
    door: Door, strapi: StrapiFile
) -> None:
    with door.alone() as administrators:
        row = administrators.create_author(author())
    identity = Identity(ADA, row.id, row.document_id, row.created_at)
    double = "INSERT INTO admin_users (email) VALUES ('Ada@example.org')"

    with pytest.raises(RowChanged), door.alone(lambda: strapi.do(double)) as administrators:
        administrators.set_active(identity, True, now())


@every_engine
@pytest.mark.parametrize(("places", "place"), [((), 1), ((5,), 6), ((5, None), 6)])
def test_an_author_comes_behind_the_last_of_the_role(
    strapi: StrapiFile, places: tuple[int | None, ...], place: int
) -> None:
    link: Any = "INSERT INTO admin_users_roles_lnk (user_id, role_id, user_ord) VALUES (?, ?, ?)"
    for number, given in enumerate(places):
        user = strapi.add_admin(f"author{number}@example.org", None, "strapi-nobody")
        strapi.do(link, user, 3, given)
    for number in range(NEWEST + 1 if places else 0):
        user = strapi.add_admin(f"editor{number}@example.org", None, "strapi-nobody")
        strapi.do(link, user, 2, 1000 + number)

    service = StrapiClient(strapi.url, "strapi-author")
    row = service.write(lambda people: people.create_author(author()), ADA)
    service.disconnect()

    [mine] = [each for each in strapi.links() if each["user_id"] == row.id]
    assert mine["user_ord"] == place

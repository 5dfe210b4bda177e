"""The tests' own PostgreSQL and MariaDB: they keep strangers out, come back, and end with us."""

import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest

from tests.support.database_servers import ADMIN, ADMIN_PASSWORD, MariaDB, PostgreSQL, Server
from tests.support.service import SUE, SUE_PASSWORD
from tests.support.strapi_on_server import StrapiOnServer, fresh

REFUSED = (psycopg.OperationalError, pymysql.OperationalError)


@pytest.fixture
def shop(server: Server) -> str:
    """A database with a table of one row."""
    server.create("shop")
    server.run("CREATE TABLE goods (name varchar(20)); INSERT INTO goods VALUES ('ink')", "shop")
    return "shop"


def connect(server: Server, database: str, user: str = ADMIN, **options: Any) -> Any:
    """A connection as a client makes it, that trusts nobody whom `ca` did not sign."""
    password = options.pop("password", ADMIN_PASSWORD)
    ca: Path | None = options.pop("ca", None)
    if server.scheme == "postgresql":
        trust = {"sslmode": "verify-full", "sslrootcert": str(ca)} if ca else {}
        return psycopg.connect(server.url(database, user, password, **trust))
    return pymysql.connect(
        host="127.0.0.1",
        port=server.port,
        user=user,
        password=password,
        database=database,
        ssl_ca=str(ca) if ca else None,
        ssl_verify_cert=bool(ca) or None,
        ssl_verify_identity=bool(ca),
    )


def test_a_database_is_made_and_asked(server: Server, shop: str) -> None:
    assert server.rows("SELECT name FROM goods", database=shop) == [{"name": "ink"}]
    assert server.rows("SELECT name FROM goods WHERE name = %s", "pen", database=shop) == []


def test_a_database_that_is_made_again_is_empty(server: Server, shop: str) -> None:
    left_open = connect(server, shop)
    left_open.cursor().execute("SELECT * FROM goods")

    server.create(shop)

    tables = "SELECT 1 FROM information_schema.tables WHERE table_name = 'goods'"
    assert server.rows(tables, database=shop) == []
    left_open.close()


def test_a_wrong_password_and_none_are_refused(server: Server, shop: str) -> None:
    for password in ("wrong", ""):
        with pytest.raises(REFUSED):
            connect(server, shop, password=password)


def test_an_account_may_do_what_it_was_granted(server: Server, shop: str) -> None:
    server.user("clerk", "Clerk1only")
    if isinstance(server, MariaDB):
        server.run("GRANT SELECT ON shop.goods TO clerk@'127.0.0.1'")
    else:
        server.run("GRANT SELECT ON goods TO clerk", shop)

    with connect(server, shop, "clerk", password="Clerk1only") as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT name FROM goods")
        assert cursor.fetchall() in ([("ink",)], (("ink",),))
        with pytest.raises((psycopg.Error, pymysql.Error), match="denied"):
            cursor.execute("DELETE FROM goods")


def test_a_client_that_demands_encryption_gets_it(server: Server, shop: str) -> None:
    asked = {
        "mysql": "SHOW STATUS LIKE 'Ssl_version'",
        "postgresql": "SELECT '', version FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
    }
    with connect(server, shop, ca=server.ca) as connection:
        cursor = connection.cursor()
        cursor.execute(asked[server.scheme])
        assert cursor.fetchone()[1].startswith("TLSv1.")


def test_a_client_that_trusts_somebody_else_leaves(
    server: Server, shop: str, postgresql: Server, mariadb: Server
) -> None:
    other = mariadb if server is postgresql else postgresql
    with pytest.raises(REFUSED, match="certificate"):
        connect(server, shop, ca=other.ca)


@pytest.mark.parametrize("how", ["in order", "at once", "killed"])
def test_a_restart_keeps_what_was_written(server: Server, shop: str, how: str) -> None:
    before = server.pid
    if how == "killed":
        server.kill()
        with pytest.raises(REFUSED):
            connect(server, shop)
        server.start()
    else:
        server.restart(immediate=how == "at once")

    assert server.pid != before
    assert server.rows("SELECT name FROM goods", database=shop) == [{"name": "ink"}]


def test_connections_can_be_cut(server: Server, shop: str) -> None:
    server.create("other")
    with connect(server, "other") as bystander:
        connection = connect(server, shop)
        assert server.cut_connections(shop) == 1

        with pytest.raises(REFUSED):
            connection.cursor().execute("SELECT 1")
        bystander.cursor().execute("SELECT 1")
        connection.close()


@pytest.mark.parametrize("engine", [PostgreSQL, MariaDB])
def test_no_server_outlives_those_who_started_it(engine: type[Server]) -> None:
    if missing := engine.missing():
        pytest.skip(missing)
    script = (
        f"from tests.support.database_servers import {engine.__name__}\n"
        f"server = {engine.__name__}()\nserver.start()\n"
        "print(server.pid, server.folder, flush=True)\ninput()"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout
        pid, folder = starter.stdout.readline().split()
        starter.kill()
    until = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    shutil.rmtree(folder)


def test_a_fresh_database_is_one_that_strapi_made(server: Server) -> None:
    fresh(server, "strapi")
    strapi = StrapiOnServer(server, "strapi")

    roles = strapi.rows("SELECT code FROM admin_roles WHERE code LIKE 'strapi-%' ORDER BY id")
    assert [role["code"] for role in roles] == [
        "strapi-super-admin",
        "strapi-editor",
        "strapi-author",
    ]
    assert strapi.admins() == strapi.links() == []

    sue = strapi.add_admin(SUE, SUE_PASSWORD, "strapi-super-admin")
    assert [(link["user_id"], link["role_id"]) for link in strapi.links()] == [(sue, 1)]
    assert strapi.admin(SUE)

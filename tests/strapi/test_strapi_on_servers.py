"""What a real Strapi does with PostgreSQL and MariaDB. The service relies on these facts."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from models.timestamps import now
from tests.support.database_servers import MariaDB, Server
from tests.support.network import free_port
from tests.support.service import ADA, ADA_PASSWORD
from tests.support.strapi_file import SUE, SUE_PASSWORD
from tests.support.strapi_on_server import StrapiOnServer
from tests.support.strapi_server import NEEDS_STRAPI, RealStrapi, cached_on_server

pytestmark = NEEDS_STRAPI

Boot = Callable[..., tuple[RealStrapi, StrapiOnServer]]


@pytest.fixture
def boot(tmp_path: Path) -> Iterator[Boot]:
    """Start a Strapi with Sue, its super admin, on an empty database of a server."""
    with ExitStack() as stack:

        def boot(server: Server, **environment: str) -> tuple[RealStrapi, StrapiOnServer]:
            real = cached_on_server(server, "strapi", free_port(), **environment)
            stack.enter_context(real).install()
            real.start(tmp_path / "data.db")
            real.register_first(SUE, SUE_PASSWORD)
            stack.callback(lambda: check(real))
            return real, StrapiOnServer(server, "strapi")

        yield boot


def check(real: RealStrapi) -> None:
    real.stop()
    assert real.failures() == []


def test_the_test_data_equals_a_fresh_database_of_strapi(server: Server, boot: Boot) -> None:
    server.create("strapi")
    _, strapi = boot(server)

    assert schema(StrapiOnServer.without_admins(server, "fresh")) == schema(strapi)


def test_an_admin_user_that_another_program_created_logs_in_once_active(
    server: Server, boot: Boot
) -> None:
    server.create("strapi")
    real, strapi = boot(server)
    strapi.add_admin(ADA, ADA_PASSWORD, "strapi-author", active=False)
    status, answer = real.log_in(ADA, ADA_PASSWORD)
    assert (status, answer["error"]["message"]) == (400, "User not active")

    strapi.do("UPDATE admin_users SET is_active = ? WHERE email = ?", True, ADA)

    status, answer = real.log_in(ADA, ADA_PASSWORD)
    assert status == 200
    mine = real.call("GET", "/admin/users/me/permissions", token=answer["data"]["token"])
    assert "plugin::upload.read" in {permission["action"] for permission in mine[1]["data"]}


def test_dates_are_in_the_local_time_of_strapis_process(server: Server, boot: Boot) -> None:
    server.create("strapi")
    _, strapi = boot(server, TZ="Asia/Tokyo")

    [sue] = strapi.admins()

    assert isinstance(sue["created_at"], datetime)
    offset = sue["created_at"].replace(tzinfo=UTC) - now()
    assert abs(offset - timedelta(hours=9)) < timedelta(minutes=10)


def test_strapi_compares_emails_by_the_collation(mariadb: MariaDB, boot: Boot) -> None:
    """MariaDB's default collation ignores accents and capitals."""
    mariadb.create("strapi", collation="utf8mb4_general_ci")
    real, strapi = boot(mariadb)
    strapi.add_admin("Ada@example.org", ADA_PASSWORD, "strapi-author")

    assert real.log_in("àda@example.org", ADA_PASSWORD)[0] == 200


def schema(strapi: StrapiOnServer) -> list[dict[str, Any]]:
    """The columns and keys of Strapi's tables of admin users, roles and permissions."""
    tables = "'admin_users', 'admin_roles', 'admin_users_roles_lnk', 'admin_permissions',"
    here = (
        f"table_schema IN ('public', ?) AND table_name IN ({tables} 'admin_permissions_role_lnk')"
    )
    columns = strapi.rows(
        "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable,"
        " collation_name, ordinal_position FROM information_schema.columns"
        f" WHERE {here} ORDER BY table_name, ordinal_position",
        strapi.database,
    )
    keys = strapi.rows(
        "SELECT table_name, constraint_name, column_name, ordinal_position"
        f" FROM information_schema.key_column_usage WHERE {here}"
        " ORDER BY table_name, constraint_name, ordinal_position",
        strapi.database,
    )
    assert columns
    assert keys
    return columns + keys

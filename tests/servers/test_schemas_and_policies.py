"""Strapi's tables in a schema of any name, and row level security, on PostgreSQL."""

import re
from collections.abc import Iterator

import pytest

from tests.servers.conftest import Check, on_postgresql
from tests.servers.test_grants import ACCOUNT, statements
from tests.servers.test_grants import PASSWORD as GRANTED
from tests.support.database_servers import Server
from tests.support.strapi_on_server import StrapiOnServer

pytestmark = on_postgresql

DATABASE = "cms"


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    """The URL of a Strapi database, for the account that docs/databases.md creates."""
    StrapiOnServer.on(server, DATABASE)
    for statement in statements(server):
        server.run(statement, DATABASE)
    yield server.url(DATABASE, ACCOUNT, GRANTED)
    server.run(f"DROP DATABASE {DATABASE} WITH (FORCE)")
    server.run(f"DROP OWNED BY {ACCOUNT}; DROP USER {ACCOUNT}")


@pytest.mark.parametrize("name", ["MyCms", "my cms", 'a"b\\c', "über", "user", "magazine"])
def test_the_advice_leads_to_the_schema(server: Server, check: Check, url: str, name: str) -> None:
    quoted = f'"{name}"'.replace('a"b', 'a""b')
    server.run(f"ALTER SCHEMA public RENAME TO {quoted}; CREATE SCHEMA public", DATABASE)
    server.run(f"REVOKE USAGE ON SCHEMA {quoted} FROM PUBLIC", DATABASE)

    [schema] = re.findall(r"GRANT USAGE ON SCHEMA (.+?) to this user", check(STRAPI_DATABASE=url))
    server.run(f"GRANT USAGE ON SCHEMA {schema} TO {ACCOUNT}", DATABASE)
    [option] = re.findall(r"add (\?options=\S+) to the URL", check(STRAPI_DATABASE=url))

    assert "WRONG" not in check(STRAPI_DATABASE=url + option)


def test_the_tables_are_found_in_any_schema_of_the_search_path(
    server: Server, check: Check, url: str
) -> None:
    server.run("ALTER SCHEMA public RENAME TO magazine; CREATE SCHEMA public", DATABASE)
    server.run(f"GRANT USAGE ON SCHEMA magazine TO {ACCOUNT}", DATABASE)
    assert "WRONG" not in check(STRAPI_DATABASE=f"{url}?options=-csearch_path%3Dpublic,magazine")


SECURED = "ALTER TABLE admin_users ENABLE ROW LEVEL SECURITY;"
FREE = f"CREATE POLICY free ON admin_users TO {ACCOUNT} USING (true)"
ALL = "admin_users (DELETE, INSERT, SELECT, UPDATE)"


@pytest.mark.parametrize(
    ("policies", "hidden"),
    [
        ("", ALL),
        (FREE, None),
        (FREE.replace(ACCOUNT, "PUBLIC"), None),
        (FREE.replace(ACCOUNT, "operator"), ALL),
        (FREE.replace("ON admin_users", "ON admin_users FOR SELECT"), ALL.replace("SELECT, ", "")),
        (FREE.replace("true", "is_active"), ALL),
        (f"{FREE} WITH CHECK (is_active)", "admin_users (INSERT, UPDATE)"),
        (f"{FREE}; CREATE POLICY cut ON admin_users AS RESTRICTIVE USING (id > 1)", ALL),
        (f"{FREE}; ALTER TABLE admin_roles ENABLE ROW LEVEL SECURITY", "admin_roles (SELECT)"),
        (f"{FREE}; ALTER TABLE admin_permissions ENABLE ROW LEVEL SECURITY", "admin_permissions ("),
        (f"ALTER ROLE {ACCOUNT} BYPASSRLS", None),
    ],
)
def test_row_level_security_that_hides_rows_is_named(
    server: Server, check: Check, url: str, policies: str, hidden: str | None
) -> None:
    server.run(SECURED + policies, DATABASE)

    output = check(STRAPI_DATABASE=url)

    if hidden:
        assert f"hides rows from this user by row level security: {hidden}" in output
        assert "CREATE POLICY author_signup ON … TO … USING (true)" in output
    else:
        assert "WRONG" not in output

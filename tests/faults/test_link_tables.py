"""Databases with the link tables of Strapi 4 and 5: the running Strapi uses only one of them."""

import pytest

from tests.support.report_tables import Report
from tests.support.service import ADA, Service

STRAPI_4, STRAPI_5 = "admin_users_roles_links", "admin_users_roles_lnk"
LEFT_OVER = {
    # Seen with Strapi 4.26.2 and `forceMigration: false`, after an upgrade to 5 broke off.
    STRAPI_5: f"CREATE TABLE {STRAPI_5} AS SELECT * FROM {STRAPI_4};"
    "CREATE TABLE admin_permissions_role_lnk AS SELECT * FROM admin_permissions_role_links;",
    STRAPI_4: f"CREATE TABLE {STRAPI_4} AS SELECT * FROM {STRAPI_5};"
    "CREATE TABLE admin_permissions_role_links AS SELECT * FROM admin_permissions_role_lnk;",
}
DOCUMENT_IDS = (
    "ALTER TABLE admin_users ADD COLUMN document_id varchar(255);"
    "UPDATE admin_users SET document_id = 'z' || id;"
)
NEW_USER = (
    "INSERT INTO admin_users (firstname, email, is_active) VALUES ('Tim', 'tim@example.org', 1);"
    f"INSERT INTO {STRAPI_4} (user_id, role_id) SELECT max(id), 3 FROM admin_users;"
)
NO_SCHEMA = "DROP TABLE strapi_database_schema;"
# Strapi's version, what else its database has, and the table in use.
DATABASES = [
    ("4.26.2", "", STRAPI_4),
    ("4.26.2", DOCUMENT_IDS, STRAPI_4),
    ("4.26.2", NO_SCHEMA, STRAPI_4),
    ("4.26.2", DOCUMENT_IDS + NO_SCHEMA + NEW_USER, STRAPI_4),
    ("5.54.0", "", STRAPI_5),
    ("5.54.0", "UPDATE admin_users SET document_id = 'z' || id;" + NO_SCHEMA, STRAPI_5),
]


@pytest.fixture
def both(service: Service, request: pytest.FixtureRequest) -> Service:
    """Strapi's database with the tables of the other version, too, filled alike."""
    with service.strapi.connected() as database:
        [mine] = {STRAPI_4, STRAPI_5} - {service.strapi.table("admin_users_roles_l")}
        database.executescript(LEFT_OVER[mine] + request.param)
    return service


@pytest.mark.parametrize(
    ("backend", "both", "used"), DATABASES, indirect=["backend", "both"], ids=map(str, range(6))
)
def test_roles_are_read_and_written_where_strapi_does(
    both: Service, used: str, report: Report
) -> None:
    both.visitor().apply()
    ada = both.author_id()
    for table in (STRAPI_4, STRAPI_5):
        linked = both.strapi.rows(f"SELECT role_id FROM {table} WHERE user_id = ?", ada)
        assert bool(linked) == (table == used), f"{table} has {linked}, and Strapi uses {used}"
    # Sue's role was taken away in Strapi's panel.
    both.strapi.do(f"DELETE FROM {used} WHERE user_id = 1")
    assert both.visitor().log_in().status_code != 303
    report("link tables of Strapi 4 and 5 in one database")


@pytest.mark.parametrize(
    ("backend", "both"), [("4.26.2", DOCUMENT_IDS + NO_SCHEMA)], indirect=True, ids=["unclear"]
)
def test_without_a_hint_the_database_is_refused(both: Service, report: Report) -> None:
    both.strapi.do(f"UPDATE {STRAPI_5} SET role_id = 2")
    both.visitor().ask_and_get_link()

    assert both.visitor().confirm().status_code == 503
    assert both.strapi.admin(ADA) is None
    checked = both.run("check")
    assert checked.exit_code == 1
    assert f"two tables of roles, {STRAPI_4} and {STRAPI_5}" in checked.output
    report("link tables of Strapi 4 and 5, and nothing tells which is used")

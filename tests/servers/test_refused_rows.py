"""Tables of Strapi that take no new row: the check says why, and no log has the row."""

import pytest

from tests.servers.conftest import Check, on_mariadb, on_postgresql
from tests.support.database_servers import Server

# In every row that the check tries to add.
VALUE = "nobody@"
TRIGGER = {
    "postgresql": "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
    " 'BEGIN RAISE EXCEPTION ''no %'', NEW.email; END';"
    " CREATE TRIGGER refuse BEFORE INSERT ON admin_users FOR EACH ROW EXECUTE FUNCTION refuse()",
    "mariadb": "CREATE TRIGGER refuse BEFORE INSERT ON admin_users FOR EACH ROW"
    " SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = NEW.email",
}


def test_a_constraint(server: Server, check: Check) -> None:
    server.run(
        "ALTER TABLE admin_users ADD CONSTRAINT own_people CHECK (email LIKE '%@example.com')",
        "strapi",
    )
    output = check()
    assert "refuses the row, because of a constraint that somebody added" in output
    assert VALUE not in output


def test_a_trigger(server: Server, check: Check, caplog: pytest.LogCaptureFixture) -> None:
    server.run(TRIGGER[server.name], "strapi")
    output = check()
    assert "has a trigger that refuses the row" in output
    assert VALUE not in output + caplog.text


@pytest.mark.parametrize("table", ["admin_users", "admin_users_roles_lnk"])
@pytest.mark.parametrize("lost", ["DROP DEFAULT", "SET DEFAULT NULL"])
@on_postgresql
def test_a_lost_default(server: Server, check: Check, table: str, lost: str) -> None:
    server.run(f"ALTER TABLE {table} ALTER id {lost}", "strapi")
    repair = f"ALTER TABLE {table} ALTER id SET DEFAULT nextval('{table}_id_seq')"
    assert f"has lost the default of {table}.id: type {repair}" in check()

    server.run(repair, "strapi")
    assert "WRONG" not in check()


@pytest.mark.parametrize("table", ["admin_users", "admin_users_roles_lnk"])
@on_postgresql
def test_a_sequence_that_is_behind(server: Server, check: Check, table: str) -> None:
    server.run(f"SELECT setval('{table}_id_seq', 1, false)", "strapi")
    repair = f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
    assert f"has a sequence that is behind its table: type {repair}" in check()

    server.run(repair, "strapi")
    assert "WRONG" not in check()


@on_postgresql
def test_another_unique_column_is_no_sequence(server: Server, check: Check) -> None:
    server.run("CREATE UNIQUE INDEX one_blocked ON admin_users (blocked)", "strapi")
    output = check()
    assert "refuses a statement (SQLSTATE 23505" in output
    assert "constraint one_blocked" in output


@pytest.mark.parametrize("table", ["admin_users", "admin_users_roles_lnk"])
@pytest.mark.parametrize("mode", ["", "STRICT_TRANS_TABLES"])
@on_mariadb
def test_a_lost_auto_increment(server: Server, check: Check, table: str, mode: str) -> None:
    server.run(f"SET GLOBAL sql_mode = '{mode}'")
    kind = "id int unsigned NOT NULL"
    server.run(f"SET foreign_key_checks = 0; ALTER TABLE {table} MODIFY {kind}", "strapi")
    output = check()
    assert f"has lost a default or an AUTO_INCREMENT ({table}: Field 'id'" in output
    assert f"MODIFY {kind} AUTO_INCREMENT" in output

    repair = f"SET foreign_key_checks = 0; ALTER TABLE {table} MODIFY {kind} AUTO_INCREMENT"
    server.run(repair, "strapi")
    assert "WRONG" not in check()
    server.run("SET GLOBAL sql_mode = DEFAULT")


@on_mariadb
def test_a_read_only_server_cannot_hold_a_ledger(server: Server, check: Check) -> None:
    server.create("ledger")
    server.user("reader", "Reader1only")
    server.give("ledger", "reader")
    url = server.url("ledger", "reader", "Reader1only")
    server.run("SET GLOBAL read_only = 1")
    output = check(LEDGER=url)
    server.run("SET GLOBAL read_only = 0")
    assert "is read-only, as a replica is: name the primary server in the URL" in output


@on_postgresql
def test_a_read_only_database_cannot_hold_a_ledger(server: Server, check: Check) -> None:
    server.create("ledger")
    server.run("ALTER DATABASE ledger SET default_transaction_read_only = on")
    output = check(LEDGER=server.url("ledger"))
    server.run("ALTER DATABASE ledger RESET default_transaction_read_only")
    assert "is read-only, as a replica is: name the primary server in the URL" in output


def test_a_password_column_that_is_too_short(server: Server, check: Check) -> None:
    kind = {"postgresql": "ALTER password TYPE", "mariadb": "MODIFY password"}[server.name]
    server.run(
        f"UPDATE admin_users SET password = ''; ALTER TABLE admin_users {kind} varchar(50)",
        "strapi",
    )
    assert "has a column that is too short for a text" in check()

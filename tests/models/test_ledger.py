"""The ledger: its tables, its file, its indexes, and versions that meet."""

import logging
import re
import stat
from typing import Any

import pytest
from playhouse.schema_diff import diff_models

from models.ledger.database import LedgerTooNew, database, migrate, proxy
from models.transfer import TABLES
from tests.conftest import on_sqlite
from tests.support.service import ADA, Service, Start, Visitor, downgrade
from tests.support.strapi_file import SUE, SQLiteFile

MODELS = list(TABLES)


def test_models_and_migrations_agree(service: Service) -> None:
    with service.app.app_context():
        assert not diff_models(database, MODELS)  # type: ignore[no-untyped-call]


def test_only_its_owner_can_read_the_file_and_commits_survive_a_power_cut(
    ledger: SQLiteFile, start: Start
) -> None:
    ledger.path.unlink()
    service = start()
    assert stat.S_IMODE(ledger.path.stat().st_mode) == 0o600
    with service.app.app_context():
        engine = proxy.obj
        names = ("journal_mode", "synchronous", "secure_delete")
        pragmas = {name: engine.pragma(name) for name in names}
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1}


def test_an_older_version_refuses_a_newer_ledger(start: Start, service: Service) -> None:
    service.ledger.do("INSERT INTO schema_migration (name, applied) VALUES ('9999_later', 0)")
    with service.app.app_context(), pytest.raises(LedgerTooNew, match="9999_later"):
        migrate(proxy.obj)
    assert start().app.extensions["ledger_fault"]


@on_sqlite
def test_a_ledger_of_an_earlier_version_gets_a_history(start: Start, service: Service) -> None:
    link = service.visitor().apply()
    service.ledger.do(
        "UPDATE signup SET state = 'active', decided_at = confirmed_at, decided_by = ?", SUE
    )
    before = service.signup()
    downgrade(service.ledger, "0002_faults")

    service = start()

    signup = service.signup()
    assert signup["domain"] == "example.org"
    unknown = {"welcomed_at": None, "language": None, "mailbox": None}
    assert {**signup, **unknown} == {**before, **unknown}
    events = service.rows("SELECT what, by FROM event ORDER BY id")
    told = [("asked", "author"), ("confirmed", "author"), ("activated", SUE)]
    assert [tuple(event.values()) for event in events] == told
    service.strapi.change(ADA, "is_active = true")
    assert service.deliver() == []
    assert "You can write now" in service.visitor().get(link).text


@on_sqlite
def test_an_open_session_of_an_earlier_version_has_to_log_in_again(
    start: Start, service: Service, sue: Visitor
) -> None:
    assert sue.get("/review").status_code == 200
    downgrade(service.ledger, "0005_mailboxes")
    upgraded = start()
    assert upgraded.app.extensions["ledger_fault"] is None
    assert upgraded.rows("SELECT * FROM session") == []


def test_no_frequent_query_scans_a_table(
    service: Service, sue: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "peewee"):
        visitor = service.visitor()
        visitor.get(visitor.apply())
        visitor.get("/healthz")
        sue.decide("activate", ADA)
        service.deliver()

    queries: list[Any] = [record.msg for record in caplog.records if record.name == "peewee"]
    queries = [
        each for each in queries if re.match('SELECT.* FROM "(signup|letter|event)"', each[0])
    ]
    assert len(queries) > 20
    plans = {sql: service.rows(f"EXPLAIN QUERY PLAN {sql}", *values) for sql, values in queries}
    # A condition that is never true reads nothing, whatever the plan says.
    scans = {
        sql
        for sql, plan in plans.items()
        if any(re.match(r"SCAN t\d", each["detail"]) for each in plan) and "0 = 1" not in sql
    }
    assert scans == set()

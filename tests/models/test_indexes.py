"""Frequent queries use an index, so that a large ledger does not slow them down."""

import logging
import re
from typing import Any

import pytest

from tests.support.service import Service


def test_no_frequent_query_reads_a_whole_table_of_the_ledger(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    visitor, sue = service.visitor(), service.visitor()
    sue.log_in()
    with caplog.at_level(logging.DEBUG, "peewee"):
        link = visitor.apply()
        visitor.get(link)
        visitor.get("/healthz")
        sue.get("/review")
        sue.decide("activate", service.signup()["strapi_id"])
        service.deliver()

    queries: list[Any] = [record.msg for record in caplog.records if record.name == "peewee"]
    pattern = 'SELECT.* FROM "(signup|letter|event)"'
    queries = [query for query in queries if re.match(pattern, query[0])]
    assert len(queries) > 20
    plans = {sql: service.rows(f"EXPLAIN QUERY PLAN {sql}", *values) for sql, values in queries}
    # "0 = 1" is Peewee's IN () with an empty list: SQLite reads no row, whatever the plan says.
    scans = {
        sql
        for sql, plan in plans.items()
        if any(re.match(r"SCAN t\d", step["detail"]) for step in plan) and "0 = 1" not in sql
    }
    assert scans == set()

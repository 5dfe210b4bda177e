"""Growth: what is asked often goes along an index, however many signups and letters there are."""

import logging
import re
from typing import Any

import pytest

from tests.support.service import Service


def test_nothing_that_is_asked_often_reads_a_whole_table_of_the_ledger(
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

    asked: list[Any] = [record.msg for record in caplog.records if record.name == "peewee"]
    asked = [each for each in asked if re.match('SELECT.* FROM "(signup|letter|event)"', each[0])]
    assert len(asked) > 20
    plans = {sql: service.rows(f"EXPLAIN QUERY PLAN {sql}", *values) for sql, values in asked}
    # Where nothing can match, as among no ids, nothing is read, whatever the plan.
    scans = {
        sql
        for sql, plan in plans.items()
        if any(re.match(r"SCAN t\d", each["detail"]) for each in plan) and "0 = 1" not in sql
    }
    assert scans == set()

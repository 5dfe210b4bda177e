"""Columns that keep less than milliseconds, as converters and hosters leave them."""

import pytest

from tests.support.report_tables import Report
from tests.support.service import ADA, Service
from tests.support.strapi_on_server import ENGINES

CREATED_AT = {
    "postgresql": "ALTER TABLE admin_users ALTER created_at TYPE timestamp({})",
    "mariadb": "ALTER TABLE admin_users MODIFY created_at datetime({})",
}


@pytest.mark.parametrize("backend", ENGINES, indirect=True)
@pytest.mark.parametrize("digits", [0, 1, 3])
def test_an_author_is_recognised_and_activated(
    service: Service, backend: str, digits: int, report: Report
) -> None:
    # Strapi 4 has no document ids: a row is known by its id and its creation time.
    service.strapi.do("ALTER TABLE admin_users DROP COLUMN document_id")
    service.strapi.do(CREATED_AT[backend].format(digits))
    service.visitor().apply()
    service.deliver()

    assert service.state() == "waiting"
    assert service.reviewer().decide("activate", ADA).status_code == 303
    assert service.strapi.is_active(ADA)
    assert "ok     Strapi's database" in service.run("check").output
    report("creation times without milliseconds, Strapi 4")

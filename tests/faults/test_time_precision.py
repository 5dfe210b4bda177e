"""Columns that keep less than milliseconds, as converters and hosters leave them."""

import pytest

from tests.support.report_tables import Report
from tests.support.service import ADA, Service
from tests.support.strapi_file import SUE
from tests.support.strapi_on_server import ENGINES

# Strapi 4's schema has no document ids: a row is known by its id and its creation time.
STRAPI_4 = {
    "postgresql": "ALTER TABLE admin_users DROP COLUMN document_id",
    "mariadb": "ALTER TABLE admin_users DROP COLUMN document_id",
}
CREATED_AT = {
    "postgresql": "ALTER TABLE admin_users ALTER created_at TYPE timestamp({})",
    "mariadb": "ALTER TABLE admin_users MODIFY created_at datetime({})",
}


@pytest.mark.parametrize("backend", ENGINES, indirect=True)
@pytest.mark.parametrize("digits", [0, 1, 3])
def test_an_author_is_recognised_and_activated(
    service: Service, backend: str, digits: int, report: Report
) -> None:
    service.strapi.do(STRAPI_4[backend])
    service.strapi.do(CREATED_AT[backend].format(digits))
    service.visitor().apply()
    service.deliver()
    sue = service.visitor()
    sue.log_in(SUE)

    assert service.signup()["state"] == "waiting"
    assert sue.decide("activate", service.signup()["strapi_id"]).status_code == 303
    assert (service.strapi.admin(ADA) or {})["is_active"]
    checked = service.app.test_cli_runner().invoke(args=["check"]).output
    assert "ok     Strapi's database" in checked
    report("creation times without milliseconds, Strapi 4")

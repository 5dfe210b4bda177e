"""One row that cannot be reconciled stops no other, and is shown until it can be."""

from datetime import timedelta

import pytest

from models.reconcile import FULL_COMPARISON
from tests.support.report_tables import Report
from tests.support.service import ADA, Later, Service

BOB = "bob@example.org"
# What a site may have made that keeps an author's row from being deleted.
OBSTACLES = {
    "a table that refers to the row": """
        CREATE TABLE notes (author integer REFERENCES admin_users(id));
        INSERT INTO notes SELECT id FROM admin_users WHERE email = 'ada@example.org';""",
    "a table that is checked at COMMIT": """
        CREATE TABLE notes (
            author integer REFERENCES admin_users(id) DEFERRABLE INITIALLY DEFERRED
        );
        INSERT INTO notes SELECT id FROM admin_users WHERE email = 'ada@example.org';""",
    "a trigger that refuses": """
        CREATE TRIGGER keep BEFORE DELETE ON admin_users WHEN old.email = 'ada@example.org'
        BEGIN SELECT RAISE(ABORT, 'no deletions'); END;""",
}


@pytest.fixture(params=OBSTACLES)
def stuck(service: Service, request: pytest.FixtureRequest) -> Service:
    """Ada has withdrawn, but her row cannot be deleted. Bob waits."""
    link = service.visitor().apply()
    service.visitor().apply(BOB)
    with service.strapi.connected() as database:
        database.executescript(OBSTACLES[request.param])
    service.visitor().post(f"{link}/withdraw", page=link)
    service.deliver()
    return service


def test_others_go_on(stuck: Service, report: Report) -> None:
    stuck.strapi.change(BOB, "is_active = 1")
    stuck.deliver()

    assert stuck.state(BOB) == "active"
    assert stuck.signup(ADA)["reconcile_error"]
    report("a row that cannot be deleted, and other signups")


def test_it_is_tried_again_and_completed_once_it_can_be(stuck: Service, later: Later) -> None:
    with stuck.strapi.connected() as database:
        database.executescript("DROP TABLE IF EXISTS notes; DROP TRIGGER IF EXISTS keep;")
    later(FULL_COMPARISON + timedelta(seconds=1))
    stuck.deliver()

    assert stuck.strapi.admin(ADA) is None
    assert stuck.signup(ADA)["reconcile_error"] is None


def test_it_is_shown_without_names_where_operators_and_reviewers_look(stuck: Service) -> None:
    sue = stuck.reviewer()

    stuck.app.extensions["worker"].start()
    health = sue.get("/healthz").get_json()
    stuck.app.extensions["worker"].stop()
    assert health == {"status": "ok", "warnings": ["reconcile"]}
    assert "1 signup cannot be brought in line" in sue.get("/review").text
    assert f"signup {stuck.signup()['id']}: " in stuck.run("check").output

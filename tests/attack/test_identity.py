"""Known ways to keep an account that reviewers do not want, or to get a second one."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from models.emails import comparable
from models.strapi import client
from tests.models.test_changed_email import by_api, by_command, by_page
from tests.models.test_international_domains import SAME
from tests.support.report_tables import Report
from tests.support.service import ADA, Service, Start
from tests.support.strapi_file import SUE
from tests.web.test_reviewer_rights import LOSSES

NEW_EMAILS = ["ada.l@example.org", "ADA.L@example.org", "ada@bücher.example", "x'--@example.org"]
WAYS = [by_page, by_api, by_command]


@pytest.fixture
def undoing(start: Start) -> Iterator[Service]:
    """Ada waits. A decision about her can be undone for ten minutes."""
    service = start(UNDO_SECONDS=600)
    service.visitor().apply()
    yield service
    assert list(service.strapi.damage()) == list(service.ledger.damage()) == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("new", NEW_EMAILS)
def test_no_new_email_saves_an_account(
    undoing: Service, report: Report, way: Callable[..., bool], new: str
) -> None:
    escaped, number = [], undoing.author_id()
    for noticed in (False, True):
        email = comparable(new) if noticed else ADA
        by_page(undoing, "activate", number, ADA)
        undoing.strapi.do("UPDATE admin_users SET email = ? WHERE id = ?", new, number)
        if noticed:
            undoing.deliver()
        done = way(undoing, "undo", number, email)
        [row] = undoing.strapi.rows("SELECT is_active FROM admin_users WHERE id = ?", number)
        escaped += [] if done and not row["is_active"] else [f"{new}, noticed: {noticed}"]
    undoing.visitor().ask(ADA)
    escaped += ["asked again"] if len(undoing.rows("SELECT * FROM signup")) > 1 else []
    report("undo, email changed in Strapi", 2, escaped)


def test_the_owner_of_a_mailbox_is_heard(undoing: Service, report: Report) -> None:
    undoing.reviewer().decide("activate", ADA)
    visitor = undoing.visitor()
    page = visitor.post(visitor.link("stop")).text
    ignored = [] if "We tell the people" in page else ["the page says otherwise"]
    ignored += [] if [m["To"] for m in undoing.deliver()] == [SUE] else ["nobody is told"]
    undoing.strapi.change(ADA, "is_active = 0")
    undoing.deliver()
    ignored += ["the account stays"] if undoing.strapi.admin(ADA) else []
    report("“this wasn't me” about an active account", 1, ignored)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("verb", ["activate", "undo"])
def test_no_decision_outlives_its_reviewer(
    undoing: Service, report: Report, monkeypatch: pytest.MonkeyPatch, verb: str, loss: str
) -> None:
    monkeypatch.setattr(client, "PATIENCE", 0.2)
    sue = undoing.reviewer()
    if verb == "undo":
        sue.decide("activate", ADA)
    before, opened = undoing.strapi.is_active(ADA), sue.get("/review")
    with closing(sqlite3.connect(undoing.strapi.path, isolation_level=None)) as busy:
        busy.execute("BEGIN IMMEDIATE")
        assert sue.send(f"/review/{undoing.author_id()}/{verb}", opened).status_code == 503
    undoing.strapi.do(loss, SUE)
    undoing.deliver()

    changed = undoing.strapi.is_active(ADA) != before
    report("decision that waits, reviewer without the right", 1, ["carried out"] * changed)


@pytest.mark.parametrize(("theirs", "typed"), SAME)
def test_no_spelling_of_a_domain_gets_a_second_account(
    service: Service, report: Report, theirs: str, typed: str
) -> None:
    link = service.visitor().ask_and_get_link(comparable(typed))
    service.strapi.add_admin(theirs, None, "strapi-editor")
    service.visitor().confirm(link)

    report("domain spelled otherwise", 1, ["a second account"] * (len(service.strapi.admins()) - 2))

"""Links that expired or were replaced: they show nothing of a person and do nothing."""

from datetime import timedelta

import pytest

from tests.support.report_tables import Report
from tests.support.service import ADA, Later, Service, Visitor
from tests.support.strapi_file import SUE

DAYS = (0, 3, 31)
PARTS = ("", "/withdraw")
PRIVATE = (ADA, "Ada", "Lovelace", "application", "withdraw", "Reason of Sue", "Log in")


def use(visitor: Visitor, link: str) -> list[str]:
    """Open an old link, and send every form that it ever had. Return what got through."""
    answers = [visitor.get(link), visitor.confirm(link)]
    answers += [visitor.post(f"{link}{part}", page=link) for part in PARTS]
    shown = [word for each in answers for word in PRIVATE if word in each.text]
    return shown + [f"status {each.status_code}" for each in answers if each.status_code != 410]


@pytest.mark.parametrize("state", ["asked", "waiting", "active", "declined", "withdrawn"])
@pytest.mark.parametrize("days", DAYS)
def test_an_old_link_is_worth_nothing(
    service: Service, report: Report, later: Later, state: str, days: int
) -> None:
    visitor = service.visitor()
    links = [visitor.ask_and_get_link()]
    if state != "asked":
        visitor.confirm()
        service.deliver()
        links.append(visitor.link())
    if state in ("active", "declined"):
        verb = "activate" if state == "active" else "decline"
        service.reviewer(SUE).decide(verb, ADA, reason="Reason of Sue", tell="y")
    if days == 0:
        # Another request replaces the links of earlier emails.
        visitor.ask()
        service.deliver()
    if state == "withdrawn":
        visitor.post(f"{visitor.link()}/withdraw", page=visitor.link())
    later(timedelta(days=days))
    # After three days, only the links of first emails are over.
    old = links[:1] if days == 3 else links
    service.deliver()
    before = service.state()

    for link in old:
        report(f"an old link, {state}", 2 + len(PARTS), use(visitor, link))
    assert service.state() == before

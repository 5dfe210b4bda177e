"""Nobody but reviewers sees a decline before its undo period is over (P14)."""

from datetime import timedelta

import pytest

from tests.conftest import every_engine
from tests.support.service import ADA, Later, Service, Start, Visitor
from tests.support.smtp_server import text

REASON = "WRONG PERSON"
WAITING, DECLINED = "We have your application", "Your application was declined"
PERIOD = timedelta(minutes=10)


@pytest.fixture
def service(start: Start) -> Service:
    service = start(UNDO_SECONDS=PERIOD.seconds)
    service.visitor().apply()
    return service


def seen_by_ada(service: Service, later: Later) -> str:
    """Everything that the author can reach: her page, and the email when she asks again."""
    ada = service.visitor()
    page = ada.get(ada.link()).text
    later(timedelta(seconds=1))
    ada.ask()
    emails = [text(email) for email in service.deliver() if email["To"] == ADA]
    return "\n".join([page, *emails, ada.get(ada.link()).text])


@every_engine
@pytest.mark.parametrize("tell", ["", "y"])
def test_a_decline_shows_when_it_cannot_be_undone_any_more(
    service: Service, later: Later, tell: str
) -> None:
    service.reviewer().decide("decline", ADA, reason=REASON, tell=tell)

    seen = seen_by_ada(service, later)
    assert WAITING in seen
    assert "declined" not in seen
    assert REASON not in seen

    later(PERIOD)
    service.deliver()
    seen = seen_by_ada(service, later)
    assert DECLINED in seen
    assert WAITING not in seen
    assert (REASON in seen) == bool(tell)


@every_engine
def test_after_an_undo_the_author_has_seen_nothing(
    service: Service, later: Later, sue: Visitor
) -> None:
    sue.decide("decline", ADA, reason=REASON, tell="y")
    sue.decide("undo", ADA)
    later(PERIOD)

    assert REASON not in seen_by_ada(service, later)
    assert service.state() == "waiting"


@every_engine
def test_a_withdrawal_wins_over_a_decline_that_is_not_shown(service: Service, later: Later) -> None:
    ada = service.visitor()
    service.reviewer().decide("decline", ADA, reason=REASON, tell="y")
    ada.post(f"{ada.link()}/withdraw", page=ada.link())

    assert "You withdrew your application" in ada.get(ada.link()).text
    later(PERIOD)
    assert service.deliver() == []
    assert service.strapi.admin(ADA) is None


def test_a_decline_that_is_shown_cannot_be_withdrawn(service: Service, later: Later) -> None:
    ada = service.visitor()
    opened = ada.get(ada.link())
    service.reviewer().decide("decline", ADA, reason=REASON, tell="y")
    later(PERIOD)
    ada.send(f"{ada.link()}/withdraw", opened)

    assert service.state() == "declined"
    assert DECLINED in ada.get(ada.link()).text

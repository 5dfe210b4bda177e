"""What counts for a mailbox, however its email is written: "this wasn't me", and declines."""

import hashlib
import hmac
from datetime import timedelta

import pytest

from tests.conftest import every_engine
from tests.support.service import ADA, TOM, Later, Service, Start, Visitor
from tests.support.smtp_server import text
from tests.support.strapi_file import SUE

# Emails of one mailbox, and emails that are others.
SAME = [
    ("vic@example.org", "vic+1@example.org"),
    ("vic+1@example.org", "vic@example.org"),
    ("vic+1@example.org", "vic+2+3@example.org"),
    ("vic.tor@gmail.com", "v.i.c.t.o.r+x@googlemail.com"),
    ("vic_tor-x@proton.me", "victor.x@proton.me"),
    ("v-i-c@protonmail.com", "vic+news@pm.me"),
]
OTHERS = [
    ("vic@example.org", "v.ic@example.org"),
    ("vic@example.org", "vic@example.com"),
    ("vic-tor@gmail.com", "victor@gmail.com"),
    ("vic_tor@example.org", "victor@example.org"),
]
MONTH = timedelta(days=30)
DECLINED = "Your last application was declined"


@every_engine
@pytest.mark.parametrize(("stopped", "other"), SAME)
def test_stop_covers_the_mailbox(service: Service, stopped: str, other: str) -> None:
    visitor = service.visitor()
    waiting = visitor.apply(other)
    visitor.ask(stopped)
    service.deliver()
    visitor.post(visitor.link("stop", stopped))
    service.deliver()

    visitor.ask(other)
    visitor.ask(stopped)
    assert service.deliver() == []
    assert "We will not write to you again" in visitor.get(waiting).text
    assert service.strapi.admin(other) is None


@pytest.mark.parametrize(("stopped", "other"), OTHERS)
def test_stop_covers_no_other_mailbox(service: Service, stopped: str, other: str) -> None:
    service.run("stop", stopped)
    service.visitor().ask(other)
    assert [message["To"] for message in service.deliver()] == [other]


def test_stops_of_earlier_versions_are_still_known(service: Service) -> None:
    key = str(service.app.config["SECRET_KEY"]).encode()
    old = hmac.new(key, b"stop vic+1@example.org", hashlib.sha256).hexdigest()
    service.ledger.do("INSERT INTO stop (digest, stopped_at) VALUES (?, 1)", old)
    arrived = []
    for email in ("vic@example.org", "vic+1@example.org", "vic@example.org"):
        service.visitor().ask(email)
        arrived.append(len(service.deliver()))
    # Asking for the stopped email again makes its stop one of the mailbox.
    assert arrived == [1, 0, 0]


def test_a_stop_link_works_for_thirty_days_although_the_request_is_forgotten(
    service: Service, later: Later
) -> None:
    visitor = service.visitor()
    for email in (ADA, TOM):
        visitor.ask_and_get_link(email)
    ada, tom = (visitor.link("stop", email) for email in (ADA, TOM))
    later(MONTH - timedelta(minutes=1))
    assert service.run("purge").output == "2 signups purged\n"
    visitor.post(ada)
    assert "We will not write to you again" in visitor.get(ada).text

    page = visitor.get(tom)
    later(timedelta(minutes=2))
    for answer in (visitor.get(tom), visitor.send(tom, page)):
        assert (answer.status_code, "This link has expired" in answer.text) == (410, True)
    visitor.ask(ADA)
    visitor.ask(TOM)
    assert [message["To"] for message in service.deliver()] == [TOM]


def test_an_operator_stops_a_mailbox_and_allows_it_again(service: Service) -> None:
    visitor = service.visitor()
    visitor.apply()
    assert service.run("stop", " Ada+x@Example.org").exit_code == 0
    service.deliver()
    assert (service.strapi.admin(ADA), ADA.encode() in service.ledger_bytes()) == (None, False)
    visitor.ask()
    assert service.deliver() == []

    assert service.run("allow", ADA).output == f"{ADA} may get emails again\n"
    assert service.run("allow", ADA).output == f"{ADA} was not stopped\n"
    visitor.ask()
    assert len(service.deliver()) == 1
    assert service.run("stop", "nonsense").exit_code == 2


def test_stop_leaves_a_reviewer_the_emails_about_signups(service: Service) -> None:
    service.visitor().ask("super.admin@example.com")
    service.ledger.do("UPDATE letter SET signup_id = NULL, kind = 'waiting'")
    service.run("stop", "super.admin@example.com")
    assert len(service.emails()) == 1


# Declines


@pytest.fixture
def dan(service: Service) -> Visitor:
    """Dan, who was declined, and has a link to another spelling of his email."""
    visitor = service.visitor()
    visitor.apply("dan@gmail.com")
    visitor.ask_and_get_link("d.an+1@gmail.com")
    service.reviewer().decide("decline", "dan@gmail.com", reason="Not you.", tell="y")
    service.deliver()
    return visitor


@every_engine
def test_a_decline_counts_for_the_mailbox(service: Service, dan: Visitor, later: Later) -> None:
    link = dan.link(email="d.an+1@gmail.com")
    for email in ("d.an+2@gmail.com", "d.an+1@gmail.com"):
        later(timedelta(hours=1))
        dan.ask(email)
        [told] = [each for each in service.deliver() if each["To"] != SUE]
        assert (told["To"], DECLINED in text(told)) == ("dan@gmail.com", True)
    for answer, status in ((dan.confirm(link), 409), (dan.get(link), 200)):
        assert answer.status_code == status
        assert "Your application was declined" in answer.text
        assert "Not you." not in answer.text
    assert service.strapi.admin("d.an+1@gmail.com") is None

    later(MONTH + timedelta(seconds=1))
    dan.apply("d.an+2@gmail.com")
    assert service.state("d.an+2@gmail.com") == "waiting"


def test_no_other_spelling_helps_while_a_decline_can_be_undone(start: Start) -> None:
    service = start(UNDO_SECONDS=600)
    visitor = service.visitor()
    visitor.apply("dan@gmail.com")
    link = visitor.ask_and_get_link("dan+1@gmail.com")
    service.reviewer().decide("decline", "dan@gmail.com", reason="", tell="y")

    assert "Choose a password" in visitor.get(link).text
    answer = visitor.confirm(link)
    assert (answer.status_code, "Your link still works" in answer.text) == (503, True)
    assert "declined" not in answer.text


def test_withdrawing_another_spelling_does_not_lift_a_decline(
    service: Service, sue: Visitor
) -> None:
    visitor = service.visitor()
    visitor.apply("dan@gmail.com")
    other = visitor.apply("dan+1@gmail.com")
    sue.decide("decline", "dan@gmail.com", reason="", tell="")
    visitor.post(f"{other}/withdraw", page=other)
    service.deliver()
    visitor.ask("dan+1@gmail.com")
    assert DECLINED in text(service.deliver()[0])


@every_engine
def test_a_decline_before_the_update_counts_and_a_purge_lifts_none(
    start: Start, later: Later
) -> None:
    service = start(KEEP_DAYS=30, REAPPLY_DAYS=30)
    visitor = service.visitor()
    visitor.apply("dan@gmail.com")
    service.reviewer().decide("decline", "dan@gmail.com", reason="", tell="")
    service.ledger.do("UPDATE signup SET mailbox = NULL")
    later(MONTH - timedelta(minutes=1))
    service.run("purge")
    service.deliver()

    visitor.ask("dan+1@gmail.com")
    assert DECLINED in text(service.deliver()[0])


def test_reviewers_see_the_earlier_applications_of_a_mailbox(
    service: Service, sue: Visitor, dan: Visitor, later: Later
) -> None:
    later(MONTH + timedelta(seconds=1))
    dan.apply("d.an+2@gmail.com")
    sue = service.reviewer()
    earlier = f'<a href="/review/signup/{service.signup("dan@gmail.com")["id"]}">'
    for path in ("/review", f"/review/signup/{service.signup('d.an+2@gmail.com')['id']}"):
        assert f"{earlier}dan@gmail.com is declined.</a>" in sue.get(path).text


def test_an_erased_signup_has_no_earlier_ones(service: Service, sue: Visitor) -> None:
    service.visitor().apply()
    service.visitor().apply(TOM)
    service.ledger.do("UPDATE signup SET mailbox = NULL")
    assert "waits for a decision.</a>" not in sue.get("/review").text


def test_declines_must_be_kept_as_long_as_they_count(start: Start) -> None:
    output = start(KEEP_DAYS=29, REAPPLY_DAYS=30).run("check").output
    assert "SIGNUP_KEEP_DAYS must be at least SIGNUP_REAPPLY_DAYS, 30" in output

"""Fifty processes that do the same for one email at the same moment, on every engine.

One of them wins, and no visitor sees an error.
"""

from collections import Counter

from models import password_hashing
from models.mail.email_kinds import EmailKind
from models.mail.outbox import OutgoingEmail
from tests.conftest import every_engine
from tests.faults.acts import violations
from tests.faults.simultaneous import PROCESSES, run_simultaneously
from tests.support.report_tables import Report
from tests.support.service import ADA, Service, Start

pytestmark = every_engine


def test_fifty_confirmations_of_one_email_make_one_author(start: Start, report: Report) -> None:
    service = start(RATELIMIT_ENABLED=False)
    link = service.visitor().ask_and_get_link()
    answers = Counter(run_simultaneously(service, "confirm", link))
    service.deliver()

    assert answers[303] >= 1
    assert set(answers) <= {303, 503}
    stored = (service.strapi.admin(ADA) or {})["password"]
    tried = (f"Analytical{number}engine" for number in range(PROCESSES))
    assert any(password_hashing.verify(each, stored) for each in tried)
    report("50 processes confirm one email", PROCESSES, violations(service, ADA, "waiting"))


def test_fifty_signups_of_one_email_are_one_and_limits_count_exactly(
    service: Service, report: Report
) -> None:
    answers = Counter(run_simultaneously(service, "ask"))

    assert answers == {303: 30, 429: 20}
    assert len(service.rows("SELECT * FROM signup")) == 1
    assert len(service.emails()) == 3
    report("50 processes sign up one email, 30 an hour allowed", PROCESSES)


def test_of_fifty_guesses_five_are_compared(service: Service, report: Report) -> None:
    assert Counter(run_simultaneously(service, "guess")) == {422: 5, 429: 45}
    report("50 processes guess a password, 5 failures allowed", PROCESSES)


def test_fifty_workers_take_each_email_once(service: Service, report: Report) -> None:
    with service.app.app_context():
        due = [
            OutgoingEmail.enqueue(EmailKind.RECEIVED, f"author{number}@example.org").id
            for number in range(20)
        ]

    leased = sorted(number for each in run_simultaneously(service, "lease") for number in each)

    assert leased == due
    report("50 processes take 20 emails from the outbox", PROCESSES)

"""Fifty processes that do the same for one email at the same moment, on every engine.

One of them wins, and no visitor sees an error.
"""

from collections import Counter
from collections.abc import Callable

from models import password_hashing
from models.mail.email_kinds import EmailKind
from models.mail.outbox import OutgoingEmail
from tests.conftest import every_engine
from tests.faults.acts import violations
from tests.faults.simultaneous import PROCESSES, run_simultaneously
from tests.support.report_tables import Report
from tests.support.service import ADA, Service

pytestmark = every_engine


def test_fifty_confirmations_of_one_email_make_one_author(
    start: Callable[..., Service], report: Report
) -> None:
    service = start(RATELIMIT_ENABLED=False)
    visitor = service.visitor()
    visitor.ask()
    service.deliver()
    answers = Counter(run_simultaneously(service, "confirm", visitor.link()))
    service.deliver()

    broken = [f"{n} answers are {each}" for each, n in answers.items() if each not in (303, 503)]
    broken += violations(service, ADA, "waiting")
    author = service.strapi.admin(ADA) or {}
    tried = (f"Analytical{number}engine" for number in range(PROCESSES))
    if not any(password_hashing.verify(each, author["password"]) for each in tried):
        broken.append("no password of the fifty is right")
    assert answers[303] >= 1
    report("50 processes confirm one email", PROCESSES, broken)


def test_fifty_signups_of_one_email_are_one_and_limits_count_exactly(
    start: Callable[..., Service], report: Report
) -> None:
    service = start()

    answers = Counter(run_simultaneously(service, "ask"))

    broken = [] if answers == {303: 30, 429: 20} else [f"the answers are {dict(answers)}"]
    signups = service.rows("SELECT * FROM signup")
    emails = service.rows("SELECT * FROM letter")
    if len(signups) != 1 or len(emails) != 3:
        broken.append(f"{len(signups)} signups and {len(emails)} emails")
    report("50 processes sign up one email, 30 an hour allowed", PROCESSES, broken)


def test_fifty_workers_take_each_email_once(start: Callable[..., Service], report: Report) -> None:
    service = start()
    with service.app.app_context():
        due = [
            OutgoingEmail.enqueue(EmailKind.RECEIVED, f"author{number}@example.org").id
            for number in range(20)
        ]

    leased = sorted(number for each in run_simultaneously(service, "lease") for number in each)

    broken = [] if leased == due else [f"{leased} were leased"]
    report("50 processes take 20 emails from the outbox", PROCESSES, broken)

"""Fifty processes on one address at the same moment: whichever engine holds the databases, one of
them wins, and nobody is told that something went wrong."""

from collections import Counter
from collections.abc import Callable

from models import password_hashing
from models.mail.outbox import EmailKind, OutgoingEmail
from tests.conftest import every_engine
from tests.faults.invariants import damage
from tests.faults.simultaneous import CROWD, rush
from tests.support.service import ADA, Service

Tally = Callable[..., None]

pytestmark = every_engine


def test_fifty_confirmations_of_one_address_make_one_author(
    start: Callable[..., Service], tally: Tally
) -> None:
    service = start(RATELIMIT_ENABLED=False)
    visitor = service.visitor()
    visitor.ask()
    service.deliver()
    answers = Counter(rush(service, "confirm", visitor.link()))
    service.deliver()

    violations = [
        f"{n} answers are {each}" for each, n in answers.items() if each not in (303, 503)
    ]
    rows = service.strapi.rows("SELECT * FROM admin_users WHERE lower(email) = ?", ADA)
    if len(rows) != 1:
        violations.append(f"{len(rows)} rows in Strapi")
    tried = (f"Analytical{number}engine" for number in range(CROWD))
    if not any(password_hashing.verify(each, rows[0]["password"]) for each in tried):
        violations.append("nobody's password is good")
    confirmed = service.rows("SELECT 1 FROM event WHERE what = 'confirmed'")
    told = [each for each in service.mail.messages if "has your application" in each["Subject"]]
    if len(confirmed) != 1 or len(told) != 1:
        violations.append(f"{len(confirmed)} confirmations are noted, {len(told)} letters sent")
    violations += damage(service.strapi, service.ledger)
    assert answers[303] >= 1
    tally("50 processes confirm one address", CROWD, violations)


def test_fifty_requests_for_one_address_are_one_signup_and_limits_count_them_exactly(
    start: Callable[..., Service], tally: Tally
) -> None:
    service = start()

    answers = Counter(rush(service, "ask"))
    violations = [] if answers == {303: 30, 429: 20} else [f"the answers are {dict(answers)}"]
    signups = service.rows("SELECT * FROM signup")
    letters = service.rows("SELECT * FROM letter")
    if len(signups) != 1 or len(letters) != 3:
        violations.append(f"{len(signups)} signups and {len(letters)} letters")
    tally("50 processes ask for one address, 30 an hour allowed", CROWD, violations)


def test_fifty_couriers_take_each_letter_once(start: Callable[..., Service], tally: Tally) -> None:
    service = start()
    with service.app.app_context():
        due = [
            OutgoingEmail.enqueue(EmailKind.RECEIVED, f"author{number}@example.org").id
            for number in range(20)
        ]

    taken = sorted(number for each in rush(service, "lease") for number in each)
    violations = [] if taken == due else [f"{taken} were taken"]
    tally("50 processes take 20 letters", CROWD, violations)

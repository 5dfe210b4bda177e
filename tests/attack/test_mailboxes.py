"""Other spellings of an email whose owner said "this wasn't me", or was declined."""

from datetime import timedelta

import pytest

from tests.support.report_tables import Report
from tests.support.service import Later, Service
from tests.support.smtp_server import text

SPELLINGS = {
    "dan@example.org": ["dan+1@", "Dan@", "dan+@", "dan+a+b@", "DAN+x.y@"],
    "da.n@gmail.com": ["dan@", "d.a.n@", "dan+1@", "d.an+x@googlemail.com", "D.a.N@"],
    "da-n@proton.me": ["dan@", "d_a.n@", "dan+1@", "d-an@pm.me", "d.an+x@protonmail.com"],
}


def spellings(email: str) -> list[str]:
    domain = email.partition("@")[2]
    return [each if each[-1] != "@" else each + domain for each in SPELLINGS[email]]


@pytest.mark.parametrize("email", SPELLINGS)
@pytest.mark.parametrize("ending", ["stopped", "declined"])
def test_another_spelling_reaches_nobody_and_nobody_applies_with_it(
    service: Service, report: Report, later: Later, email: str, ending: str
) -> None:
    visitor = service.visitor()
    visitor.apply(email)
    earlier = visitor.ask_and_get_link(spellings(email)[0])
    if ending == "stopped":
        visitor.post(visitor.link("stop", email))
    else:
        service.reviewer().decide("decline", email, reason="", tell="")
    service.deliver()

    for each in spellings(email):
        later(timedelta(hours=5))
        visitor.ask(each)
        emails = [text(message) for message in service.deliver() if "super" not in message["To"]]
        limit = "/confirm/" if ending == "stopped" else "choose a password"
        report(f"another spelling, {ending}", 1, [each] * any(limit in body for body in emails))
    visitor.confirm(earlier)
    service.deliver()
    waiting = service.rows("SELECT email FROM signup WHERE state = 'waiting'")
    report(f"a link from before, {ending}", 1, [str(row) for row in waiting])

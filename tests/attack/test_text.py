"""Whatever the databases contain is shown as text: on pages, in emails and in the API."""

import re
from collections.abc import Callable

import pytest

from tests.attack.conftest import Check
from tests.attack.corpus import TEXTS
from tests.attack.inputs import some
from tests.attack.target import Target, bad_emails
from tests.support.report_tables import Report
from tests.support.service import PUBLIC, Service
from tests.support.smtp_server import html, text
from tests.support.strapi_file import SUE, SUE_PASSWORD

SUBJECT = r"[\w ]+ cms\.example\.com"
NOT_BLANK = [each for each in TEXTS if each.strip()]


@pytest.mark.parametrize("typed", some(TEXTS, "pages", 40))
def test_stored_text_is_text_on_every_page(target: Target, check: Check, typed: str) -> None:
    typed = typed.encode(errors="replace").decode()
    signup = target.service.signup()
    for state in ("waiting", "declined"):
        target.service.ledger.do(
            "UPDATE signup SET firstname = ?, lastname = ?, why = ?, reason = ?, told = 1,"
            " decided_by = ?, state = ?, decided_at = asked_at WHERE id = ?",
            *([typed] * 5),
            *(state, signup["id"]),
        )
        target.watch.changes()
        pages = [f"/review?state={state}", f"/review/signup/{signup['id']}", target.waiting]
        for page in pages:
            check("stored text on a page", target.sue.get(page))
        for call in (f"/api/authors?state={state}", f"/api/authors/{target.author_id}"):
            auth = (SUE, SUE_PASSWORD)
            answer = target.sue.client.get(call, base_url=PUBLIC, auth=auth)
            check("stored text in the API", answer)
            assert answer.json
            assert answer.mimetype == "application/json"


HIDDEN = (
    *("\u200c", "\u200d", "\u034f", "\u115f", "\u3164", "\ufe00", "\ufe0f", "\U000e0100", "\u180b"),
    *("\u202e", "\u2066", "\u061c", "\U000e0061", "\u00ad", "\u2060", "\ufeff", "\U0001d173"),
)


def test_invisible_characters_are_refused_in_every_field(
    start: Callable[..., Service], report: Report
) -> None:
    visitor = start(RATELIMIT_ENABLED=False).visitor()
    link = visitor.ask_and_get_link()
    for each in HIDDEN:
        typed = f"Su{each}per"
        answers = [
            visitor.ask(first=typed),
            visitor.ask(last=typed),
            visitor.ask(f"{typed}@example.org"),
            visitor.confirm(link, firstname=typed),
            visitor.confirm(link, lastname=typed),
            visitor.confirm(link, why=typed),
        ]
        taken = [f"U+{ord(each):04X}" for answer in answers if answer.status_code != 422]
        report("joiners and other invisible characters", len(answers), taken)


@pytest.mark.parametrize("typed", some(NOT_BLANK, "letters", 12))
def test_stored_text_is_text_in_every_email(
    start: Callable[..., Service], report: Report, typed: str
) -> None:
    typed = typed.encode(errors="replace").decode()
    service = start()
    author, sue = service.visitor(), service.visitor()
    author.ask()
    service.deliver()
    author.confirm()
    service.ledger.do("UPDATE signup SET firstname = ?, why = ?", typed, typed)

    waiting = [message for message in service.deliver() if message["To"] == SUE]
    assert waiting
    sue.log_in()
    sue.decide("decline", service.signup()["strapi_id"], reason="…", tell="y")
    service.ledger.do("UPDATE signup SET reason = ?", typed)
    [declined] = service.deliver()

    report("stored text in an email", 2, bad_emails(service))
    for message in (*waiting, declined):
        assert "<x-evil" not in html(message)
        assert re.fullmatch(SUBJECT, str(message["Subject"]))
        assert text(message)

"""Whatever was stored, however it got there, is shown as text: on pages, in letters, in the API."""

import re
from collections.abc import Callable

import pytest

from tests.attack.corpus import TEXTS
from tests.attack.inputs import some
from tests.attack.target import Target, bad_letters
from tests.support.service import PUBLIC, Service
from tests.support.smtp_server import html, text
from tests.support.strapi_file import SUE, SUE_PASSWORD, StrapiFile

SUBJECT = r"[\w ]+ cms\.example\.com"


@pytest.mark.parametrize("typed", some(TEXTS, "pages", 40))
def test_what_the_ledger_holds_is_text_on_every_page(
    target: Target, judge: Callable[..., None], typed: str
) -> None:
    typed = typed.encode(errors="replace").decode()
    signup = target.service.signup()
    ledger = StrapiFile(target.service.ledger.path)
    for state in ("waiting", "declined"):
        ledger.do(
            "UPDATE signup SET firstname = ?, lastname = ?, why = ?, reason = ?, told = 1,"
            " decided_by = ?, state = ?, decided_at = asked_at WHERE id = ?",
            *[typed] * 5,
            state,
            signup["id"],
        )
        target.watch.effects()
        auth = (SUE, SUE_PASSWORD)
        pages = [f"/review?state={state}", f"/review/signup/{signup['id']}", target.waiting]
        for page in pages:
            judge("stored text on a page", target.sue.get(page))
        for call in (f"/api/authors?state={state}", f"/api/authors/{target.author_id}"):
            answer = target.sue.client.get(call, base_url=PUBLIC, auth=auth)
            judge("stored text in the API", answer)
            assert answer.json
            assert answer.mimetype == "application/json"


@pytest.mark.parametrize("typed", some([each for each in TEXTS if each.strip()], "letters", 12))
def test_what_the_ledger_holds_is_text_in_every_letter(
    start: Callable[..., Service], tally: Callable[..., None], typed: str
) -> None:
    typed = typed.encode(errors="replace").decode()
    service = start()
    author, sue = service.visitor(), service.visitor()
    author.ask()
    service.deliver()
    author.confirm()
    service.ledger.do("UPDATE signup SET firstname = ?, why = ?", typed, typed)

    waiting = [letter for letter in service.deliver() if letter["To"] == SUE]
    assert waiting
    sue.log_in()
    sue.decide("decline", service.signup()["strapi_id"], reason="…", tell="y")
    service.ledger.do("UPDATE signup SET reason = ?", typed)
    [declined] = service.deliver()

    tally("stored text in a letter", 2, list(bad_letters(service)))
    for letter in (*waiting, declined):
        assert "<x-evil" not in html(letter)
        assert re.fullmatch(SUBJECT, str(letter["Subject"]))
        assert text(letter)

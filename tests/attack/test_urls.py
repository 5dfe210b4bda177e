"""Attacks on every part of a URL: tokens, ids, queries, paths and methods."""

import base64
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeTimedSerializer

from tests.attack.conftest import Check
from tests.attack.corpus import ESCAPES, KNOWN, TEXTS
from tests.attack.inputs import some, texts, url_parts
from tests.attack.target import Target, escape
from tests.support.service import PUBLIC, Visitor, token_of

# Paths with a token.
LINKS = ["/confirm/{}", "/stop/{}", "/confirm/{}/withdraw", "/confirm/{}/renew"]
# Paths with an id or a name.
IDS = [
    "/review/{}/activate",
    "/review/{}/decline",
    "/review/{}/preview",
    "/review/{}/undo",
    "/review/signup/{}",
    "/review/letters/{}/send-again",
    "/review/notices/{}",
    "/static/{}",
    "/{}",
]
QUERIES = {
    "/review": ("state", "q", "page", "done", "back", "missed", "again", "evil"),
    "/review/login": ("ended", "next"),
    "/signup": ("correct", "next"),
    "/signup/sent": ("again", "next"),
    "/healthz": ("verbose",),
}
WRONG_IDS = [*KNOWN["ids"], "9" * 400]
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def damaged(token: str) -> Iterator[str]:
    """Texts that differ a little from a valid token."""
    content, _, signature = token.rpartition(".")
    yield from (token[:end] for end in range(len(token)))
    for place in (*range(0, len(token) - 8, 5), *range(len(token) - 8, len(token))):
        for bit in range(7):
            flipped = chr(ord(token[place]) ^ 1 << bit)
            if flipped != token[place]:
                yield token[:place] + quote(flipped, safe="") + token[place + 1 :]
    yield from (token + end for end in ("=", "==", ".", "A", " ", "%00", "/", "%2f", "?", "\n"))
    yield from (content, signature, f".{token}", f"{token}.{token}", token.swapcase())
    yield from (token.replace(".", "%2e."), token.replace(".", ".."), f"%20{token}", f"{token}%0a")
    yield f".{base64.urlsafe_b64encode(b'x' * 5000).decode()}.{signature}"


def same_signature(token: str, other: str) -> bool:
    """Whether base64 decodes both to the same: four last characters stand for the same bits."""
    padded = [f"{each.rpartition('.')[2]}=" for each in (token, other)]
    try:
        first, second = (base64.urlsafe_b64decode(each) for each in padded)
    except ValueError:
        return False
    return first == second and token.rpartition(".")[0] == other.rpartition(".")[0]


def token_in(link: str) -> str:
    return link.rsplit("/", maxsplit=1)[-1]


def statuses(check: Check, visitor: Visitor, kind: str, path: str, csrf: str = "") -> set[int]:
    """Open a path and send a form there; return the statuses."""
    found = set()
    for method in ("GET", "POST"):
        form = {"csrf_token": csrf} if method == "POST" else None
        with visitor.client.open(path, method=method, base_url=PUBLIC, data=form) as answer:
            check(kind, answer)
            found.add(answer.status_code)
    return found


@pytest.mark.parametrize("pattern", ["/confirm/{}", "/stop/{}"])
def test_a_token_with_any_change_is_refused(target: Target, check: Check, pattern: str) -> None:
    token = token_in(target.open if "confirm" in pattern else target.stop)
    for other in damaged(token):
        if not same_signature(token, other.rstrip("=")):
            found = statuses(check, target.author, "changed token", pattern.format(other))
            assert found <= {404, 405}, other


def test_other_spellings_of_a_link_make_no_second_author(target: Target, check: Check) -> None:
    target.invite()
    token = token_in(target.open)
    before = len(target.service.strapi.admins())

    for other in [token, f"{token}=", *(f"{token[:-1]}{end}" for end in BASE64)]:
        target.author.confirm(f"/confirm/{other}")
        target.watch.changes()
        check("token spelled otherwise", target.author.get(f"/confirm/{other}"))

    assert len(target.service.strapi.admins()) == before + 1
    target.invite()
    target.watch.changes()


def test_a_token_signed_for_another_purpose_is_refused(target: Target, check: Check) -> None:
    service = target.service
    key = service.signup()["key"]
    secret = service.app.config["SECRET_KEY"]
    signers = [(secret, salt) for salt in KNOWN["salts"]]
    signers += [(other, f"confirm {PUBLIC}") for other in ("", "x" * 64)]
    forged = [URLSafeTimedSerializer(key_, salt=salt).dumps([key, 1]) for key_, salt in signers]
    for visitor in (target.author, target.sue):
        forged += [cookie.value for cookie in (visitor.client._cookies or {}).values()]
        forged.append(token_of(visitor.get("/signup")))

    stop, *confirm = map(token_in, (target.stop, target.open, target.waiting))
    assert len(forged) >= 13
    for pattern in LINKS:
        for token in (*forged, *(confirm if "stop" in pattern else [stop])):
            path = pattern.format(escape(token))
            found = statuses(check, target.author, "token signed for another purpose", path)
            assert found <= {404, 405}


def test_a_link_is_no_session(target: Target, check: Check) -> None:
    for link in (target.open, target.waiting, target.stop):
        value = token_in(link)
        headers = {"Cookie": f"__Host-signup={value}; __Host-session={value}; signup={value}"}
        client = target.service.app.test_client()
        answer = client.get("/review", base_url=PUBLIC, headers=headers)
        check("link as a session", answer)
        assert answer.status_code == 303


@pytest.mark.parametrize("pattern", LINKS)
def test_no_text_instead_of_a_token_gets_through(
    target: Target, check: Check, pattern: str
) -> None:
    @given(url_parts | texts.map(escape))
    def attack(part: str) -> None:
        statuses(check, target.author, "generated text instead of a token", pattern.format(part))

    attack()
    for raw in (*ESCAPES, *map(escape, some(TEXTS, pattern))):
        statuses(check, target.author, "known attack instead of a token", pattern.format(raw))


@pytest.mark.parametrize("pattern", IDS)
def test_no_text_instead_of_an_id_gets_through(target: Target, check: Check, pattern: str) -> None:
    csrf = token_of(target.sue.get("/review"))

    def attack_with(kind: str, part: str) -> set[int]:
        return statuses(check, target.sue, f"{kind} instead of an id", pattern.format(part), csrf)

    @given(url_parts | st.integers().map(str))
    def attack(part: str) -> None:
        if part not in (target.author_id, "off", "on") and not part.startswith("review/"):
            attack_with("generated text", part)

    attack()
    for raw in (*ESCAPES, *WRONG_IDS):
        assert 303 not in attack_with("known attack", raw), raw


@pytest.mark.parametrize(("page", "name"), [(p, n) for p, names in QUERIES.items() for n in names])
def test_no_query_gets_through(target: Target, check: Check, page: str, name: str) -> None:
    def ask(kind: str, query: str) -> None:
        for visitor in (target.sue, target.nobody):
            with visitor.client.get(f"{page}?{query}", base_url=PUBLIC) as answer:
                check(kind, answer, may_be_unhealthy=page == "/healthz")

    @given(texts, url_parts)
    def attack(text: str, raw: str) -> None:
        ask("generated text in a query", f"{name}={escape(text)}&{raw}")

    attack()
    for text in some(TEXTS, f"{page} {name}"):
        ask("known attack in a query", f"{name}={escape(text)}")
    for raw in (*ESCAPES, *WRONG_IDS):
        ask("known attack in a query", f"{name}={raw}&{name}={raw}&{name}[]={raw}")


@pytest.mark.parametrize("path", KNOWN["paths without a page"])
def test_there_is_no_page_where_none_should_be(target: Target, check: Check, path: str) -> None:
    for visitor in (target.sue, target.nobody):
        with visitor.client.get(path, base_url=PUBLIC) as answer:
            check("path without a page", answer)
        assert answer.status_code in (303, 308, 400, 401, 404)
        if answer.status_code in (303, 308):
            assert answer.location.endswith(("/review/login", "/static/etc/passwd"))


def test_an_unusual_method_changes_nothing(target: Target, check: Check) -> None:
    pages = ["/", "/signup", "/review", "/review/login", "/api/authors", "/static/style.css"]
    pages += [target.open, target.waiting, target.stop, f"/review/{target.author_id}/activate"]
    form: dict[str, Any] = {"csrf_token": token_of(target.sue.get("/review"))}
    for page in pages:
        for method in KNOWN["methods"]:
            client = target.sue.client
            with client.open(page, method=method, base_url=PUBLIC, data=form) as answer:
                check("unusual method", answer)
                assert answer.status_code in (200, 302, 303, 400, 401, 404, 405), (page, method)
        override = {"X-HTTP-Method-Override": "DELETE"}
        with target.sue.client.post(page, base_url=PUBLIC, headers=override) as answer:
            assert answer.status_code < 500
    target.watch.changes()


def test_every_review_page_needs_a_session(target: Target, check: Check) -> None:
    rules = [r for r in target.service.app.url_map.iter_rules() if r.rule.startswith("/review")]
    assert len(rules) > 10
    for rule in rules:
        built = rule.build({name: "off" if name == "wanted" else 1 for name in rule.arguments})
        assert built
        path = built[1]
        for method in (rule.methods or set()) - {"OPTIONS"}:
            with target.nobody.client.open(path, method=method, base_url=PUBLIC) as answer:
                check("review page without a session", answer)
            if "login" not in path:
                assert answer.status_code in (303, 400)

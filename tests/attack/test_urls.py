"""Every part of every address: tokens, ids, queries, paths and methods."""

import base64
from collections.abc import Callable, Iterator
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeTimedSerializer

from tests.attack.corpus import METHODS, RAW, TEXTS
from tests.attack.inputs import address_parts, some, texts
from tests.attack.target import Target, on_the_wire
from tests.support.service import PUBLIC, Visitor, token_of

Judge = Callable[..., None]

# Where a token is a part of the address, and what comes after it.
LINKS = ["/confirm/{}", "/stop/{}", "/confirm/{}/withdraw", "/confirm/{}/renew"]
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
QUERIED = [(page, name) for page, names in QUERIES.items() for name in names]
# Ids of rows that exist, but not for us, and of none.
STRANGE_IDS = [
    "0",
    "1",
    "-1",
    "2147483648",
    "9223372036854775807",
    "9223372036854775808",
    "9" * 400,
]


def damaged(token: str) -> Iterator[str]:
    """Everything that a genuine token is not, however close."""
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
    """Whether base64 reads both as one: four strings end in the same bits (F9)."""
    padded = [f"{each.rpartition('.')[2]}=" for each in (token, other)]
    try:
        first, second = (base64.urlsafe_b64decode(each) for each in padded)
    except ValueError:
        return False
    return first == second and token.rpartition(".")[0] == other.rpartition(".")[0]


def shown(judge: Judge, visitor: Visitor, kind: str, path: str, token: str) -> set[int]:
    """The statuses of looking at an address and of sending a form there."""
    statuses = set()
    for method in ("GET", "POST"):
        given = {"csrf_token": token} if method == "POST" else None
        with visitor.client.open(path, method=method, base_url=PUBLIC, data=given) as answer:
            judge(kind, answer)
            statuses.add(answer.status_code)
    return statuses


@pytest.mark.parametrize("pattern", ["/confirm/{}", "/stop/{}"])
def test_a_token_with_anything_changed_is_none(target: Target, judge: Judge, pattern: str) -> None:
    token = (target.open if "confirm" in pattern else target.stop).rsplit("/", maxsplit=1)[-1]
    for other in damaged(token):
        if not same_signature(token, other.rstrip("=")):
            path = pattern.format(other) if other else f"{pattern.format('')}"
            statuses = shown(
                judge, target.author, "token with a bit, an end or more changed", path, ""
            )
            assert statuses <= {404, 405}, other


def test_a_link_spelled_otherwise_is_the_same_link_and_makes_one_author(
    target: Target, judge: Judge
) -> None:
    target.invite()
    token = target.open.rsplit("/", maxsplit=1)[-1]
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    others = [token, f"{token}=", *(f"{token[:-1]}{end}" for end in last)]
    before = len(target.service.strapi.admins())

    for other in others:
        target.author.confirm(f"/confirm/{other}")
        target.watch.effects()
        judge("token spelled otherwise", target.author.get(f"/confirm/{other}"))

    assert len(target.service.strapi.admins()) == before + 1
    target.invite()
    target.watch.effects()


def test_what_was_signed_for_something_else_is_no_link(target: Target, judge: Judge) -> None:
    service = target.service
    key = service.signup()["key"]
    secret = service.app.config["SECRET_KEY"]
    salts = [
        "",
        "itsdangerous",
        "cookie-session",
        "csrf-token",
        "wtf-csrf-token",
        "confirm",
        "stop",
    ]
    forged = [URLSafeTimedSerializer(secret, salt=salt).dumps([key, 1]) for salt in salts]
    forged += [URLSafeTimedSerializer("", salt=f"confirm {PUBLIC}").dumps([key, 1])]
    forged += [URLSafeTimedSerializer("x" * 64, salt=f"confirm {PUBLIC}").dumps([key, 1])]
    for visitor in (target.author, target.sue):
        cookies = visitor.client._cookies or {}
        forged += [cookie.value for cookie in cookies.values()]
        forged.append(token_of(visitor.get("/signup")))

    stop, *confirm = (link.split("/")[-1] for link in (target.stop, target.open, target.waiting))
    assert len(forged) >= 13
    for pattern in LINKS:
        for token in (*forged, *(confirm if "stop" in pattern else [stop])):
            path = pattern.format(on_the_wire(token))
            statuses = shown(judge, target.author, "token signed for something else", path, "")
            assert statuses <= {404, 405}


def test_a_link_is_no_session(target: Target, judge: Judge) -> None:
    for token in (target.open, target.waiting, target.stop):
        value = token.rsplit("/", maxsplit=1)[-1]
        headers = {"Cookie": f"__Host-signup={value}; __Host-session={value}; signup={value}"}
        client = target.service.app.test_client()
        answer = client.get("/review", base_url=PUBLIC, headers=headers)
        judge("link as a session", answer)
        assert answer.status_code == 303


@pytest.mark.parametrize("pattern", LINKS)
def test_nothing_in_the_place_of_a_token_gets_through(
    target: Target, judge: Judge, pattern: str
) -> None:
    @given(address_parts | texts.map(on_the_wire))
    def attack(part: str) -> None:
        shown(
            judge, target.author, "generated text in the place of a token", pattern.format(part), ""
        )

    attack()
    for raw in (*RAW, *map(on_the_wire, some(TEXTS, pattern))):
        shown(judge, target.author, "known attack in the place of a token", pattern.format(raw), "")


@pytest.mark.parametrize("pattern", IDS)
def test_nothing_in_the_place_of_an_id_gets_through(
    target: Target, judge: Judge, pattern: str
) -> None:
    csrf = token_of(target.sue.get("/review"))

    @given(address_parts | st.integers().map(str))
    def attack(part: str) -> None:
        if part not in (target.author_id, "off", "on") and not part.startswith("review/"):
            shown(
                judge,
                target.sue,
                "generated text in the place of an id",
                pattern.format(part),
                csrf,
            )

    attack()
    for raw in (*RAW, *STRANGE_IDS):
        statuses = shown(
            judge, target.sue, "known attack in the place of an id", pattern.format(raw), csrf
        )
        assert 303 not in statuses, raw


@pytest.mark.parametrize(("page", "name"), QUERIED)
def test_nothing_in_a_query_gets_through(
    target: Target, judge: Judge, page: str, name: str
) -> None:
    def ask(kind: str, query: str) -> None:
        for visitor in (target.sue, target.nobody):
            with visitor.client.get(f"{page}?{query}", base_url=PUBLIC) as answer:
                judge(kind, answer, busy=page == "/healthz")

    @given(texts, address_parts)
    def attack(text: str, raw: str) -> None:
        ask("generated text in a query", f"{name}={on_the_wire(text)}&{raw}")

    attack()
    for text in some(TEXTS, f"{page} {name}"):
        ask("known attack in a query", f"{name}={on_the_wire(text)}")
    for raw in (*RAW, *STRANGE_IDS):
        ask("known attack in a query", f"{name}={raw}&{name}={raw}&{name}[]={raw}")


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/%2e%2e/etc/passwd",
        "/static/..%5capp.py",
        "/static//etc/passwd",
        "/.env",
        "/.git/config",
        "/app.py",
        "/instance/ledger.db",
        "/console",
        "/metrics",
        "/debug",
        "/sandbox/mailbox",
        "/sandbox/strapi",
        "//evil.example/%2e%2e",
        "/\\evil.example",
        "/%0d%0aLocation:%20//evil.example",
        "/review//evil.example",
        "/REVIEW",
        "/Review/Login",
        "/review/login/",
        "//review/login",
        "/./review",
        "/%72eview/",
        "/review;x=1",
        "/review%00",
        "/api",
        "/api/",
        "/API/authors",
    ],
)
def test_there_is_nothing_where_nothing_should_be(target: Target, judge: Judge, path: str) -> None:
    for visitor in (target.sue, target.nobody):
        with visitor.client.get(path, base_url=PUBLIC) as answer:
            judge("address where nothing should be", answer)
        assert answer.status_code in (303, 308, 400, 401, 404)
        if answer.status_code in (303, 308):
            assert answer.location.endswith(("/review/login", "/static/etc/passwd"))


def test_a_method_that_a_page_does_not_know_changes_nothing(target: Target, judge: Judge) -> None:
    pages = [
        "/",
        "/signup",
        target.open,
        target.waiting,
        target.stop,
        "/review",
        "/review/login",
        f"/review/{target.author_id}/activate",
        "/api/authors",
        "/static/style.css",
    ]
    csrf = token_of(target.sue.get("/review"))
    for page in pages:
        for method in METHODS:
            with target.sue.client.open(
                page,
                method=method,
                base_url=PUBLIC,
                data=urlencode({"csrf_token": csrf}),
                content_type="application/x-www-form-urlencoded",
            ) as answer:
                judge("odd method", answer)
                assert answer.status_code in (200, 302, 303, 400, 401, 404, 405), (page, method)
        with target.sue.client.post(
            page, base_url=PUBLIC, headers={"X-HTTP-Method-Override": "DELETE"}
        ) as answer:
            assert answer.status_code < 500
    target.watch.effects()


def test_the_desk_is_closed_to_whoever_knows_its_addresses(target: Target, judge: Judge) -> None:
    rules = [
        rule for rule in target.service.app.url_map.iter_rules() if rule.rule.startswith("/review")
    ]
    assert len(rules) > 10
    for rule in rules:
        path = rule.build({name: "off" if name == "wanted" else 1 for name in rule.arguments})
        assert path
        for method in (rule.methods or set()) - {"OPTIONS"}:
            with target.nobody.client.open(path[1], method=method, base_url=PUBLIC) as answer:
                judge("page of the desk without a session", answer)
            if "login" not in path[1]:
                assert answer.status_code in (303, 400)

"""What every answer carries, whatever it answers; and hosts and origins that are not ours."""

import re
from collections.abc import Callable

import pytest
from werkzeug.test import TestResponse

from signup.security import HEADERS
from tests.support.service import ADA, PUBLIC, SUE, Service, StrapiFile, Visitor, token_of

YEAR = "max-age=31536000; includeSubDomains"
# An answer of each kind, and how to get it.
ANSWERS: dict[str, tuple[int, Callable[[Visitor], TestResponse]]] = {
    "a page": (200, lambda v: v.get("/signup")),
    "a redirect": (302, lambda v: v.get("/")),
    "a step": (303, lambda v: v.ask()),
    "a slash too many": (308, lambda v: v.get("//signup")),
    "a stylesheet": (200, lambda v: v.get("/static/style.css")),
    "no stylesheet": (404, lambda v: v.get("/static/nothing.css")),
    "no page": (404, lambda v: v.get("/nowhere")),
    "no link": (404, lambda v: v.get("/confirm/x")),
    "health": (503, lambda v: v.get("/healthz")),
    "the api": (401, lambda v: v.get("/api/authors")),
    "its description": (200, lambda v: v.get("/api/openapi.json")),
    "a stranger": (303, lambda v: v.get("/review")),
    "a bad form": (422, lambda v: v.ask("x")),
    "an old form": (400, lambda v: v.client.post("/signup", base_url=PUBLIC)),
    "a method": (405, lambda v: v.client.put("/signup", base_url=PUBLIC)),
    "a body": (413, lambda v: v.client.post("/signup", data={"a": "x" * 17000}, base_url=PUBLIC)),
    "another host": (400, lambda v: v.client.get("/signup", base_url="https://evil.example")),
    "too often": (429, lambda v: [v.log_in(SUE, "Wrong1password") for _ in range(6)][-1]),
    "a broken ledger": (503, lambda v: spoilt(v).ask()),
}


def spoilt(visitor: Visitor) -> Visitor:
    StrapiFile(visitor.service.ledger).do("DROP TABLE letter")
    return visitor


@pytest.mark.parametrize("kind", ANSWERS)
def test_every_answer_carries_every_header(service: Service, kind: str) -> None:
    status, fetch = ANSWERS[kind]
    with fetch(service.visitor()) as answer:
        assert answer.status_code == status
        headers = answer.headers
    assert {name: headers.get(name) for name in HEADERS} == HEADERS
    assert headers["Strict-Transport-Security"] == YEAR
    static = kind == "a stylesheet"
    assert (headers.get("Cache-Control") == "no-store") != static
    kinds = ("text/html; charset=utf-8", "text/css; charset=utf-8", "application/json")
    assert headers["Content-Type"] in (*kinds, "application/problem+json")
    assert not [name for name in headers.keys() if name.startswith("Access-Control")]  # noqa: SIM118
    assert "Server" not in headers
    assert "X-Powered-By" not in headers


def test_a_fault_of_ours_tells_nothing_about_the_inside_and_carries_the_headers(
    service: Service,
) -> None:
    service.app.config["PROPAGATE_EXCEPTIONS"] = False
    service.app.view_functions["form.show"] = lambda: str(1 // 0)

    answer = service.visitor().get("/signup")

    assert answer.status_code == 500
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert answer.headers["X-Request-ID"] in answer.text
    for inside in ("Traceback", "ZeroDivision", "Flask", "Werkzeug", "Python", ".py", "/tmp"):
        assert inside not in answer.text


@pytest.mark.parametrize("kind", [kind for kind, (status, _) in ANSWERS.items() if status >= 400])
def test_no_error_page_names_a_program_a_path_or_a_line(service: Service, kind: str) -> None:
    said = ANSWERS[kind][1](service.visitor()).text
    assert not re.search(r"(?i)traceback|werkzeug|flask|gunicorn|sqlite|peewee|\.py\b|/tmp/", said)


def test_plain_http_promises_no_https(start: Callable[..., Service]) -> None:
    service = start(PUBLIC_URL="http://127.0.0.1:5000")
    answer = service.visitor().get("/signup")
    assert "Strict-Transport-Security" not in answer.headers
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


def test_https_is_promised_behind_a_proxy_that_was_not_named(service: Service) -> None:
    answer = service.app.test_client().get("/signup", base_url="http://join.example.com")
    assert answer.headers["Strict-Transport-Security"] == YEAR


def test_no_page_allows_anything_inline_or_from_elsewhere() -> None:
    policy = dict(
        part.strip().split(" ", 1) for part in HEADERS["Content-Security-Policy"].split(";")
    )
    assert policy.pop("default-src") == "'none'"
    assert set(policy.values()) == {"'self'", "'none'"}
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://join.example.com", PUBLIC, ""]
)
def test_nothing_is_sent_to_cross_origins(service: Service, origin: str) -> None:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    for method in ("GET", "OPTIONS"):
        answer = service.app.test_client().open(
            "/api/authors", method=method, headers=headers, base_url=PUBLIC
        )
        assert not [name for name in answer.headers.keys() if "access-control" in name.lower()]  # noqa: SIM118


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "join.example.com.evil.example",
        "evil.example:443",
        "join.example.com@evil",
        "127.0.0.1.evil.example",
        "[::1",
        "a b",
        "192.0.2.1",
    ],
)
def test_a_foreign_host_is_refused_and_has_no_effects(service: Service, host: str) -> None:
    visitor = service.visitor()
    token = token_of(visitor.get("/signup"))
    given = {"csrf_token": token, "firstname": "Ada", "email": ADA}
    for method, path in (("POST", "/signup"), ("GET", "/signup"), ("GET", "/review"), ("GET", "/")):
        headers = {"Host": host, "X-Forwarded-Host": "join.example.com"}
        answer = visitor.client.open(
            path, method=method, data=given, headers=headers, base_url=PUBLIC
        )
        assert answer.status_code == 400
        assert "evil" not in answer.text
    assert service.rows("SELECT * FROM letter") == []


@pytest.mark.parametrize(
    "host",
    [
        "join.example.com",
        "JOIN.example.com",
        "join.example.com:443",
        "join.example.com:8443",
        "join.example.com.",
        "127.0.0.1:5000",
        "localhost",
        "[::1]:5000",
    ],
)
def test_our_own_name_and_this_machines_are_served(service: Service, host: str) -> None:
    client = service.app.test_client()
    assert client.get("/signup", headers={"Host": host}).status_code == 200


def test_a_monitor_may_call_the_machine_as_it_likes(service: Service) -> None:
    client = service.app.test_client()
    answer = client.get("/healthz", headers={"Host": "192.0.2.1:5000"})
    assert answer.json == {"parts": ["worker"], "status": "failing"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://join.example.com"},
        {"Origin": "https://join.example.com:8443"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": PUBLIC},
    ],
)
@pytest.mark.parametrize(
    "path", ["/signup", "/review/login", "/review/logout", "/api/authors/1/activate"]
)
def test_what_another_site_makes_a_browser_send_is_refused(
    service: Service, path: str, headers: dict[str, str]
) -> None:
    visitor = service.visitor()
    given = {"csrf_token": token_of(visitor.get("/signup")), "firstname": "Ada", "email": ADA}
    answer = visitor.client.post(path, data=given, headers=headers, base_url=PUBLIC)
    assert answer.status_code == 400
    assert service.rows("SELECT * FROM letter") == service.rows("SELECT * FROM count") == []


@pytest.mark.parametrize("headers", [{}, {"Origin": PUBLIC, "Sec-Fetch-Site": "same-origin"}])
def test_what_our_own_pages_send_is_taken(service: Service, headers: dict[str, str]) -> None:
    visitor = service.visitor()
    given = {"csrf_token": token_of(visitor.get("/signup")), "firstname": "Ada", "email": ADA}
    answer = visitor.client.post("/signup", data=given, headers=headers, base_url=PUBLIC)
    assert answer.status_code == 303


@pytest.mark.parametrize("proxies", [0, 1])
def test_forged_headers_change_no_page_no_redirect_and_no_letter(
    start: Callable[..., Service], proxies: int
) -> None:
    forged = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Port": "666",
        "X-Forwarded-Prefix": "/evil",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Server": "evil.example",
        "X-Host": "evil.example",
        "X-Original-URL": "/evil",
        "X-Rewrite-URL": "/evil",
        "X-HTTP-Method-Override": "DELETE",
        "Forwarded": "for=192.0.2.1;host=evil.example;proto=http",
    }
    service = start(PROXIES=proxies, RATELIMIT_ENABLED=False)
    visitor = service.visitor()
    token = token_of(visitor.get("/signup"))
    environ = {"SCRIPT_NAME": "/evil"}
    for path in ("/signup", "/", "/review", "/confirm/x", "/nowhere", "/review/login"):
        plain = visitor.get(path)
        answer = visitor.client.get(
            path, headers=forged, environ_overrides=environ, base_url=PUBLIC
        )
        assert (answer.status_code, answer.location) == (plain.status_code, plain.location)
        assert answer.text == plain.text
        assert "evil" not in answer.text
    given = {"csrf_token": token, "firstname": "Ada", "email": ADA}
    asked = visitor.client.post("/signup", data=given, headers=forged, base_url=PUBLIC)
    assert (asked.status_code, asked.location) == (303, "/signup/sent")
    [letter] = service.deliver()
    assert "evil" not in letter.as_string()
    assert visitor.get(visitor.link()).status_code == 200


@pytest.mark.parametrize(
    "form",
    [
        "/signup",
        "/review/login",
        "/review/logout",
        "/review/logout/everywhere",
        "/review/letters/1/send-again",
        "/review/letters/send-again",
        "/review/notices/off",
        "/review/several",
    ],
)
def test_every_form_needs_the_token_of_its_session(service: Service, form: str) -> None:
    service.visitor().apply()
    sue, stranger = service.visitor(), service.visitor()
    sue.log_in()
    before = service.rows("SELECT * FROM letter"), service.rows("SELECT * FROM muted")
    foreign = token_of(stranger.get("/signup"))
    signed = sue.get("/review")
    for token in ("", foreign, token_of(signed)[:-1], token_of(signed) + "x", "Ä", "\x00"):
        answer = sue.client.post(form, data={"csrf_token": token}, base_url=PUBLIC)
        assert answer.status_code == 400
    assert (service.rows("SELECT * FROM letter"), service.rows("SELECT * FROM muted")) == before
    assert sue.get("/review").status_code == 200

"""Headers of every answer, and requests from other hosts and other sites."""

import re
from collections.abc import Callable

from werkzeug.test import TestResponse

from signup.security import HEADERS
from tests.support.service import (
    ADA,
    LANGUAGES,
    PUBLIC,
    WRONG_PASSWORD,
    Service,
    Start,
    Visitor,
    token_of,
)
from tests.support.strapi_file import SUE

YEAR = "max-age=31536000; includeSubDomains"
TYPES = ("text/html; charset=utf-8", "application/json", "application/problem+json")


def without_outbox(visitor: Visitor) -> Visitor:
    visitor.service.ledger.do("DROP TABLE letter")
    return visitor


# An answer of each kind, its status, and how to get it.
ANSWERS: dict[str, tuple[int, Callable[[Visitor], TestResponse]]] = {
    "page": (200, lambda v: v.get("/signup")),
    "redirect": (302, lambda v: v.get("/")),
    "good form": (303, lambda v: v.ask()),
    "slash too many": (308, lambda v: v.get("//signup")),
    "stylesheet": (200, lambda v: v.get("/static/style.css")),
    "no stylesheet": (404, lambda v: v.get("/static/nothing.css")),
    "no page": (404, lambda v: v.get("/nowhere")),
    "no link": (404, lambda v: v.get("/confirm/x")),
    "health": (503, lambda v: v.get("/healthz")),
    "API": (401, lambda v: v.get("/api/authors")),
    "description": (200, lambda v: v.get("/api/openapi.json")),
    "stranger": (303, lambda v: v.get("/review")),
    "bad form": (422, lambda v: v.ask("x")),
    "no token": (400, lambda v: v.client.post("/signup", base_url=PUBLIC)),
    "method": (405, lambda v: v.client.put("/signup", base_url=PUBLIC)),
    "body": (413, lambda v: v.client.post("/signup", data={"a": "x" * 17000}, base_url=PUBLIC)),
    "host": (400, lambda v: v.client.get("/signup", base_url="https://evil.example")),
    "limit": (429, lambda v: [v.log_in(SUE, WRONG_PASSWORD) for _ in range(6)][-1]),
    "ledger": (503, lambda v: without_outbox(v).ask()),
}


def test_every_answer_carries_every_header_and_names_no_program(service: Service) -> None:
    for kind, (status, fetch) in ANSWERS.items():
        with fetch(service.visitor()) as answer:
            assert answer.status_code == status, kind
            headers, page = answer.headers, answer.get_data(as_text=True)
        assert {name: headers.get(name) for name in HEADERS} == HEADERS, kind
        assert headers["Strict-Transport-Security"] == YEAR
        assert (headers.get("Cache-Control") == "no-store") != (kind == "stylesheet")
        assert headers["Content-Type"] in (*TYPES, "text/css; charset=utf-8")
        assert not {"Server", "X-Powered-By"} & set(headers.keys())
        assert "access-control" not in str(headers).lower()
        inside = r"(?i)traceback|werkzeug|flask|gunicorn|sqlite|peewee|\.py\b|/tmp/"
        assert status < 400 or not re.search(inside, page), kind


def test_an_unexpected_error_tells_nothing_about_the_inside_and_carries_the_headers(
    service: Service,
) -> None:
    service.app.config["PROPAGATE_EXCEPTIONS"] = False
    service.app.view_functions["form.show"] = lambda: str(1 // 0)

    answer = service.visitor().get("/signup")

    assert answer.status_code == 500
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert answer.headers["X-Request-ID"] in answer.text
    assert not re.search("Traceback|ZeroDivision|Flask|Werkzeug|Python|.py|/tmp", answer.text)


def test_plain_http_promises_no_https(start: Start) -> None:
    answer = start(PUBLIC_URL="http://127.0.0.1:5000").visitor().get("/signup")
    assert "Strict-Transport-Security" not in answer.headers
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


def test_https_is_promised_behind_a_proxy_that_the_settings_do_not_name(service: Service) -> None:
    answer = service.app.test_client().get("/signup", base_url="http://join.example.com")
    assert answer.headers["Strict-Transport-Security"] == YEAR


def test_no_page_allows_anything_inline_or_from_elsewhere() -> None:
    policy = dict(
        part.strip().split(" ", 1) for part in HEADERS["Content-Security-Policy"].split(";")
    )
    assert policy.pop("default-src") == "'none'"
    assert set(policy.values()) == {"'self'", "'none'"}
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"


# Hosts

FOREIGN_HOSTS = [
    *("evil.example", "join.example.com.evil.example", "evil.example:443", "192.0.2.1", "a b"),
    *("join.example.com@evil", "127.0.0.1.evil.example", "[::1"),
]
OWN_HOSTS = [
    *("join.example.com", "JOIN.example.com", "join.example.com:8443", "join.example.com."),
    *("127.0.0.1:5000", "localhost", "[::1]:5000"),
]


def test_a_foreign_host_is_refused_and_has_no_effects(service: Service) -> None:
    visitor = service.visitor()
    given = {"csrf_token": token_of(visitor.get("/signup")), "firstname": "Ada", "email": ADA}
    for host in FOREIGN_HOSTS:
        headers = {"Host": host, "X-Forwarded-Host": "join.example.com"}
        for request in ("POST /signup", "GET /signup", "GET /review", "GET /"):
            method, path = request.split()
            answer = visitor.client.open(
                path, method=method, data=given, headers=headers, base_url=PUBLIC
            )
            assert answer.status_code == 400, host
            assert "evil" not in answer.text
    assert service.emails() == []


def test_our_own_name_and_names_of_this_machine_are_served(service: Service) -> None:
    for host in OWN_HOSTS:
        answer = service.app.test_client().get("/signup", headers={"Host": host})
        assert answer.status_code == 200, host


def test_a_monitor_may_use_any_host(service: Service) -> None:
    answer = service.app.test_client().get("/healthz", headers={"Host": "192.0.2.1:5000"})
    assert answer.json == {"parts": ["worker"], "status": "failing"}


def test_forged_proxy_headers_change_no_page_no_redirect_and_no_email(start: Start) -> None:
    names = ["Host", "Port", "Prefix", "Proto", "Server"]
    forged = {f"X-Forwarded-{name}": "evil.example" for name in names} | {
        "X-Host": "evil.example",
        "X-Original-URL": "/evil",
        "X-Rewrite-URL": "/evil",
        "X-HTTP-Method-Override": "DELETE",
        "Forwarded": "for=192.0.2.1;host=evil.example;proto=http",
    }
    for proxies in (0, 1):
        service = start(PROXIES=proxies, RATELIMIT_ENABLED=False)
        visitor = service.visitor()
        opened = visitor.get("/signup")
        for path in ("/signup", "/", "/review", "/confirm/x", "/nowhere", "/review/login"):
            plain = visitor.get(path)
            environ = {"SCRIPT_NAME": "/evil"}
            answer = visitor.client.get(
                path, headers=forged, environ_overrides=environ, base_url=PUBLIC
            )
            assert (answer.status_code, answer.location) == (plain.status_code, plain.location)
            assert answer.text == plain.text
        given = {"csrf_token": token_of(opened), "firstname": "Ada", "email": ADA}
        asked = visitor.client.post("/signup", data=given, headers=forged, base_url=PUBLIC)
        assert (asked.status_code, asked.location) == (303, "/signup/sent")
        [email] = service.deliver()
        assert "evil" not in email.as_string()
        assert visitor.get(visitor.link()).status_code == 200


# Other sites

FROM_ANOTHER_SITE = [
    {"Origin": "https://evil.example"},
    {"Origin": "http://join.example.com"},
    {"Origin": "https://join.example.com:8443"},
    {"Origin": "null"},
    {"Origin": "null", "Sec-Fetch-Site": "none"},
    {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
    {"Origin": "http://["},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": PUBLIC},
]
FROM_OUR_SITE = [
    {},
    {"Origin": PUBLIC, "Sec-Fetch-Site": "same-origin"},
    # A proxy that sends "Referrer-Policy: no-referrer" hides the origin.
    {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
]


def test_a_post_that_another_site_makes_a_browser_send_is_refused(service: Service) -> None:
    visitor = service.visitor()
    given = {"csrf_token": token_of(visitor.get("/signup")), "firstname": "Ada", "email": ADA}
    for headers in FROM_ANOTHER_SITE:
        for path in ("/signup", "/review/login", "/review/logout", "/api/authors/1/activate"):
            answer = visitor.client.post(path, data=given, headers=headers, base_url=PUBLIC)
            assert answer.status_code == 400, (path, headers)
        # A picture there, with credentials in its URL, would count as a failed login.
        login = {**headers, "Authorization": "Basic c3VlOng="}
        answer = visitor.client.get("/api/authors", headers=login, base_url=PUBLIC)
        assert answer.status_code == 400, headers
    assert service.emails() == service.rows("SELECT * FROM count") == []

    for headers in FROM_OUR_SITE:
        answer = visitor.client.post("/signup", data=given, headers=headers, base_url=PUBLIC)
        assert answer.status_code == 303
        unsigned = {**given, "csrf_token": "x"}
        answer = visitor.client.post("/signup", data=unsigned, headers=headers, base_url=PUBLIC)
        assert answer.status_code == 400


def test_no_answer_lets_another_site_read_it(service: Service) -> None:
    client = service.app.test_client()
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for method in ("GET", "OPTIONS"):
        answer = client.open("/api/authors", method=method, headers=headers, base_url=PUBLIC)
        assert "access-control" not in str(answer.headers).lower()


def test_every_form_needs_the_token_of_its_session(service: Service, sue: Visitor) -> None:
    service.visitor().apply()
    before = service.emails(), service.rows("SELECT * FROM muted")
    own, foreign = token_of(sue.get("/review")), token_of(service.visitor().get("/signup"))
    forms = "logout logout/everywhere letters/1/send-again notices/off several 2/activate 2/decline"
    for path in ("/signup", "/review/login", *(f"/review/{form}" for form in forms.split())):
        for token in ("", foreign, own[:-1], own + "x", "Ä", "\x00"):
            answer = sue.client.post(path, data={"csrf_token": token}, base_url=PUBLIC)
            assert answer.status_code == 400, path
    assert (service.emails(), service.rows("SELECT * FROM muted")) == before
    assert service.state() == "waiting"
    assert sue.get("/review").status_code == 200


def test_the_form_loads_less_than_20_kb_in_each_language(service: Service) -> None:
    for service.language in LANGUAGES:
        visitor = service.visitor()
        page = visitor.get("/signup")
        paths = re.findall(r'<(?:link|script)[^>]+(?:href|src)="(/[^"]+)"', page.text)
        size = len(page.data)
        for path in paths:
            with visitor.get(path) as part:
                size += len(part.data)
        assert len(paths) == 3
        assert size < 20_000

"""Through the door that `deploy/` builds: nginx, TLS, and the unit's gunicorn behind it."""

import base64
import contextlib
import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Response, expect, sync_playwright

from signup.rate_limits import MIN_FORM_SECONDS
from signup.security import HEADERS
from tests.support.browser import AUTOFOCUS, CHROMIUM, FLAGS
from tests.support.deployment import NAME, NGINX, Client, Deployed, Nginx
from tests.support.service import ADA_PASSWORD, PUBLIC
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import SUE, SUE_PASSWORD

pytestmark = pytest.mark.skipif(not NGINX, reason="no nginx: install nginx")

FORGED = {
    "X-Forwarded-For": "198.51.100.1",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "8080",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Protocol": "http",
    "X-Forwarded-Ssl": "off",
    "X-Original-URL": "/evil",
    "X-Rewrite-URL": "/evil",
    "X-Real-IP": "198.51.100.1",
    "Forwarded": "for=198.51.100.1;host=evil.example;proto=http",
    "SCRIPT_NAME": "/evil",
    "PATH_INFO": "/evil",
    "Script-Name": "/evil",
}


@pytest.fixture(scope="module")
def deployed(
    tmp_path_factory: pytest.TempPathFactory, mail_server: SMTPServer
) -> Iterator[Deployed]:
    deployed = Deployed(tmp_path_factory.mktemp("deployed"), mail_server)
    deployed.start()
    deployed.nginx.start()
    yield deployed
    deployed.nginx.stop()
    assert "Traceback" not in deployed.stop()


@pytest.fixture
def client(deployed: Deployed, request: pytest.FixtureRequest) -> Client:
    """A visitor whom nobody has counted yet."""
    return at(deployed, f"127.1.0.{1 + request.session.items.index(request.node) % 250}")


def at(deployed: Deployed, address: str) -> Client:
    return Client(deployed.nginx, address)


@pytest.fixture
def page(deployed: Deployed) -> Iterator[Page]:
    """A browser that finds the name at our nginx."""
    ports = deployed.nginx
    doors = f"MAP {NAME}:80 127.0.0.1:{ports.http}, MAP {NAME}:443 127.0.0.1:{ports.https}"
    flags = [*FLAGS, f"--host-resolver-rules={doors}"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        context = browser.new_context(ignore_https_errors=True)
        page = context.new_page()
        noise: list[str] = []
        # What breaks the policy is told there, too.
        page.on("console", lambda message: noise.append(message.text))
        page.on("pageerror", lambda error: noise.append(error.message))
        yield page
        browser.close()
    assert [line for line in noise if AUTOFOCUS not in line] == []


@pytest.mark.skipif(not CHROMIUM, reason="no chromium: install chromium")
def test_the_whole_way_over_https_in_a_browser(deployed: Deployed, page: Page) -> None:
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 (Playwright marks what it is given)
    page.goto(f"http://{NAME}/")
    expect(page).to_have_url(f"{PUBLIC}/signup")
    page.get_by_label("First name").fill("Grace")
    page.get_by_label("E-mail address").fill("grace@example.org")
    page.wait_for_timeout(1000 * MIN_FORM_SECONDS)
    page.get_by_role("button", name="Send me the link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your mail")

    page.goto(deployed.link("grace@example.org"))
    page.get_by_label("Password", exact=True).fill(ADA_PASSWORD)
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("We have your application")

    page.goto(f"{PUBLIC}/review")
    page.get_by_label("E-mail address").fill(SUE)
    page.get_by_label("Password", exact=True).fill(SUE_PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Grace", exact=True).click()
    page.get_by_role("button", name="Show me the letter").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Grace")
    page.get_by_role("button", name="Activate", exact=True).click()
    expect(page.get_by_text("Nobody here.")).to_be_visible()
    page.get_by_role("button", name="Log out", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Review applications")
    page.goto(f"{PUBLIC}/review")
    expect(page).to_have_url(f"{PUBLIC}/review/login")

    author = deployed.strapi.admin("grace@example.org")
    assert author
    assert author["is_active"] == 1
    assert [c["name"] for c in page.context.cookies() if c["secure"] and c["httpOnly"]] == [
        "__Host-signup"
    ]
    assert len(answers) > 10
    for answer in answers[1:]:
        headers = answer.all_headers()
        assert {name: headers.get(name.lower()) for name in HEADERS} == HEADERS
        assert headers["strict-transport-security"].startswith("max-age=31536000")
        assert headers["server"] == "nginx"


def test_plain_http_leads_to_https(deployed: Deployed) -> None:
    with socket.create_connection(("127.0.0.1", deployed.nginx.http)) as plain:
        plain.sendall(b"GET /signup?a=b HTTP/1.0\r\nHost: evil.example\r\n\r\n")
        answer = plain.makefile().read()
    assert answer.startswith("HTTP/1.1 301")
    assert f"Location: {PUBLIC}/signup?a=b\n" in answer


def log_in(client: Client, **headers: str) -> int:
    given = {"email": SUE, "password": "Wrong1password"}
    forged = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post("/review/login", forged, **given).status


def test_a_visitor_at_the_limit_keeps_nobody_else_out(deployed: Deployed) -> None:
    ann, bob = at(deployed, "127.0.0.2"), at(deployed, "127.0.0.3")
    assert [log_in(ann) for _ in range(6)] == [422] * 5 + [429]
    assert log_in(bob) == 422


def test_a_forged_address_does_not_get_around_a_limit(client: Client) -> None:
    answers = [
        log_in(
            client, X_Forwarded_For=f"192.0.2.{n}", X_Real_IP=f"192.0.2.{n}", Forwarded=f"for={n}"
        )
        for n in range(6)
    ]
    assert answers == [422] * 5 + [429]


@pytest.mark.parametrize("host", [NAME, "evil.example"])
def test_forged_headers_change_nothing(deployed: Deployed, client: Client, host: str) -> None:
    forged = {**FORGED, "Host": host}
    assert facts(client.get("/signup", forged).text) == facts(client.get("/signup").text)
    assert client.get("/", forged).headers["Location"] == "/signup"
    assert client.get("/review", forged).headers["Location"] == "/review/login"
    assert client.get("/signup", forged).headers["Strict-Transport-Security"]

    email = f"forger@{host}.org"
    asked = client.post("/signup", forged, firstname="Mallory", email=email)
    assert (asked.status, asked.headers["Location"]) == (303, "/signup/sent")
    assert deployed.link(email).startswith(f"{PUBLIC}/confirm/")


def facts(page: str) -> str:
    """A page without what differs each time."""
    return re.sub(r'csrf_token" type="hidden" value="[^"]+', "", page)


def exchange(nginx: Nginx, request: bytes) -> bytes:
    """Send these very bytes, and read until the end."""
    with nginx.connect() as connection:
        connection.sendall(request)
        return connection.makefile("rb").read()


@pytest.mark.parametrize(
    "headers",
    [
        "Host: evil.example\r\nContent-Length: 5",
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Content-Length: +5",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    ],
)
def test_what_two_programs_could_read_differently_is_refused(
    deployed: Deployed, headers: str
) -> None:
    request = f"POST /signup HTTP/1.1\r\nHost: {NAME}\r\n{headers}\r\n\r\n0\r\n\r\n"
    answer = exchange(deployed.nginx, request.encode())
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1") == 1


def test_a_body_of_17_kilobytes_is_too_large_with_a_length_or_without(client: Client) -> None:
    assert client.request("POST", "/signup", b"x" * 17 * 1024).status == 413
    assert client.request("POST", "/signup", iter([b"x" * 1024] * 17)).status == 413


def test_a_small_body_without_a_length_gets_one(client: Client) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = client.request("POST", "/review/login", iter([b"email=a"]), kind)
    assert answer.status == 400
    assert "open for a long time" in answer.text


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /signup HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"POST /signup HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 40000 + b"\r\n\r\n", 400),
    ],
)
def test_what_nginx_refuses_by_itself_carries_headers_too(
    deployed: Deployed, request_: bytes, status: int
) -> None:
    answer = exchange(deployed.nginx, request_).decode()
    assert answer.startswith(f"HTTP/1.1 {status} ")
    for name in ("Content-Security-Policy", "Strict-Transport-Security", "X-Frame-Options"):
        assert answer.count(f"\r\n{name}: ") == 1
    assert "Cache-Control: no-store" in answer
    assert "Server: nginx\r\n" in answer
    assert "This could not be accepted" in answer


@pytest.fixture(scope="module")
def closed(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """An nginx whose last block has lost its marks."""
    folder = tmp_path_factory.mktemp("closed")
    openssl = ["openssl", "passwd", "-6", "-stdin"]
    hashed = subprocess.run(openssl, input=b"Second1login\n", capture_output=True, check=True)
    (folder / "logins").write_bytes(b"sue:" + hashed.stdout)
    changes = {
        "    #location": "    location",
        "    #    ": "        ",
        "    #}": "    }",
        "192.0.2.0/24": "127.9.0.0/16",
        "/etc/nginx/author-signup.htpasswd": str(folder / "logins"),
    }
    nginx = Nginx(folder, deployed.port, **changes)
    nginx.start()
    yield nginx
    nginx.stop()


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"}


DESK = ["/review", "/review/login", "//review/login", "/%72eview/login", "/x/../review/login"]


@pytest.mark.parametrize("path", [*DESK, "/api/authors", "/api/openapi.json", "//api/authors"])
def test_the_desk_can_be_closed_to_other_networks(closed: Nginx, path: str) -> None:
    outside, inside = Client(closed, "127.8.0.1"), Client(closed, "127.9.0.1")
    assert outside.get(path).status == (403 if "api" in path else 401)
    assert "could not be accepted" in outside.get(path).text
    assert inside.get(path).status in {200, 303, 308, 401, 404}
    assert "could not be accepted" not in inside.get(path).text
    assert outside.get("/signup").status == outside.get("/static/style.css").status == 200


def test_a_second_login_opens_the_desk_elsewhere_and_only_the_desk(closed: Nginx) -> None:
    client = Client(closed, "127.8.0.2")
    refused = client.get("/review/login")
    assert refused.headers["WWW-Authenticate"].startswith("Basic ")
    assert refused.headers["Strict-Transport-Security"]
    assert client.get("/review/login", basic("sue", "Wrong1login")).status == 401
    second = basic("sue", "Second1login")
    assert client.get("/review/login", second).status == 200
    assert client.get("/review", second).status == 303
    given = {"email": SUE, "password": SUE_PASSWORD}
    assert client.post("/review/login", second, **given).status == 303
    assert client.get("/review", second).status == 200
    assert client.get("/review").status == 401
    assert client.get("/api/authors", basic(SUE, SUE_PASSWORD)).status == 403


def test_the_second_login_is_not_guessed(closed: Nginx) -> None:
    client = Client(closed, "127.8.0.3")
    answers = [client.get("/review", basic("sue", f"Guess{n}")).status for n in range(40)]
    assert answers[0] == 401
    assert answers[-1] == 429
    assert Client(closed, "127.8.0.4").get("/review").status == 401


def slow(nginx: Nginx, number: int) -> socket.socket:
    """Somebody whose headers, whose body, or whose reading will not come to an end."""
    connection = nginx.connect(f"127.2.0.{1 + number % 50}", receive=4096)
    connection.sendall(STALLED[number % 3])
    connection.setblocking(False)
    return connection


# The last asks for more than fits between the two, and takes nothing.
STALLED = (
    f"GET / HTTP/1.1\r\nHost: {NAME}\r\nX-".encode(),
    f"POST /signup HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 100\r\n\r\nfirst".encode(),
    f"GET /static/style.css HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode() * 20,
)


def stopped(port: int) -> bool:
    """Whether the service, asked without nginx, says nothing for two seconds."""
    with socket.create_connection(("127.0.0.1", port), 2) as asking:
        asking.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        try:
            return asking.recv(1) == b""
        except TimeoutError:
            return True


def test_500_slow_connections_do_not_stop_it(deployed: Deployed, client: Client) -> None:
    with contextlib.ExitStack() as closing:
        for number in range(500):
            closing.enter_context(slow(deployed.nginx, number))
        seconds = []
        for _ in range(20):
            began = time.monotonic()
            assert client.get("/healthz").status == 200
            seconds.append(time.monotonic() - began)
    assert max(seconds) < 5


def test_without_nginx_40_are_enough(deployed: Deployed) -> None:
    assert not stopped(deployed.port)
    with contextlib.ExitStack() as closing:
        for number in range(40):
            connection = socket.create_connection(("127.0.0.1", deployed.port))
            closing.enter_context(connection).sendall(STALLED[number % 2])
        assert stopped(deployed.port)


def test_a_log_that_is_kept_holds_no_token(deployed: Deployed, client: Client) -> None:
    client.get("/confirm/a-token-of-a-link?x=a-token-of-a-link")
    client.get("/stop/a-token-of-a-link")
    assert "GET /confirm/*** 404" in deployed.nginx.log()
    assert "a-token-of-a-link" not in deployed.nginx.log()


def test_while_the_service_is_away_nginx_says_so_and_then_serves_again(
    deployed: Deployed, client: Client
) -> None:
    said = deployed.stop()
    away = client.get("/signup")
    assert (away.status, away.headers["Retry-After"]) == (503, "60")
    assert "Try again in a moment" in away.text

    deployed.start()
    assert client.get("/signup").status == 200
    events = [json.loads(line)["event"] for line in said.splitlines()]
    assert "started" in events
    assert "stopped" in events

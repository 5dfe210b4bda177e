"""The service behind nginx and TLS, as `deploy/` sets them up."""

import base64
import contextlib
import json
import re
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Page, Response, expect, sync_playwright

from signup.rate_limits import MIN_FORM_SECONDS
from signup.security import HEADERS
from tests.support.browser import AUTOFOCUS, CHROMIUM, FLAGS
from tests.support.deployment import FORGED, NAME, NEEDS_NGINX, Deployment, Nginx
from tests.support.http_client import TIMEOUT, Client
from tests.support.processes import wait_until
from tests.support.service import ADA_PASSWORD, PUBLIC
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import SUE, SUE_PASSWORD

pytestmark = NEEDS_NGINX


@pytest.fixture(scope="module")
def deployment(
    tmp_path_factory: pytest.TempPathFactory, mail_server: SMTPServer
) -> Iterator[Deployment]:
    mail_server.clear()
    with Deployment(tmp_path_factory.mktemp("deployment"), mail_server) as deployment:
        yield deployment
        assert deployment.nginx.stop() == ""
        assert "Traceback" not in deployment.stop_gunicorn()


@pytest.fixture
def client(deployment: Deployment, request: pytest.FixtureRequest) -> Client:
    """A visitor with an IP that no limit has counted yet."""
    return deployment.nginx.client(f"127.1.0.{1 + request.session.items.index(request.node) % 250}")


@pytest.fixture
def page(deployment: Deployment) -> Iterator[Page]:
    """A browser that connects to our nginx when it opens the public URL."""
    nginx = deployment.nginx
    hosts = f"MAP {NAME}:80 127.0.0.1:{nginx.http}, MAP {NAME}:443 127.0.0.1:{nginx.https}"
    flags = [*FLAGS, f"--host-resolver-rules={hosts}"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = browser.new_context(ignore_https_errors=True).new_page()
        # Violations of the Content-Security-Policy are on the console, too.
        errors: list[str] = []
        page.on("console", lambda message: errors.append(message.text))
        page.on("pageerror", lambda error: errors.append(error.message))
        yield page
        browser.close()
    assert [line for line in errors if AUTOFOCUS not in line] == []


@pytest.mark.skipif(not CHROMIUM, reason="no chromium: install chromium")
def test_an_author_and_a_reviewer_use_it_over_https(deployment: Deployment, page: Page) -> None:
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 (Playwright marks what it is given)
    page.goto(f"http://{NAME}/")
    expect(page).to_have_url(f"{PUBLIC}/signup")
    sign_up(deployment, page)
    activate(page)

    assert (deployment.strapi.admin("grace@example.org") or {})["is_active"] == 1
    cookies = [c["name"] for c in page.context.cookies() if c["secure"] and c["httpOnly"]]
    assert cookies == ["__Host-signup"]
    assert len(answers) > 10
    for answer in answers[1:]:
        headers = answer.all_headers()
        assert {name: headers.get(name.lower()) for name in HEADERS} == HEADERS
        assert headers["strict-transport-security"].startswith("max-age=31536000")
        assert headers["server"] == "nginx"


def sign_up(deployment: Deployment, page: Page) -> None:
    page.get_by_label("First name").fill("Grace")
    page.get_by_label("E-mail address").fill("grace@example.org")
    page.wait_for_timeout(1000 * MIN_FORM_SECONDS)
    page.get_by_role("button", name="Send me the link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your mail")

    page.goto(deployment.link("grace@example.org"))
    page.get_by_label("Password", exact=True).fill(ADA_PASSWORD)
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("We have your application")


def activate(page: Page) -> None:
    page.goto(f"{PUBLIC}/review")
    page.get_by_label("E-mail address").fill(SUE)
    page.get_by_label("Password", exact=True).fill(SUE_PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Grace", exact=True).click()
    page.get_by_role("button", name="Activate", exact=True).click()
    expect(page.get_by_text("Nobody here.")).to_be_visible()
    page.get_by_role("button", name="Log out", exact=True).click()
    expect(page).to_have_url(re.compile("/review/login"))


def test_plain_http_redirects_to_https(deployment: Deployment) -> None:
    with socket.create_connection(("127.0.0.1", deployment.nginx.http), TIMEOUT) as plain:
        plain.sendall(b"GET /signup?a=b HTTP/1.0\r\nHost: evil.example\r\n\r\n")
        with plain.makefile() as file:
            answer = file.read()
    assert answer.startswith("HTTP/1.1 301")
    assert f"Location: {PUBLIC}/signup?a=b\n" in answer


def wrong_login(client: Client, headers: dict[str, str] | None = None) -> int:
    return client.post("/review/login", headers, email=SUE, password="Wrong1password").status


def test_limits_count_each_ip_and_no_forged_header(deployment: Deployment, client: Client) -> None:
    forged = [{"X-Forwarded-For": f"192.0.2.{n}", "X-Real-IP": f"192.0.2.{n}"} for n in range(6)]

    assert [wrong_login(client, each) for each in forged] == [422] * 5 + [429]
    assert wrong_login(deployment.nginx.client("127.0.0.3")) == 422


@pytest.mark.parametrize("host", [NAME, "evil.example"])
def test_forged_headers_change_nothing(deployment: Deployment, client: Client, host: str) -> None:
    forged = {**FORGED, "Host": host}
    assert without_token(client.get("/signup", forged).text) == without_token(
        client.get("/signup").text
    )
    assert client.get("/", forged).headers["Location"] == "/signup"
    assert client.get("/review", forged).headers["Location"] == "/review/login"
    assert client.get("/signup", forged).headers["Strict-Transport-Security"]

    email = f"forger@{host}.org"
    answer = client.post("/signup", forged, firstname="Mallory", email=email)
    assert (answer.status, answer.headers["Location"]) == (303, "/signup/sent")
    assert deployment.link(email).startswith(f"{PUBLIC}/confirm/")


def without_token(page: str) -> str:
    return re.sub(r'csrf_token" type="hidden" value="[^"]+', "", page)


def exchange(nginx: Nginx, request: bytes) -> bytes:
    """Send these bytes, and read until nginx closes the connection."""
    with nginx.connect() as connection:
        connection.sendall(request)
        with connection.makefile("rb") as file:
            return file.read()


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
def test_an_ambiguous_request_is_refused(deployment: Deployment, headers: str) -> None:
    request = f"POST /signup HTTP/1.1\r\nHost: {NAME}\r\n{headers}\r\n\r\n0\r\n\r\n"
    answer = exchange(deployment.nginx, request.encode())
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1") == 1


def test_a_body_may_have_16_kilobytes_with_a_length_or_without(client: Client) -> None:
    assert client.request("POST", "/signup", b"x" * 17 * 1024).status == 413
    assert client.request("POST", "/signup", iter([b"x" * 1024] * 17)).status == 413

    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = client.request("POST", "/review/login", iter([b"email=a"]), form)
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
def test_an_error_page_of_nginx_has_the_security_headers(
    deployment: Deployment, request_: bytes, status: int
) -> None:
    answer = exchange(deployment.nginx, request_).decode()
    assert answer.startswith(f"HTTP/1.1 {status} ")
    for name in ("Content-Security-Policy", "Strict-Transport-Security", "X-Frame-Options"):
        assert answer.count(f"\r\n{name}: ") == 1
    for text in ("Cache-Control: no-store", "Server: nginx\r\n", "This could not be accepted"):
        assert text in answer


@pytest.fixture(scope="module")
def restricted(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """An nginx with the optional blocks, which restrict the review pages to some networks."""
    folder = tmp_path_factory.mktemp("restricted")
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
    with Nginx(folder, f"server 127.0.0.1:{deployment.gunicorn.port};", **changes) as nginx:
        nginx.start()
        yield nginx
        assert nginx.stop() == ""


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"}


REVIEW = ["/review", "/review/login", "//review/login", "/%72eview/login", "/x/../review/login"]


@pytest.mark.parametrize("path", [*REVIEW, "/api/authors", "/api/openapi.json", "//api/authors"])
def test_the_review_pages_can_be_closed_to_other_networks(restricted: Nginx, path: str) -> None:
    outside, inside = restricted.client("127.8.0.1"), restricted.client("127.9.0.1")
    assert outside.get(path).status == (403 if "api" in path else 401)
    assert "could not be accepted" in outside.get(path).text
    assert inside.get(path).status in {200, 303, 308, 401, 404}
    assert "could not be accepted" not in inside.get(path).text
    assert outside.get("/signup").status == outside.get("/static/style.css").status == 200


def test_a_second_login_opens_the_review_pages_and_nothing_else(restricted: Nginx) -> None:
    client = restricted.client("127.8.0.2")
    refused = client.get("/review/login")
    assert refused.headers["WWW-Authenticate"].startswith("Basic ")
    assert refused.headers["Strict-Transport-Security"]
    assert client.get("/review/login", basic("sue", "Wrong1login")).status == 401
    second = basic("sue", "Second1login")
    assert client.get("/review/login", second).status == 200
    assert client.get("/review", second).status == 303
    form = {"email": SUE, "password": SUE_PASSWORD}
    assert client.post("/review/login", second, **form).status == 303
    assert client.get("/review", second).status == 200
    assert client.get("/review").status == 401
    assert client.get("/api/authors", basic(SUE, SUE_PASSWORD)).status == 403


def test_guesses_of_the_second_login_are_limited(restricted: Nginx) -> None:
    client = restricted.client("127.8.0.3")
    guesses = [basic("sue", f"Guess{n}") for n in range(40)]

    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(lambda each: client.get("/review", each).status, guesses))

    assert set(statuses) == {401, 429}
    assert restricted.client("127.8.0.4").get("/review").status == 401


# Requests that never end: in a header, in a body, and more pages than fit into the buffers.
STALLED = (
    f"GET / HTTP/1.1\r\nHost: {NAME}\r\nX-".encode(),
    f"POST /signup HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 100\r\n\r\nfirst".encode(),
    f"GET /static/style.css HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode() * 20,
)


def test_500_slow_connections_do_not_stop_it(deployment: Deployment, client: Client) -> None:
    with contextlib.ExitStack() as closing:
        for number in range(500):
            slow = deployment.nginx.connect(f"127.2.0.{1 + number % 50}", receive_buffer=4096)
            closing.enter_context(slow).sendall(STALLED[number % 3])
        assert [client.get("/healthz").status for _ in range(20)] == [200] * 20


def test_without_nginx_40_slow_connections_stop_it(deployment: Deployment) -> None:
    """Each stalled request occupies one of gunicorn's 32 threads."""
    port = deployment.gunicorn.port
    with socket.create_connection(("127.0.0.1", port), 2) as asking:
        with contextlib.ExitStack() as closing:
            for number in range(40):
                connection = socket.create_connection(("127.0.0.1", port), TIMEOUT)
                closing.enter_context(connection).sendall(STALLED[number % 2])
            wait_until(lambda: not answers(port))
            asking.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        asking.settimeout(TIMEOUT)
        assert asking.recv(1)


def answers(port: int) -> bool:
    """Whether gunicorn, asked without nginx, answers within two seconds."""
    with socket.create_connection(("127.0.0.1", port), 2) as asking:
        asking.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        with contextlib.suppress(TimeoutError):
            return asking.recv(1) != b""
        return False


def test_a_log_that_is_kept_contains_no_token(deployment: Deployment, client: Client) -> None:
    client.get("/confirm/a-token-of-a-link?x=a-token-of-a-link")
    client.get("/stop/a-token-of-a-link")
    wait_until(lambda: "GET /confirm/*** 404" in deployment.nginx.logs())
    assert "a-token-of-a-link" not in deployment.nginx.logs()


def test_while_the_service_is_down_nginx_says_so_and_then_serves_again(
    deployment: Deployment, client: Client
) -> None:
    output = deployment.stop_gunicorn()
    down = client.get("/signup")
    assert (down.status, down.headers["Retry-After"]) == (503, "60")
    assert "Try again in a moment" in down.text

    deployment.gunicorn.start()
    wait_until(lambda: client.get("/signup").status == 200)
    events = [json.loads(line)["event"] for line in output.splitlines()]
    assert {"started", "stopped"} <= set(events)

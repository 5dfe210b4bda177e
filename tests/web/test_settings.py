"""Settings: which values are taken, how, and what is said about the others."""

import hashlib

import pytest
from itsdangerous import URLSafeTimedSerializer
from werkzeug.test import TestResponse

from signup import links, settings
from tests.support.service import ADA, PUBLIC, Service, Start, token_of
from tests.support.smtp_server import text


def faults(service: Service) -> str:
    return "\n".join(settings.faults(service.app))


# Where the service is. Left: the setting. Right: what browsers make of it.

IN_BROWSERS = {
    "https://bücher.example": "https://xn--bcher-kva.example",
    "https://b%C3%BCcher.example/": "https://xn--bcher-kva.example",
    "https://ｊｏｉｎ.example": "https://join.example",
    " https://Join.Example ": "https://join.example",
    "HTTPS://join.example.": "https://join.example",
    "https://join.example:443": "https://join.example",
    "http://join.example:080/": "http://join.example",
    "https://join.example:/Authors//": "https://join.example/Authors",
    "https://join.example:8443/@team": "https://join.example:8443/@team",
    "http://join_us:5000": "http://join_us:5000",
    "http://127.1:5000": "http://127.0.0.1:5000",
    "http://0x7F000001": "http://127.0.0.1",
    "http://[0:0:0:0:0:0:0:1]:5000": "http://[::1]:5000",
    "http://[2001:DB8::A]": "http://[2001:db8::a]",
}
NO_PUBLIC_URL = {
    **dict.fromkeys(["join.example", "//join.example", "ftp://join.example"], "a URL like"),
    **dict.fromkeys(["https:\\\\join.example", "https://", "https:join.example"], "a URL like"),
    **dict.fromkeys(["https://join.example:0", "https://join.example:99999"], "a URL like"),
    **dict.fromkeys(["https://a..b", "https://exa mple", "https://-.é̀*"], "a DNS name or an IP"),
    **dict.fromkeys(["https://1.2.3.4.5", "https://💩.example"], "a DNS name or an IP"),
    **dict.fromkeys(["http://[::1%25lo]", "http://[::ffff:1.2.3.4]"], "a DNS name or an IP"),
    **dict.fromkeys(["https://me:s3cret@join.example", "https://me@x"], "without a user"),
    **dict.fromkeys(["https://join.example?a=b", "https://join.example/#a"], "without ? and #"),
    **dict.fromkeys(["https://x/a//b", "https://x/./a", "https://x/a/%2E%2e"], "must not have //"),
    **dict.fromkeys(["https://x/größe", "https://x/a b", "https://x/%61"], "only letters from a"),
    "https://x/a\u200bb": "without control characters",
}


# A path that is also a page of ours, and others that are not.
OWN_PATHS = ["review", "confirm", "stop", "api", "static", "healthz", "logo", "signup/sent"]
OTHER_PATHS = ["signup", "signups", "authors/signup", "Review", "reviewers"]


@pytest.mark.parametrize(("written", "url"), IN_BROWSERS.items())
def test_a_public_url_works_as_browsers_send_it(start: Start, written: str, url: str) -> None:
    service = start(PUBLIC_URL=written)
    assert service.public == url
    origin = "/".join(url.split("/")[:3])
    visitor = service.visitor()
    visitor.client.environ_base["HTTP_ORIGIN"] = origin
    visitor.client.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"

    assert visitor.ask().status_code == 303
    [email] = service.deliver()
    assert f"{url}/confirm/" in text(email)
    assert not email["Message-ID"].defects
    assert visitor.confirm(visitor.link()).status_code == 303


@pytest.mark.parametrize(("written", "rule"), NO_PUBLIC_URL.items())
def test_another_url_is_refused_with_its_reason(start: Start, written: str, rule: str) -> None:
    said = faults(start(PUBLIC_URL=written))
    assert "SIGNUP_PUBLIC_URL must be " in said
    assert rule in said
    assert "s3cret" not in said


def test_the_panels_url_is_shown_as_browsers_send_it(start: Start) -> None:
    service = start(STRAPI_ADMIN_URL="https://Bücher.example:443/größe ")
    with service.app.app_context():
        assert links.panel_urls()["login_url"] == "https://xn--bcher-kva.example/gr%C3%B6%C3%9Fe"
    assert service.app.config["SITE_NAME"] == "bücher.example"
    assert "without a user" in faults(start(STRAPI_ADMIN_URL="https://me:x@cms.example"))


def test_a_link_works_although_the_url_was_signed_as_it_was_written(start: Start) -> None:
    signed = "https://Join.Example.com"
    with start(PUBLIC_URL=signed).app.app_context():
        token = links.link_url(links.CONFIRM, "key").rpartition("/")[2]
    signer = URLSafeTimedSerializer(
        str(start().app.config["SECRET_KEY"]),
        salt=f"confirm {signed}",
        signer_kwargs={"digest_method": hashlib.sha256},
    )
    assert signer.loads(token) == ["key", 1]


def test_a_path_that_is_a_page_of_ours_is_refused(start: Start) -> None:
    for path in OWN_PATHS:
        assert f"must not have the path /{path}" in faults(start(PUBLIC_URL=f"{PUBLIC}/{path}"))
    for path in OTHER_PATHS:
        assert faults(start(PUBLIC_URL=f"{PUBLIC}/{path}")) == ""


@pytest.mark.parametrize("path", OTHER_PATHS)
@pytest.mark.parametrize("removed", [True, False], ids=["removed by a proxy", "kept"])
def test_a_path_works_whether_or_not_a_proxy_removes_it(
    start: Start, path: str, removed: bool
) -> None:
    client = start(PUBLIC_URL=f"{PUBLIC}/{path}", RATELIMIT_ENABLED=False).app.test_client()

    def follow(url: str) -> TestResponse:
        """Open a page as a browser behind the proxy, and follow its redirects."""
        for _ in range(3):
            forwarded = url.removeprefix(f"/{path}") or "/" if removed else url
            answer = client.get(forwarded, base_url=PUBLIC)
            if answer.status_code not in (302, 303):
                return answer
            url = answer.location
        raise AssertionError(f"{url} redirects again and again")

    form = follow(f"/{path}")
    given = {"csrf_token": token_of(form), "firstname": "Ada", "email": ADA}
    sent = client.post("/signup" if removed else f"/{path}/signup", data=given, base_url=PUBLIC)
    assert sent.location == f"/{path}/signup/sent"
    assert "Check your mail<" in follow(sent.location).text

"""Settings: which values are taken, how, and what is said about the others."""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from itsdangerous import URLSafeTimedSerializer
from werkzeug.test import TestResponse

from app import create_app
from signup import env_file, links, secret_keys, settings
from tests.support.paths import ROOT
from tests.support.processes import environment_of
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
    # Without limits no time is measured: Flask's client has a second cookie for such a host.
    service = start(PUBLIC_URL=written, RATELIMIT_ENABLED=False)
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
        token = links.link_url(links.CONFIRM, "key", 1).rpartition("/")[2]
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


# Names

SLIPS = {
    "SIGNUP_ALLOWED_DOMAIN": "SIGNUP_ALLOWED_DOMAINS",
    "SIGNUP_MAIL_USETLS": "SIGNUP_MAIL_USE_TLS",
    "SIGNUP_MAIL_SENDER": "SIGNUP_MAIL_DEFAULT_SENDER",
    "SIGNUP_MAIL_PASS": "SIGNUP_MAIL_PASSWORD",
    "SIGNUP_SECRETKEY_FILE": "SIGNUP_SECRET_KEY_FILE",
    "SIGNUP_ACCENT_COLOUR": "SIGNUP_ACCENT_COLOR",
    "SIGNUP_public_url": "SIGNUP_PUBLIC_URL",
    "signup_reviewers": "SIGNUP_REVIEWERS",
    "SIGNUP_MAIL__SERVER": "SIGNUP_MAIL_SERVER",
}
# What Kubernetes adds for Services with these names, and Flask's own settings.
OTHERS = [
    f"{service}_{end}"
    for service in ("SIGNUP", "SIGNUP_DB", "SIGNUP_MAIL", "SIGNUP_LEDGER")
    for end in ("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT_5000_TCP_PROTO")
] + ["SIGNUP_PORT", "SIGNUP_PORT_5000_TCP", "SIGNUP_LEDGER_PORT", "SIGNUP_TESTING", "SIGNUP_"]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without settings and without `.env`."""
    for name in [name for name in os.environ if name.upper().startswith("SIGNUP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FLASK_SKIP_DOTENV", "1")
    return monkeypatch


@pytest.mark.parametrize(("slip", "meant"), SLIPS.items())
def test_a_slip_in_a_name_is_refused(
    environment: pytest.MonkeyPatch, slip: str, meant: str
) -> None:
    environment.setenv(slip, "x")
    app = create_app()
    said = "\n".join(settings.faults(app))
    assert re.search(rf"{slip} is not a setting: did you mean .*\b{meant}\b", said)
    assert list(settings.warnings(app.config)) == []


def test_an_unknown_name_changes_nothing_and_is_warned_of(environment: pytest.MonkeyPatch) -> None:
    for name in OTHERS:
        environment.setenv(name, "true")
    app = create_app()
    assert "did you mean" not in "\n".join(settings.faults(app))
    said = sorted(settings.warnings(app.config))
    assert said == sorted(f"{name} is not a setting: it changes nothing" for name in OTHERS)
    assert not app.testing


def test_an_unknown_name_is_named_by_check_without_failing(start: Start) -> None:
    result = start(PORT="tcp://10.0.0.1:80").run("check")
    assert "WARN   no unknown settings\n       SIGNUP_PORT is not a setting" in result.output
    assert result.exit_code == 0


# Values

WRONG_VALUES = [
    ("MAIL_SUPPRESS_SEND", True, "SIGNUP_MAIL_SUPPRESS_SEND must not be set"),
    *(("MAIL_PASSWORD", each, "must be your own value") for each in ("…", "...", " … ")),
    ("SECRET_KEY", "…", "SIGNUP_SECRET_KEY must be your own value, not the … of an example"),
    ("SITE_NAME", "Gazette \udcfc", "SIGNUP_SITE_NAME must be in UTF-8"),
    *(
        ("REVIEWERS", each, "commas between them; this is none: number 1")
        for each in (
            "sue@example.com; tom@example.com",
            "sue",
            "sue@",
            "Sue <sue@example.com>",
            "@example.com",
        )
    ),
    ("REVIEWERS", "sue@example.com, tom", "this is none: number 2"),
    *(
        ("MAIL_SERVER", each, "SIGNUP_MAIL_SERVER must be a host like")
        for each in (
            "smtp.example.com:587",
            "smtp://smtp.example.com",
            "[::1]",
            "smtp.example.com ",
            "a, b",
        )
    ),
    *(
        ("MAIL_DEFAULT_SENDER", each, "must be like 'The Magazine <post@example.com>'")
        for each in (
            "Press",
            "Press <post>",
            "a@x.org, b@x.org",
            "a@x.org;b@x.org",
            "A <a@x.org>, B <b@x.org>",
            "Press post@example.com",
            "Press <post@example.com",
            "pöst@example.com",
            "a..b@x.org",
        )
    ),
    *(("ALLOWED_ACTIONS", each, "must be actions like") for each in ("read", "plugin::a b", "*")),
]
SENDERS = {
    "post@example.com": ("", "post@example.com"),
    "Press @ Example <post@example.com>": ("Press @ Example", "post@example.com"),
    "Smith, John <post@example.com>": ("Smith, John", "post@example.com"),
    "Press (Berlin): a;b <post@example.com>": ("Press (Berlin): a;b", "post@example.com"),
    '"Press, \\"P\\"" <post@example.com>': ('Press, "P"', "post@example.com"),
    "a@x.org <post@example.com>": ("a@x.org", "post@example.com"),
    "post@example.com (Press)": ("Press", "post@example.com"),
    "Bücher <post@bücher.example>": ("Bücher", "post@xn--bcher-kva.example"),
    "<root@localhost>": ("", "root@localhost"),
}


@pytest.mark.parametrize(("name", "value", "said"), WRONG_VALUES)
def test_a_wrong_value_is_refused_with_its_reason(
    start: Start, name: str, value: object, said: str
) -> None:
    assert said in faults(start(**{name: value}))


@pytest.mark.parametrize(("written", "sender"), SENDERS.items())
def test_emails_are_sent_from_the_email_that_was_written(
    start: Start, written: str, sender: tuple[str, str]
) -> None:
    service = start(MAIL_DEFAULT_SENDER=written)
    service.visitor().ask()
    [email] = service.deliver()
    [found] = email["From"].addresses
    assert (found.display_name, found.addr_spec) == sender


# Files

ENCODINGS = {
    "utf-16": ("SIGNUP_SITE_NAME=Gazette\n", 1),
    "utf-16-le": ("SIGNUP_SITE_NAME=Gazette\n", 1),
    "utf-32": ("SIGNUP_SITE_NAME=Gazette\n", 1),
    "latin-1": ("A=1\nB=2\nSIGNUP_SITE_NAME=Bücher\nSIGNUP_MAIL_PASSWORD=süß\n", 3),
    "cp1252": ("A=1\r\nSIGNUP_SITE_NAME='5 €'\r\n", 2),
}


@pytest.mark.parametrize(("encoding", "content"), ENCODINGS.items())
def test_a_file_in_another_encoding_is_named_with_its_line(
    tmp_path: Path, encoding: str, content: tuple[str, int]
) -> None:
    file = tmp_path / ".env"
    file.write_bytes(content[0].encode(encoding))
    wanted = f"{file} is not in UTF-8, first in line {content[1]}: save the file as UTF-8"
    assert env_file.load(file) == wanted


def test_a_secret_file_in_another_encoding_is_named_without_its_content(tmp_path: Path) -> None:
    file = tmp_path / "key"
    for content, said in {
        "geheimß": f"{file} is not in UTF-8",
        '["geheim", ': f"{file} begins with [ and is no list in JSON",
    }.items():
        file.write_text(content, encoding="latin-1")
        with pytest.raises(ValueError, match=re.escape(said)) as error:
            secret_keys.read_file(file)
        assert str(error.value) == said


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_the_file_beside_the_app_is_read_wherever_a_command_runs(
    tmp_path: Path, encoding: str
) -> None:
    checkout, elsewhere = tmp_path / "checkout", tmp_path / "elsewhere"
    for folder in (checkout, elsewhere):
        folder.mkdir()
    for name in ("app.py", "models", "signup", "templates", "static", "pyproject.toml"):
        (checkout / name).symlink_to(ROOT / name)
    (checkout / ".env").write_text("SIGNUP_ACCENT_COLOR=Grün\n", encoding=encoding)

    command = [sys.executable, "-m", "flask", "--app", str(checkout / "app"), "check"]
    result = subprocess.run(
        command, cwd=elsewhere, env=environment_of({}), capture_output=True, text=True, check=False
    )

    wrong = f"{checkout / '.env'} is not in UTF-8, first in line 1"
    said = wrong if encoding == "latin-1" else "SIGNUP_ACCENT_COLOR must be"
    assert said in result.stdout
    assert ("is missing" in result.stdout) == (said != wrong)
    assert "Traceback" not in result.stderr

"""The service as operators run it: gunicorn, settings that are refused together, kill -9."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest

from signup.settings import DEFAULTS, REQUIRED
from tests.support.network import free_port
from tests.support.paths import ROOT
from tests.support.service import ADA, ADA_PASSWORD, required
from tests.support.smtp_server import SMTPServer, text
from tests.support.strapi_file import SUE, StrapiFile

GUNICORN = str(Path(sys.executable).with_name("gunicorn"))


class Watch(urllib.request.BaseHandler):
    """Notes each answer to a visitor's form: its status, and after how many seconds it came."""

    # Before answers become errors.
    handler_order = 0

    def __init__(self) -> None:
        self.answers: list[tuple[int, float]] = []

    def http_request(self, request: urllib.request.Request) -> urllib.request.Request:
        vars(request)["asked_at"] = time.monotonic()
        return request

    def http_response(self, request: urllib.request.Request, answer: Any) -> Any:
        self.answers.append((answer.status, time.monotonic() - vars(request)["asked_at"]))
        return answer


class Process:
    """A gunicorn of ours, and a visitor's verbs over real HTTP."""

    def __init__(self, settings: dict[str, object], mail: SMTPServer) -> None:
        self.mail = mail
        self.port = free_port()
        self.watch = Watch()
        self.url = f"http://127.0.0.1:{self.port}"
        self._settings = {**settings, "PUBLIC_URL": self.url, "RATELIMIT_ENABLED": "false"}

    def start(self, *options: str) -> None:
        self._process = gunicorn(self._settings, self.port, *options)
        eventually(lambda: self.get("/healthz") is not None)

    def ledger(self) -> StrapiFile:
        """The ledger, to look into."""
        return StrapiFile(Path(str(self._settings["LEDGER"])))

    def terminate(self) -> None:
        """As a service manager does: finish, and stop."""
        self._process.terminate()

    def kill(self) -> None:
        """As a power cut would: master, worker and courier at once."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()

    def stop(self) -> str:
        if self._process.poll() is not None:
            return ""
        self._process.terminate()
        said, _ = self._process.communicate(timeout=40)
        return said.decode()

    def get(self, path: str) -> str | None:
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            return str(error.read().decode())
        except OSError:
            return None

    def post(self, path: str, **fields: str) -> str:
        """Send a form as a browser does; the address where it ends."""
        cookies = urllib.request.HTTPCookieProcessor(CookieJar())
        browser = urllib.request.build_opener(cookies, self.watch)
        with browser.open(self.url + path, timeout=30) as page:
            token = re.search(r'csrf_token" type="hidden" value="([^"]+)', page.read().decode())
        assert token
        data = urllib.parse.urlencode({"csrf_token": token[1], **fields}).encode()
        with browser.open(self.url + path, data, timeout=30) as answer:
            return str(answer.url.removeprefix(self.url))

    def ask(self, email: str = ADA) -> None:
        assert self.post("/signup", firstname="Ada", email=email) == "/signup/sent"

    def confirm(self, link: str) -> None:
        assert self.post(link, firstname="Ada", password=ADA_PASSWORD) == link

    def letter(self, subject: str, email: str = ADA) -> str:
        """The text of the first such letter, once it comes."""

        def found() -> list[str]:
            letters = [each for each in self.mail.messages if subject in each["Subject"]]
            return [text(each) for each in letters if each["To"] == email]

        eventually(lambda: bool(found()))
        return found()[0]

    def link(self) -> str:
        found = re.search(rf"{self.url}(/confirm/\S+)", self.letter("Confirm your address"))
        assert found
        return found[1]


def gunicorn(settings: dict[str, object], port: int, *options: str) -> "subprocess.Popen[bytes]":
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SIGNUP_")}
    environment |= {f"SIGNUP_{name}": str(value) for name, value in settings.items()}
    command = [GUNICORN, "--workers", "1", "--threads", "8", "app:serve()"]
    return subprocess.Popen(
        [*command, "--bind", f"127.0.0.1:{port}", *options],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def eventually(true: Callable[[], bool]) -> None:
    """Wait up to half a minute for something that another process does."""
    until = time.monotonic() + 30
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.fixture
def process(strapi: StrapiFile, mail_server: SMTPServer, tmp_path: Path) -> Iterator[Process]:
    mail_server.clear()
    process = Process(required(strapi, mail_server, tmp_path / "ledger.db"), mail_server)
    process.start()
    yield process
    process.stop()


def test_gunicorn_serves_the_whole_way(process: Process, strapi: StrapiFile) -> None:
    assert process.get("/healthz") == '{"status":"ok"}\n'
    process.ask()
    process.confirm(process.link())
    process.letter("1 waiting", SUE)
    strapi.do("UPDATE admin_users SET is_active = 1 WHERE email = ?", ADA)
    process.letter("You can write for")

    said = process.stop()
    assert "Traceback" not in said
    assert "/confirm/" not in said
    assert ADA not in said


def test_missing_settings_are_named_together_and_nothing_is_served() -> None:
    process = gunicorn({}, free_port())
    said, _ = process.communicate(timeout=60)

    assert process.returncode != 0
    assert [name for name in REQUIRED if f"SIGNUP_{name} is missing" not in said.decode()] == []
    assert "andbox" not in said.decode()


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"AUTHOR_ROLE": "strapi-super-admin"}, "SIGNUP_AUTHOR_ROLE must not be"),
        ({"SECRET_KEY": "change-me"}, "SIGNUP_SECRET_KEY is too weak"),
        ({"SECRET_KEY": "x" * 64}, "SIGNUP_SECRET_KEY is too weak"),
        ({"SECRET_KEY": "change-me-" * 5}, "SIGNUP_SECRET_KEY is an example"),
        ({"SECRET_KEY": "toBeModified1,toBeModified2,toBeModified3"}, "is an example"),
        (
            {"SECRET_KEY": "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf"},
            "is an example",
        ),
        (
            {"SECRET_KEY_FALLBACKS": f'["{"0123456789abcdef" * 4}"]'},
            "FALLBACKS contains SIGNUP_SECRET",
        ),
        ({"MAIL_PASSWORD": "0123456789abcdef" * 4}, "SIGNUP_MAIL_PASSWORD is also a key"),
        ({"DEBUG": "true"}, "FLASK_DEBUG must not be set"),
        ({"SECRET_KEY_FALLBACKS": '["short"]'}, "SIGNUP_SECRET_KEY_FALLBACKS is too weak"),
        ({"PUBLIC_URL": "join.example.com"}, "SIGNUP_PUBLIC_URL must be a URL like"),
        ({"LINK_MAX_AGE": "2 days"}, "SIGNUP_LINK_MAX_AGE must be a whole number"),
        ({"OPEN": "perhaps"}, "SIGNUP_OPEN must be true or false"),
        ({"ASK_WHY": "always"}, "SIGNUP_ASK_WHY must be off, optional or required"),
        ({"BLOCKED_DOMAINS": "exa mple.org"}, "SIGNUP_BLOCKED_DOMAINS must be domains like"),
        ({"ALLOWED_DOMAINS": "*.*.example.org"}, "SIGNUP_ALLOWED_DOMAINS must be domains like"),
        ({"STRAPI_DATABASE": "mssql://x/y"}, "SIGNUP_STRAPI_DATABASE must be the path"),
        ({"MAIL_DEFAULT_SENDER": "The Magazine"}, "SIGNUP_MAIL_DEFAULT_SENDER must be like"),
        ({"MAIL_USE_TLS": "true", "MAIL_USE_SSL": "true"}, "exclude each other"),
        ({"MAIL_SERVER": "mx.example", "MAIL_USERNAME": "me"}, "would travel in clear"),
        ({"KEEP_DAYS": 1000000}, "SIGNUP_KEEP_DAYS must be a whole number from 0 to 36500"),
        ({"MAIL_TIMEOUT": 0}, "SIGNUP_MAIL_TIMEOUT must be a whole number from 1"),
        ({"SITE_NAME": "Two\nlines"}, "SIGNUP_SITE_NAME must be on one line"),
        ({"PUBLIC_URL": "http://["}, "SIGNUP_PUBLIC_URL must be a URL like"),
        ({"SECRET_KEY_FILE": "/nowhere"}, "SIGNUP_SECRET_KEY_FILE cannot be read"),
        ({"LEDGER": "postgresql://me:hunter2@host:port/x"}, "SIGNUP_LEDGER must be the path"),
        ({"STRAPI_TIMEZONE": "Berlin"}, "SIGNUP_STRAPI_TIMEZONE must be a time zone like"),
        ({"LEDGER": "/proc/none/ledger.db"}, "the ledger /proc/none/ledger.db cannot be made"),
    ],
)
def test_a_wrong_setting_is_refused_with_what_to_do(
    strapi: StrapiFile,
    mail_server: SMTPServer,
    tmp_path: Path,
    wrong: dict[str, object],
    complaint: str,
) -> None:
    settings = required(strapi, mail_server, tmp_path / "ledger.db")
    process = gunicorn({**settings, **wrong}, free_port())
    said, _ = process.communicate(timeout=60)

    assert process.returncode != 0
    assert complaint in said.decode()


def test_a_strapi_that_is_away_keeps_nothing_from_starting(
    process: Process, strapi: StrapiFile
) -> None:
    away = strapi.path.with_suffix(".away")
    process.stop()
    strapi.path.rename(away)
    process.start()
    assert process.get("/healthz") == '{"parts":["strapi"],"status":"failing"}\n'

    away.rename(strapi.path)
    assert process.get("/healthz") == '{"status":"ok"}\n'


def test_a_kill_right_after_the_answer_to_signup_loses_no_letter(process: Process) -> None:
    process.mail.answer = "451 later"
    process.ask()
    process.kill()
    process.mail.answer = "250 OK"
    process.start()
    process.ask("grace@example.org")
    process.letter("Confirm your address", "grace@example.org")

    # Ada's letter may have been put off once, or been in hand when the courier died.
    ledger = StrapiFile(Path(str(process._settings["LEDGER"])))
    ledger.do("UPDATE letter SET due_at = 0 WHERE sent_at IS NULL")
    process.confirm(process.link())


def test_a_kill_right_after_the_confirmation_loses_nothing(
    process: Process, strapi: StrapiFile
) -> None:
    process.ask()
    link = process.link()
    process.confirm(link)
    process.kill()

    process.start()
    process.letter("has your application")
    process.letter("1 waiting", SUE)
    assert "We have your application" in (process.get(link) or "")
    assert len(strapi.admins()) == 2


def test_a_kill_between_the_two_databases_is_made_whole(
    process: Process, strapi: StrapiFile
) -> None:
    process.ask()
    link = process.link()
    ledger = StrapiFile(Path(str(process._settings["LEDGER"])))
    eventually(lambda: ledger.rows("SELECT * FROM letter WHERE sent_at IS NULL") == [])
    ours, theirs = sqlite3.connect(ledger.path), sqlite3.connect(strapi.path)
    for database in (ours, theirs):
        database.isolation_level = None

    # The intent gets into the ledger, and waits for Strapi; then Strapi gets the row, and
    # the ledger cannot be told.
    theirs.execute("BEGIN IMMEDIATE")
    poster = subprocess.Popen([sys.executable, "-c", POSTING, process.url + link])
    eventually(lambda: ledger.rows("SELECT born_at FROM signup")[0]["born_at"] is not None)
    ours.execute("BEGIN IMMEDIATE")
    theirs.execute("ROLLBACK")
    eventually(lambda: strapi.admin(ADA) is not None)
    process.kill()
    poster.wait()
    ours.execute("ROLLBACK")
    assert ledger.rows("SELECT state FROM signup") == [{"state": "asked"}]
    ours.close()
    theirs.close()

    process.start()
    process.letter("has your application")
    process.letter("1 waiting", SUE)
    assert "We have your application" in (process.get(link) or "")
    assert len(strapi.admins()) == 2


# Posts the form of a link's page, whatever becomes of it.
POSTING = f"""
import re, sys, urllib.parse, urllib.request
from tests.support.paths import ROOT
browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
page = browser.open(sys.argv[1]).read().decode()
token = re.search('csrf_token" type="hidden" value="([^"]+)', page)[1]
given = dict(csrf_token=token, firstname="Ada", password="{ADA_PASSWORD}")
try:
    browser.open(sys.argv[1], urllib.parse.urlencode(given).encode())
except OSError:
    pass
"""


def test_a_ledger_in_somebody_elses_database_is_refused_and_leaves_it_alone(
    strapi: StrapiFile, mail_server: SMTPServer, tmp_path: Path
) -> None:
    before = strapi.path.read_bytes()
    settings = required(strapi, mail_server, strapi.path)
    process = gunicorn(settings, free_port())
    said, _ = process.communicate(timeout=60)

    assert process.returncode != 0
    assert "is another program's database: correct SIGNUP_LEDGER" in said.decode()
    assert strapi.path.read_bytes() == before


@pytest.mark.parametrize("name", ["SECRET_KEY", "MAIL_PASSWORD"])
def test_a_secret_may_come_from_a_file(
    strapi: StrapiFile, mail_server: SMTPServer, tmp_path: Path, name: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("fedcba9876543210" * 4 + "\n")
    settings = required(strapi, mail_server, tmp_path / "ledger.db")
    settings.pop(name, None)
    process = Process({**settings, f"{name}_FILE": secret}, mail_server)
    process.start()
    process.stop()


def test_nothing_secret_is_said_or_shown_in_the_list_of_processes(
    strapi: StrapiFile, mail_server: SMTPServer, tmp_path: Path
) -> None:
    secrets = {"SECRET_KEY": "k3y-" + "0123456789abcdef" * 3, "MAIL_PASSWORD": "Tr0ub4dor-and-3"}
    settings = required(strapi, mail_server, tmp_path / "ledger.db") | secrets
    process = Process({**settings, "MAIL_USERNAME": "magazine"}, mail_server)
    process.start()
    process.ask()
    eventually(lambda: process.get("/review") is not None)
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    ledger = process.ledger()
    eventually(lambda: ledger.rows("SELECT * FROM letter WHERE trouble IS NOT NULL") != [])
    said = process.stop()

    assert "mail server unavailable" in said
    assert not [secret for secret in secrets.values() if secret in said + listed.stdout]


def test_secrets_that_others_can_read_are_told_of_at_the_start(
    strapi: StrapiFile, mail_server: SMTPServer, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("k3y-" + "0123456789abcdef" * 3)
    secret.chmod(0o644)
    settings = required(strapi, mail_server, tmp_path / "ledger.db")
    del settings["SECRET_KEY"]
    process = Process({**settings, "SECRET_KEY_FILE": secret}, mail_server)
    process.start()
    assert f"chmod 600 {secret}" in process.stop()


def test_debug_is_refused_wherever_it_comes_from(
    strapi: StrapiFile,
    mail_server: SMTPServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "1")
    process = gunicorn(required(strapi, mail_server, tmp_path / "ledger.db"), free_port())
    said, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "FLASK_DEBUG must not be set" in said.decode()


def test_without_a_proxy_nothing_that_a_request_says_about_itself_is_believed(
    process: Process,
) -> None:
    forged = {
        "SCRIPT_NAME": "/evil",
        "PATH_INFO": "/evil",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Ssl": "off",
        "X-Forwarded-For": "198.51.100.1",
        "X-Forwarded-Host": "evil.example",
    }
    request = urllib.request.Request(f"{process.url}/review", headers=forged)
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.url == f"{process.url}/review/login"
        assert answer.headers["Server"] == "gunicorn"
        assert "evil" not in answer.read().decode()


def test_every_setting_is_in_the_readme() -> None:
    readme = (ROOT / "docs" / "settings.md").read_text()
    assert [name for name in DEFAULTS if f"`{name}`" not in readme] == []

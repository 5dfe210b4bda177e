"""The service as operators run it, under gunicorn: settings and secrets."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from app import serve
from signup.settings import DEFAULTS, REQUIRED, SettingsError
from tests.support.deployment import FORGED
from tests.support.paths import ROOT
from tests.support.processes import Gunicorn, environment_of, wait_until
from tests.support.running_service import HEALTHY, RunningService
from tests.support.service import ADA, required
from tests.support.smtp_server import SMTPServer
from tests.support.strapi_file import SUE, StrapiFile


@pytest.fixture
def refusal(
    strapi: StrapiFile, mail_server: SMTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., str]:
    """Do what gunicorn does, with wrong settings; return what the service says."""
    needed = required(strapi, mail_server, tmp_path / "ledger.db")

    def refusal(**wrong: object) -> str:
        monkeypatch.setattr(os, "environ", environment_of({**needed, **wrong}))
        monkeypatch.setenv("FLASK_SKIP_DOTENV", "1")
        with pytest.raises(SettingsError) as refused:
            serve()
        return str(refused.value)

    return refusal


def test_gunicorn_serves_a_signup_from_the_form_to_the_decision(
    process: RunningService, strapi: StrapiFile
) -> None:
    process.start()
    assert process.get("/healthz") == HEALTHY
    process.ask()
    process.confirm(process.link())
    process.wait_for_email("1 waiting", SUE)
    strapi.change(ADA, "is_active = 1")
    process.wait_for_email("You can write for")

    output = process.stop()
    assert [word for word in ("Traceback", "/confirm/", ADA) if word in output] == []


def test_missing_settings_are_named_together_and_nothing_is_served(tmp_path: Path) -> None:
    with Gunicorn({}, tmp_path / "output") as gunicorn:
        gunicorn.begin()
        assert gunicorn.wait() != 0
        output = gunicorn.output()

    assert [name for name in REQUIRED if f"SIGNUP_{name} is missing" not in output] == []
    assert "andbox" not in output


# Each row is one start: settings that are wrong, and what the operator is told about them.
WRONG: list[dict[str, tuple[object, str]]] = [
    {
        "AUTHOR_ROLE": ("strapi-super-admin", "SIGNUP_AUTHOR_ROLE must not be"),
        "SECRET_KEY": ("change-me", "SIGNUP_SECRET_KEY is too weak"),
        "SECRET_KEY_FALLBACKS": ('["short"]', "SIGNUP_SECRET_KEY_FALLBACKS is too weak"),
        "DEBUG": ("true", "FLASK_DEBUG must not be set"),
        "PUBLIC_URL": ("join.example.com", "SIGNUP_PUBLIC_URL must be a URL like"),
        "LINK_MAX_AGE": ("2 days", "SIGNUP_LINK_MAX_AGE must be a whole number"),
        "OPEN": ("perhaps", "SIGNUP_OPEN must be true or false"),
        "ASK_WHY": ("always", "SIGNUP_ASK_WHY must be off, optional or required"),
        "BLOCKED_DOMAINS": ("exa mple.org", "SIGNUP_BLOCKED_DOMAINS must be domains like"),
        "ALLOWED_DOMAINS": ("*.*.example.org", "SIGNUP_ALLOWED_DOMAINS must be domains like"),
        "STRAPI_DATABASE": ("mssql://x/y", "SIGNUP_STRAPI_DATABASE must be the path"),
        "STRAPI_TIMEZONE": ("Berlin", "SIGNUP_STRAPI_TIMEZONE must be a time zone like"),
        "LEDGER": ("postgresql://me:hunter2@host:port/x", "SIGNUP_LEDGER must be the path"),
        "MAIL_DEFAULT_SENDER": ("The Magazine", "SIGNUP_MAIL_DEFAULT_SENDER must be like"),
        "MAIL_TIMEOUT": (0, "SIGNUP_MAIL_TIMEOUT must be a whole number from 1"),
        "KEEP_DAYS": (1000000, "SIGNUP_KEEP_DAYS must be a whole number from 0 to 36500"),
        "SITE_NAME": ("Two\nlines", "SIGNUP_SITE_NAME must be on one line"),
    },
    {
        "SECRET_KEY": ("x" * 64, "SIGNUP_SECRET_KEY is too weak"),
        "PUBLIC_URL": ("http://[", "SIGNUP_PUBLIC_URL must be a URL like"),
        "MAIL_SERVER": ("mx.example", ""),
        "MAIL_USERNAME": ("me", "would travel in clear"),
    },
    {
        "SECRET_KEY": ("change-me-" * 5, "SIGNUP_SECRET_KEY is an example"),
        "MAIL_USE_TLS": ("true", ""),
        "MAIL_USE_SSL": ("true", "exclude each other"),
    },
    {"SECRET_KEY": ("toBeModified1,toBeModified2,toBeModified3", "is an example")},
    {
        "SECRET_KEY": (
            "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",
            "is an example",
        )
    },
    {"SECRET_KEY_FALLBACKS": (f'["{"0123456789abcdef" * 4}"]', "FALLBACKS contains SIGNUP_SECRET")},
    {"MAIL_PASSWORD": ("0123456789abcdef" * 4, "SIGNUP_MAIL_PASSWORD is also a key")},
    {"SECRET_KEY_FILE": ("/nowhere", "SIGNUP_SECRET_KEY_FILE cannot be read")},
    {"LEDGER": ("/proc/none/ledger.db", "the ledger /proc/none/ledger.db cannot be made")},
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: "-".join(wrong)[:40])
def test_wrong_settings_are_refused_together_with_advice(
    refusal: Callable[..., str], wrong: dict[str, tuple[object, str]]
) -> None:
    output = refusal(**{name: value for name, (value, _) in wrong.items()})

    assert [advice for _, advice in wrong.values() if advice not in output] == []


def test_debug_mode_is_refused_also_from_flasks_own_variable(
    refusal: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "1")
    assert "FLASK_DEBUG must not be set" in refusal()


def test_another_programs_database_is_refused_as_a_ledger_and_left_unchanged(
    refusal: Callable[..., str], strapi: StrapiFile
) -> None:
    before = strapi.path.read_bytes()

    output = refusal(LEDGER=strapi.path)

    assert "is another program's database: correct SIGNUP_LEDGER" in output
    assert strapi.path.read_bytes() == before


def test_the_service_starts_without_strapi_and_recovers(
    process: RunningService, strapi: StrapiFile
) -> None:
    with strapi.away():
        process.start()
        assert process.get("/healthz") == '{"parts":["strapi"],"status":"failing"}\n'

    assert process.get("/healthz") == HEALTHY


@pytest.mark.parametrize(("name", "mode"), [("SECRET_KEY", 0o644), ("MAIL_PASSWORD", 0o600)])
def test_a_secret_can_come_from_a_file_that_only_its_owner_should_read(
    process: RunningService, tmp_path: Path, name: str, mode: int
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("fedcba9876543210" * 4 + "\n")
    secret.chmod(mode)
    process.settings.pop(name, None)
    process.settings[f"{name}_FILE"] = secret

    process.start()

    warned = f"chmod 600 {secret}" in process.stop()
    assert warned == (mode == 0o644)


def test_no_secret_is_in_the_log_or_in_the_list_of_processes(process: RunningService) -> None:
    secrets = {"SECRET_KEY": "k3y-" + "0123456789abcdef" * 3, "MAIL_PASSWORD": "Tr0ub4dor-and-3"}
    process.settings |= {"MAIL_USERNAME": "magazine", **secrets}
    process.start()
    process.ask()
    assert process.get("/review")
    # Every user can read it.
    listed = Path(f"/proc/{process.pid}/cmdline").read_text().replace("\0", " ")
    failed = "SELECT * FROM letter WHERE trouble IS NOT NULL"
    wait_until(lambda: process.ledger.rows(failed))
    output = process.stop()

    assert "mail server unavailable" in output
    assert f"--bind 127.0.0.1:{process.port}" in listed
    assert [secret for secret in secrets.values() if secret in output + listed] == []


def test_without_a_proxy_no_forwarding_header_is_believed(process: RunningService) -> None:
    process.start()
    client = process.client()
    answer = client.get("/review", FORGED)
    assert answer.headers["Location"] == "/review/login"
    assert answer.headers["Server"] == "gunicorn"
    assert "evil" not in client.get("/review/login", FORGED).text


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    assert [name for name in DEFAULTS if f"`{name}`" not in page] == []

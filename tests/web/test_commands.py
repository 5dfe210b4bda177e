"""Commands for operators."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result

from tests.conftest import every_engine, on_a_file
from tests.support.paths import ROOT
from tests.support.service import ADA, Service, StrapiFile, free_port, text


def run(service: Service, *words: str) -> Result:
    return service.app.test_cli_runner().invoke(args=list(words))


@on_a_file
def test_check_finds_nothing_wrong(service: Service) -> None:
    before = service.strapi.path.stat().st_mtime_ns

    result = run(service, "check")

    assert result.exit_code == 0, result.output
    assert result.output.count("ok  ") == 9
    assert service.strapi.path.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("settings", "change", "complaint"),
    [
        ({"SECRET_KEY": "short"}, "", "SIGNUP_SECRET_KEY is too weak"),
        ({"STRAPI_DATABASE": "/nowhere/data.db"}, "", "/nowhere/data.db is not there"),
        ({"AUTHOR_ROLE": "nobody"}, "", "0 roles with the code 'nobody'"),
        ({}, "DELETE FROM admin_users", "register the first one"),
        ({}, "UPDATE admin_users SET is_active = false", "nobody can decide"),
        ({}, "DROP TABLE admin_users_roles_lnk", "no table admin_users_roles_lnk"),
        ({"MAIL_PORT": free_port()}, "", "Connection refused"),
        ({"MAIL_USE_TLS": True}, "", "STARTTLS"),
        ({"MAIL_USERNAME": "me", "MAIL_PASSWORD": "secret"}, "", "AUTH"),
    ],
)
def test_check_says_what_is_wrong(
    start: Callable[..., Service],
    strapi: StrapiFile,
    settings: dict[str, object],
    change: str,
    complaint: str,
) -> None:
    service = start(**settings)
    if change:
        strapi.do(change)

    result = run(service, "check")

    assert result.exit_code == 1
    assert complaint in result.output
    assert result.output.count("WRONG") == 1


@on_a_file
def test_check_warns_of_secrets_that_others_can_read(
    start: Callable[..., Service], tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text("k3y-" + "0123456789abcdef" * 3)
    key.chmod(0o604)
    service = start(SECRET_KEY_FILE=str(key))
    service.ledger.chmod(0o644)

    result = run(service, "check")

    assert result.exit_code == 0
    assert f"WARN   other users of this machine can read {key}: chmod 600 {key}" in result.output
    assert f"chmod 600 {service.ledger}" in result.output
    key.chmod(0o600)
    service.ledger.chmod(0o600)
    assert "WARN" not in run(service, "check").output


@every_engine
def test_check_tells_of_letters_that_could_not_be_delivered(service: Service) -> None:
    service.visitor().ask()
    service.mail.answer = "550 no such user"
    service.deliver()
    service.mail.answer = "250 OK"

    result = run(service, "check")
    assert result.exit_code == 1
    assert "1 could not be delivered: email 1: RCPT 550" in result.output


def test_letters_that_wait_for_too_long_are_told_and_a_mail_server_that_is_out(
    start: Callable[..., Service], later: Callable[[timedelta], None]
) -> None:
    service = start(MAIL_PORT=free_port())
    service.visitor().ask()
    later(timedelta(minutes=12))
    assert "the oldest has waited for 12 minutes" in run(service, "check").output

    result = run(service, "deliver")
    assert result.exit_code == 1
    assert "the mail server is unavailable: ConnectionRefusedError" in result.output


def test_deliver_sends_what_is_due_and_settles(service: Service) -> None:
    service.visitor().apply()
    service.strapi.do("UPDATE admin_users SET is_active = true")

    assert run(service, "deliver").output == "1 email handled\n"
    assert "Log in" in text(service.mail.letters[-1])
    assert run(service, "deliver").output == "0 emails handled\n"


def test_authors_are_listed_activated_and_declined(service: Service) -> None:
    for email in (ADA, "grace@example.org"):
        service.visitor().apply(email)
    assert run(service, "authors").output.count("\twaiting\n") == 2

    assert run(service, "activate", "Ada@example.org").output == "Ada@example.org is active\n"
    declined = run(service, "decline", "grace@example.org", "--reason", "Full.", "--silently")
    assert declined.output == "grace@example.org is declined\n"

    assert ADA in run(service, "authors", "--state", "active").output
    [letter] = service.deliver()
    assert letter["To"] == ADA
    signup = service.signup("grace@example.org")
    assert signup["reason"] == "Full."
    assert signup["decided_by"].endswith("(command line)")


def test_what_cannot_be_decided_is_said(service: Service) -> None:
    service.visitor().apply()
    unknown = run(service, "activate", "nobody@example.org")
    assert (unknown.exit_code, unknown.output) == (
        1,
        "Error: no confirmed signup has the email nobody@example.org\n",
    )
    run(service, "activate", ADA)
    late = run(service, "decline", ADA)
    assert late.exit_code == 1
    assert "already active, decided by" in late.output


@every_engine
def test_purge_forgets_what_there_is_no_reason_to_know(
    service: Service, later: Callable[[timedelta], None]
) -> None:
    service.visitor().ask("never@example.org")
    service.visitor().apply()
    run(service, "activate", ADA)
    service.deliver()
    later(timedelta(days=8))
    assert run(service, "purge").output == "1 signup purged\n"
    assert service.rows("SELECT * FROM signup WHERE email = 'never@example.org'") == []
    assert service.rows("SELECT * FROM letter WHERE recipient = 'never@example.org'") == []

    later(timedelta(days=366))
    run(service, "purge")
    [signup] = service.rows("SELECT * FROM signup")
    assert (signup["email"], signup["firstname"], signup["state"]) == (None, None, "active")
    assert service.strapi.admin(ADA)["is_active"] == 1  # type: ignore[index]


@every_engine
def test_a_declined_author_is_forgotten_in_strapi_too(
    service: Service, later: Callable[[timedelta], None]
) -> None:
    service.visitor().apply()
    run(service, "decline", ADA, "--silently")
    later(timedelta(days=366))
    service.deliver()
    run(service, "purge")

    assert service.strapi.admin(ADA) is None
    assert service.rows("SELECT email FROM signup") == [{"email": None}]
    service.visitor().apply()
    assert service.signup()["state"] == "waiting"


@pytest.mark.parametrize("command", ["authors", "deliver", "purge", "activate x@example.org"])
def test_without_settings_a_command_says_what_is_missing(
    start: Callable[..., Service], command: str
) -> None:
    result = run(start(SECRET_KEY=None, PUBLIC_URL=None), *command.split())
    assert result.exit_code == 1
    assert "SIGNUP_SECRET_KEY is missing" in result.output
    assert "SIGNUP_PUBLIC_URL is missing" in result.output


def test_the_version_is_that_of_the_newest_release(service: Service) -> None:
    [newest, *_] = re.findall(r"^## (\d\S+) - ", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert run(service, "version").output == f"{newest}\n"

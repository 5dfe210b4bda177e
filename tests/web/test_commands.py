"""Commands for operators."""

from datetime import timedelta
from pathlib import Path

import pytest

from signup import sandbox
from tests.conftest import every_engine, on_sqlite
from tests.support.network import free_port
from tests.support.service import ADA, GRACE, Later, Service, Start
from tests.support.smtp_server import text
from tests.support.strapi_file import SUE, StrapiFile


@on_sqlite
def test_check_finds_nothing_wrong_and_changes_nothing(service: Service) -> None:
    service.strapi.allow("plugin::content-manager.explorer.create", "api::article.article")
    before = service.strapi.path.stat().st_mtime_ns

    result = service.run("check")

    assert result.exit_code == 0, result.output
    assert result.output.count("ok  ") == 12
    assert service.strapi.path.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("settings", "change", "message"),
    [
        ({"SECRET_KEY": "short"}, "", "SIGNUP_SECRET_KEY is too weak"),
        ({"STRAPI_DATABASE": "/nowhere/data.db"}, "", "/nowhere/data.db is not there"),
        ({"AUTHOR_ROLE": "nobody"}, "", "no role with the code 'nobody'"),
        ({}, "DELETE FROM admin_users", "register the first one"),
        ({}, "UPDATE admin_users SET is_active = false", "nobody can decide"),
        ({}, "DROP TABLE admin_users_roles_lnk", "no table admin_users_roles_lnk"),
        ({"MAIL_PORT": free_port()}, "", "refused the connection: correct SIGNUP_MAIL_SERVER"),
        ({"MAIL_USE_TLS": True}, "", "offers no STARTTLS"),
        ({"MAIL_USERNAME": "me", "MAIL_PASSWORD": "secret"}, "", "offers no login (AUTH)"),
    ],
)
def test_check_says_what_is_wrong(
    start: Start,
    strapi: StrapiFile,
    settings: dict[str, object],
    change: str,
    message: str,
) -> None:
    service = start(**settings)
    if change:
        strapi.do(change)

    result = service.run("check")

    assert result.exit_code == 1
    assert message in result.output
    assert result.output.count("WRONG") == 1


@on_sqlite
def test_check_warns_of_secrets_that_others_can_read(
    start: Start, strapi: StrapiFile, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text("k3y-" + "0123456789abcdef" * 3)
    key.chmod(0o604)
    strapi.allow("plugin::content-manager.explorer.create", "api::article.article")
    service = start(SECRET_KEY_FILE=str(key))
    service.ledger.path.chmod(0o644)

    result = service.run("check")

    assert result.exit_code == 0
    assert f"WARN   other users of this machine can read {key}: chmod 600 {key}" in result.output
    assert f"chmod 600 {service.ledger.path}" in result.output
    key.chmod(0o600)
    service.ledger.path.chmod(0o600)
    assert "WARN" not in service.run("check").output


@every_engine
def test_check_names_emails_that_could_not_be_delivered(service: Service) -> None:
    service.visitor().ask()
    service.mail.answer = "550 no such user"
    service.deliver()
    service.mail.answer = "250 OK"

    result = service.run("check")
    assert result.exit_code == 1
    assert "1 could not be delivered: email 1: RCPT 550" in result.output


def test_check_names_emails_that_wait_and_deliver_names_the_mail_server(
    start: Start, later: Later
) -> None:
    service = start(MAIL_PORT=free_port())
    service.visitor().ask()
    later(timedelta(minutes=12))
    assert "the oldest has waited for 12 minutes" in service.run("check").output

    result = service.run("deliver")
    assert result.exit_code == 1
    assert "refused the connection" in result.output


def test_deliver_reconciles_and_sends_what_is_due(service: Service) -> None:
    service.visitor().apply()
    service.strapi.change(ADA, "is_active = true")

    assert service.run("deliver").output == "1 email handled\n"
    assert "Log in" in text(service.mail.messages[-1])
    assert service.run("deliver").output == "0 emails handled\n"


def test_authors_are_listed_activated_and_declined(service: Service) -> None:
    for email in (ADA, GRACE):
        service.visitor().apply(email)
    assert service.run("authors").output.count("\twaiting\n") == 2

    assert service.run("activate", "Ada@example.org").output == "Ada@example.org is active\n"
    declined = service.run("decline", GRACE, "--reason", "Full.", "--silently")
    assert declined.output == f"{GRACE} is declined\n"

    assert ADA in service.run("authors", "--state", "active").output
    assert [message["To"] for message in service.deliver()] == [ADA]
    assert service.signup(GRACE)["reason"] == "Full."
    assert service.signup(GRACE)["decided_by"].endswith("(command line)")


def test_a_decision_that_is_not_possible_says_why(service: Service) -> None:
    service.visitor().apply()
    unknown = service.run("activate", "nobody@example.org")
    assert unknown.exit_code == 1
    assert "no confirmed signup has the email nobody@example.org" in unknown.output
    service.run("activate", ADA)
    late = service.run("decline", ADA)
    assert late.exit_code == 1
    assert "already active, decided by" in late.output


def test_logout_ends_the_sessions_of_one_reviewer_or_of_all(service: Service) -> None:
    service.strapi.add_admin("tom@example.com", "Super1secret", "strapi-super-admin")
    sue, tom = service.reviewer(), service.reviewer("tom@example.com")

    assert service.run("logout", SUE.upper()).output == "1 session ended\n"
    assert [each.get("/review").status_code for each in (sue, tom)] == [303, 200]
    assert service.run("logout", "nobody@example.com").exit_code == 1
    sue.log_in()
    assert service.run("logout").output == "2 sessions ended\n"
    assert [each.get("/review").status_code for each in (sue, tom)] == [303, 303]


@every_engine
def test_purge_erases_unconfirmed_and_old_signups(service: Service, later: Later) -> None:
    service.visitor().ask("never@example.org")
    service.visitor().apply()
    service.run("activate", ADA)
    service.deliver()
    later(timedelta(days=8))
    assert service.run("purge").output == "1 signup purged\n"
    assert service.rows("SELECT * FROM signup WHERE email = 'never@example.org'") == []
    assert service.rows("SELECT * FROM letter WHERE recipient = 'never@example.org'") == []

    later(timedelta(days=366))
    service.run("purge")
    [signup] = service.rows("SELECT * FROM signup")
    assert (signup["email"], signup["firstname"], signup["state"]) == (None, None, "active")
    assert service.strapi.is_active(ADA)


@every_engine
def test_purge_removes_a_declined_authors_row_from_strapi_too(
    service: Service, later: Later
) -> None:
    service.visitor().apply()
    service.run("decline", ADA, "--silently")
    later(timedelta(days=366))
    service.deliver()
    service.run("purge")

    assert service.strapi.admin(ADA) is None
    assert service.rows("SELECT email FROM signup") == [{"email": None}]
    service.visitor().apply()
    assert service.state() == "waiting"


def test_without_settings_every_command_says_what_is_missing(start: Start) -> None:
    service = start(SECRET_KEY=None, PUBLIC_URL=None)
    for command in ("authors", "deliver", "purge", "activate x@example.org"):
        result = service.run(*command.split())
        assert result.exit_code == 1
        assert "SIGNUP_SECRET_KEY is missing" in result.output
        assert "SIGNUP_PUBLIC_URL is missing" in result.output


def test_show_also_finds_somebody_who_withdrew(service: Service) -> None:
    ada = service.visitor()
    link = ada.apply()
    ada.post(f"{link}/withdraw", page=link)
    service.deliver()

    assert "withdrawn" in service.run("show", ADA).output
    assert service.run("show", GRACE).exit_code == 1


def test_the_sandbox_says_why_it_cannot_start(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = str(service.mail.port)
    assert f"port {used} is in use: try another" in service.run("demo", "--port", used).output
    assert service.run("demo", "--port", "70000").exit_code == 2

    monkeypatch.setattr(sandbox, "ROOT", Path("/proc/none"))
    result = service.run("demo", "--port", str(free_port()))
    assert result.exit_code == 1
    assert "the sandbox cannot write to /proc/none/instance/sandbox-" in result.output

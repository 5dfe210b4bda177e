"""Mail servers that hang, drop, delay or refuse, show a wrong certificate, or are down."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from models.mail.email_kinds import EmailKind
from models.mail.outbox import OutgoingEmail
from models.signups.signup import Signup
from tests.faults.misbehaving_smtp import MisbehavingSMTP
from tests.support.network import free_port
from tests.support.report_tables import Report
from tests.support.service import Later, Service, Start
from tests.support.smtp_server import SMTPServer

# What an email is after the first try: still due, if the server is at fault; delayed or parked, if
# the email is; or sent.
FIRST = ("banner", "EHLO", "AUTH")
CASES = [
    *[(verb, does, "due") for verb in FIRST for does in ("hang", "drop", "421 no", "554 no")],
    *[("MAIL", does, "due") for does in ("451 no", "553 no")],
    *[("STARTTLS", does, "due") for does in ("hang", "drop", "454 no", "501 no")],
    *[("MAIL", does, "delayed") for does in ("hang", "drop")],
    *[(verb, does, "delayed") for verb in ("RCPT", "DATA", ".") for does in ("hang", "drop")],
    *[(verb, "451 no", "delayed") for verb in ("RCPT", "DATA", ".")],
    ("DATA", "503 5.5.1 Authentication required", "delayed"),
    *[(verb, "554 no", "parked") for verb in ("RCPT", "DATA", ".")],
    *[(verb, "delay", "sent") for verb in (*FIRST, "MAIL", "RCPT", "DATA", ".", "QUIT")],
    *[("QUIT", does, "sent") for does in ("hang", "drop", "421 no", "554 no")],
]


@pytest.mark.parametrize(("verb", "does", "result"), CASES)
def test_whatever_a_mail_server_does_an_email_arrives_once_or_is_parked(
    start: Start, later: Later, report: Report, verb: str, does: str, result: str
) -> None:
    login = {"MAIL_USERNAME": "me", "MAIL_PASSWORD": "secret"} if verb == "AUTH" else {}
    # Seconds. A delay of half a second must not look like a timeout on a busy machine.
    timeout = 10 if does == "delay" else 1
    tls = verb == "STARTTLS"
    with MisbehavingSMTP(verb, does) as server:
        service = start(MAIL_PORT=server.port, MAIL_TIMEOUT=timeout, MAIL_USE_TLS=tls, **login)
        service.visitor().ask()
        service.deliver()
        assert result_of(service) == result

        server.verb = ""
        later(timedelta(minutes=2))
        if not tls:
            service.deliver()
            assert len(server.received) == (0 if result == "parked" else 1)
    report("mail server: hang, drop, delay, 4xx, 5xx at each verb")


def result_of(service: Service) -> str:
    """What became of the only email."""
    [email] = service.emails()
    if email["sent_at"] or email["parked_at"]:
        return "sent" if email["sent_at"] else "parked"
    return "delayed" if email["tries"] else "due"


@pytest.mark.parametrize("fault", ["expired", "wrong name", "self-signed"])
def test_a_mail_server_with_a_wrong_certificate_gets_no_email(
    start: Start, report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    if fault != "self-signed":
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    name = "mail.example.com" if fault == "wrong name" else "127.0.0.1"
    past = datetime.now(UTC) - timedelta(days=1) if fault == "expired" else None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name, not_after=past).configure_cert(context)
    with SMTPServer(tls_context=context, require_starttls=True) as server:
        service = start(MAIL_PORT=server.port, MAIL_USE_TLS=True)
        service.visitor().ask()
        service.deliver()

    assert server.messages == []
    assert result_of(service) == "due"
    assert "a certificate that is not trusted" in service.emails()[0]["trouble"]
    report("mail server: certificate expired, of another name, self-signed")


def test_after_a_day_without_a_mail_server_everything_is_sent_in_order(
    start: Start, later: Later, report: Report
) -> None:
    emails = [f"author{number}@example.org" for number in range(1000)]
    service = start(MAIL_PORT=free_port())
    with service.app.app_context():
        for email in emails:
            signup = Signup.create(key=f"key of {email}", email=email, firstname="A")
            OutgoingEmail.enqueue(EmailKind.CONFIRM, email, signup)
    service.deliver()
    later(timedelta(hours=24))
    assert "outbox" in service.visitor().get("/healthz").text

    service = start()
    service.visitor().apply("late@example.org")
    sent = [each["To"] for each in service.mail.messages if each["To"].startswith("author")]
    assert sent == emails
    report("mail server: down for 24 hours, 1,000 emails due", len(emails))

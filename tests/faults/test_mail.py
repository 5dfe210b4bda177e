"""Mail servers that hang, drop, delay or refuse, show a wrong certificate, or are down."""

import ssl
from collections.abc import Callable, Iterator
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
from tests.support.service import Service
from tests.support.smtp_server import SMTPServer

Start = Callable[..., Service]
Later = Callable[[timedelta], None]

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
    *[(verb, "554 no", "parked") for verb in ("RCPT", "DATA", ".")],
    *[(verb, "delay", "sent") for verb in (*FIRST, "MAIL", "RCPT", "DATA", ".", "QUIT")],
    *[("QUIT", does, "sent") for does in ("hang", "drop", "421 no", "554 no")],
]
# Refusals because of the sender, the login or a limit, and what the email is then.
OUR_FAULT = [
    ("MAIL", "553 5.7.1 Sender address rejected: not owned by user", "due"),
    ("RCPT", "553 5.7.1 Sender address rejected: not owned by user", "delayed"),
    ("RCPT", "554 5.7.1 Relay access denied", "delayed"),
    ("RCPT", "530 5.7.0 Authentication required", "delayed"),
    ("DATA", "503 5.5.1 Authentication required", "delayed"),
    (".", "554 5.2.252 SendAsDenied", "delayed"),
    (".", "550 5.4.5 Daily user sending limit exceeded", "delayed"),
    (".", "550 5.7.60 Client does not have permissions to send as this sender", "delayed"),
    (".", "454 4.7.0 Throttled", "delayed"),
]


@pytest.mark.parametrize(("verb", "does", "result"), CASES)
def test_whatever_a_mail_server_does_an_email_arrives_once_or_is_parked(
    start: Start, later: Later, report: Report, verb: str, does: str, result: str
) -> None:
    server = MisbehavingSMTP(verb, does)
    login = {"MAIL_USERNAME": "me", "MAIL_PASSWORD": "secret"} if verb == "AUTH" else {}
    # Seconds. A delay of half a second must not look like a timeout on a busy machine.
    timeout = 10 if does == "delay" else 1
    tls = verb == "STARTTLS"
    service = start(MAIL_PORT=server.port, MAIL_TIMEOUT=timeout, MAIL_USE_TLS=tls, **login)
    service.visitor().ask()
    service.deliver()
    broken = [] if result_of(service) == result else [f"it is {result_of(service)}, not {result}"]

    server.heal()
    later(timedelta(minutes=2))
    if not tls:
        service.deliver()
        copies = 0 if result == "parked" else 1
        if len(server.received) != copies:
            broken.append(f"{len(server.received)} copies arrived, not {copies}")
    server.stop()
    report("mail server: hang, drop, delay, 4xx, 5xx at each verb", 1, broken)


@pytest.mark.parametrize(("verb", "does", "result"), OUR_FAULT)
def test_what_wrong_mail_settings_delay_is_sent_once_when_they_are_corrected(
    start: Start, later: Later, report: Report, verb: str, does: str, result: str
) -> None:
    server = MisbehavingSMTP(verb, does)
    service = start(MAIL_PORT=server.port, MAIL_TIMEOUT=1)
    for _ in range(3):
        service.visitor().ask()
        service.deliver()
    broken = [] if result_of(service) == result else [f"it is {result_of(service)}, not {result}"]

    server.heal()
    for _ in range(2):
        later(timedelta(minutes=20))
        service.deliver()
    server.stop()
    if len(server.received) != 1:
        broken.append(f"{len(server.received)} copies arrived, not 1")
    report("mail server: refuses the sender, the login or too many emails", 1, broken)


def result_of(service: Service) -> str:
    """What became of the only email."""
    [email] = service.rows("SELECT * FROM letter")
    if email["sent_at"] or email["parked_at"]:
        return "sent" if email["sent_at"] else "parked"
    return "delayed" if email["tries"] else "due"


@pytest.fixture
def start_with_tls() -> Iterator[Callable[[trustme.LeafCert], SMTPServer]]:
    """Start a mail server with this certificate."""
    servers = []

    def start_with_tls(certificate: trustme.LeafCert) -> SMTPServer:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        certificate.configure_cert(context)
        servers.append(SMTPServer(tls_context=context, require_starttls=True))
        servers[-1].start()
        return servers[-1]

    yield start_with_tls
    for server in servers:
        server.stop()


@pytest.mark.parametrize("fault", ["expired", "wrong name", "self-signed"])
def test_a_mail_server_with_a_wrong_certificate_gets_no_email(
    start: Start,
    start_with_tls: Callable[[trustme.LeafCert], SMTPServer],
    report: Report,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    if fault != "self-signed":
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    name = "mail.example.com" if fault == "wrong name" else "127.0.0.1"
    past = datetime.now(UTC) - timedelta(days=1) if fault == "expired" else None
    server = start_with_tls(authority.issue_cert(name, not_after=past))
    service = start(MAIL_PORT=server.port, MAIL_USE_TLS=True)
    service.visitor().ask()
    service.deliver()

    [email] = service.rows("SELECT * FROM letter")
    broken = []
    if server.messages or result_of(service) != "due":
        broken.append(f"{fault}: the email is {result_of(service)}")
    if "certificate verify failed" not in email["trouble"].lower():
        broken.append(f"{fault}: {email['trouble']} does not say why")
    report("mail server: certificate expired, of another name, self-signed", 1, broken)


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
    broken = [] if sent == emails else [f"{len(sent)} were sent, or in another order"]
    report("mail server: down for 24 hours, 1,000 emails due", len(emails), broken)

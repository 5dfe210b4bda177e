"""Mail servers that hang, drop, delay and refuse at every verb, lie about who they are, or are
away for a day."""

import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from models.mail.outbox import EmailKind, OutgoingEmail
from models.signups.signup import Signup
from tests.faults.misbehaving_smtp import RudeServer
from tests.support.service import MailServer, Service, free_port

Tally = Callable[..., None]
Start = Callable[..., Service]
Later = Callable[[timedelta], None]

# What a letter is after the first try: still due, for it is the server's fault; put off, or
# parked, for it is the letter's; or sent.
FIRST = ("banner", "EHLO", "AUTH")
CASES = [
    *[(verb, does, "due") for verb in FIRST for does in ("hang", "drop", "421 no", "554 no")],
    *[("MAIL", does, "due") for does in ("451 no", "553 no")],
    *[("STARTTLS", does, "due") for does in ("hang", "drop", "454 no", "501 no")],
    *[("MAIL", does, "put off") for does in ("hang", "drop")],
    *[(verb, does, "put off") for verb in ("RCPT", "DATA", ".") for does in ("hang", "drop")],
    *[(verb, "451 no", "put off") for verb in ("RCPT", "DATA", ".")],
    *[(verb, "554 no", "parked") for verb in ("RCPT", "DATA", ".")],
    *[(verb, "delay", "sent") for verb in (*FIRST, "MAIL", "RCPT", "DATA", ".", "QUIT")],
    *[("QUIT", does, "sent") for does in ("hang", "drop", "421 no", "554 no")],
]
# Refusals because of the sender, the login or a limit, and what the email is then.
REFUSALS = [
    ("MAIL", "553 5.7.1 Sender address rejected: not owned by user", "due"),
    ("RCPT", "553 5.7.1 Sender address rejected: not owned by user", "put off"),
    ("RCPT", "554 5.7.1 Relay access denied", "put off"),
    ("RCPT", "530 5.7.0 Authentication required", "put off"),
    ("DATA", "503 5.5.1 Authentication required", "put off"),
    (".", "554 5.2.252 SendAsDenied", "put off"),
    (".", "550 5.4.5 Daily user sending limit exceeded", "put off"),
    (".", "550 5.7.60 Client does not have permissions to send as this sender", "put off"),
    (".", "454 4.7.0 Throttled", "put off"),
]


@pytest.mark.parametrize(("verb", "does", "fate"), CASES)
def test_whatever_a_mail_server_does_a_letter_arrives_once_or_is_parked(
    start: Start, later: Later, tally: Tally, verb: str, does: str, fate: str
) -> None:
    server = RudeServer(verb, does)
    login = {"MAIL_USERNAME": "me", "MAIL_PASSWORD": "secret"} if verb == "AUTH" else {}
    service = start(MAIL_PORT=server.port, MAIL_TIMEOUT=1, MAIL_USE_TLS=verb == "STARTTLS", **login)
    service.visitor().ask()
    service.deliver()
    violations = [] if fate_of(service) == fate else [f"it is {fate_of(service)}, not {fate}"]

    server.heal()
    later(timedelta(minutes=2))
    if verb != "STARTTLS":
        service.deliver()
        copies = 0 if fate == "parked" else 1
        if len(server.taken) != copies:
            violations.append(f"{len(server.taken)} copies arrived, not {copies}")
    server.stop()
    tally("mail server: hang, drop, delay, 4xx, 5xx at each verb", 1, violations)


@pytest.mark.parametrize(("verb", "does", "fate"), REFUSALS)
def test_what_wrong_mail_settings_hold_up_goes_out_once_when_they_are_corrected(
    start: Start, later: Later, tally: Tally, verb: str, does: str, fate: str
) -> None:
    server = RudeServer(verb, does)
    service = start(MAIL_PORT=server.port, MAIL_TIMEOUT=1)
    for _ in range(3):
        service.visitor().ask()
        service.deliver()
    violations = [] if fate_of(service) == fate else [f"it is {fate_of(service)}, not {fate}"]

    server.heal()
    for _ in range(2):
        later(timedelta(minutes=20))
        service.deliver()
    server.stop()
    if len(server.taken) != 1:
        violations.append(f"{len(server.taken)} copies arrived, not 1")
    tally("mail server: refuses the sender, the login or too many emails", 1, violations)


def fate_of(service: Service) -> str:
    """How the only letter stands."""
    [letter] = service.rows("SELECT * FROM letter")
    if letter["sent_at"] or letter["parked_at"]:
        return "sent" if letter["sent_at"] else "parked"
    return "put off" if letter["tries"] else "due"


@pytest.fixture
def certified() -> Iterator[Callable[..., MailServer]]:
    """Starts a mail server with a certificate of an authority, which it returns."""
    servers = []

    def certified(cert: trustme.LeafCert) -> MailServer:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        cert.configure_cert(context)
        servers.append(MailServer(tls_context=context, require_starttls=True))
        servers[-1].start()
        return servers[-1]

    yield certified
    for server in servers:
        server.stop()


@pytest.mark.parametrize("fault", ["expired", "wrong name", "self-signed"])
def test_a_certificate_that_does_not_verify_gets_no_letter(
    start: Start,
    certified: Callable[..., MailServer],
    tally: Tally,
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
    server = certified(authority.issue_cert(name, not_after=past))
    service = start(MAIL_PORT=server.port, MAIL_USE_TLS=True)
    service.visitor().ask()
    service.deliver()

    [letter] = service.rows("SELECT * FROM letter")
    violations = []
    if server.letters or fate_of(service) != "due":
        violations.append(f"{fault}: the letter is {fate_of(service)}")
    if "certificate verify failed" not in letter["trouble"].lower():
        violations.append(f"{fault}: {letter['trouble']} does not say why")
    tally("mail server: certificate expired, of another name, self-signed", 1, violations)


def test_after_a_day_without_a_mail_server_everything_goes_out_in_order_and_fairly(
    start: Start, later: Later, tally: Tally
) -> None:
    service = start(MAIL_PORT=free_port())
    with service.app.app_context():
        for number in range(1000):
            OutgoingEmail.enqueue(EmailKind.CONFIRM, f"author{number}@example.org", signup(number))
    service.deliver()
    later(timedelta(hours=24))
    assert "outbox" in service.visitor().get("/healthz").text

    service = start()
    service.visitor().apply("late@example.org")
    letters = service.mail.letters
    old = [each["To"] for each in letters if each["To"].startswith("author")]
    violations = []
    if old != [f"author{number}@example.org" for number in range(1000)]:
        violations.append(f"{len(old)} old letters went out, or in another order")
    tally("mail server: away for 24 hours, 1,000 letters due", 1000, violations)


def signup(number: int) -> Signup:
    """One of many signups."""
    email = f"author{number}@example.org"
    return Signup.create(key=f"key{number}", email=email, firstname="A")

"""A mail server that refuses emails: whose fault it is, and what happens when it is corrected."""

import logging
import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from signup.mail.replies import Outcome, Reply
from tests.conftest import every_engine
from tests.support.service import ADA, Service
from tests.support.smtp_server import SMTPServer

Start = Callable[..., Service]
Later = Callable[[timedelta], None]

GRACE = "grace@beispiel.example"
NOT_OWNED = "553 5.7.1 <post@example.com>: Sender address rejected: not owned by user me"
NO_RELAY = "554 5.7.1 <ada@example.org>: Relay access denied"
SEND_AS_DENIED = "554 5.2.252 SendAsDenied; post@example.com not allowed to send as"
DAILY_LIMIT = "550-5.4.5 Daily user sending limit exceeded.\r\n550 5.4.5 See the help"


class RefusingServer(SMTPServer):
    """Answers `reply` to one verb, to emails for `domain` only if it is set. "." ends a message."""

    verb = reply = domain = ""

    def refuse(self, verb: str, reply: str, domain: str = "") -> None:
        self.verb, self.reply, self.domain = verb, reply, domain

    def correct(self) -> None:
        self.verb = ""

    def _refuses(self, verb: str, email: str = "") -> bool:
        return self.verb == verb and email.endswith(self.domain)

    async def handle_MAIL(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._refuses("MAIL"):
            return self.reply
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._refuses("RCPT", address):
            return self.reply
        return await super().handle_RCPT(server, session, envelope, address, options)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self._refuses(".", envelope.rcpt_tos[0]):
            return self.reply
        return await super().handle_DATA(server, session, envelope)


@pytest.fixture
def refusing() -> Iterator[RefusingServer]:
    server = RefusingServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def refused(start: Start, refusing: RefusingServer) -> Service:
    """The service, whose mail server can refuse emails."""
    service = start(MAIL_PORT=refusing.port)
    service.mail = refusing
    return service


def fate(service: Service, email: str = ADA) -> str:
    [row] = service.rows("SELECT * FROM letter WHERE recipient = ?", email)
    if row["sent_at"] or row["parked_at"]:
        return "sent" if row["sent_at"] else "parked"
    return "put off" if row["tries"] else "due"


def health(service: Service) -> list[str]:
    answer = service.visitor().get("/healthz")
    return list((answer.json or {}).get("parts", []))


REPLIES = [
    ("RCPT", NOT_OWNED, "put off"),
    ("RCPT", NO_RELAY, "put off"),
    ("RCPT", "550 5.7.1 Client host rejected: access denied", "put off"),
    ("RCPT", "504 5.5.2 <x>: Helo command rejected: need fully-qualified hostname", "put off"),
    ("RCPT", "550 5.7.60 Client does not have permissions to send as this sender", "put off"),
    ("RCPT", "530 5.7.0 Authentication required", "put off"),
    ("RCPT", "530 Authentication required", "put off"),
    ("RCPT", "454 4.7.0 Temporary authentication failure", "put off"),
    ("RCPT", "550 4.7.1 Try again later", "put off"),
    ("RCPT", "550 5.1.8 Sender address rejected: Domain not found", "put off"),
    ("RCPT", "553 5.1.7 Bad sender address syntax", "put off"),
    ("RCPT", "550 #5.1.0 Address rejected", "put off"),
    ("RCPT", "552 4.2.2 Over quota, later", "put off"),
    ("RCPT", "450 4.2.1 Receiving too fast", "put off"),
    ("RCPT", "550 5.1.1 <ada@example.org>: User unknown", "parked"),
    ("RCPT", "550 5.1.2 No such domain", "parked"),
    ("RCPT", "501 5.1.3 Bad recipient address syntax", "parked"),
    ("RCPT", "551 5.1.6 Mailbox has moved", "parked"),
    ("RCPT", "556 5.1.10 Recipient address has null MX", "parked"),
    ("RCPT", "550-5.2.1 The account is disabled.\r\n550 5.2.1 See the help", "parked"),
    ("RCPT", "552 5.2.2 Over quota", "parked"),
    ("RCPT", "550 no such user ada@example.org", "parked"),
    (".", SEND_AS_DENIED, "put off"),
    (".", DAILY_LIMIT, "put off"),
    (".", "550 5.7.60 SMTP; Client does not have permissions to send", "put off"),
    (".", "454 Throttling failure: Daily message quota exceeded.", "put off"),
    (".", "550 5.1.1 RESOLVER.ADR.RecipNotFound", "parked"),
    (".", "552 5.2.2 Mailbox full", "parked"),
    (".", "554 Transaction failed", "parked"),
    ("MAIL", NOT_OWNED, "due"),
    ("MAIL", "530 5.7.0 Must issue a STARTTLS command first", "due"),
    ("MAIL", "550 not allowed", "due"),
    ("MAIL", "451 4.3.0 later", "due"),
]


@pytest.mark.parametrize(("verb", "reply", "expected"), REPLIES)
def test_a_refused_email_is_parked_only_if_that_is_due_to_its_recipient(
    refused: Service, refusing: RefusingServer, later: Later, verb: str, reply: str, expected: str
) -> None:
    refused.visitor().ask()
    refusing.refuse(verb, reply)
    refused.deliver()

    assert fate(refused) == expected
    [row] = refused.rows("SELECT * FROM letter")
    # The codes, and nothing of the server's text.
    shown = rf"{verb.replace('.', 'DATA')} {reply[:3]}( [45]\.\d+\.\d+)?"
    assert re.fullmatch(shown, row["trouble"])

    refusing.correct()
    later(timedelta(minutes=2))
    refused.deliver()
    refused.deliver()
    assert len(refusing.messages) == (0 if expected == "parked" else 1)


@pytest.mark.parametrize(
    ("verb", "code", "text", "shown", "outcome", "may_be_ours"),
    [
        ("RCPT", 553, b"5.7.1 not owned", "RCPT 553 5.7.1", Outcome.RETRY, True),
        ("RCPT", 550, b"5.1.1 unknown", "RCPT 550 5.1.1", Outcome.PARK, False),
        ("RCPT", 550, b"unknown", "RCPT 550", Outcome.PARK, False),
        ("RCPT", 550, b"5.1.1.7 is blocked", "RCPT 550", Outcome.PARK, False),
        ("RCPT", 550, b"5.7.1.", "RCPT 550 5.7.1", Outcome.RETRY, True),
        ("RCPT", 550, b"(5.07.001) no", "RCPT 550 5.7.1", Outcome.RETRY, True),
        ("RCPT", 450, b"4.1.1 unverified", "RCPT 450 4.1.1", Outcome.RETRY, False),
        ("RCPT", 450, b"5.1.1 soft bounce", "RCPT 450 5.1.1", Outcome.RETRY, False),
        ("RCPT", 503, b"AUTH first", "RCPT 503", Outcome.RETRY, True),
        ("RCPT", -1, b"\xff\xfe", "RCPT -1", Outcome.RETRY, False),
        ("DATA", 554, b"rejected", "DATA 554", Outcome.PARK, True),
        ("DATA", 550, b"5.6.0 bad content", "DATA 550 5.6.0", Outcome.RETRY, True),
        ("MAIL", 550, b"5.1.1 unknown", "MAIL 550 5.1.1", Outcome.PARK, False),
        ("MAIL", 553, b"5.1.7 bad", "MAIL 553 5.1.7", Outcome.UNAVAILABLE, True),
        ("AUTH", 535, b"5.7.8 bad credentials", "AUTH 535 5.7.8", Outcome.UNAVAILABLE, True),
        ("EHLO", 550, b"5.1.1 odd", "EHLO 550 5.1.1", Outcome.UNAVAILABLE, False),
    ],
)
def test_the_enhanced_code_decides_and_without_one_the_verb(
    verb: str, code: int, text: bytes, shown: str, outcome: Outcome, may_be_ours: bool
) -> None:
    reply = Reply.parse(verb, code, text)

    assert (str(reply), reply.outcome, reply.may_be_ours) == (shown, outcome, may_be_ours)


@every_engine
@pytest.mark.parametrize(
    ("verb", "reply"), [("RCPT", NO_RELAY), (".", SEND_AS_DENIED), ("MAIL", NOT_OWNED)]
)
@pytest.mark.parametrize("tried_between", [True, False])
def test_a_person_who_asked_three_times_meanwhile_gets_one_email_and_can_ask_again(
    refused: Service,
    refusing: RefusingServer,
    later: Later,
    verb: str,
    reply: str,
    tried_between: bool,
) -> None:
    refusing.refuse(verb, reply)
    for name in ("A.", "Augusta", "Ada"):
        assert refused.visitor().ask(first=name).location == "/signup/sent"
        if tried_between:
            refused.deliver()
    refused.deliver()

    refusing.correct()
    later(timedelta(minutes=2))
    assert len(refused.deliver()) == 1
    assert "Ada" in refused.visitor().get(refused.visitor().link()).text
    for _ in range(2):
        refused.visitor().ask()
        assert len(refused.deliver()) == 1


def test_asking_again_brings_the_next_try_forward(
    refused: Service, refusing: RefusingServer, later: Later
) -> None:
    refused.visitor().ask()
    refusing.refuse("RCPT", NO_RELAY)
    for _ in range(8):
        refused.deliver()
        later(timedelta(hours=5))
    refused.deliver()
    refusing.correct()
    refused.visitor().ask()

    later(timedelta(minutes=1, seconds=1))
    assert len(refused.deliver()) == 1


def test_an_email_that_is_refused_stops_no_other(
    refused: Service, refusing: RefusingServer
) -> None:
    for email in (ADA, GRACE):
        refused.visitor().ask(email)
    refusing.refuse("RCPT", NO_RELAY, domain="example.org")

    assert [email["To"] for email in refused.deliver()] == [GRACE]
    assert fate(refused) == "put off"


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    event = "mail server refuses emails"
    return [each.error for each in caplog.records if each.message == event]  # type: ignore[attr-defined]


@every_engine
def test_refusals_at_unrelated_domains_are_told_to_operators_and_reviewers(
    refused: Service,
    refusing: RefusingServer,
    later: Later,
    start: Start,
    caplog: pytest.LogCaptureFixture,
) -> None:
    refusing.refuse("RCPT", NOT_OWNED)
    for email in (ADA, "eve@mail.example.org"):
        refused.visitor().ask(email)
        refused.deliver()
    assert not warnings(caplog)

    for email in (GRACE, "mary@beispiel.example"):
        refused.visitor().ask(email)
    refused.deliver()
    for instance in (refused, start(MAIL_PORT=refusing.port)):
        assert "mail" in health(instance)
    [warning] = warnings(caplog)
    assert warning.startswith("RCPT 553 5.7.1 ")
    assert "not owned" not in caplog.text
    sue = refused.reviewer()
    for shown in ("The mail server refuses the emails of this service", "RCPT 553 5.7.1"):
        assert shown in sue.get("/review").text

    refusing.correct()
    later(timedelta(minutes=2))
    assert len(refused.deliver()) == 4
    assert "mail" not in health(refused)
    assert "refuses the emails" not in sue.get("/review").text


@pytest.mark.parametrize(
    ("reply", "tries", "told"),
    [
        ("550 5.1.1 unknown", 1, False),
        ("550 no such user", 1, False),
        ("454 4.7.0 later", 1, False),
        ("454 4.7.0 later", 5, True),
        ("450 4.2.1 too fast", 5, False),
    ],
)
def test_a_refusal_due_to_recipients_or_one_for_now_is_no_fault_of_ours(
    refused: Service, refusing: RefusingServer, later: Later, reply: str, tries: int, told: bool
) -> None:
    refusing.refuse("RCPT", reply)
    for email in (ADA, GRACE):
        refused.visitor().ask(email)
    for _ in range(tries):
        refused.deliver()
        later(timedelta(hours=5))

    assert ("mail" in health(refused)) == told


def test_messages_refused_without_an_enhanced_code_are_told_although_they_are_parked(
    refused: Service, refusing: RefusingServer
) -> None:
    refusing.refuse(".", "554 Message rejected: Email address is not verified.")
    for email in (ADA, GRACE):
        refused.visitor().ask(email)
    refused.deliver()

    assert health(refused) == ["worker", "mail"]


@every_engine
def test_all_parked_emails_are_sent_again_together(
    refused: Service, refusing: RefusingServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    refusing.refuse(".", "554 Message rejected: Email address is not verified.")
    for email in (ADA, ADA, GRACE):
        refused.visitor().ask(email)
        refused.deliver()
    refusing.refuse("RCPT", NO_RELAY)
    refused.visitor().ask("mary@example.net")
    refused.deliver()
    refusing.correct()
    sue = refused.visitor()
    sue.log_in()

    answer = sue.post("/review/letters/send-again", page="/review")

    assert answer.status_code == 303
    assert "All these emails are sent again now." in sue.get(answer.location).text
    assert sorted(email["To"] for email in refused.deliver()) == [ADA, GRACE, "mary@example.net"]
    [line] = [each for each in caplog.records if each.message == "email sent again"]
    assert line.emails == 3  # type: ignore[attr-defined]
    assert "Send all again" not in sue.get("/review").text


@pytest.mark.parametrize(
    ("verb", "reply", "exit_code", "said"),
    [
        ("MAIL", NOT_OWNED, 1, "MAIL 553 5.7.1"),
        ("RCPT", NO_RELAY, 1, "RCPT 554 5.7.1"),
        ("RCPT", "530 Authentication required", 1, "RCPT 530 (Authentication required)"),
        ("RCPT", "550 5.1.1 User unknown", 0, "RCPT 550 5.1.1"),
        (".", SEND_AS_DENIED, 0, "the mail server takes emails from post@example.com"),
    ],
)
def test_check_offers_an_email_and_says_what_the_server_answers(
    refused: Service, refusing: RefusingServer, verb: str, reply: str, exit_code: int, said: str
) -> None:
    refusing.refuse(verb, reply)

    result = refused.run("check")

    assert result.exit_code == exit_code, result.output
    assert said in result.output
    assert ("SIGNUP_MAIL_DEFAULT_SENDER" in result.output) == bool(exit_code)
    assert refusing.messages == []


def test_check_sends_a_test_email(refused: Service, refusing: RefusingServer) -> None:
    result = refused.run("check", "--send-to", ADA)

    assert result.exit_code == 0, result.output
    [email] = refusing.messages
    assert (email["To"], email["From"]) == (ADA, "The Magazine <post@example.com>")
    assert email["Message-ID"] in result.output

    refusing.refuse(".", SEND_AS_DENIED)
    result = refused.run("check", "--send-to", ADA)
    assert result.exit_code == 1
    assert "DATA 554 5.2.252 (5.2.252 SendAsDenied" in result.output
    assert refused.run("check", "--send-to", "nobody").exit_code == 2


def test_a_name_that_cannot_be_encoded_is_not_quoted(start: Start) -> None:
    service = start(MAIL_SERVER=f"{'ü' * 70}.example")
    service.visitor().ask()
    service.deliver()
    output = service.run("check").output
    assert "is not a name in the DNS: correct SIGNUP_MAIL_SERVER" in output
    assert not re.search("codec|label", str(service.emails()) + output)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_credentials_are_sent_in_utf_8(start: Start, mechanism: str) -> None:
    accepted = []

    def authenticate(
        server: SMTP, session: Session, envelope: Envelope, name: str, data: LoginPassword
    ) -> AuthResult:
        given = (data.login.decode(), data.password.decode())
        accepted.append(given == ("jörg", "pässword€"))
        return AuthResult(success=accepted[-1])

    others = {"PLAIN", "LOGIN"} - {mechanism}
    server = SMTPServer(
        authenticator=authenticate,
        auth_require_tls=False,
        auth_exclude_mechanism=others,
    )
    server.start()
    service = start(MAIL_PORT=server.port, MAIL_USERNAME="jörg", MAIL_PASSWORD="pässword€")
    service.mail = server
    service.visitor().ask()

    assert len(service.deliver()) == 1
    assert accepted == [True]
    server.stop()

"""The outbox and its courier: a letter is owed until it is sent, and sent once."""

import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.message import EmailMessage
from itertools import pairwise
from pathlib import Path

import pytest
import trustme
from aiosmtpd.smtp import SMTP, Envelope, Session

from models.mail.outbox import OutgoingEmail
from models.timestamps import now
from signup.mail import worker
from signup.mail.delivery import deliver_due
from tests.conftest import every_engine
from tests.servers.test_gunicorn import eventually
from tests.support.service import ADA, SUE, MailServer, Service, free_port, html, text


def test_a_letter_is_text_and_html_that_say_the_same(service: Service) -> None:
    service.visitor().apply()

    assert len(service.mail.letters) == 3
    for letter, recipients in zip(service.mail.letters, service.mail.recipients, strict=True):
        assert recipients == [letter["To"]]
        assert letter["From"] == "The Magazine <post@example.com>"
        assert letter["Auto-Submitted"] == "auto-generated"
        assert [part.get_content_type() for part in letter.walk()][-2:] == [
            "text/plain",
            "text/html",
        ]
        links = [word for word in text(letter).split() if word.startswith("https://")]
        assert links
        assert all(link in html(letter) for link in links)
        assert max(map(len, letter.as_bytes().splitlines())) <= 998
        assert "{{" not in text(letter) + html(letter)
        assert "None" not in text(letter) + html(letter)


def test_headers_arrive_as_they_were_meant_however_long_they_are(
    start: Callable[..., Service],
) -> None:
    name, host = "Die schöne Zeitschrift für Bücher und Gärten, " * 4, f"{'a' * 60}.example.com"
    service = start(SITE_NAME=name.strip(" ,"), PUBLIC_URL=f"https://{host}")
    service.visitor().ask()
    [letter] = service.deliver()

    assert letter["Subject"] == f"Confirm your address for {name.strip(' ,')}"
    assert letter["To"] == ADA
    assert re.fullmatch(rf"<\w{{32}}@{host}>", letter["Message-ID"])
    assert not letter.defects


def test_what_people_typed_is_text_in_a_letter_to_reviewers(service: Service) -> None:
    service.visitor().ask()
    service.deliver()
    service.visitor().confirm(firstname="Ada & Co")
    # Earlier versions took any name.
    service.records.do("UPDATE signup SET firstname = '<b>Ada</b> & Co'")
    service.deliver()

    letter = service.mail.letters[-1]
    assert letter["To"] == SUE
    assert "<b>Ada</b> & Co" in text(letter)
    assert "&lt;b&gt;Ada&lt;/b&gt; &amp; Co" in html(letter)


def test_a_letter_that_waited_out_a_dead_mail_server_carries_a_fresh_link(
    start: Callable[..., Service], later: Callable[[timedelta], None]
) -> None:
    service = start(MAIL_PORT=free_port())
    assert service.visitor().ask().status_code == 303
    assert service.deliver() == []

    service = start()
    later(timedelta(hours=30))
    assert len(service.deliver()) == 1
    later(timedelta(hours=40))
    assert "Choose a password" in service.visitor().get(service.visitor().link()).text


def test_a_letter_that_is_put_off_waits_longer_each_time(
    service: Service, mail_server: MailServer, later: Callable[[timedelta], None]
) -> None:
    service.visitor().ask()
    mail_server.answer = "451 not now"
    service.deliver()
    waits = []
    for _ in range(8):
        [letter] = service.rows("SELECT * FROM letter")
        waits.append(letter["due_at"] / 1000 - now().timestamp())
        later(timedelta(seconds=waits[-1] + 1))
        service.deliver()
    assert all(longer > shorter for shorter, longer in pairwise(waits[:6]))
    assert waits[0] < 80
    assert max(waits) <= 4 * 3600 * 1.25


def test_a_letter_keeps_its_message_id_over_its_tries(
    service: Service, later: Callable[[timedelta], None]
) -> None:
    service.visitor().ask()
    reference = service.rows("SELECT reference FROM letter")[0]["reference"]
    service.mail.answer = "451 try again"
    service.deliver()
    service.mail.answer = "250 OK"
    later(timedelta(minutes=5))

    [letter] = service.deliver()
    assert letter["Message-ID"] == f"<{reference}@join.example.com>"


@pytest.mark.parametrize(("answer", "parked"), [("550 no such user", True), ("451 later", False)])
def test_a_refused_recipient_is_parked_and_a_put_off_one_is_tried_again(
    service: Service, answer: str, parked: bool
) -> None:
    service.visitor().ask()
    service.mail.answer = answer
    service.deliver()

    [letter] = service.rows("SELECT * FROM letter")
    assert (letter["parked_at"] is not None) == parked
    assert letter["trouble"] == f"RCPT {answer[:3]}"
    assert letter["sent_at"] is None


def test_a_letter_too_old_to_make_sense_is_parked(
    service: Service, later: Callable[[timedelta], None]
) -> None:
    service.visitor().ask()
    service.mail.answer = "451 later"
    later(timedelta(days=5, minutes=1))
    service.deliver()
    assert service.rows("SELECT parked_at FROM letter")[0]["parked_at"] is not None


def test_a_letter_that_cannot_be_composed_stops_no_other(
    service: Service, later: Callable[[timedelta], None]
) -> None:
    with service.app.app_context():
        OutgoingEmail.create(
            kind="no such kind",
            recipient="nobody@example.org",
            reference="1",
            queued_at=now(),
            due_at=now(),
        )
    service.visitor().ask()

    assert [letter["To"] for letter in service.deliver()] == [ADA]
    for _ in range(3):
        later(timedelta(minutes=10))
        service.deliver()
    [poison] = service.rows("SELECT * FROM letter WHERE sent_at IS NULL")
    assert poison["parked_at"] is not None


def test_a_recipient_who_cannot_be_written_to_stops_no_other(
    service: Service, later: Callable[[timedelta], None]
) -> None:
    service.strapi.add_admin("süe@example.com", "Super1secret", "strapi-super-admin")
    service.visitor().apply()
    assert len(to(SUE, service)) == 1
    for _ in range(3):
        later(timedelta(minutes=10))
        service.deliver()
    [letter] = service.rows("SELECT * FROM letter WHERE sent_at IS NULL")
    assert letter["parked_at"] is not None
    assert letter["recipient"] == "süe@example.com"


@every_engine
def test_two_couriers_never_send_one_letter(service: Service) -> None:
    for number in range(30):
        service.visitor().ask(f"author{number}@example.org")

    def work(_: int) -> int:
        with service.app.app_context():
            return len(list(deliver_due()))

    with ThreadPoolExecutor(4) as couriers:
        assert sum(couriers.map(work, range(4))) == 30
    assert len({letter["To"] for letter in service.mail.letters}) == 30
    assert len(service.mail.letters) == 30


@every_engine
def test_a_letter_whose_courier_died_is_taken_over_and_one_in_hand_is_not(
    service: Service, later: Callable[[timedelta], None]
) -> None:
    service.visitor().ask()
    with service.app.app_context():
        letter = OutgoingEmail.claim_next()
        assert letter
        later(timedelta(seconds=15))
        assert letter.renew_claim()
        later(timedelta(seconds=15))
    assert service.deliver() == []

    later(timedelta(seconds=10))
    assert len(service.deliver()) == 1
    with service.app.app_context():
        assert not letter.renew_claim()


@every_engine
def test_reviewers_get_one_letter_in_a_quarter_of_an_hour(
    service: Service, later: Callable[[timedelta], None]
) -> None:
    for name in ("ada", "grace", "mary"):
        service.visitor().apply(f"{name}@example.org")
    assert len(to(SUE, service)) == 1

    later(timedelta(minutes=16))
    service.deliver()
    first, second = to(SUE, service)
    assert first["Subject"] == "1 waiting to write for cms.example.com"
    assert second["Subject"] == "3 waiting to write for cms.example.com"
    assert "/review" in text(second)
    assert "/confirm/" not in text(second)
    later(timedelta(minutes=16))
    assert service.deliver() == []


def test_a_notice_with_nobody_left_to_decide_about_is_not_sent(
    service: Service, later: Callable[[timedelta], None]
) -> None:
    service.visitor().apply()
    service.visitor().apply("grace@example.org")
    sue = service.visitor()
    sue.log_in()
    for email in (ADA, "grace@example.org"):
        sue.decide("activate", service.signup(email)["strapi_id"])
    service.deliver()

    later(timedelta(minutes=16))
    assert service.deliver() == []
    assert service.rows("SELECT * FROM letter WHERE sent_at IS NULL") == []


def test_every_active_super_admin_hears_of_a_signup_alone(service: Service) -> None:
    service.strapi.add_admin("tom@example.com", "Super1secret", "strapi-super-admin")
    service.strapi.add_admin("off@example.com", "Super1secret", "strapi-super-admin", active=False)
    service.strapi.add_admin("ed@example.com", "Super1secret", "strapi-editor")
    service.visitor().apply()

    notices = [letter["To"] for letter in service.mail.letters if "waiting to" in letter["Subject"]]
    assert sorted(notices) == [SUE, "tom@example.com"]
    assert all(len(recipients) == 1 for recipients in service.mail.recipients)


def test_the_reviewers_of_the_settings_hear_instead(start: Callable[..., Service]) -> None:
    service = start(REVIEWERS="desk@example.com, office@example.com")
    service.visitor().apply()
    notices = [letter["To"] for letter in service.mail.letters if "waiting to" in letter["Subject"]]
    assert sorted(notices) == ["desk@example.com", "office@example.com"]


@every_engine
def test_a_notice_waits_until_there_is_somebody_to_tell(service: Service) -> None:
    service.strapi.do("UPDATE admin_users SET is_active = false")
    service.visitor().apply()
    assert to(SUE, service) == []

    service.strapi.do("UPDATE admin_users SET is_active = true WHERE email = ?", SUE)
    service.deliver()
    assert len(to(SUE, service)) == 1


def to(recipient: str, service: Service) -> list[EmailMessage]:
    return [letter for letter in service.mail.letters if letter["To"] == recipient]


class Hanging:
    """A mail server that greets nobody."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]


def test_a_mail_server_that_hangs_is_given_up(start: Callable[..., Service]) -> None:
    hanging = Hanging()
    service = start(MAIL_PORT=hanging.port, MAIL_TIMEOUT=1)
    service.visitor().ask()

    assert service.deliver() == []

    [letter] = service.rows("SELECT * FROM letter")
    assert "timed out" in letter["trouble"]
    hanging.socket.close()


def test_no_host_name_is_looked_up_to_send_an_email(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The tests' mail server looks its own up, in another thread.
    askers: list[int] = []

    def getfqdn(*_: object) -> str:
        askers.append(threading.get_ident())
        return "localhost"

    monkeypatch.setattr(socket, "getfqdn", getfqdn)
    service.visitor().ask()

    assert len(service.deliver()) == 1
    assert threading.get_ident() not in askers


def test_a_domain_that_is_not_ascii_is_written_as_mail_servers_expect_it(
    start: Callable[..., Service],
) -> None:
    service = start(
        REVIEWERS=["sue@straße.example"], MAIL_DEFAULT_SENDER="Café <post@bücher.example>"
    )
    service.visitor().apply()

    [email] = to("sue@xn--strae-oqa.example", service)
    assert email["From"] == "Café <post@xn--bcher-kva.example>"


def ask_for_many(service: Service) -> list[str]:
    emails = [f"author{number}@example.org" for number in range(5)]
    for email in emails:
        service.visitor().ask(email)
    return emails


def test_letters_that_are_due_together_go_out_over_one_connection(service: Service) -> None:
    emails = ask_for_many(service)

    assert sorted(letter["To"] for letter in service.deliver()) == emails
    assert len(set(service.mail.peers)) == 1


def test_the_courier_waits_a_moment_for_others_who_ask(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "BATCH_DELAY", 60.0)
    thread = service.app.extensions["worker"]
    thread.start()
    # The last thing in its first round.
    eventually(lambda: thread._purged_at > 0)

    ask_for_many(service)
    sent = list(service.mail.letters)
    thread.stop()

    assert not sent
    assert not thread.running
    assert len(service.deliver()) == 5
    assert len(set(service.mail.peers)) == 1


class Impatient(MailServer):
    """A mail server that ends the connection when a second letter begins, or cuts it."""

    def __init__(self, cut: bool) -> None:
        super().__init__()
        self._cut = cut

    async def handle_MAIL(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if session.peer in self.peers:
            if self._cut and server.transport:
                server.transport.close()
            return "421 one letter at a time"
        envelope.mail_from = address
        return "250 OK"


@pytest.mark.parametrize("cut", [True, False], ids=["cuts", "421"])
def test_a_mail_server_that_wants_one_letter_a_connection_gets_each_letter_once(
    start: Callable[..., Service], cut: bool
) -> None:
    server = Impatient(cut)
    server.start()
    service = start(MAIL_PORT=server.port)
    emails = ask_for_many(service)
    service.mail = server

    service.deliver()

    server.stop()
    assert sorted(letter["To"] for letter in server.letters) == emails
    assert len(set(server.peers)) == 5
    assert {letter["tries"] for letter in service.rows("SELECT * FROM letter")} == {0}


class RudeGoodbye(MailServer):
    """Takes the letter, and hangs up when it should say goodbye."""

    async def handle_QUIT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        assert server.transport
        server.transport.close()
        return ""


def test_a_letter_is_sent_once_the_server_took_it_whatever_happens_to_the_goodbye(
    start: Callable[..., Service],
) -> None:
    server = RudeGoodbye()
    server.start()
    service = start(MAIL_PORT=server.port)
    service.visitor().ask()
    service.deliver()
    server.stop()

    assert len(server.letters) == 1
    assert service.rows("SELECT sent_at FROM letter")[0]["sent_at"] is not None


@pytest.fixture
def authority() -> trustme.CA:
    """A certificate authority that nobody trusts yet."""
    return trustme.CA()


@pytest.fixture
def encrypting(authority: trustme.CA) -> Iterator[MailServer]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = MailServer(tls_context=context, require_starttls=True)
    server.start()
    yield server
    server.stop()


def test_a_mail_server_is_believed_only_with_a_certificate_that_verifies(
    start: Callable[..., Service],
    encrypting: MailServer,
    authority: trustme.CA,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service = start(MAIL_PORT=encrypting.port, MAIL_USE_TLS=True)
    service.visitor().ask()
    service.deliver()
    assert encrypting.letters == []
    assert "CERTIFICATE_VERIFY_FAILED" in service.rows("SELECT * FROM letter")[0]["trouble"]

    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    service.visitor().ask("grace@example.org")
    service.deliver()
    assert {letter["To"] for letter in encrypting.letters} == {ADA, "grace@example.org"}


def test_the_mail_double_is_a_mail_server(mail_server: MailServer) -> None:
    with smtplib.SMTP("127.0.0.1", mail_server.port) as client:
        assert client.ehlo()[0] == 250
    assert threading.active_count() > 1

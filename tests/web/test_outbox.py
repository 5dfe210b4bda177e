"""The outbox: an email stays in it until it is sent, and is sent once."""

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import SMTP, Envelope, Session

from models.mail.outbox import OutgoingEmail
from models.timestamps import now
from signup.mail import worker
from signup.mail.delivery import deliver_due
from tests.conftest import every_engine
from tests.support.network import free_port
from tests.support.service import ADA, GRACE, TOM, Later, Service, Start
from tests.support.smtp_server import SMTPServer, html, text
from tests.support.strapi_file import SUE, SUE_PASSWORD


def only_email(service: Service) -> dict[str, Any]:
    [email] = service.emails()
    return email


def ask_for_many(service: Service, number: int = 5) -> list[str]:
    emails = [f"author{each:02}@example.org" for each in range(number)]
    for email in emails:
        service.visitor().ask(email)
    return emails


@contextlib.contextmanager
def running(server: SMTPServer) -> Iterator[SMTPServer]:
    server.start()
    yield server
    server.stop()


# What is sent


def test_every_email_is_multipart_and_says_that_a_program_sent_it(service: Service) -> None:
    service.visitor().apply()

    assert len(service.mail.messages) == 3
    for email, recipients in zip(service.mail.messages, service.mail.recipients, strict=True):
        assert recipients == [email["To"]]
        assert email["Auto-Submitted"] == "auto-generated"
        kinds = [part.get_content_type() for part in email.walk()]
        assert kinds[-2:] == ["text/plain", "text/html"]
        links = [word for word in text(email).split() if word.startswith("https://")]
        assert links
        assert all(link in html(email) for link in links)


def test_headers_arrive_whole_however_long_they_are(start: Start) -> None:
    name, host = "Die schöne Zeitschrift für Bücher und Gärten, " * 4, f"{'a' * 60}.example.com"
    service = start(SITE_NAME=name.strip(" ,"), PUBLIC_URL=f"https://{host}")
    service.visitor().ask()
    [email] = service.deliver()

    assert email["Subject"] == f"Confirm your address for {name.strip(' ,')}"
    assert email["To"] == ADA
    assert re.fullmatch(rf"<\w{{32}}@{host}>", email["Message-ID"])
    assert not email.defects


def test_what_authors_typed_is_text_in_emails_to_reviewers(service: Service) -> None:
    service.visitor().ask_and_get_link()
    service.visitor().confirm(firstname="Ada & Co")
    # Earlier versions took any name.
    service.ledger.do("UPDATE signup SET firstname = '<b>Ada</b> & Co'")
    service.deliver()

    [email] = service.mail.to(SUE)
    assert "<b>Ada</b> & Co" in text(email)
    assert "&lt;b&gt;Ada&lt;/b&gt; &amp; Co" in html(email)


# When it is tried again


def test_an_email_that_waited_for_the_mail_server_carries_a_fresh_link(
    start: Start, later: Later
) -> None:
    service = start(MAIL_PORT=free_port())
    assert service.visitor().ask().status_code == 303
    assert service.deliver() == []

    service = start()
    later(timedelta(hours=30))
    assert len(service.deliver()) == 1
    later(timedelta(hours=40))
    assert "Choose a password" in service.visitor().get(service.visitor().link()).text


def test_a_delayed_email_waits_longer_each_time_and_keeps_its_message_id(
    service: Service, later: Later
) -> None:
    service.visitor().ask()
    reference = only_email(service)["reference"]
    service.mail.answer = "451 not now"
    service.deliver()
    waits = []
    for _ in range(8):
        waits.append(only_email(service)["due_at"] / 1000 - now().timestamp())
        later(timedelta(seconds=waits[-1] + 1))
        service.deliver()
    assert all(longer > shorter for shorter, longer in pairwise(waits[:6]))
    assert waits[0] < 80
    assert max(waits) <= 4 * 3600 * 1.25

    service.mail.answer = "250 OK"
    later(timedelta(hours=5))
    [email] = service.deliver()
    assert email["Message-ID"] == f"<{reference}@join.example.com>"


@pytest.mark.parametrize(("answer", "parked"), [("550 no such user", True), ("451 later", False)])
def test_a_refused_recipient_is_parked_and_a_delayed_one_is_tried_again(
    service: Service, later: Later, answer: str, parked: bool
) -> None:
    service.visitor().ask()
    service.mail.answer = answer
    service.deliver()

    email = only_email(service)
    assert (email["parked_at"] is not None) == parked
    # The column keeps the name it got first.
    assert email["trouble"] == f"RCPT {answer[:3]}"
    assert email["sent_at"] is None
    # After five days no email is tried again.
    later(timedelta(days=5, minutes=1))
    service.deliver()
    assert only_email(service)["parked_at"] is not None


@pytest.mark.parametrize("fault", ["unknown kind", "impossible recipient"])
def test_an_email_that_cannot_be_sent_is_parked_and_stops_no_other(
    service: Service, later: Later, fault: str
) -> None:
    if fault == "unknown kind":
        with service.app.app_context():
            OutgoingEmail.enqueue("no such kind", "nobody@example.org")  # type: ignore[arg-type]
    else:
        service.strapi.add_admin("süe@example.com", SUE_PASSWORD, "strapi-super-admin")
    service.visitor().apply()

    assert len(service.mail.to(SUE)) == 1
    for _ in range(3):
        later(timedelta(minutes=10))
        service.deliver()
    [unsent] = [email for email in service.emails() if email["sent_at"] is None]
    assert unsent["parked_at"] is not None


# Who sends it


@every_engine
def test_workers_at_the_same_time_send_each_email_once(service: Service) -> None:
    emails = ask_for_many(service, 20)

    def work(_: int) -> int:
        with service.app.app_context():
            return len(list(deliver_due()))

    with ThreadPoolExecutor(4) as workers:
        assert sum(workers.map(work, range(4))) == 20
    assert sorted(message["To"] for message in service.mail.messages) == emails


@every_engine
def test_an_email_whose_worker_died_is_taken_over_and_one_in_work_is_not(
    service: Service, later: Later
) -> None:
    service.visitor().ask()
    with service.app.app_context():
        email = OutgoingEmail.lease_next()
        assert email
        later(timedelta(seconds=15))
        assert email.renew_lease()
        later(timedelta(seconds=15))
    assert service.deliver() == []

    later(timedelta(seconds=10))
    assert len(service.deliver()) == 1
    with service.app.app_context():
        assert not email.renew_lease()


def test_the_worker_waits_a_moment_so_that_emails_share_a_connection(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "BATCH_DELAY", 60.0)
    thread = service.app.extensions["worker"]
    # The last step of the worker's first round.
    first_round = threading.Event()
    monkeypatch.setattr(worker, "purge_old_data", first_round.set)
    thread.start()
    assert first_round.wait(60)
    ask_for_many(service)
    sent = list(service.mail.messages)
    thread.stop()

    assert not sent
    assert not thread.running
    assert len(service.deliver()) == 5
    assert len(set(service.mail.peers)) == 1


# Reviewers


@every_engine
def test_reviewers_get_one_email_in_a_quarter_of_an_hour(service: Service, later: Later) -> None:
    for email in (ADA, GRACE, "mary@example.org"):
        service.visitor().apply(email)
    assert len(service.mail.to(SUE)) == 1

    later(timedelta(minutes=16))
    service.deliver()
    first, second = service.mail.to(SUE)
    assert first["Subject"] == "1 waiting to write for cms.example.com"
    assert second["Subject"] == "3 waiting to write for cms.example.com"
    assert "/review" in text(second)
    assert "/confirm/" not in text(second)
    later(timedelta(minutes=16))
    assert service.deliver() == []


def test_reviewers_get_no_email_when_all_is_decided_before_it_is_due(
    service: Service, later: Later
) -> None:
    sue = service.reviewer()
    for email in (ADA, GRACE):
        service.visitor().apply(email)
    for email in (ADA, GRACE):
        sue.decide("activate", email)
    service.deliver()

    later(timedelta(minutes=16))
    assert service.deliver() == []
    assert all(email["sent_at"] for email in service.emails())


def test_every_active_super_admin_gets_an_email_of_their_own(service: Service) -> None:
    service.strapi.add_admin(TOM, SUE_PASSWORD, "strapi-super-admin")
    service.strapi.add_admin("off@example.com", None, "strapi-super-admin", active=False)
    service.strapi.add_admin("ed@example.com", None, "strapi-editor")
    service.visitor().apply()

    assert sorted(message["To"] for message in service.mail.messages) == [ADA, ADA, SUE, TOM]
    assert all(len(recipients) == 1 for recipients in service.mail.recipients)


def test_the_reviewers_of_the_settings_get_the_emails_instead(start: Start) -> None:
    service = start(REVIEWERS="team@example.com, office@example.com")
    service.visitor().apply()
    to = sorted(message["To"] for message in service.mail.messages)
    assert to == [ADA, ADA, "office@example.com", "team@example.com"]


@every_engine
def test_the_email_to_reviewers_waits_until_there_is_a_reviewer(service: Service) -> None:
    service.strapi.change(SUE, "is_active = false")
    service.visitor().apply()
    assert service.mail.to(SUE) == []

    service.strapi.change(SUE, "is_active = true")
    service.deliver()
    assert len(service.mail.to(SUE)) == 1


# Mail servers with bad manners


def test_a_mail_server_that_does_not_answer_is_given_up(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        service = start(MAIL_PORT=silent.getsockname()[1], MAIL_TIMEOUT=1)
        service.visitor().ask()
        assert service.deliver() == []
    assert "sent no greeting" in only_email(service)["trouble"]


class OneEmailAConnection(SMTPServer):
    """Refuse a second email on a connection with 421, or close the connection."""

    def __init__(self, closes: bool) -> None:
        super().__init__()
        self._closes = closes

    async def handle_MAIL(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if session.peer in self.peers:
            if self._closes and server.transport:
                server.transport.close()
            return "421 one email at a time"
        envelope.mail_from = address
        return "250 OK"


@pytest.mark.parametrize("closes", [True, False], ids=["closes", "421"])
def test_a_mail_server_that_takes_one_email_a_connection_gets_each_email_once(
    start: Start, closes: bool
) -> None:
    with running(OneEmailAConnection(closes)) as server:
        service = start(MAIL_PORT=server.port)
        emails = ask_for_many(service)
        service.deliver()

    assert sorted(message["To"] for message in server.messages) == emails
    assert len(set(server.peers)) == 5
    assert {email["tries"] for email in service.emails()} == {0}


class ClosesAtQuit(SMTPServer):
    """Take the email, and close the connection instead of answering QUIT."""

    async def handle_QUIT(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        assert server.transport
        server.transport.close()
        return ""


def test_an_email_counts_as_sent_when_the_server_took_it_whatever_happens_after(
    start: Start,
) -> None:
    with running(ClosesAtQuit()) as server:
        service = start(MAIL_PORT=server.port)
        service.visitor().ask()
        service.deliver()

    assert len(server.messages) == 1
    assert only_email(service)["sent_at"] is not None


def test_a_mail_server_is_trusted_only_with_a_certificate_that_verifies(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with running(SMTPServer(tls_context=context, require_starttls=True)) as server:
        service = start(MAIL_PORT=server.port, MAIL_USE_TLS=True)
        service.visitor().ask()
        service.deliver()
        assert server.messages == []
        assert "a certificate that is not trusted" in only_email(service)["trouble"]

        authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        service.visitor().ask(GRACE)
        service.deliver()
    assert {message["To"] for message in server.messages} == {ADA, GRACE}

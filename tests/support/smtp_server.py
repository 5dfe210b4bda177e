"""A mail server that keeps what it receives, and what the received emails say."""

import logging
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.network import free_port

# The server would log every byte of every email.
logging.getLogger("mail.log").setLevel("WARNING")


class SMTPServer:
    """An SMTP server that keeps each email. `answer` is its reply to a recipient."""

    def __init__(self, port: int = 0, **options: Any) -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        # The client's port for each email: the same for all that came over one connection.
        self.peers: list[object] = []
        self.answer = "250 OK"
        self.port = port or free_port()
        self._options = options

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self._controller = Controller(self, "127.0.0.1", self.port, **self._options)
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop()

    def clear(self) -> None:
        self.messages.clear()
        self.recipients.clear()
        self.peers.clear()
        self.answer = "250 OK"

    def to(self, email: str) -> list[EmailMessage]:
        """What was sent to this email."""
        return [message for message in self.messages if message["To"] == email]

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.original_content or b""
        self.messages.append(message_from_bytes(content, policy=policy.default))
        self.recipients.append(list(envelope.rcpt_tos))
        self.peers.append(session.peer)
        return "250 OK"


def text(message: EmailMessage) -> str:
    """The plain text of an email."""
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def html(message: EmailMessage) -> str:
    """The HTML of an email."""
    body = message.get_body(("html",))
    assert body is not None
    return str(body.get_content())

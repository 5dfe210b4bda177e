"""Send messages through the mail server, with timeouts and verified certificates."""

import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

import flask_mail
from flask import current_app

# A server may scan for spam once it has the whole message, and giving up then sends it twice.
# RFC 5321 4.5.3.2 waits 6 times longer there than elsewhere.
DATA_TIMEOUT_FACTOR = 6


class MailServerUnavailable(Exception):
    """The mail server takes no email now, for any recipient."""


class NotDelivered(Exception):
    """The mail server did not take this email. `final`: it never will."""

    def __init__(self, problem: str, *, final: bool) -> None:
        """`problem` must not contain an email."""
        super().__init__(problem)
        self.final = final


class ConnectionLost(NotDelivered):
    """The connection ended before the mail server had the message."""


def check_connection() -> None:
    """Connect, encrypt and log in; send nothing. Raises MailServerUnavailable."""
    with Connection(current_app.extensions["mail"]):
        pass


class MailSession:
    """Send any number of messages over one connection, and reconnect when the server ends it."""

    def __init__(self) -> None:
        """Connect later, for the first message."""
        self._connection: Connection | None = None

    def __enter__(self) -> "MailSession":
        return self

    def __exit__(self, *_: Any) -> None:
        self._close()

    def send(self, message: EmailMessage) -> None:
        """Hand `message` to the mail server. Raises NotDelivered, MailServerUnavailable."""
        if self._connection is not None:
            # Servers end a connection that was idle, or that sent many messages.
            with suppress(ConnectionLost, MailServerUnavailable):
                return self._send(message, self._connection)
        self._connection = Connection(current_app.extensions["mail"]).__enter__()
        return self._send(message, self._connection)

    def _send(self, message: EmailMessage, connection: "Connection") -> None:
        try:
            connection.send_email(message)
        except (NotDelivered, MailServerUnavailable):
            self._close()
            raise

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.__exit__(None, None, None)
            self._connection = None


class Connection(flask_mail.Connection):
    """Flask-Mail's connection with timeouts and verified certificates.

    It takes an EmailMessage: Flask-Mail's own Message looks up this host's name in the DNS.
    """

    def configure_host(self) -> smtplib.SMTP:
        """Connect, encrypt and log in as the settings say. Raises MailServerUnavailable."""
        try:
            host = self._connect()
            try:
                self._log_in(host)
            except BaseException:
                host.close()
                raise
        # An invalid host name is a ValueError.
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise MailServerUnavailable(_without_email(error)) from error
        return host

    def send_email(self, message: EmailMessage) -> None:
        """Hand `message` to the mail server. Raises NotDelivered, MailServerUnavailable."""
        try:
            if self.host is not None:
                self.host.send_message(message)
        except smtplib.SMTPSenderRefused as error:
            raise MailServerUnavailable(_without_email(error)) from error
        except smtplib.SMTPServerDisconnected as error:
            kind = NotDelivered if getattr(self.host, "data_began", False) else ConnectionLost
            raise kind(_without_email(error), final=False) from error
        except (smtplib.SMTPException, OSError) as error:
            raise NotDelivered(_without_email(error), final=_is_final(error)) from error
        app = current_app._get_current_object()  # type: ignore[attr-defined]
        flask_mail.email_dispatched.send(app, message=message)

    def _connect(self) -> smtplib.SMTP:
        # The name for EHLO. Without it, smtplib looks up this host's name in the DNS.
        name = urlsplit(current_app.config["PUBLIC_URL"]).hostname
        server, timeout = (self.mail.server, self.mail.port, name), _timeout()
        if self.mail.use_ssl:
            return _SMTPOverTLS(*server, timeout=timeout, context=ssl.create_default_context())
        return _SMTP(*server, timeout=timeout)

    def _log_in(self, host: smtplib.SMTP) -> None:
        host.ehlo_or_helo_if_needed()
        if self.mail.use_tls:
            host.starttls(context=ssl.create_default_context())
        if self.mail.username:
            host.login(self.mail.username, self.mail.password or "")

    def __exit__(self, *exception: Any) -> None:
        # A message that the server took is sent, even if QUIT then fails.
        with suppress(smtplib.SMTPException, OSError):
            super().__exit__(*exception)


class _SMTP(smtplib.SMTP):
    """smtplib's client with a longer timeout after DATA."""

    # Whether the server may already have the current message.
    data_began = False

    def mail(self, *arguments: Any, **options: Any) -> Any:
        self.data_began = False
        return super().mail(*arguments, **options)

    def data(self, msg: Any) -> Any:
        self.data_began = True
        if self.sock:
            self.sock.settimeout(DATA_TIMEOUT_FACTOR * _timeout())
        answer = super().data(msg)
        if self.sock:
            self.sock.settimeout(_timeout())
        return answer


class _SMTPOverTLS(_SMTP, smtplib.SMTP_SSL):
    pass


def _timeout() -> float:
    """Seconds."""
    return float(current_app.config["MAIL_TIMEOUT"])


def _is_final(error: Exception) -> bool:
    """Whether the server will never take this message, because of its recipient or content."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPDataError):
        return error.smtp_code >= 500
    # The recipient is not ASCII before the @, and the server does not know SMTPUTF8.
    return isinstance(error, smtplib.SMTPNotSupportedError)


def _without_email(error: Exception) -> str:
    """Describe the error. A server's own text may quote the recipient, so it is left out."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"recipient refused with {code}" for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{type(error).__name__} {error.smtp_code}"
    return f"{type(error).__name__}: {error}"

"""Send messages through the mail server, with timeouts and verified certificates."""

import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from typing import Any

import flask_mail
from flask import current_app

from signup.mail import smtp_errors
from signup.mail.replies import Outcome, Reply
from signup.mail.smtp_errors import reply_of
from signup.validation.url import mail_host

# A server may scan for spam once it has the whole message, and giving up then sends it twice.
# RFC 5321 4.5.3.2 waits 6 times longer there than elsewhere.
DATA_TIMEOUT_FACTOR = 6
OK, WILL_FORWARD = 250, 251


class MailError(Exception):
    """The message must not contain an email. `reply` is the server's, if it refused something."""

    def __init__(self, problem: str, reply: Reply | None = None) -> None:
        """Keep the reply."""
        super().__init__(problem)
        self.reply = reply


class MailServerUnavailable(MailError):
    """The mail server takes no email at all, for any recipient."""


class NotDelivered(MailError):
    """The mail server did not take this email. `final`: it never will."""

    def __init__(self, problem: str, reply: Reply | None = None, *, final: bool) -> None:
        """Keep the reply and whether it is final."""
        super().__init__(problem, reply)
        self.final = final


class ConnectionLost(NotDelivered):
    """The connection ended before the mail server had the message."""


def check_sender(sender: str) -> Reply | None:
    """Connect, encrypt and log in; offer an email from and to the sender; send nothing.

    Returns how the server refused the email, None if it did not. Raises MailServerUnavailable.
    """
    with Connection(current_app.extensions["mail"]) as connection:
        return connection.offer(sender)


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
            reply = reply_of(error)
            raise MailServerUnavailable(_describe(error, reply), reply) from error
        return host

    def send_email(self, message: EmailMessage) -> None:
        """Hand `message` to the mail server. Raises NotDelivered, MailServerUnavailable."""
        try:
            if self.host is not None:
                self.host.send_message(message)
        except smtplib.SMTPServerDisconnected as error:
            kind = NotDelivered if getattr(self.host, "data_began", False) else ConnectionLost
            raise kind(_describe(error), final=False) from error
        except (smtplib.SMTPException, OSError) as error:
            raise _refusal(error) from error
        app = current_app._get_current_object()  # type: ignore[attr-defined]
        flask_mail.email_dispatched.send(app, message=message)

    def offer(self, sender: str) -> Reply | None:
        """Try MAIL FROM and RCPT TO with the sender, then RSET; return the reply that refuses."""
        host = self.host
        if host is None:
            return None
        options = () if sender.isascii() else ("SMTPUTF8",)
        try:
            code, text = host.mail(sender, options)
            if code != OK:
                return Reply.parse("MAIL", code, text)
            code, text = host.rcpt(sender)
            host.rset()
        except (smtplib.SMTPException, OSError) as error:
            raise MailServerUnavailable(_describe(error)) from error
        return None if code in (OK, WILL_FORWARD) else Reply.parse("RCPT", code, text)

    def _connect(self) -> smtplib.SMTP:
        # The name for EHLO. Without it, smtplib looks up this host's name in the DNS.
        name = mail_host(current_app.config["PUBLIC_URL"])
        server, timeout = (self.mail.server, self.mail.port, name), _timeout()
        if self.mail.use_ssl:
            return _SMTPOverTLS(*server, timeout=timeout, context=ssl.create_default_context())
        try:
            return _SMTP(*server, timeout=timeout)
        except smtplib.SMTPServerDisconnected as error:
            raise _unavailable(smtp_errors.NO_GREETING) from error

    def _log_in(self, host: smtplib.SMTP) -> None:
        host.ehlo_or_helo_if_needed()
        if self.mail.use_tls and not host.has_extn("starttls"):
            raise _unavailable(smtp_errors.NO_STARTTLS)
        if self.mail.use_tls:
            host.starttls(context=ssl.create_default_context())
            host.ehlo_or_helo_if_needed()
        if self.mail.username and not host.has_extn("auth"):
            raise _unavailable(smtp_errors.NO_LOGIN)
        if self.mail.username:
            host.login(self.mail.username, self.mail.password or "")

    def __exit__(self, *exception: Any) -> None:
        # A message that the server took is sent, even if QUIT then fails.
        with suppress(smtplib.SMTPException, OSError):
            super().__exit__(*exception)


class _UTF8(str):
    """A string that smtplib encodes in UTF-8, although it asks for ASCII."""

    __slots__ = ()

    def encode(self, *_: Any, **__: Any) -> bytes:
        return super().encode("utf-8")


class _SMTP(smtplib.SMTP):
    """smtplib's client with a longer timeout after DATA, and credentials in UTF-8 (RFC 4616)."""

    # Whether the server may already have the current message.
    data_began = False

    def login(self, user: str, password: str, **options: Any) -> Any:
        return super().login(user, _UTF8(password), **options)

    def auth(self, mechanism: str, authobject: Any, **options: Any) -> Any:
        def in_utf8(challenge: bytes | None = None) -> str | None:
            answer = authobject(challenge)
            return None if answer is None else _UTF8(answer)

        return super().auth(mechanism, in_utf8, **options)  # type: ignore[arg-type]

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


def _refusal(error: Exception) -> MailError:
    """Return what an error means that ended the delivery of one message."""
    reply = None if type(error) is smtplib.SMTPResponseException else reply_of(error)
    if reply is None:
        # The recipient is not ASCII before the @, and the server does not know SMTPUTF8.
        final = isinstance(error, smtplib.SMTPNotSupportedError)
        return NotDelivered(_describe(error), final=final)
    if reply.outcome == Outcome.UNAVAILABLE:
        return MailServerUnavailable(str(reply), reply)
    return NotDelivered(str(reply), reply, final=reply.outcome == Outcome.PARK)


def _unavailable(problem: str) -> MailServerUnavailable:
    return MailServerUnavailable(f"{_where()} {problem}")


def _describe(error: Exception, reply: Reply | None = None) -> str:
    """Describe the error. A server's own text may quote the recipient, so it is left out."""
    return str(reply) if reply else f"{_where()} {smtp_errors.explain(error)}"


def _where() -> str:
    return f"{current_app.config['MAIL_SERVER']}:{current_app.config['MAIL_PORT']}"

"""The mail server: Flask-Mail's connection, made safe, and what its refusals mean."""

import smtplib
import ssl
from contextlib import suppress
from email.utils import make_msgid
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import flask_mail
from flask import current_app

# Flask-Mail makes an id for each message before it is given ours, and for that would ask the
# DNS for this machine's name, and wait.
vars(flask_mail)["make_msgid"] = partial(make_msgid, domain="localhost")

# A server may look for spam once it has a letter, and to give up then is to send it twice: RFC
# 5321 4.5.3.2 is as much more patient there.
PATIENCE_AFTER_DATA = 6


class MailServerUnavailable(Exception):
    """The mail server serves us no letter at all: it is dead, or refuses us. Our own fault or
    its, and not the recipient's."""


class NotDelivered(Exception):
    """The mail server has not taken this letter; `final` when it never will."""

    def __init__(self, problem: str, *, final: bool) -> None:
        """Take what went wrong, in words without an address."""
        super().__init__(problem)
        self.final = final


class ConnectionLost(NotDelivered):
    """The mail server was gone before it was given the letter."""


def check_connection() -> None:
    """Connect, encrypt and log in, and no more. Raises MailServerOut."""
    with Connection(current_app.extensions["mail"]):
        pass


class Connection(flask_mail.Connection):
    """Flask-Mail's connection with time limits and verified certificates, and for which a
    message is sent once the server has taken it, whatever happens to the goodbye."""

    def configure_host(self) -> smtplib.SMTP:
        """Connect, encrypt and log in as the settings say. Raises MailServerOut."""
        try:
            host = self._connected()
            try:
                self._introduce(host)
            except BaseException:
                host.close()
                raise
        # A host name that cannot be one is a ValueError.
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise MailServerUnavailable(_told(error)) from error
        return host

    def send(self, message: flask_mail.Message, envelope_from: Any = None) -> None:
        """Hand `message` to the mail server. Raises Undelivered, MailServerOut."""
        try:
            super().send(message, envelope_from)
        except smtplib.SMTPSenderRefused as error:
            raise MailServerUnavailable(_told(error)) from error
        except smtplib.SMTPServerDisconnected as error:
            given = getattr(self.host, "is_given_a_letter", False)
            raise (NotDelivered if given else ConnectionLost)(_told(error), final=False) from error
        except (smtplib.SMTPException, OSError) as error:
            raise NotDelivered(_told(error), final=_is_final(error)) from error

    def _connected(self) -> smtplib.SMTP:
        # Said in EHLO; smtplib would ask the DNS for one, and wait for it.
        name = urlsplit(current_app.config["PUBLIC_URL"]).hostname
        server, timeout = (self.mail.server, self.mail.port, name), _timeout()
        if self.mail.use_ssl:
            return _PatientSSL(*server, timeout=timeout, context=ssl.create_default_context())
        return _Patient(*server, timeout=timeout)

    def _introduce(self, host: smtplib.SMTP) -> None:
        host.ehlo_or_helo_if_needed()
        if self.mail.use_tls:
            host.starttls(context=ssl.create_default_context())
        if self.mail.username:
            host.login(self.mail.username, self.mail.password or "")

    def __exit__(self, *exception: Any) -> None:
        """Say goodbye, or hang up."""
        with suppress(smtplib.SMTPException, OSError):
            super().__exit__(*exception)


class _Patient(smtplib.SMTP):
    is_given_a_letter = False

    def mail(self, *arguments: Any, **options: Any) -> Any:
        """Begin a letter, which the server does not have yet."""
        self.is_given_a_letter = False
        return super().mail(*arguments, **options)

    def data(self, msg: Any) -> Any:
        """Send a letter, and wait for longer than for other answers."""
        self.is_given_a_letter = True
        if self.sock:
            self.sock.settimeout(PATIENCE_AFTER_DATA * _timeout())
        answer = super().data(msg)
        if self.sock:
            self.sock.settimeout(_timeout())
        return answer


class _PatientSSL(_Patient, smtplib.SMTP_SSL):
    pass


def _timeout() -> float:
    return float(current_app.config["MAIL_TIMEOUT"])


def _is_final(error: Exception) -> bool:
    """Whether the server will never take this letter, because of its recipient or text."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500


def _told(error: Exception) -> str:
    """What the server answered, without the address that it answered about."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"recipient refused with {code}" for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{type(error).__name__} {error.smtp_code}"
    return f"{type(error).__name__}: {error}"

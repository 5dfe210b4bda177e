"""The mail server: Flask-Mail's connection, made safe, and what its refusals mean."""

import smtplib
import ssl
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import flask_mail
from flask import current_app


class Undelivered(Exception):
    """The mail server has not taken a letter; `final` when it never will."""

    def __init__(self, trouble: str, *, final: bool) -> None:
        """Take what went wrong, in words without an address."""
        super().__init__(trouble)
        self.final = final


def send(message: flask_mail.Message) -> None:
    """Hand `message` to the mail server. Raises Undelivered."""
    try:
        with Connection(current_app.extensions["mail"]) as connection:
            connection.send(message)
    except (smtplib.SMTPException, OSError) as error:
        raise Undelivered(_told(error), final=_is_final(error)) from error


def knock() -> None:
    """Connect, encrypt and log in, and no more. Raises Undelivered."""
    try:
        with Connection(current_app.extensions["mail"]):
            pass
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise Undelivered(f"{type(error).__name__}: {error}", final=False) from error


class Connection(flask_mail.Connection):
    """Flask-Mail's connection with a timeout and verified certificates, and for which a
    message is sent once the server has taken it, whatever happens to the goodbye."""

    def configure_host(self) -> smtplib.SMTP | smtplib.SMTP_SSL:
        """Connect, encrypt and log in as the settings say."""
        mail, context = self.mail, ssl.create_default_context()
        timeout = current_app.config["MAIL_TIMEOUT"]
        # Said in EHLO; smtplib would ask the DNS for one, and wait for it.
        name = urlsplit(current_app.config["PUBLIC_URL"]).hostname
        host: smtplib.SMTP | smtplib.SMTP_SSL
        if mail.use_ssl:
            host = smtplib.SMTP_SSL(mail.server, mail.port, name, timeout=timeout, context=context)
        else:
            host = smtplib.SMTP(mail.server, mail.port, name, timeout=timeout)
        try:
            if mail.use_tls:
                host.starttls(context=context)
            if mail.username:
                host.login(mail.username, mail.password or "")
        except (smtplib.SMTPException, OSError):
            host.close()
            raise
        return host

    def __exit__(self, *exception: Any) -> None:
        """Say goodbye, or hang up."""
        with suppress(smtplib.SMTPException, OSError):
            super().__exit__(*exception)


def _is_final(error: Exception) -> bool:
    """Whether the server will never take this letter, because of its recipient or text: a
    refused login or sender is our fault, and may be mended."""
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

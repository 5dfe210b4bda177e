"""What errors of smtplib and of the connection to the mail server mean, in people's words."""

import errno
import smtplib
import socket
import ssl

from signup.mail.replies import Reply

# The verb that each error is about. smtplib raises SMTPResponseException itself after STARTTLS.
VERBS: dict[type[Exception], str] = {
    smtplib.SMTPConnectError: "CONNECT",
    smtplib.SMTPHeloError: "EHLO",
    smtplib.SMTPResponseException: "STARTTLS",
    smtplib.SMTPAuthenticationError: "AUTH",
    smtplib.SMTPSenderRefused: "MAIL",
    smtplib.SMTPDataError: "DATA",
}
# What OpenSSL calls an answer that is not TLS, in its versions.
NOT_TLS = {
    "WRONG_VERSION_NUMBER",
    "RECORD_LAYER_FAILURE",
    "PACKET_LENGTH_TOO_LONG",
    "UNKNOWN_PROTOCOL",
    "UNEXPECTED_MESSAGE",
    "HTTP_REQUEST",
}
CORRECT = "correct SIGNUP_MAIL_SERVER and SIGNUP_MAIL_PORT"
NOT_ALLOWED = "may not be reached from this process: allow it in the firewall and in systemd's unit"
ADVICE = {
    errno.ECONNREFUSED: f"refused the connection: {CORRECT}, or start the mail server",
    errno.ECONNRESET: f"ended the connection: {CORRECT}",
    errno.ENETUNREACH: "cannot be reached: check the network of this machine",
    errno.EHOSTUNREACH: f"cannot be reached: {CORRECT}, or check the network of this machine",
    errno.EADDRNOTAVAIL: f"cannot be reached: {CORRECT}",
    errno.EACCES: NOT_ALLOWED,
    errno.EPERM: NOT_ALLOWED,
}
USE_SSL = "set SIGNUP_MAIL_USE_SSL=true and SIGNUP_MAIL_USE_TLS=false (usual on port 465)"
USE_TLS = "set SIGNUP_MAIL_USE_TLS=true and SIGNUP_MAIL_USE_SSL=false (usual on port 587)"
NO_GREETING = f"sent no greeting: it speaks TLS from the start, or is busy; if TLS, {USE_SSL}"
NO_STARTTLS = "offers no STARTTLS: correct SIGNUP_MAIL_PORT (usual: 587)"
NO_LOGIN = (
    "offers no login (AUTH): many offer it only with encryption (SIGNUP_MAIL_USE_TLS=true); where"
    " none is needed, remove SIGNUP_MAIL_USERNAME"
)
UNKNOWN_LOGIN = "offers no way to log in that this service knows (CRAM-MD5, PLAIN, LOGIN)"
# For other errors of a kind. The first kind that fits counts.
KINDS: dict[type[Exception], str] = {
    TimeoutError: f"did not answer in time: {CORRECT}, or let the firewall allow it",
    smtplib.SMTPNotSupportedError: "takes no email with letters beyond ASCII before the @",
    smtplib.SMTPServerDisconnected: "ended the connection, or did not answer in time",
    smtplib.SMTPResponseException: f"answers, and is not a mail server: {CORRECT}",
    smtplib.SMTPException: UNKNOWN_LOGIN,
    UnicodeError: f"is not a name in the DNS: {CORRECT}",
}


def reply_of(error: Exception) -> Reply | None:
    """Return what the server answered, or None if it did not, or not in SMTP."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        # Each message has one recipient.
        [(code, text), *_] = error.recipients.values()
        return Reply.parse("RCPT", code, text)
    if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code > 0:
        return Reply.parse(VERBS[type(error)], error.smtp_code, error.smtp_error)
    return None


def explain(error: Exception) -> str:
    """Return what the mail server does and what to do, to follow its name in a sentence.

    The error's own text is left out: it may hold a part of the password, or an email.
    """
    if isinstance(error, socket.gaierror):
        return _explain_name(error)
    if isinstance(error, ssl.SSLError):
        return _explain_tls(error)
    if isinstance(error, OSError) and error.errno in ADVICE:
        return ADVICE[error.errno]
    found = next((kind for kind in KINDS if isinstance(error, kind)), None)
    return KINDS[found] if found else f"cannot be used ({type(error).__name__})"


def _explain_name(error: socket.gaierror) -> str:
    if error.errno == socket.EAI_AGAIN:
        return "was not looked up, because the DNS does not answer: check this machine's network"
    return "is not known in the DNS: correct SIGNUP_MAIL_SERVER"


def _explain_tls(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"has a certificate that is not trusted ({error.verify_message}): set"
            " SIGNUP_MAIL_SERVER to the name in it, or SSL_CERT_FILE to the certificate of your own"
            " authority"
        )
    reason = getattr(error, "reason", None)
    if reason in NOT_TLS:
        return f"does not speak TLS from the start: {USE_TLS}"
    return f"and this machine agree on no encryption ({reason or 'the connection ended'})"

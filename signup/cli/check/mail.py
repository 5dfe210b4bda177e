"""The mail server, as `flask check` tests it."""

from collections.abc import Iterator

from flask import current_app

from signup import settings
from signup.cli.check.finding import Finding
from signup.mail import compose, smtp
from signup.mail.replies import Outcome, Reply

LOGIN_ADVICE = "check SIGNUP_MAIL_SERVER, _PORT, _USE_TLS, _USERNAME and _PASSWORD"
SENDER_ADVICE = (
    "set SIGNUP_MAIL_DEFAULT_SENDER to an email that SIGNUP_MAIL_USERNAME, or this machine without"
    " a login, may send from to any domain; check the limits of the account at the mail provider"
)


def findings() -> Iterator[Finding]:
    """Test the login, and whether an email from the sender is taken. Send nothing."""
    config = current_app.config
    what = f"mail server {config['MAIL_SERVER']}:{config['MAIL_PORT']}"
    sender = compose.sender()
    try:
        reply = smtp.check_sender(sender)
    except smtp.MailServerUnavailable as error:
        yield Finding(what, _explain(error))
        return
    yield Finding(what)
    yield from _sender(sender, reply)


def _sender(sender: str, reply: Reply | None) -> Iterator[Finding]:
    what = f"the mail server takes emails from {sender}"
    if reply is None:
        yield Finding(what)
    elif reply.verb == "RCPT" and reply.outcome == Outcome.PARK:
        # Many senders have no mailbox. Emails to others are not refused for that.
        yield Finding(f"{what}, but not to it ({reply}): replies to it are lost")
    else:
        yield Finding(what, f"{_quote(reply)}; {SENDER_ADVICE}")


def send_test(recipient: str) -> Iterator[Finding]:
    """Send a real email, and say what the mail server answered. Raises ValueError: no email."""
    what = f"test email to {recipient}"
    if "MAIL_" in str(list(settings.faults(current_app))):
        yield Finding(what, "correct the settings first")
        return
    message = compose.compose_test(recipient)
    try:
        with smtp.MailSession() as session:
            session.send(message)
    except smtp.MailError as error:
        yield Finding(what, _explain(error))
    else:
        sent = f"{what} sent with the Message-ID {message['Message-ID']}"
        yield Finding(f"{sent}; look whether it arrives")


def _explain(error: smtp.MailError) -> str:
    """Say what the mail server answered, or why it did not, and what to do."""
    if error.reply is None:
        return str(error)
    advice = LOGIN_ADVICE if isinstance(error, smtp.MailServerUnavailable) else SENDER_ADVICE
    return f"{_quote(error.reply)}; {advice}"


def _quote(reply: Reply) -> str:
    """Return the reply with its text, which is about this sender or a test's recipient."""
    text = "".join(each if each.isprintable() else " " for each in reply.text)
    return f"the mail server answered {reply} ({text})"

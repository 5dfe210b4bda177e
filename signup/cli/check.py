"""What `flask check` tests, and what it found."""

import os
from collections.abc import Iterator
from datetime import timedelta

from flask import current_app

from models.engines import file_from_url, without_credentials
from models.ledger.database import database
from models.mail import refusals
from models.mail.outbox import OutgoingEmail
from models.mail.parked import parked_emails
from models.signups import search
from models.strapi import AdminUsers, Author, Identity, StrapiUnavailable, new_document_id
from models.timestamps import as_stored, now
from signup import settings
from signup.databases import strapi
from signup.health import OVERDUE, emails_are_used_up, queue_is_full
from signup.mail import compose, smtp
from signup.mail.replies import Outcome, Reply

Finding = tuple[str, str | None]
"""What was tested, and what is wrong with it and what to do; None if nothing is."""

LOGIN_ADVICE = "check SIGNUP_MAIL_SERVER, _PORT, _USE_TLS, _USERNAME and _PASSWORD"
SENDER_ADVICE = (
    "set SIGNUP_MAIL_DEFAULT_SENDER to an email that SIGNUP_MAIL_USERNAME, or this machine without"
    " a login, may send from to any domain; check the limits of the account at the mail provider"
)


def findings() -> Iterator[Finding]:
    """Test everything that the settings name."""
    config = current_app.config
    faults = list(settings.faults(current_app))
    yield "settings", None if not faults else "\n       ".join(faults)
    if config["STRAPI_DATABASE"]:
        yield from _ledger()
        yield from _strapi()
    if config["MAIL_SERVER"] and config["PUBLIC_URL"] and "MAIL_" not in str(faults):
        yield from _mail()


def _ledger() -> Iterator[Finding]:
    what = f"ledger {without_credentials(current_app.config['LEDGER'])}"
    if fault := current_app.extensions["ledger_fault"]:
        yield what, fault
        return
    pooled = ", through a pooler that shares sessions by transactions"
    yield what + pooled * database.uses_transaction_pooling(), None
    yield from _outbox()


def _outbox() -> Iterator[Finding]:
    parked = parked_emails()
    errors = "; ".join(f"email {email.id}: {email.error}" for email in parked)
    fault = f"{len(parked)} could not be delivered: {errors}; the review pages send them again"
    yield "no undeliverable emails", fault if parked else None
    waited = OutgoingEmail.longest_delay()
    minutes = waited // timedelta(minutes=1)
    late = f"the oldest has waited for {minutes} minutes: is the service running?"
    yield "emails are sent", _refusals() or (late if waited > OVERDUE else None)
    failed = sorted(search.not_reconciled(), key=lambda signup: signup.id)
    errors = "; ".join(f"signup {signup.id}: {signup.reconcile_error}" for signup in failed)
    fault = f"{errors}; each is tried again every 10 minutes"
    yield "every signup agrees with Strapi", fault if failed else None
    yield from _limits()


def _limits() -> Iterator[Finding]:
    if queue_is_full():
        advice = "decide about some on the review pages, or raise SIGNUP_MAX_WAITING"
        yield "places in the queue", f"the queue is full, so nobody can apply: {advice}"
    if emails_are_used_up():
        advice = "look for a flood in the log, or raise SIGNUP_MAX_LETTERS"
        yield "first emails", f"those of this hour are used up, so nobody can apply: {advice}"


def _refusals() -> str | None:
    code = refusals.current_code()
    return (
        code and f"the mail server answered {code} to emails for unrelated domains; {SENDER_ADVICE}"
    )


def _strapi() -> Iterator[Finding]:
    url = current_app.config["STRAPI_DATABASE"]
    fault = _database_fault()
    path = file_from_url(url)
    if fault is None and path and not os.access(path.parent, os.W_OK):
        fault = f"let the service's user write the folder {path.parent}, for SQLite's journal"
    yield f"Strapi's database {without_credentials(url)}: schema, role, writable", fault
    if fault is None:
        yield "the authors' role is for authors", _role_fault()


def _database_fault() -> str | None:
    try:
        # Reading first gives the clearer message about what is missing.
        fault = strapi().read(_admin_user_fault)
        if fault is None:
            strapi().dry_run(_test_author())
    except StrapiUnavailable as error:
        fault = str(error)
    return fault


def _admin_user_fault(admin_users: AdminUsers) -> str | None:
    admin_users.role_id()
    if not admin_users.any_exist():
        return "Strapi has no admin user yet: open its panel and register the first one"
    if not admin_users.super_admins():
        return "Strapi has no active super admin: nobody can decide about signups"
    return None


def _test_author() -> Author:
    created_at = as_stored(now(), strapi().zone)
    identity = Identity("nobody@author-signup.invalid", None, new_document_id(), created_at)
    return Author(identity, "Nobody", None, "")


def _role_fault() -> str | None:
    try:
        risky = strapi().read(AdminUsers.permissions).risky
    except StrapiUnavailable as error:
        return str(error)
    if not risky:
        return None
    return (
        f"it may do more than write: {', '.join(risky)}; take that from the role in Strapi's panel,"
        " or name another one in SIGNUP_AUTHOR_ROLE"
    )


def _mail() -> Iterator[Finding]:
    config = current_app.config
    what = f"mail server {config['MAIL_SERVER']}:{config['MAIL_PORT']}"
    sender = compose.sender()
    try:
        reply = smtp.check_sender(sender)
    except smtp.MailServerUnavailable as error:
        yield what, f"{_answer(error)}; {LOGIN_ADVICE}"
        return
    yield what, None
    yield from _sender(sender, reply)


def _sender(sender: str, reply: Reply | None) -> Iterator[Finding]:
    what = f"the mail server takes emails from {sender}"
    if reply is None:
        yield what, None
    elif reply.verb == "RCPT" and reply.outcome == Outcome.PARK:
        # Many senders have no mailbox. Emails to others are not refused for that.
        yield f"{what}, but not to it ({reply}): replies to it are lost", None
    else:
        yield what, f"{_quote(reply)}; {SENDER_ADVICE}"


def send_test(recipient: str) -> Iterator[Finding]:
    """Send a real email, and say what the mail server answered. Raises ValueError: no email."""
    what = f"test email to {recipient}"
    if "MAIL_" in str(list(settings.faults(current_app))):
        yield what, "correct the settings first"
        return
    message = compose.compose_test(recipient)
    try:
        with smtp.MailSession() as session:
            session.send(message)
    except smtp.MailError as error:
        advice = LOGIN_ADVICE if isinstance(error, smtp.MailServerUnavailable) else SENDER_ADVICE
        yield what, f"{_answer(error)}; {advice}"
    else:
        sent = f"{what} sent with the Message-ID {message['Message-ID']}"
        yield f"{sent}; look whether it arrives", None


def _answer(error: smtp.MailError) -> str:
    return _quote(error.reply) if error.reply else str(error)


def _quote(reply: Reply) -> str:
    """Return the reply with its text, which is about this sender or a test's recipient."""
    text = "".join(each if each.isprintable() else " " for each in reply.text)
    return f"the mail server answered {reply} ({text})"

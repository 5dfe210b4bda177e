"""What `flask check` tests, and what it found."""

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import NamedTuple

from flask import current_app

from models.engines import file_from_url, without_credentials
from models.ledger.database import database
from models.mail import refusals
from models.mail.outbox import OutgoingEmail
from models.mail.parked import parked_emails
from models.password_hashing import BCRYPT_HASH
from models.signups import search
from models.strapi import (
    AdminUsers,
    Author,
    Identity,
    StrapiUnavailable,
    incomplete_encodings,
    new_document_id,
)
from models.timestamps import as_stored, now
from signup import settings
from signup.databases import strapi
from signup.health import OVERDUE, emails_are_used_up, queue_is_full
from signup.mail import compose, smtp
from signup.mail.replies import Outcome, Reply


class Finding(NamedTuple):
    """What was tested, and what is wrong with it and what to do; None if nothing is.

    A warning is something to look at with which the service works.
    """

    what: str
    advice: str | None = None
    is_warning: bool = False

    @property
    def label(self) -> str:
        """How it begins in the output of `flask check`."""
        if self.advice is None:
            return "ok"
        return "WARN" if self.is_warning else "WRONG"


LOGIN_ADVICE = "check SIGNUP_MAIL_SERVER, _PORT, _USE_TLS, _USERNAME and _PASSWORD"
SENDER_ADVICE = (
    "set SIGNUP_MAIL_DEFAULT_SENDER to an email that SIGNUP_MAIL_USERNAME, or this machine without"
    " a login, may send from to any domain; check the limits of the account at the mail provider"
)
WRITING_ADVICE = (
    "its members meet an empty panel: let it create some kind of content, in Strapi's panel under"
    " Settings, Roles"
)
NO_LOGIN_ADVICE = (
    "no active super admin has a password in Strapi, as with single sign-on: nobody can log in to"
    " /review or the API; set a password in Strapi's panel, or decide there or with flask activate"
)


def findings() -> Iterator[Finding]:
    """Test everything that the settings name."""
    config = current_app.config
    faults = list(settings.faults(current_app))
    yield Finding("settings", "\n       ".join(faults) or None)
    if unknown := list(settings.warnings(config)):
        yield Finding("no unknown settings", "\n       ".join(unknown), is_warning=True)
    if config["STRAPI_DATABASE"]:
        yield from _ledger()
        yield from _strapi()
    if config["MAIL_SERVER"] and config["PUBLIC_URL"] and "MAIL_" not in str(faults):
        yield from _mail()


def _ledger() -> Iterator[Finding]:
    what = f"ledger {without_credentials(current_app.config['LEDGER'])}"
    if fault := current_app.extensions["ledger_fault"]:
        yield Finding(what, fault)
        return
    pooled = ", through a pooler that shares sessions by transactions"
    yield Finding(what + pooled * database.uses_transaction_pooling())
    yield from _outbox()


def _outbox() -> Iterator[Finding]:
    parked = parked_emails()
    errors = "; ".join(f"email {email.id}: {email.error}" for email in parked)
    fault = f"{len(parked)} could not be delivered: {errors}; the review pages send them again"
    yield Finding("no undeliverable emails", fault if parked else None)
    waited = OutgoingEmail.longest_delay()
    minutes = waited // timedelta(minutes=1)
    late = f"the oldest has waited for {minutes} minutes: is the service running?"
    yield Finding("emails are sent", _refusals() or (late if waited > OVERDUE else None))
    failed = sorted(search.not_reconciled(), key=lambda signup: signup.id)
    errors = "; ".join(f"signup {signup.id}: {signup.reconcile_error}" for signup in failed)
    fault = f"{errors}; each is tried again every 10 minutes"
    yield Finding("every signup agrees with Strapi", fault if failed else None)
    yield from _limits()


def _limits() -> Iterator[Finding]:
    if queue_is_full():
        advice = "decide about some on the review pages, or raise SIGNUP_MAX_WAITING"
        yield Finding("places in the queue", f"the queue is full, so nobody can apply: {advice}")
    if emails_are_used_up():
        advice = "look for a flood in the log, or raise SIGNUP_MAX_LETTERS"
        yield Finding(
            "first emails", f"those of this hour are used up, so nobody can apply: {advice}"
        )


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
    what = f"Strapi's database {without_credentials(url)}: schema, role, writable"
    yield Finding(what, fault)
    if fault is None:
        yield from _encodings()
        yield from _role()


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
    # As long as a bcrypt hash.
    return Author(identity, "Nobody", None, "*" * 60)


def _encodings() -> Iterator[Finding]:
    with suppress(StrapiUnavailable):
        found = strapi().read(lambda admin_users: incomplete_encodings(admin_users.schema))
        columns = " and ".join(f"{name} ({encoding})" for name, encoding in found.items())
        fault = f"it cannot in {columns}: {strapi().connection.engine.ENCODING_ADVICE}"
        yield Finding("Strapi's database can hold every name", fault if found else None, True)


def _role() -> Iterator[Finding]:
    """Yield what Strapi allows authors and super admins, as far as an operator may want to know."""
    what = "the authors' role is for authors"
    accepted = current_app.config["ALLOWED_ACTIONS"]
    try:
        allowed, super_admins = strapi().read(
            lambda admin_users: (admin_users.permissions(accepted), admin_users.super_admins())
        )
    except StrapiUnavailable as error:
        yield Finding(what, str(error))
        return
    yield Finding(what, _risk(allowed.risky), is_warning=True)
    writes = allowed.include_writing or not allowed.known
    yield Finding("the authors' role can write", None if writes else WRITING_ADVICE, True)
    can_log_in = any(BCRYPT_HASH.fullmatch(admin.password or "") for admin in super_admins)
    yield Finding("a super admin can log in", None if can_log_in else NO_LOGIN_ADVICE, True)


def _risk(actions: list[str]) -> str | None:
    if not actions:
        return None
    return (
        f"it may do more than write: {', '.join(actions)}; take that from the role in Strapi's"
        " panel, or name another one in SIGNUP_AUTHOR_ROLE; if you know that an action is no"
        f" danger: SIGNUP_ALLOWED_ACTIONS='{actions[0]}'"
    )


def _mail() -> Iterator[Finding]:
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

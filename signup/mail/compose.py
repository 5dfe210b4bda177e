"""Render the emails of the outbox from their folders under templates/mail."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import localtime
from typing import Any

from flask import current_app, render_template

from models.emails import comparable
from models.mail.email_kinds import TO_REVIEWERS
from models.mail.outbox import OutgoingEmail
from models.mail.suppressions import mailbox_digest
from models.signups import disputes, search
from models.signups.carry_out import check_decline
from models.signups.signup import Signup, State
from models.strapi import StrapiUnavailable
from models.timestamps import now
from signup import durations, i18n, links
from signup.databases import reconciler, strapi
from signup.validation import mailbox
from signup.validation.url import mail_host

# Signups that an email to a reviewer names. The review pages list all.
MAX_LISTED = 10

Draft = tuple[str, dict[str, Any]]
"""A folder under templates/mail, and the variables of its templates."""


@dataclass(frozen=True)
class RenderedEmail:
    """The texts of an email."""

    subject: str
    body: str
    html: str
    language: str


def compose(email: OutgoingEmail) -> EmailMessage | None:
    """Return the message to send now, in its reader's language; None when it is out of date.

    Links are signed here, so their lifetime starts when the email is sent.

    Raises: StrapiUnavailable, when it cannot be known whether a reviewer still is one.
    """
    with i18n.use_language(_language(email)):
        draft = DRAFTS[email.kind](email)
        return _message(email, render_email(*draft)) if draft else None


def render_email(folder: str, variables: dict[str, Any]) -> RenderedEmail:
    """Render the templates in a folder of templates/mail, in the current language."""
    variables = {"home": links.public_url("form.show"), **variables}
    subject = render_template(f"mail/{folder}/subject.txt", **variables).strip()
    return RenderedEmail(
        subject=subject,
        body=render_template(f"mail/{folder}/body.txt", **variables),
        html=render_template(f"mail/{folder}/body.html", subject=subject, **variables),
        language=i18n.current_language(),
    )


def decline_variables(reason: str | None, decided_at: datetime) -> dict[str, Any]:
    """Return the variables of the email that tells an author of a decline."""
    return {"reason": reason, "reapply_at": durations.reapply_at(decided_at)}


def sender() -> str:
    """Return the email of the sender, as mail servers expect it."""
    return _sender().addr_spec


def compose_test(recipient: str) -> EmailMessage:
    """Return the message of `flask check --send-to`. Raises ValueError: `recipient` is no email."""
    message = _headers("Test email", recipient, secrets.token_hex(16))
    message.set_content(f"The command flask check of {links.public_url('form.show')} sent this.\n")
    return message


def _message(email: OutgoingEmail, rendered: RenderedEmail) -> EmailMessage:
    # The reference is the same in every attempt.
    message = _headers(rendered.subject, email.recipient, email.reference)
    # Quoted-printable keeps each line below the 998 bytes of RFC 5322, however long a reason is.
    message.set_content(rendered.body, cte="quoted-printable")
    message.add_alternative(rendered.html, subtype="html", cte="quoted-printable")
    return message


def _headers(subject: str, recipient: str, reference: str) -> EmailMessage:
    """Return a message without text. Mail servers recognise a repeated delivery by `reference`."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = subject
    message["From"] = _sender()
    message["To"] = Address(addr_spec=mailbox.with_ascii_domain(recipient))
    message["Date"] = localtime()
    message["Message-ID"] = f"<{reference}@{mail_host(current_app.config['PUBLIC_URL'])}>"
    message["Auto-Submitted"] = "auto-generated"
    return message


def _sender() -> Address:
    return mailbox.parse(current_app.config["MAIL_DEFAULT_SENDER"])


def _language(email: OutgoingEmail) -> str | None:
    """Return what the author chose here, or what the reviewer chose in Strapi."""
    if email.signup and email.kind not in TO_REVIEWERS:
        return str(email.signup.language or "")
    try:
        rows = strapi().read(lambda admin_users: admin_users.by_email(email.recipient))
    except StrapiUnavailable:
        return None
    return next((row.prefered_language for row in rows), None)


def _confirm(email: OutgoingEmail) -> Draft | None:
    """The first email, without anything that a visitor typed, or the one for a known email."""
    signup = email.signup
    if signup.state in (State.WITHDRAWN, State.REMOVED, State.STOPPED):
        return None
    page = _page(signup)
    if signup.state == State.ASKED:
        if _has_other_account(signup):
            return "known/account", links.panel_urls()
        digest = mailbox_digest(email.recipient, links.signing_keys())
        stop_url = links.link_url(links.STOP, signup.key, digest)
        return "confirm", {**page, "stop_url": stop_url, **_link_lifetime()}
    if signup.state in (State.ACTIVE, State.DEACTIVATED):
        return "known/account", links.panel_urls()
    if signup.state_for_author == State.DECLINED:
        reapply_at = durations.reapply_at(signup.decided_at or signup.asked_at)
        return "known/declined", {**page, "reapply_at": reapply_at}
    return "known/waiting", page


def _received(email: OutgoingEmail) -> Draft | None:
    if email.signup.state_for_author != State.WAITING:
        return None
    return "received", _page(email.signup)


def _waiting(email: OutgoingEmail) -> Draft | None:
    if not _is_reviewer(email.recipient):
        return None
    signups, total = search.page(State.WAITING, "", 1, MAX_LISTED)
    if not signups:
        return None
    longest = durations.approximate(now() - signups[0].confirmed_at)
    variables = {"signups": signups, "total": total, "longest": longest}
    return "waiting", {**variables, "review_url": links.public_url("queue.index")}


def _activated(email: OutgoingEmail) -> Draft | None:
    if email.signup.state != State.ACTIVE:
        return None
    return "activated", {"email": email.signup.email, **links.panel_urls()}


def _declined(email: OutgoingEmail) -> Draft | None:
    # The author hears of the decline now, so its reviewer must still have the right to it.
    if email.signup.state != State.DECLINED or not check_decline(email.signup, strapi()):
        return None
    return "declined", decline_variables(email.signup.reason, email.signup.decided_at)


def _disputed(email: OutgoingEmail) -> Draft | None:
    signup = email.signup
    is_over = signup.email is None or signup.state not in disputes.MAY_BE_ACTIVE
    if is_over or not _is_reviewer(email.recipient):
        return None
    url = links.public_url("queue.signup", number=signup.id)
    return "disputed", {"signup": signup, "review_url": url}


# What each kind of email says now. None: it is out of date, and is not sent.
DRAFTS: dict[str, Callable[[OutgoingEmail], Draft | None]] = {
    "confirm": _confirm,
    "received": _received,
    "waiting": _waiting,
    "activated": _activated,
    "declined": _declined,
    "disputed": _disputed,
}


def _is_reviewer(recipient: str) -> bool:
    """Whether the recipient still hears of signups. The email may have been queued long ago."""
    return comparable(recipient) in map(comparable, reconciler().reviewer_emails())


def _has_other_account(signup: Signup) -> bool:
    """Whether Strapi has an account with this email that no signup of ours created."""
    previous = signup.previous()
    ours = [signup.identity, *([previous.identity] if previous else [])]
    try:
        rows = strapi().read(lambda admin_users: admin_users.by_email(signup.email or ""))
        return any(not any(map(row.belongs_to, ours)) for row in rows)
    except StrapiUnavailable:
        # Send the link now. Its page checks again.
        return False


def _page(signup: Signup) -> dict[str, str]:
    # The sign tells that this link cannot confirm. Older versions ignore the number after that.
    generation = signup.generation if signup.state == State.ASKED else -signup.generation
    return {"page_url": links.link_url(links.CONFIRM, signup.key, generation)}


def _link_lifetime() -> dict[str, Any]:
    seconds = current_app.config["LINK_MAX_AGE"]
    return {"life": durations.exact(seconds), "until": now() + timedelta(seconds=seconds)}

"""Composing: what a letter that is owed says now, from its folder under templates/mail."""

from collections.abc import Callable
from datetime import datetime, timedelta
from email.charset import QP, Charset
from email.policy import compat32
from typing import Any

from flask import current_app, render_template
from flask_mail import Message

from models.mail.outbox import OutgoingEmail
from models.signups import search
from models.signups.signup import Signup, State
from models.strapi import StrapiUnavailable
from models.timestamps import now
from signup import durations, i18n, links
from signup.databases import strapi

# Keeps every line of a letter under the 998 bytes of RFC 5322, however long a reason is.
QUOTED: Any = Charset("utf-8")
QUOTED.body_encoding = QP
AS_WRITTEN = compat32.clone(linesep="\r\n", max_line_length=998)
# Names a reviewer's letter lists; the review page has all.
LISTED = 10


class Plain(Message):
    """A message whose headers go out as they were written: they are short, and to have them taken
    apart and put together again takes longer than all the rest."""

    def as_bytes(self) -> bytes:
        """The message as it travels."""
        message = self._message()
        message.policy = AS_WRITTEN
        return message.as_bytes()


def compose(letter: OutgoingEmail) -> Message | None:
    """The message that `letter` owes, with links whose life begins now; None when there is
    nothing left to say; in the language of whoever gets it."""
    with i18n.use_language(_language(letter)):
        return _composed(letter)


def _composed(letter: OutgoingEmail) -> Message | None:
    found = WRITERS[letter.kind](letter)
    if found is None:
        return None
    message = Plain(
        recipients=[("", letter.recipient)],
        **texts(*found),
        charset=QUOTED,
        extra_headers={"Auto-Submitted": "auto-generated"},
    )
    domain = links.public_url("form.show").split("/")[2].split(":")[0]
    message.msgId = f"<{letter.reference}@{domain}>"
    return message


def texts(folder: str, facts: dict[str, Any]) -> dict[str, Any]:
    """The subject, the body and the HTML of the letter in a folder of templates/mail."""
    facts = {"home": links.public_url("form.show"), **facts}
    subject = render_template(f"mail/{folder}/subject.txt", **facts).strip()
    return {
        "subject": subject,
        "body": render_template(f"mail/{folder}/body.txt", **facts),
        "html": render_template(f"mail/{folder}/body.html", subject=subject, **facts),
    }


def declined(reason: str | None, decided_at: datetime) -> dict[str, Any]:
    """What the letter of a decline tells."""
    return {"reason": reason, "reapply_at": durations.reapply_at(decided_at)}


Draft = tuple[str, dict[str, Any]]


def _confirm(letter: OutgoingEmail) -> Draft | None:
    """The first letter, which holds nothing that a visitor typed; or, where the address is
    known already, the one that fits."""
    signup = letter.signup
    if signup.state in (State.WITHDRAWN, State.REMOVED, State.STOPPED):
        return None
    page = _page(signup)
    if signup.state == State.ASKED:
        if _is_taken(signup):
            return "known/account", links.panel_urls()
        stop_url = links.link_url(links.STOP, signup.key)
        return "confirm", {**page, "stop_url": stop_url, **_life()}
    if signup.state in (State.ACTIVE, State.DEACTIVATED):
        return "known/account", links.panel_urls()
    if signup.state == State.DECLINED:
        reapply_at = durations.reapply_at(signup.decided_at or signup.asked_at)
        return "known/declined", {**page, "reapply_at": reapply_at}
    return "known/waiting", page


def _received(letter: OutgoingEmail) -> Draft | None:
    if letter.signup.public_state != State.WAITING:
        return None
    return "received", _page(letter.signup)


def _waiting(_: OutgoingEmail) -> Draft | None:
    signups, total = search.page(State.WAITING, "", 1, LISTED)
    if not signups:
        return None
    longest = durations.approximate(now() - signups[0].confirmed_at)
    facts = {"signups": signups, "total": total, "longest": longest}
    return "waiting", {**facts, "review_url": links.public_url("queue.index")}


def _activated(letter: OutgoingEmail) -> Draft | None:
    if letter.signup.state != State.ACTIVE:
        return None
    return "activated", {"email": letter.recipient, **links.panel_urls()}


def _declined(letter: OutgoingEmail) -> Draft | None:
    if letter.signup.state != State.DECLINED:
        return None
    return "declined", declined(letter.signup.reason, letter.signup.decided_at)


WRITERS: dict[str, Callable[[OutgoingEmail], Draft | None]] = {
    "confirm": _confirm,
    "received": _received,
    "waiting": _waiting,
    "activated": _activated,
    "declined": _declined,
}


def _is_taken(signup: Signup) -> bool:
    """Whether the address belongs to an administrator who did not come through us."""
    before = signup.previous()
    ours = [signup.identity, *([before.identity] if before else [])]
    try:
        rows = strapi().read(lambda admin_users: admin_users.by_email(signup.email or ""))
        return any(not any(map(row.belongs_to, ours)) for row in rows)
    except StrapiUnavailable:
        # The link's page will find out; a letter now is worth more than a perfect one.
        return False


def _language(letter: OutgoingEmail) -> str | None:
    """What an author chose here, or a reviewer in Strapi."""
    if letter.signup:
        return str(letter.signup.language or "")
    try:
        rows = strapi().read(lambda admin_users: admin_users.by_email(letter.recipient))
    except StrapiUnavailable:
        return None
    return next((row.prefered_language for row in rows), None)


def _page(signup: Signup) -> dict[str, str]:
    return {"page_url": links.link_url(links.CONFIRM, signup.key, signup.generation)}


def _life() -> dict[str, Any]:
    seconds = current_app.config["LINK_MAX_AGE"]
    return {"life": durations.exact(seconds), "until": now() + timedelta(seconds=seconds)}

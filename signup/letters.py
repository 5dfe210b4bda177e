"""Composing: what a letter that is owed says now, from its folder under templates/mail."""

from collections.abc import Callable
from email.charset import QP, Charset
from typing import Any

from flask import current_app, render_template
from flask_mail import Message

from models.outbox import Letter
from models.signups import Signup, State
from models.strapi import StrapiUnavailable
from signup import links
from signup.databases import strapi

# Keeps every line of a letter under the 998 bytes of RFC 5322, however long a reason is.
QUOTED: Any = Charset("utf-8")
QUOTED.body_encoding = QP
# Names a reviewer's letter lists; the review page has all.
LISTED = 10


def compose(letter: Letter) -> Message | None:
    """The message that `letter` owes, with links whose life begins now; None when there is
    nothing left to say."""
    found = WRITERS[letter.kind](letter)
    if found is None:
        return None
    folder, facts = found
    message = Message(
        subject=render_template(f"mail/{folder}/subject.txt", **facts).strip(),
        recipients=[("", letter.recipient)],
        body=render_template(f"mail/{folder}/body.txt", **facts),
        html=render_template(f"mail/{folder}/body.html", **facts),
        charset=QUOTED,
        extra_headers={"Auto-Submitted": "auto-generated"},
    )
    domain = links.public_url("pages.form").split("/")[2].split(":")[0]
    message.msgId = f"<{letter.reference}@{domain}>"
    return message


Draft = tuple[str, dict[str, Any]]


def _confirm(letter: Letter) -> Draft | None:
    """The first letter, which holds nothing that a visitor typed; or, where the address is
    known already, the one that fits."""
    signup = letter.signup
    if signup.state in (State.WITHDRAWN, State.REMOVED, State.STOPPED):
        return None
    page = {"page_url": links.url_to(links.CONFIRM, signup.key)}
    if signup.state == State.ASKED:
        if _is_taken(signup):
            return "known/account", links.panel()
        stop_url = links.url_to(links.STOP, signup.key)
        return "confirm", {**page, "stop_url": stop_url, "life": _words(_max_age())}
    if signup.state == State.ACTIVE:
        return "known/account", links.panel()
    if signup.state == State.DECLINED:
        return "known/declined", page
    return "known/waiting", page


def _received(letter: Letter) -> Draft | None:
    if letter.signup.state not in (State.WAITING, State.ACTIVATING):
        return None
    return "received", {"page_url": links.url_to(links.CONFIRM, letter.signup.key)}


def _waiting(_: Letter) -> Draft | None:
    signups, total = Signup.search(State.WAITING, "", 1, LISTED)
    if not signups:
        return None
    review_url = links.public_url("review.queue")
    return "waiting", {"signups": signups, "total": total, "review_url": review_url}


def _activated(letter: Letter) -> Draft | None:
    if letter.signup.state != State.ACTIVE:
        return None
    return "activated", {"email": letter.recipient, **links.panel()}


def _declined(letter: Letter) -> Draft | None:
    if letter.signup.state != State.DECLINED:
        return None
    return "declined", {"reason": letter.signup.reason}


WRITERS: dict[str, Callable[[Letter], Draft | None]] = {
    "confirm": _confirm,
    "received": _received,
    "waiting": _waiting,
    "activated": _activated,
    "declined": _declined,
}


def _is_taken(signup: Signup) -> bool:
    """Whether the address belongs to an administrator who did not come through us."""
    before = signup.predecessor()
    ours = [signup.identity, *([before.identity] if before else [])]
    try:
        rows = strapi().read(lambda people: people.named(signup.email or ""))
        return any(not any(map(row.belongs_to, ours)) for row in rows)
    except StrapiUnavailable:
        # The link's page will find out; a letter now is worth more than a perfect one.
        return False


def _max_age() -> int:
    return int(current_app.config["LINK_MAX_AGE"])


def _words(seconds: int) -> str:
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds >= length and seconds % length == 0:
            count = seconds // length
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "0 seconds"

"""What `flask check` looks at: each thing, and what is wrong with it."""

import os
from collections.abc import Iterator
from datetime import timedelta

from flask import current_app

from models.engines import file_of, shown
from models.instant import kept, now
from models.outbox import Letter
from models.strapi import Administrators, Author, Identity, StrapiUnavailable, new_document_id
from signup import settings, smtp
from signup.databases import strapi
from signup.health import OVERDUE

Finding = tuple[str, str | None]


def findings() -> Iterator[Finding]:
    """Each thing looked at, with None, or what is wrong and what to do."""
    complaints = list(settings.complaints(current_app.config))
    yield "settings", None if not complaints else "\n       ".join(complaints)
    named = current_app.config
    if named["STRAPI_DATABASE"]:
        yield from _ledger()
        yield from _strapi()
    if named["MAIL_SERVER"] and named["PUBLIC_URL"] and "MAIL_" not in str(complaints):
        yield from _mail()


def _ledger() -> Iterator[Finding]:
    what = f"ledger {shown(current_app.config['LEDGER'])}"
    if complaint := current_app.extensions["ledger_complaint"]:
        yield what, complaint
        return
    yield what, None
    yield from _outbox()


def _outbox() -> Iterator[Finding]:
    parked = Letter.parked()
    complaint = None
    if parked:
        troubles = "; ".join(f"letter {letter.id}: {letter.trouble}" for letter in parked)
        complaint = (
            f"{len(parked)} could not be delivered: {troubles}; the review page sends them again"
        )
    yield "no undeliverable letters", complaint
    waited = Letter.overdue()
    minutes = waited // timedelta(minutes=1)
    complaint = f"the oldest has waited for {minutes} minutes: is the service running?"
    yield "letters go out", complaint if waited > OVERDUE else None


def _strapi() -> Iterator[Finding]:
    what = f"Strapi's database {shown(current_app.config['STRAPI_DATABASE'])}"
    try:
        # A look alone tells best what is not there.
        complaint = strapi().read(_complaint) or strapi().write(_rehearsal)
    except StrapiUnavailable as error:
        complaint = str(error)
    path = file_of(current_app.config["STRAPI_DATABASE"])
    if complaint is None and path and not os.access(path.parent, os.W_OK):
        complaint = f"let the service's user write the folder {path.parent}, for SQLite's journal"
    yield f"{what}: shape, role, writable", complaint
    if complaint is None:
        yield "the authors' role is for authors", _role_complaint()


def _complaint(people: Administrators) -> str | None:
    people.role_id()
    if not people.exist():
        return "Strapi has no administrator yet: open its panel and register the first one"
    if not people.super_admins():
        return "Strapi has no active super admin: nobody can decide about signups"
    return None


def _rehearsal(people: Administrators) -> None:
    birth = kept(now(), strapi().zone)
    identity = Identity("nobody@author-signup.invalid", None, new_document_id(), birth)
    people.rehearse(Author(identity, "Nobody", None, ""))


def _role_complaint() -> str | None:
    try:
        risky = strapi().read(Administrators.powers).risky
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
    try:
        smtp.knock()
        yield what, None
    except smtp.MailServerOut as error:
        advice = "check SIGNUP_MAIL_SERVER, _PORT, _USE_TLS, _USERNAME and _PASSWORD"
        yield what, f"{error}; {advice}"

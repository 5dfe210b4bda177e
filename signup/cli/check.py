"""What `flask check` looks at: each thing, and what is wrong with it."""

import os
from collections.abc import Iterator
from datetime import timedelta

from flask import current_app

from models.engines import file_from_url, without_credentials
from models.mail.outbox import OutgoingEmail
from models.strapi import AdminUsers, Author, Identity, StrapiUnavailable, new_document_id
from models.timestamps import as_stored, now
from signup import settings
from signup.databases import strapi
from signup.health import OVERDUE
from signup.mail import smtp

Finding = tuple[str, str | None]


def findings() -> Iterator[Finding]:
    """Each thing looked at, with None, or what is wrong and what to do."""
    faults = list(settings.faults(current_app.config))
    yield "settings", None if not faults else "\n       ".join(faults)
    named = current_app.config
    if named["STRAPI_DATABASE"]:
        yield from _ledger()
        yield from _strapi()
    if named["MAIL_SERVER"] and named["PUBLIC_URL"] and "MAIL_" not in str(faults):
        yield from _mail()


def _ledger() -> Iterator[Finding]:
    what = f"ledger {without_credentials(current_app.config['LEDGER'])}"
    if fault := current_app.extensions["ledger_fault"]:
        yield what, fault
        return
    yield what, None
    yield from _outbox()


def _outbox() -> Iterator[Finding]:
    parked = OutgoingEmail.parked()
    fault = None
    if parked:
        troubles = "; ".join(f"letter {letter.id}: {letter.error}" for letter in parked)
        fault = (
            f"{len(parked)} could not be delivered: {troubles}; the review page sends them again"
        )
    yield "no undeliverable letters", fault
    waited = OutgoingEmail.overdue()
    minutes = waited // timedelta(minutes=1)
    fault = f"the oldest has waited for {minutes} minutes: is the service running?"
    yield "letters go out", fault if waited > OVERDUE else None


def _strapi() -> Iterator[Finding]:
    what = f"Strapi's database {without_credentials(current_app.config['STRAPI_DATABASE'])}"
    try:
        # A look alone tells best what is not there.
        fault = strapi().read(_fault)
        if fault is None:
            strapi().dry_run(_nobody())
    except StrapiUnavailable as error:
        fault = str(error)
    path = file_from_url(current_app.config["STRAPI_DATABASE"])
    if fault is None and path and not os.access(path.parent, os.W_OK):
        fault = f"let the service's user write the folder {path.parent}, for SQLite's journal"
    yield f"{what}: shape, role, writable", fault
    if fault is None:
        yield "the authors' role is for authors", _role_complaint()


def _fault(admin_users: AdminUsers) -> str | None:
    admin_users.role_id()
    if not admin_users.any_exist():
        return "Strapi has no administrator yet: open its panel and register the first one"
    if not admin_users.super_admins():
        return "Strapi has no active super admin: nobody can decide about signups"
    return None


def _nobody() -> Author:
    birth = as_stored(now(), strapi().zone)
    identity = Identity("nobody@author-signup.invalid", None, new_document_id(), birth)
    return Author(identity, "Nobody", None, "")


def _role_complaint() -> str | None:
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
    try:
        smtp.check_connection()
        yield what, None
    except smtp.MailServerUnavailable as error:
        advice = "check SIGNUP_MAIL_SERVER, _PORT, _USE_TLS, _USERNAME and _PASSWORD"
        yield what, f"{error}; {advice}"

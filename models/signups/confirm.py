"""Confirm a signup: create the inactive author in Strapi.

This writes to two databases, and no transaction spans both. The order of the steps in `confirm`
makes that safe. When the process dies between two of them, either nothing was written to Strapi and
the link still works, or `reconcile` finds the row and completes the signup.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from peewee import fn

from models.ledger.database import database
from models.mail.email_kinds import EmailKind
from models.mail.outbox import OutgoingEmail
from models.signups import reapplying
from models.signups.history import Actor, EventKind
from models.signups.queue import QueueLimits, reserved_place
from models.signups.signup import Signup, State
from models.strapi import (
    AdminUser,
    AdminUsers,
    Author,
    NameNotStorable,
    StrapiClient,
    ValueRefused,
    name_faults,
)
from models.timestamps import as_stored, now, to_milliseconds


class DeclinedLately(Exception):
    """Another signup of this mailbox was declined, and may not apply again yet."""


@dataclass(frozen=True)
class Application:
    """What the owner of the mailbox sends from the link's page.

    `answers` are values of the fields of `Signup` with these names.
    """

    password_hash: str
    answers: Mapping[str, str | None]
    by: Actor
    language: str | None = None


def confirm(
    signup: Signup,
    strapi: StrapiClient,
    sent: Application,
    limits: QueueLimits,
    reapply_after: timedelta,
) -> None:
    """Create the author in Strapi, inactive. Does nothing when the signup is past this step.

    1. Record in the ledger what will be written, and the creation time that the row will have.
    2. Create the row in Strapi. A row of an earlier attempt, recognised by its document id or
       creation time, is updated instead.
    3. Record in the ledger that the signup waits, and queue the email that says so.

    Raises: QueueFull, DeclinedLately, EmailTaken, NameNotStorable, StrapiUnavailable. The link
    still works then.
    """
    refuse_declined(signup, reapply_after)
    with reserved_place(signup, sent.by.ip, limits):
        _create_author(signup, strapi, sent)


def refuse_declined(signup: Signup, reapply_after: timedelta) -> None:
    """Raise DeclinedLately when the mailbox of this signup may not apply again yet."""
    if reapplying.declined_lately(signup.email or "", reapply_after):
        raise DeclinedLately("another signup of the mailbox was declined")


def _create_author(signup: Signup, strapi: StrapiClient, sent: Application) -> None:
    locked = _email_in_strapi(signup, strapi)
    if not record_intent(signup, sent, as_stored(now(), strapi.zone)):
        return
    email = signup.email
    try:
        row = strapi.write(_creation(signup, sent), locked)
    except ValueRefused:
        _refuse_name(strapi, sent)
        raise
    if row is None or record_confirmed(signup, row, sent.by):
        return
    if signup.state == State.STOPPED:
        # "This wasn't me" was sent while the row was written. `reconcile` deletes the row.
        signup.update_unless_changed(email=email, strapi_id=row.id)


def _refuse_name(strapi: StrapiClient, sent: Application) -> None:
    """Raise NameNotStorable where Strapi's columns cannot hold a name."""
    names = {field: sent.answers.get(field) for field in ("firstname", "lastname")}
    if faults := strapi.read(lambda admin_users: name_faults(admin_users.schema, names)):
        raise NameNotStorable(faults) from None


def record_intent(signup: Signup, sent: Application, created_at: datetime) -> bool:
    """Record what will be written to Strapi. Returns False when the signup is past this step.

    The creation time is set once, so that a repeated attempt recognises the row of an earlier one.
    """
    values: dict[str, Any] = {
        **sent.answers,
        "language": sent.language,
        "strapi_created_at": fn.COALESCE(Signup.strapi_created_at, to_milliseconds(created_at)),
    }
    return signup.change_state(State.ASKED, State.ASKED, **values)


def record_confirmed(signup: Signup, row: AdminUser, by: Actor) -> bool:
    """Record that the author's row is in Strapi. Returns False when the signup is past this."""
    values: dict[str, Any] = {
        "strapi_id": row.id,
        "document_id": row.document_id,
        "confirmed_at": now(),
    }
    with database.atomic():
        changed = signup.change_state(
            State.WAITING, State.ASKED, event=EventKind.CONFIRMED, by=by, **values
        )
        if changed:
            OutgoingEmail.enqueue(EmailKind.RECEIVED, signup.email or "", signup)
    return changed


def _email_in_strapi(signup: Signup, strapi: StrapiClient) -> str:
    """Return the email of the row that an earlier attempt left, which may have changed."""
    earlier = None
    if signup.strapi_created_at is not None:
        earlier = strapi.read(lambda admin_users: admin_users.find_all([signup.identity])[0])
    return (earlier.comparable_email if earlier else signup.email) or ""


def _creation(signup: Signup, sent: Application) -> Callable[[AdminUsers], AdminUser | None]:
    """Return the function that creates the row inside Strapi's transaction."""
    names = sent.answers["firstname"] or "", sent.answers.get("lastname")
    author = Author(signup.identity, *names, sent.password_hash, sent.language)
    previous = signup.previous()
    asked = Signup.select().where(Signup.id == signup.id, Signup.state == State.ASKED)

    def create_row(admin_users: AdminUsers) -> AdminUser | None:
        # Another request with the same link may have been first. Its password stays.
        if not asked.exists():
            return None
        return admin_users.create_author(author, previous.identity if previous else None)

    return create_row

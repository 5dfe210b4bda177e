"""Confirming: the step that turns a proven mailbox into an inactive author in Strapi.

It touches two databases, and no transaction spans them. The ledger first notes what will be
written, then Strapi's file is written, then the ledger says so. Killed in between, either
nothing happened and the link still works, or `settle` finds the row by its document id or
birth, and completes the signup.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from peewee import fn

from models.ledger.database import database
from models.mail.outbox import OutgoingEmail
from models.signups.history import Actor
from models.signups.signup import Signup, State
from models.strapi import AdminUser, AdminUsers, Author, StrapiClient
from models.timestamps import as_stored, now, to_milliseconds


class QueueFull(Exception):
    """As many signups wait for a decision as may wait at a time."""


@dataclass(frozen=True)
class Application:
    """What a proven mailbox sends: a password, hashed beforehand, and who its owner is."""

    hashed: str
    firstname: str
    lastname: str | None
    motivation: str | None
    by: Actor
    language: str | None = None


def confirm(signup: Signup, strapi: StrapiClient, sent: Application, max_waiting: int) -> None:
    """Make the author in Strapi, inactive, unless `most_waiting` signups wait already.

    A signup that is past this step stays as it is. Raises QueueFull, and AddressTaken,
    StrapiUnavailable after which the link still works.
    """
    if Signup.select().where(Signup.state == State.WAITING).count() >= max_waiting:
        raise QueueFull
    if not note_intent(signup, sent, as_stored(now(), strapi.zone)):
        return
    person = sent.firstname, sent.lastname, sent.hashed, sent.language
    author = Author(signup.identity, *person)
    before = signup.previous()
    asked = Signup.select().where(Signup.id == signup.id, Signup.state == State.ASKED)

    def create_author(admin_users: AdminUsers) -> AdminUser | None:
        # Another request with this link may have been quicker; its password stays.
        if not asked.exists():
            return None
        return admin_users.create_author(author, before.identity if before else None)

    row = strapi.write(create_author, signup.identity.email)
    if (
        row is not None
        and not mark_confirmed(signup, row, sent.by)
        and signup.state == State.STOPPED
    ):
        # "This wasn't me" was said while the row was on its way: `settle` removes it again.
        signup.change_state(
            State.STOPPED, State.STOPPED, email=author.identity.email, strapi_id=row.id
        )


def note_intent(signup: Signup, sent: Application, birth: datetime) -> bool:
    """Note what is about to be written into Strapi, and the birth that its row will carry, as it
    reads there: set once, so that a repeated attempt recognises the row of an earlier one.

    False when the signup is past this step.
    """
    names: dict[str, Any] = {"firstname": sent.firstname, "lastname": sent.lastname}
    person: dict[str, Any] = {**names, "motivation": sent.motivation, "language": sent.language}
    strapi_created_at = fn.COALESCE(Signup.strapi_created_at, to_milliseconds(birth))
    return signup.change_state(
        State.ASKED, State.ASKED, **person, strapi_created_at=strapi_created_at
    )


def mark_confirmed(signup: Signup, row: AdminUser, by: Actor) -> bool:
    """Note that the author's row is in Strapi; False when the signup was past this step."""
    made: dict[str, Any] = {
        "strapi_id": row.id,
        "document_id": row.document_id,
        "confirmed_at": now(),
    }
    with database.atomic():
        first = signup.change_state(State.WAITING, State.ASKED, event="confirmed", by=by, **made)
        if first:
            OutgoingEmail.enqueue("received", signup.email or "", signup)
    return first

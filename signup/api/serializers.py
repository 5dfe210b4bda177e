"""Representations: signups and their history in JSON, with instants in UTC (RFC 3339)."""

from datetime import datetime
from typing import Any

from models.signups.history import Event
from models.signups.signup import Signup


def author(signup: Signup) -> dict[str, Any]:
    """A signup."""
    return {
        "id": signup.strapi_id,
        "email": signup.email,
        "firstname": signup.firstname,
        "lastname": signup.lastname,
        "state": signup.public_state,
        "why": signup.motivation,
        "asked_at": _told(signup.asked_at),
        "confirmed_at": _told(signup.confirmed_at),
        "decided_at": _told(signup.decided_at),
        "decided_by": signup.decided_by,
        "reason": signup.reason,
    }


def event(event: Event) -> dict[str, Any]:
    """Something that happened to a signup."""
    facts = {"what": event.kind, "by": event.by, "address": event.ip, "why": event.reason}
    return {"at": _told(event.at), **facts}


def _told(instant: datetime | None) -> str | None:
    return instant.isoformat(timespec="milliseconds") if instant else None

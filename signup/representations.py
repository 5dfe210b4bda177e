"""Representations: signups and their history in JSON, with instants in UTC (RFC 3339)."""

from datetime import datetime
from typing import Any

from models.history import Event
from models.signups import Signup


def author(signup: Signup) -> dict[str, Any]:
    """A signup."""
    return {
        "id": signup.strapi_id,
        "email": signup.email,
        "firstname": signup.firstname,
        "lastname": signup.lastname,
        "state": signup.shown_state,
        "why": signup.why,
        "asked_at": _told(signup.asked_at),
        "confirmed_at": _told(signup.confirmed_at),
        "decided_at": _told(signup.decided_at),
        "decided_by": signup.decided_by,
        "reason": signup.reason,
    }


def event(event: Event) -> dict[str, Any]:
    """Something that happened to a signup."""
    facts = {"what": event.what, "by": event.by, "address": event.address, "why": event.why}
    return {"at": _told(event.at), **facts}


def _told(instant: datetime | None) -> str | None:
    return instant.isoformat(timespec="milliseconds") if instant else None

"""Signups and their history as JSON, with times in UTC (RFC 3339)."""

from datetime import datetime
from typing import Any

from models.signups.history import Event
from models.signups.signup import Signup


def author(signup: Signup) -> dict[str, Any]:
    """Return a signup as the API shows it."""
    return {
        "id": signup.strapi_id,
        "email": signup.email,
        "firstname": signup.firstname,
        "lastname": signup.lastname,
        "state": signup.public_state,
        "why": signup.motivation,
        "asked_at": _rfc3339(signup.asked_at),
        "confirmed_at": _rfc3339(signup.confirmed_at),
        "decided_at": _rfc3339(signup.decided_at),
        "decided_by": signup.decided_by,
        "reason": signup.reason,
    }


def event(event: Event) -> dict[str, Any]:
    """Return one event of a signup's history. `address` and `why` are names of the API."""
    fields = {"what": event.kind, "by": event.by, "address": event.ip, "why": event.reason}
    return {"at": _rfc3339(event.at), **fields}


def _rfc3339(time: datetime | None) -> str | None:
    return time.isoformat(timespec="milliseconds") if time else None

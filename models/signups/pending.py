"""Which signups `models/reconcile.py` must do something about in Strapi."""

from datetime import datetime, timedelta
from typing import Any

from peewee import fn

from models.signups import disputes
from models.signups.signup import IN_PROGRESS, Signup, State
from models.timestamps import now


def is_pending(keep_decided: timedelta) -> Any:
    """The condition of signups that reconciling must do something about."""
    outdated = Signup.decided_at < now() - keep_decided
    unwanted = (Signup.state == State.WITHDRAWN) | (Signup.state == State.DECLINED) & outdated
    recorded = Signup.state.in_((*IN_PROGRESS, State.STOPPED))
    return recorded | unwanted & Signup.strapi_id.is_null(False) | disputes.takes_effect()


def is_outdated(signup: Signup, keep_decided: timedelta) -> bool:
    """Return whether the row of a declined author is to be deleted."""
    decided_at: datetime = signup.decided_at
    return signup.state == State.DECLINED and decided_at < now() - keep_decided


def new_work(keep_decided: timedelta) -> Any:
    """Return the query of the pending signups that have not failed."""
    has_not_failed = fn.COALESCE(Signup.reconcile_error, "") == ""
    pending = is_pending(keep_decided), Signup.email.is_null(False)
    return Signup.select().where(*pending, has_not_failed)

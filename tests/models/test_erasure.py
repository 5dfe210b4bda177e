"""Erasing a person clears each column that is not declared as kept."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from models.ledger.erasure import erased_values, is_kept
from models.retention import purge
from models.signups.history import Event
from models.signups.signup import Signup
from tests.support.service import ADA, Service

# A new column that erasure must not clear belongs here, and into docs/limits.md.
KEPT = {
    Signup: {
        *("id", "key", "generation", "state", "state_before_removal"),
        *("asked_at", "confirmed_at", "announced_at", "reminded_at", "welcomed_at"),
        *("disputed_at", "dispute_told_at"),
        *("decided_at", "decided_by", "reviewer_id", "undo_until", "told"),
    },
    Event: {"id", "signup", "at", "kind", "by"},
}


def test_the_columns_that_survive_erasure_are_these() -> None:
    for model, names in KEPT.items():
        assert {field.name for field in model._meta.sorted_fields if is_kept(field)} == names


def test_every_other_column_can_be_cleared() -> None:
    for model in KEPT:
        assert all(field.null for field in erased_values(model))


def test_a_purge_after_keep_days_clears_every_other_column(
    service: Service, later: Callable[[timedelta], None]
) -> None:
    service.visitor().apply()
    with service.app.app_context():
        signup = Signup.get(Signup.email == ADA)
        signup.change_state("active", "waiting", decided_at=signup.confirmed_at)
        fill = dict.fromkeys(erased_values(Signup), 1)
        Signup.update(fill).execute()
        later(timedelta(days=366))
        assert purge(timedelta(days=365), timedelta(days=2)) == 1

        rows: Any = Signup.select(*erased_values(Signup)).tuples()
        assert all(value is None for row in rows for value in row)
        events: Any = Event.select(*erased_values(Event)).tuples()
        assert all(value is None for row in events for value in row)

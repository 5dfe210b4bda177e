"""The queue: who waits, how the others stand, and what helps to decide."""

import statistics
from collections import Counter
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from peewee import fn

from models.ledger.database import MAX_ID
from models.signups.signup import WAITING_ROWS, WHO, Signup, State

# The last decisions tell how long one takes; fewer than this tell nothing.
SAMPLE = 20
FEWEST = 3


@dataclass
class Outcomes:
    """How often others applied from the same address, and from the same domain, and how that
    ended: numbers by state."""

    email: Counter[State] = field(default_factory=Counter)
    domain: Counter[State] = field(default_factory=Counter)


def page(state: str, text: str, number: int, size: int) -> tuple[list[Signup], int]:
    """The signups of a state whose name or address contains `text`, a page of them, and how
    many there are in all; those who wait in the order in which they confirmed, the others
    newest first."""
    waiting = state == State.WAITING
    query = Signup.select().where(WAITING_ROWS if waiting else Signup.state == state)
    query = query.order_by(Signup.confirmed_at if waiting else Signup.id.desc())
    number = min(number, MAX_ID // size)
    if not text:
        return list(query.paginate(number, size)), query.count()
    # No index finds a part of a word, but one can be read through quickly: it has no gaps.
    found: Any = query.select(Signup.id).where(WHO > "", WHO.contains(text.lower()))
    ids = [number for (number,) in found.tuples()]
    shown = ids[(number - 1) * size : number * size]
    return sorted(Signup.select().where(Signup.id.in_(shown)), key=_place_in(shown)), len(ids)


def outcomes(signups: Sequence[Signup], common: Set[str]) -> dict[int, Outcomes]:
    """What is known of other signups from the same addresses and domains, by the id of each of
    `signups`; domains that are `common` tell nothing."""
    emails = {signup.email for signup in signups if signup.email}
    domains = {signup.domain for signup in signups if signup.domain} - set(common)
    same_address = _count(Signup.email, emails)
    same_domain = _count(Signup.domain, domains)
    return {
        signup.id: Outcomes(
            _without(same_address.get(signup.email or "", Counter()), signup),
            _without(same_domain.get(signup.domain or "", Counter()), signup),
        )
        for signup in signups
    }


def typical_wait() -> timedelta | None:
    """How long the last decisions took: their median, or None where there are too few."""
    decided = [*_last(State.ACTIVE), *_last(State.DECLINED)]
    last = sorted(decided, key=lambda signup: signup.decided_at)[-SAMPLE:]
    took = [(each.decided_at - each.confirmed_at).total_seconds() for each in last]
    return timedelta(seconds=statistics.median(took)) if len(took) >= FEWEST else None


def _last(state: State) -> list[Signup]:
    """The newest decisions that ended in `state`, as an index of states finds them."""
    mine = Signup.state == state, Signup.decided_at.is_null(False)
    found = Signup.select().where(*mine, Signup.confirmed_at.is_null(False))
    return list(found.order_by(Signup.decided_at.desc()).limit(SAMPLE))


def _place_in(ids: list[int]) -> Callable[[Signup], int]:
    return lambda signup: ids.index(signup.id)


def _count(column: Any, values: Set[str]) -> dict[str, Counter[State]]:
    found: dict[str, Counter[State]] = {}
    grouped: Any = Signup.select(column, Signup.state, fn.COUNT(Signup.id)).where(
        column.in_(values)
    )
    for value, state, number in grouped.group_by(column, Signup.state).tuples():
        found.setdefault(value, Counter())[State(state)] = number
    return found


def _without(counted: Counter[State], signup: Signup) -> Counter[State]:
    others = counted.copy()
    others[State(signup.state)] -= 1
    return +others

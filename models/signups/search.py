"""Find signups for reviewers, and what helps to decide about them."""

import statistics
from collections import Counter
from collections.abc import Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import Any

from peewee import fn

from models.emails import comparable
from models.ledger.database import MAX_ID
from models.signups import panel_changes
from models.signups.signup import SEARCH_TEXT, WAITING_ROWS, Signup, State, cannot_be_reconciled
from models.strapi import StrapiClient, StrapiUnavailable

# The typical wait is the median of the last decisions. Fewer than the minimum tell nothing.
MAX_DECISIONS = 20
MIN_DECISIONS = 3
# Other signups of a mailbox that are named.
MAX_EARLIER = 5


@dataclass
class Outcomes:
    """How many other signups of the same mailbox, and of the same domain, ended in each state.

    `earlier` are the newest of the mailbox that a reviewer can open.
    """

    mailbox: Counter[State] = field(default_factory=Counter)
    domain: Counter[State] = field(default_factory=Counter)
    earlier: list[Signup] = field(default_factory=list)


def page(state: str, text: str, number: int, size: int) -> tuple[list[Signup], int]:
    """Return page `number` of the signups in a state, and how many there are.

    `text` is a part of the name or email, or empty. Waiting signups are sorted by the time of
    confirmation, all others newest first.
    """
    waiting = state == State.WAITING
    query = Signup.select().where(WAITING_ROWS if waiting else Signup.state == state)
    query = query.order_by(Signup.confirmed_at if waiting else Signup.id.desc())
    number = min(number, MAX_ID // size)
    if not text:
        return list(query.paginate(number, size)), query.count()
    # The index on the search text is read from end to end: no index finds a part of a word.
    matching: Any = query.select(Signup.id).where(_has_text(text))
    ids = [found for (found,) in matching.tuples()]
    shown = ids[(number - 1) * size : number * size]
    signups = Signup.select().where(Signup.id.in_(shown))
    return sorted(signups, key=lambda signup: shown.index(signup.id)), len(ids)


def by_email(email: str, strapi: StrapiClient) -> Signup | None:
    """Return the signup of the account that has this email in Strapi, else of who applied with it.

    Records the account's new email, if it has one.
    """
    with suppress(StrapiUnavailable):
        for row in strapi.read(lambda admin_users: admin_users.by_email(comparable(email))):
            signup = Signup.by_strapi_id(row.id)
            if signup and row.belongs_to(signup.identity):
                panel_changes.follow_email(signup, row)
                return signup
    return Signup.current(comparable(email), timedelta.max)


def newest(email: str) -> Signup | None:
    """Return the newest signup of this email, also one that was withdrawn or removed."""
    found = Signup.select().where(Signup.has_email(comparable(email))).order_by(Signup.id.desc())
    signup: Signup | None = found.first()
    return signup


def outcomes(signups: Sequence[Signup], common: Set[str]) -> dict[int, Outcomes]:
    """Return the outcomes of other signups of the same mailbox and domain, by signup id.

    `common` domains tell nothing and are left out.
    """
    mailboxes = {signup.mailbox for signup in signups if signup.mailbox}
    domains = {signup.domain for signup in signups if signup.domain} - set(common)
    by_mailbox = _count(Signup.mailbox, mailboxes)
    by_domain = _count(Signup.domain, domains)
    return {
        signup.id: Outcomes(
            _without(by_mailbox.get(signup.mailbox or "", Counter()), signup),
            _without(by_domain.get(signup.domain or "", Counter()), signup),
            _others(signup),
        )
        for signup in signups
    }


def not_reconciled() -> Any:
    """Return the query of the signups whose row cannot be brought in line with them, for now."""
    return Signup.select().where(cannot_be_reconciled())


def typical_wait() -> timedelta | None:
    """Return how long the last decisions took (their median), or None when there are too few."""
    decided = [*_last_decided(State.ACTIVE), *_last_decided(State.DECLINED)]
    last = sorted(decided, key=lambda signup: signup.decided_at)[-MAX_DECISIONS:]
    seconds = [(each.decided_at - each.confirmed_at).total_seconds() for each in last]
    enough = len(seconds) >= MIN_DECISIONS
    return timedelta(seconds=statistics.median(seconds)) if enough else None


def _has_text(text: str) -> Any:
    """The condition of signups with this text in the name, or in the email as it is or was.

    A domain is found in each of its forms.
    """
    terms = {text.lower(), comparable(text) or text.lower()}
    found = reduce(or_, (SEARCH_TEXT.contains(term) for term in terms))
    earlier: Any = Signup.select(Signup.id).where(Signup.confirmed_email > "")
    had = reduce(or_, (Signup.confirmed_email.contains(term) for term in terms))
    # Where there is an earlier email, there is a search text. Its index is read for all.
    return (SEARCH_TEXT > "") & (found | Signup.id.in_(earlier.where(had)))


def _last_decided(state: State) -> list[Signup]:
    decided = Signup.state == state, Signup.decided_at.is_null(False)
    found = Signup.select().where(*decided, Signup.confirmed_at.is_null(False))
    return list(found.order_by(Signup.decided_at.desc()).limit(MAX_DECISIONS))


def _count(column: Any, values: Set[str]) -> dict[str, Counter[State]]:
    found: dict[str, Counter[State]] = {}
    columns = column, Signup.state, fn.COUNT(Signup.id)
    query: Any = Signup.select(*columns).where(column.in_(values))
    for value, state, count in query.group_by(column, Signup.state).tuples():
        found.setdefault(value, Counter())[State(state)] = count
    return found


def _others(signup: Signup) -> list[Signup]:
    if signup.mailbox is None:
        return []
    same = Signup.mailbox == signup.mailbox, Signup.state != State.ASKED, Signup.id != signup.id
    return list(Signup.select().where(*same).order_by(Signup.id.desc()).limit(MAX_EARLIER))


def _without(counted: Counter[State], signup: Signup) -> Counter[State]:
    others = counted.copy()
    others[State(signup.state)] -= 1
    return +others

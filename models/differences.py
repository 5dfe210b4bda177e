"""Differences: which signups Strapi's rows no longer agree with, found without making an object
of each, and without a look at those that nobody has touched."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from peewee import fn

from models.ledger.database import database
from models.signups.signup import Signup, State
from models.strapi import (
    SPAN,
    Census,
    Fingerprint,
    Standing,
    StrapiClient,
    census,
    span_of,
    standings,
)
from models.timestamps import EPOCH, now

# States in which a signup's row may stay as it is.
SETTLED = (State.WAITING, State.ACTIVE, State.DEACTIVATED, State.DECLINED)
# Strapi notes when it saves a row; whoever writes into its tables by hand may not, and shows in no
# census. So everybody is compared once in so long, if Strapi's database was written.
EVERYBODY = timedelta(minutes=10)


def watched() -> Any:
    """The condition of signups that Strapi's panel can still change, whose row must still go, or
    whose row may come back with a backup."""
    past = Signup.state.not_in((State.ASKED, State.STOPPED))
    return past & Signup.strapi_id.is_null(False) & Signup.email.is_null(False)


@dataclass(frozen=True)
class Look:
    """What was seen of Strapi's rows at one time, and the spans of them to compare: those that
    look otherwise than the last time, or, now and then, `everybody`."""

    mark: Fingerprint | None
    census: Census
    spans: set[int]
    everybody: bool


class Differences:
    """Remembers how Strapi's rows looked the last time, and finds out which look otherwise."""

    def __init__(self, strapi: StrapiClient) -> None:
        """Know nothing yet: the first look is at everybody."""
        self._strapi = strapi
        self._last = Look(None, {}, set(), everybody=False)
        self._everybody_seen: Fingerprint | None = None
        self._everybody_at = EPOCH

    def are_due(self, mark: Fingerprint | None) -> bool:
        """Whether to compare everybody again: the database was written since the last time, and
        that is long ago."""
        written = mark is None or mark != self._everybody_seen
        return written and now() - self._everybody_at > EVERYBODY

    def look(self, mark: Fingerprint | None) -> Look:
        """Count everybody, when the database looks so from outside: what changes afterwards will
        differ at the next look. Raises StrapiUnavailable."""
        counted, last = self._strapi.read(census), self._last
        replaced = (mark and mark.file) != (last.mark and last.mark.file)
        if replaced or self.are_due(mark):
            return Look(mark, counted, set(_watched_spans()) | set(counted), everybody=True)
        spans = counted.keys() | last.census.keys()
        changed = {first for first in spans if counted.get(first) != last.census.get(first)}
        return Look(mark, counted, changed, everybody=False)

    def dealt_with(self, look: Look) -> None:
        """Remember what was seen, now that the ledger says the same."""
        self._last = look
        if look.everybody:
            self._everybody_seen = look.mark and look.mark.stable
            self._everybody_at = now()


def differing(strapi: StrapiClient, span: int) -> tuple[list[Signup], dict[int, str]]:
    """The watched signups whose row in this span is not what the ledger says of it, and by their
    ids the addresses of strangers, whose rows are nobody's here. Raises StrapiUnavailable."""
    expected = _expected(span)
    found = strapi.read(lambda admin_users: standings(admin_users, span))
    numbers, ours = [], set()
    for number, strapi_id, state, standing in expected:
        row = found.get(strapi_id)
        if not _agree(state, standing, row):
            numbers.append(number)
        if row and row.email == standing.email and state != State.REMOVED:
            ours.add(strapi_id)
    others = ((number, row.email) for number, row in found.items() if number not in ours)
    strangers = {number: email for number, email in others if email}
    return list(Signup.select().where(Signup.id.in_(numbers))), strangers


def _expected(span: int) -> list[tuple[int, int, str, Standing]]:
    facts = Signup.id, Signup.strapi_id, Signup.email, Signup.strapi_created_at, Signup.state
    within = Signup.strapi_id.between(span, span + SPAN - 1)
    # Peewee would take longer over so many rows than all the rest does.
    rows = database.execute(Signup.select(*facts).where(watched(), within)).fetchall()
    instant = Signup.strapi_created_at.python_value
    return [
        (
            number,
            strapi_id,
            state,
            Standing(email, instant(strapi_created_at), state == State.ACTIVE),
        )
        for number, strapi_id, email, strapi_created_at, state in rows
    ]


def _agree(state: str, expected: Standing, found: Standing | None) -> bool:
    return found == expected if state in SETTLED else found is None and state == State.REMOVED


def _watched_spans() -> Iterator[int]:
    later: Any = Signup.select(fn.MIN(Signup.strapi_id)).where(watched())
    found = later.scalar()
    while found is not None:
        first = span_of(found)
        yield first
        found = later.where(Signup.strapi_id >= first + SPAN).scalar()

"""Settling: the ledger knows what is undecided, Strapi's rows say how it stands.

One path for every cause: a confirmation that a crash cut short, an activation or deletion in
Strapi's own panel, a decision noted but not carried out. Safe to run twice, or by two at once.
"""

import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from models.deciding import carry_out
from models.instant import now
from models.ledger import database
from models.outbox import Letter
from models.signups import Signup, State
from models.strapi import Administrator, Altered, Gone, Strapi

log = logging.getLogger(__name__)

# A reviewer hears of new signups at most this often.
NOTICE_PAUSE = timedelta(minutes=15)
# A file system stamps writes with the tick of a clock: a file written this lately, in
# nanoseconds, may be written once more without looking any newer.
TICK = 1_000_000_000


class Settler:
    """Settles the signups of one Strapi, and remembers the state of the file it saw last."""

    def __init__(self, strapi: Strapi, reviewers: Sequence[str] = ()) -> None:
        """Settle for `strapi`; `reviewers` are told of new signups instead of its super admins."""
        self.strapi = strapi
        self.reviewers = reviewers
        self._seen: tuple[int, ...] | None = None

    def settle_changes(self) -> None:
        """Settle if Strapi's file has changed since, or if a decision waits to be carried out:
        the file is touched rarely. Raises StrapiUnavailable."""
        if self.strapi.mark() != self._seen or _owed().exists():
            self.settle()

    def settle(self) -> None:
        """Bring the ledger in line with Strapi, carry out what was decided, and owe the
        letters that follow. Raises StrapiUnavailable."""
        mark = self.strapi.mark()
        self._finish_confirmations()
        self._follow_strapi()
        self._announce()
        fresh = time.time_ns() - max(mark) < TICK
        self._seen = None if fresh else mark

    def _finish_confirmations(self) -> None:
        intended = Signup.state == State.ASKED, Signup.born_at.is_null(False)
        signups = list(Signup.select().where(*intended))
        identities = [signup.identity for signup in signups]
        rows = self.strapi.read(lambda people: people.all_of(identities)) if signups else []
        for signup, row in zip(signups, rows, strict=True):
            if row is not None:
                signup.admitted(row)

    def _follow_strapi(self) -> None:
        signups = list(_watched())
        ids = [signup.strapi_id for signup in signups if signup.strapi_id]
        rows = self.strapi.read(lambda people: people.by_id(ids)) if ids else {}
        for signup in signups:
            row = rows.get(signup.strapi_id)
            self._compare(signup, row if row and row.belongs_to(signup.identity) else None)

    def _compare(self, signup: Signup, row: Administrator | None) -> None:
        if signup.state == State.STOPPED:
            self._remove(signup, row)
            signup.erase()
        elif row is None:
            self._lost(signup)
        elif row.is_active and signup.state != State.ACTIVE:
            signup.activated(signup.decided_by if signup.state == State.ACTIVATING else None)
        elif signup.state == State.WITHDRAWN:
            self._remove(signup, row)
        elif signup.state == State.ACTIVATING:
            self._carry_out(signup)

    def _carry_out(self, signup: Signup) -> None:
        try:
            carry_out(signup, self.strapi)
        except (Gone, Altered) as error:
            signup.turn(State.WAITING, State.ACTIVATING, decided_by=None, decided_at=None)
            log.warning("signup %s could not be activated: %s", signup.id, error)

    def _remove(self, signup: Signup, row: Administrator | None) -> None:
        try:
            if row is not None:
                self.strapi.write(lambda people: people.remove(signup.identity))
        except (Gone, Altered) as error:
            # A super admin was quicker: the row is gone, or the person was taken on.
            log.warning("the row of signup %s is left to Strapi: %s", signup.id, error)
        signup.turn(signup.state, signup.state, strapi_id=None)

    def _lost(self, signup: Signup) -> None:
        if signup.state in (State.DECLINED, State.WITHDRAWN):
            signup.turn(signup.state, signup.state, strapi_id=None)
        else:
            signup.removed()

    def _announce(self) -> None:
        new = Signup.state == State.WAITING, Signup.announced_at.is_null()
        if not Signup.select().where(*new).exists():
            return
        reviewers = self.reviewers or [
            admin.email or "" for admin in self.strapi.read(lambda people: people.super_admins())
        ]
        if not reviewers:
            return
        with database.atomic():
            Signup.update(announced_at=now()).where(*new).execute()
            for reviewer in reviewers:
                Letter.owe_notice("waiting", reviewer, NOTICE_PAUSE)


def _watched() -> Any:
    """Signups that Strapi's panel can still change, or whose row must still go."""
    rows = State.WAITING, State.ACTIVATING, State.ACTIVE, State.DECLINED, State.WITHDRAWN
    in_strapi = Signup.state.in_(rows) & Signup.strapi_id.is_null(False)
    stopped = Signup.state == State.STOPPED
    return Signup.select().where(in_strapi | stopped, Signup.email.is_null(False))


def _owed() -> Any:
    """Signups whose decision was noted and must still be carried out in Strapi."""
    noted = Signup.state.in_((State.ACTIVATING, State.STOPPED))
    withdrawn = (Signup.state == State.WITHDRAWN) & Signup.strapi_id.is_null(False)
    return Signup.select().where(noted | withdrawn, Signup.email.is_null(False))

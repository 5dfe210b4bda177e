"""Settling: the ledger knows what is undecided, Strapi's rows say how it stands.

One path for every cause: a confirmation that a crash cut short, an activation or deletion in
Strapi's own panel, a decision noted but not carried out. Safe to run twice, or by two at once.
"""

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

from models.differences import Differences, differing, watched
from models.ledger.database import database
from models.log_events import LogEvent
from models.reviewers import notices
from models.signups import panel_changes
from models.signups.confirm import mark_confirmed
from models.signups.decide import carry_out
from models.signups.history import AUTHOR, Actor
from models.signups.signup import IN_PROGRESS, Signup, State
from models.strapi import (
    AdminUser,
    Fingerprint,
    RowChanged,
    RowGone,
    StrapiClient,
    duplicated,
    sharing,
)
from models.timestamps import now

log = logging.getLogger(__name__)

# Of more strangers, it is not asked whose addresses they share, but who shares any.
FEW = 500


class Reconciler:
    """Settles the signups of one Strapi, and remembers how its file and its administrators looked
    the last time."""

    def __init__(
        self, strapi: StrapiClient, reviewers: Sequence[str], keep_decided: timedelta
    ) -> None:
        """Settle for `strapi`. `reviewers`, if any, are told of new signups instead of its super
        admins; the row of a declined author is removed after `keep_decided`."""
        self.strapi = strapi
        self.reviewers = reviewers
        self.keep_decided = keep_decided
        self._seen: Fingerprint | None = None
        self._differences = Differences(strapi)
        # The signups whose address somebody else in Strapi has, too, as far as it was told.
        self.duplicated: set[int] = set()

    def run_if_changed(self) -> None:
        """Settle if Strapi's file has changed since, or if a decision waits to be carried out:
        the file is touched rarely. Raises StrapiUnavailable."""
        with database.try_lock("settling") as mine:
            if mine and self._changes():
                self.settle()
            if mine:
                notices.remind(self._reviewers)

    def settle(self) -> None:
        """Bring the ledger in line with Strapi, carry out what was decided, and owe the
        letters that follow. Raises StrapiUnavailable."""
        mark = self.strapi.fingerprint()
        self._finish_confirmations()
        self._follow_strapi(mark)
        self._erase_stopped()
        notices.announce(self._reviewers)
        self._seen = mark and mark.stable

    def _changes(self) -> bool:
        mark = self.strapi.fingerprint()
        written = mark is None or mark != self._seen or self._differences.are_due(mark)
        return written or bool(_owed(self.keep_decided).exists())

    def _finish_confirmations(self) -> None:
        intended = Signup.state == State.ASKED, Signup.strapi_created_at.is_null(False)
        signups = list(Signup.select().where(*intended))
        identities = [signup.identity for signup in signups]
        rows = (
            self.strapi.read(lambda admin_users: admin_users.find_all(identities))
            if signups
            else []
        )
        for signup, row in zip(signups, rows, strict=True):
            if row is not None:
                mark_confirmed(signup, row, Actor(AUTHOR))

    def _follow_strapi(self, mark: Fingerprint | None) -> None:
        look = self._differences.look(mark)
        signups = {signup.id: signup for signup in _owed(self.keep_decided).where(watched())}
        strangers: dict[int, str] = {}
        for span in sorted(look.spans):
            began = time.thread_time()
            found, others = differing(self.strapi, span)
            signups |= {signup.id: signup for signup in found}
            strangers |= others if len(strangers) <= FEW else {}
            # Pages, which other threads make, have as much of Python's time.
            time.sleep(time.thread_time() - began)
        # Rows are read after their signups: what changes in between shows as a newer row.
        ids = [signup.strapi_id for signup in signups.values()]
        rows = self.strapi.read(lambda admin_users: admin_users.by_id(ids)) if ids else {}
        for signup in signups.values():
            row = rows.get(signup.strapi_id)
            self._compare(signup, row if row and row.belongs_to(signup.identity) else None)
        if look.spans:
            self._alarm(strangers)
        self._differences.dealt_with(look)

    def _alarm(self, strangers: dict[int, str]) -> None:
        """Tell once of addresses that Strapi gave to somebody else at the instant of ours."""
        if not self.duplicated and not strangers:
            return
        few = not self.duplicated and len(strangers) <= FEW
        look = partial(sharing, strangers=strangers) if few else duplicated
        shared = self.strapi.read(look)
        signups = list(Signup.select().where(watched(), Signup.email.in_(shared)))
        for number in {signup.id for signup in signups} - self.duplicated:
            problem = "Strapi has another account of this address: delete one in its panel"
            fields = {"signup": number, "error": problem}
            log.error(LogEvent.EMAIL_DUPLICATED_IN_STRAPI, extra=fields)
        self.duplicated = {signup.id for signup in signups}

    def _compare(self, signup: Signup, row: AdminUser | None) -> None:
        if row is None:
            self._lost(signup)
        elif signup.state == State.REMOVED:
            panel_changes.returned(signup)
        elif signup.state in IN_PROGRESS:
            self._carry_out(signup)
        elif row.is_active and signup.state != State.ACTIVE:
            panel_changes.activated(signup)
        elif not row.is_active and signup.state == State.ACTIVE:
            panel_changes.deactivated(signup)
        elif signup.state == State.WITHDRAWN or _outlived(signup, self.keep_decided):
            self._remove(signup)

    def _carry_out(self, signup: Signup) -> None:
        try:
            carry_out(signup, self.strapi)
        except (RowGone, RowChanged) as error:
            problem = str(error) or "the row is gone"
            log.warning(LogEvent.DECISION_FAILED, extra={"signup": signup.id, "error": problem})

    def _remove(self, signup: Signup) -> None:
        try:
            with suppress(RowGone):
                self.strapi.write(
                    lambda admin_users: admin_users.remove(signup.identity), signup.email or ""
                )
        except RowChanged as error:
            # A super admin has taken this person on in the meantime.
            fields = {"signup": signup.id, "error": str(error)}
            log.warning(LogEvent.ROW_KEPT_IN_STRAPI, extra=fields)
        signup.change_state(signup.state, signup.state, strapi_id=None)

    def _lost(self, signup: Signup) -> None:
        if signup.state in (State.DECLINED, State.WITHDRAWN):
            signup.change_state(signup.state, signup.state, strapi_id=None)
        else:
            panel_changes.removed(signup)

    def _erase_stopped(self) -> None:
        stopped = Signup.state == State.STOPPED, Signup.email.is_null(False)
        for signup in list(Signup.select().where(*stopped)):
            # Without a birth, nothing of it was ever written into Strapi.
            if signup.strapi_created_at is not None:
                self._remove(signup)
            signup.erase()

    def _reviewers(self) -> list[str]:
        supers = self.strapi.read(lambda admin_users: admin_users.super_admins())
        return list(self.reviewers) or [admin.email or "" for admin in supers]


def _outlived(signup: Signup, keep_decided: timedelta) -> bool:
    """Whether a declined author's row has been kept for long enough."""
    return signup.state == State.DECLINED and signup.decided_at < now() - keep_decided


def _owed(keep_decided: timedelta) -> Any:
    """Signups whose decision was noted and must still be carried out in Strapi."""
    noted = Signup.state.in_((*IN_PROGRESS, State.STOPPED))
    withdrawn = Signup.state == State.WITHDRAWN
    outlived = (Signup.state == State.DECLINED) & (Signup.decided_at < now() - keep_decided)
    rows = (withdrawn | outlived) & Signup.strapi_id.is_null(False)
    return Signup.select().where(noted | rows, Signup.email.is_null(False))

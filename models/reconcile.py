"""Reconcile the ledger with Strapi's rows.

Strapi's rows say whether an author exists and is active. The ledger says what else must be done: a
confirmation to complete after a crash, a decision to carry out, a row to delete. One comparison
serves all of these. Running it twice, or in two instances at once, does no harm.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

from peewee import chunked

from models.comparison import differing_signups
from models.ledger.database import LedgerUnavailable
from models.ledger.leases import lease
from models.log_events import LogEvent
from models.reviewers import notices
from models.signups import disputes, panel_changes, pending, search
from models.signups.carry_out import ReviewerGone, carry_out
from models.signups.confirm import record_confirmed
from models.signups.history import AUTHOR, Actor
from models.signups.signup import IN_PROGRESS, Signup, State, watched
from models.strapi import (
    AdminUser,
    AdminUsers,
    Fingerprint,
    RowActive,
    RowChanged,
    RowGone,
    StrapiBusy,
    StrapiClient,
    StrapiUnavailable,
    row_states,
)
from models.strapi.row_states import Totals
from models.timestamps import EPOCH, now

log = logging.getLogger(__name__)

# Stored: the name of the lease that lets one instance reconcile.
LEASE = "settling"
# A server tells by numbers whether its rows changed. An UPDATE by hand may leave them the same, so
# all rows of a server are compared this often in any case.
FULL_COMPARISON = timedelta(minutes=10)


class Reconciler:
    """Reconciles the signups of one Strapi, when its database has changed."""

    def __init__(
        self, strapi: StrapiClient, reviewers: Sequence[str], keep_decided: timedelta
    ) -> None:
        """Prepare to reconcile with `strapi`.

        `reviewers` are the emails that hear of new signups, instead of all super admins. The row
        of a declined author is deleted after `keep_decided`.
        """
        self.strapi = strapi
        self.reviewers = reviewers
        self.keep_decided = keep_decided
        # The ids of signups whose email another admin user has, too.
        self.duplicated: set[int] = set()
        # What Strapi's database looked like when it was last compared, and when that was.
        self._compared: Fingerprint | Totals | None = None
        self._compared_at = EPOCH

    def run_if_changed(self) -> None:
        """Reconcile when Strapi's database has changed or a recorded decision is not carried out.

        Leaves the work to another instance that reconciles now. Also queues emails to reviewers.

        Raises: StrapiUnavailable.
        """
        if self._has_work():
            with lease(LEASE) as mine:
                if mine:
                    self.run()
        notices.announce(self.reviewer_emails)
        notices.remind(self.reviewer_emails)
        notices.warn(self.reviewer_emails)

    def run(self) -> None:
        """Bring the ledger in line with Strapi, and Strapi in line with recorded decisions.

        1. Complete confirmations that a crash cut off between the two databases.
        2. Compare each watched signup with its row, and record or carry out what differs.
        3. Find emails that two admin users have.
        4. Delete the rows of people who said "this wasn't me", and erase them.

        Raises: StrapiUnavailable.
        """
        state = self._database_state()
        for step in (
            self._complete_confirmations,
            self._reconcile_rows,
            self._find_duplicates,
            self._erase_stopped,
        ):
            self._try_step(step)
        # Changes that came after step 1 show in the next state.
        self._compared = state.stable
        self._compared_at = now()

    def _has_work(self) -> bool:
        state = self._database_state()
        if state != self._compared or pending.new_work(self.keep_decided).exists():
            return True
        # A server may have changes that its numbers do not show. Failed signups are tried again.
        due = now() - self._compared_at > FULL_COMPARISON
        return due and (not isinstance(state, Fingerprint) or search.not_reconciled().exists())

    def _try_step(self, step: Callable[[], None]) -> None:
        """Run a step. Log an unexpected error, and go on with the next step."""
        try:
            step()
        except (StrapiUnavailable, *LedgerUnavailable):
            raise
        except Exception:
            log.exception(LogEvent.RECONCILE_FAILED)

    def _try_signup(self, signup: Signup, work: Callable[[], object]) -> None:
        """Run `work` for one signup. If it fails, store the error with the signup, and go on.

        Raises: StrapiUnavailable, LedgerUnavailable when a database cannot be used at all.
        """
        try:
            work()
        except Exception as error:
            if isinstance(error, StrapiBusy) and self.strapi.fingerprint():
                # An SQLite file is locked as a whole, so the signup is not at fault.
                raise
            # This raises when Strapi's database cannot be read at all: not the signup's fault.
            self.strapi.read(AdminUsers.any_exist)
            known = isinstance(error, StrapiUnavailable)
            reason = str(error)[:255] if known else type(error).__name__
            if signup.reload().reconcile_error != reason:
                facts = {"signup": signup.id, "error": reason}
                log.warning(LogEvent.SIGNUP_NOT_RECONCILED, extra=facts)
                signup.update_unless_changed(reconcile_error=reason)
        else:
            if signup.reconcile_error is not None:
                signup.update_unless_changed(reconcile_error=None)

    def _database_state(self) -> Fingerprint | Totals:
        """Return something that changes when Strapi's admin users do."""
        return self.strapi.fingerprint() or self.strapi.read(row_states.totals)

    def _complete_confirmations(self) -> None:
        intended = Signup.state == State.ASKED, Signup.strapi_created_at.is_null(False)
        signups = list(Signup.select().where(*intended))
        if not signups:
            return
        identities = [signup.identity for signup in signups]
        rows = self.strapi.read(lambda admin_users: admin_users.find_all(identities))
        for signup, row in zip(signups, rows, strict=True):
            if row is not None:
                confirmed = partial(record_confirmed, signup, row, Actor(AUTHOR))
                self._try_signup(signup, confirmed)

    def _reconcile_rows(self) -> None:
        due: Any = Signup.select(Signup.id).where(watched(), pending.is_pending(self.keep_decided))
        ids = {number for (number,) in due.tuples()} | set(differing_signups(self.strapi))
        ids |= {signup.id for signup in search.not_reconciled() if signup.strapi_id}
        for some in chunked(sorted(ids), 500):
            signups = list(Signup.select().where(Signup.id.in_(some)).order_by(Signup.id))
            strapi_ids = [signup.strapi_id or 0 for signup in signups]
            # The rows are read after the signups: a change in between shows as a newer row.
            rows = self.strapi.read(partial(AdminUsers.by_id, ids=strapi_ids))
            for signup in signups:
                row = rows.get(signup.strapi_id or 0)
                ours = row if row and row.belongs_to(signup.identity) else None
                self._try_signup(signup, partial(self._reconcile, signup, ours))

    def _reconcile(self, signup: Signup, row: AdminUser | None) -> None:
        panel_changes.follow_email(signup, row)
        if row is None:
            panel_changes.record_removed(signup)
        elif signup.state == State.REMOVED:
            panel_changes.record_returned(signup)
        elif signup.state in IN_PROGRESS:
            self._carry_out(signup)
        elif row.is_active and signup.state != State.ACTIVE:
            panel_changes.record_activated(signup)
        elif not row.is_active and signup.state == State.ACTIVE:
            panel_changes.record_deactivated(signup)
        elif signup.state == State.WITHDRAWN or pending.is_outdated(signup, self.keep_decided):
            self._delete_row(signup)
        disputes.apply(signup)

    def _carry_out(self, signup: Signup) -> None:
        try:
            carry_out(signup, self.strapi)
        except (RowGone, RowChanged, ReviewerGone) as error:
            reason = str(error) or "the row is gone"
            log.warning(LogEvent.DECISION_FAILED, extra={"signup": signup.id, "error": reason})

    def _delete_row(self, signup: Signup) -> bool:
        """Delete the row, and return False if a super admin has just activated it."""
        try:
            with suppress(RowGone):
                self.strapi.write(lambda users: users.remove(signup.identity), signup.email or "")
        except RowActive:
            return False
        except RowChanged as error:
            # A super admin has changed the account in the meantime.
            facts = {"signup": signup.id, "error": str(error)}
            log.warning(LogEvent.ROW_KEPT_IN_STRAPI, extra=facts)
        return signup.update_unless_changed(strapi_id=None)

    def _find_duplicates(self) -> None:
        emails = self.strapi.read(row_states.duplicated_emails)
        found: Any = Signup.select(Signup.id).where(watched(), Signup.email.in_(emails))
        duplicated = {number for (number,) in found.tuples()} if emails else set()
        for number in duplicated - self.duplicated:
            advice = "Strapi has another account of this email: delete one in its panel"
            facts = {"signup": number, "error": advice}
            log.error(LogEvent.EMAIL_DUPLICATED_IN_STRAPI, extra=facts)
        self.duplicated = duplicated

    def _erase_stopped(self) -> None:
        stopped = Signup.state == State.STOPPED, Signup.email.is_null(False)
        for signup in list(Signup.select().where(*stopped)):
            self._try_signup(signup, partial(self._erase, signup))

    def _erase(self, signup: Signup) -> None:
        # Without this time, nothing was ever written to Strapi.
        if signup.strapi_created_at is not None:
            [row] = self.strapi.read(lambda users: users.find_all([signup.identity]))
            if row is not None and row.is_active:
                disputes.reopen(signup, row)
                return
            if not self._delete_row(signup):
                return
        signup.erase()

    def reviewer_emails(self) -> list[str]:
        """Return who hears of new signups and disputes. Raises: StrapiUnavailable."""
        if self.reviewers:
            return list(self.reviewers)
        return [each.email or "" for each in self.strapi.read(AdminUsers.super_admins)]

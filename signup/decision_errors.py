"""How the review pages, the API and the commands report a decision that was not carried out."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from models.log_events import LogEvent
from models.signups.carry_out import ReviewerGone
from models.signups.decide import AlreadyDecided, Postponed, TooLateToUndo
from models.signups.signup import Signup
from models.strapi import RowChanged, RowGone, StrapiClient
from signup.databases import strapi

log = logging.getLogger(__name__)

Verb = Callable[[Signup, StrapiClient], None]


@dataclass(frozen=True)
class DecisionError:
    """The answers to one exception. `describe` fills in the braces."""

    status: HTTPStatus
    # A key of NOTICES in templates/review/_words.html, and the reason in the log.
    notice: str
    api_detail: str
    command_message: str


DECISION_ERRORS: dict[type[Exception], DecisionError] = {
    AlreadyDecided: DecisionError(
        HTTPStatus.CONFLICT,
        notice="decided",
        api_detail="Already {state}, decided by {decided_by}.",
        command_message="already {state}, decided by {decided_by}",
    ),
    TooLateToUndo: DecisionError(
        HTTPStatus.CONFLICT,
        notice="too late",
        api_detail="There is no decision that can still be taken back.",
        command_message="there is no decision to take back any more",
    ),
    RowChanged: DecisionError(
        HTTPStatus.CONFLICT,
        notice="row changed",
        api_detail="Not decided: {error}.",
        command_message="{error}",
    ),
    ReviewerGone: DecisionError(
        HTTPStatus.CONFLICT,
        notice="reviewer gone",
        api_detail="Not decided: {error}.",
        command_message="{error}",
    ),
    Postponed: DecisionError(
        HTTPStatus.SERVICE_UNAVAILABLE,
        notice="postponed",
        api_detail="The decision is noted; Strapi's database cannot be written at this moment.",
        command_message="noted; it takes effect as soon as Strapi's database can be written",
    ),
    RowGone: DecisionError(
        HTTPStatus.NOT_FOUND,
        notice="gone",
        api_detail="The author is no longer in Strapi.",
        command_message="{email} is no longer in Strapi",
    ),
}
# For `except`.
EXCEPTIONS = tuple(DECISION_ERRORS)


def decide_and_log(signup: Signup, verb: Verb, event: LogEvent) -> None:
    """Run a function of models.signups.decide, and log `event` or the refusal.

    Raises EXCEPTIONS, StrapiUnavailable.
    """
    try:
        verb(signup, strapi())
    except Postponed:
        log.info(event, extra={"signup": signup.id, "state": signup.state, "postponed": True})
        raise
    except EXCEPTIONS as error:
        fields = {"signup": signup.id, "reason": DECISION_ERRORS[type(error)].notice}
        log.warning(LogEvent.DECISION_REFUSED, extra=fields)
        raise
    log.info(event, extra={"signup": signup.id, "state": signup.state})


def describe(template: str, signup: Signup, error: Exception) -> str:
    """Fill in the braces of `api_detail` or `command_message`."""
    return template.format(
        email=signup.email,
        state=signup.state,
        decided_by=signup.decided_by or "somebody in Strapi",
        error=error,
    )

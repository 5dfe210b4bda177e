"""The kinds of emails that the outbox holds."""

from enum import StrEnum


class EmailKind(StrEnum):
    """The kinds of emails. The values are stored."""

    CONFIRM = "confirm"
    RECEIVED = "received"
    WAITING = "waiting"
    ACTIVATED = "activated"
    DECLINED = "declined"
    DISPUTED = "disputed"


# All others go to the author, or to who asked for a link.
TO_REVIEWERS = (EmailKind.WAITING, EmailKind.DISPUTED)

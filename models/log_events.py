"""The events that the service logs, each declared once; docs/log-events.md says when."""

from enum import StrEnum


class LogEvent(StrEnum):
    """The `event` of a log line. Every log call uses one of these."""

    # Signups
    SIGNUP_REQUESTED = "signup requested"
    SIGNUP_REQUESTED_TOO_OFTEN = "signup requested too often"
    SIGNUP_IGNORED = "signup ignored"
    SIGNUP_FLOOD = "signup flood"
    SIGNUP_SHARE_USED_UP = "signup share used up"
    LINK_INVALID = "link invalid"
    LINK_EXPIRED = "link expired"
    LINK_REPLACED = "link replaced"
    LINK_USED_ALREADY = "link used already"
    LINK_RENEWED = "link renewed"
    LINK_RENEWED_TOO_OFTEN = "link renewed too often"
    LINK_FROM_FUTURE = "link from future"
    CONFIRMED = "confirmed"
    CONFIRMATION_POSTPONED = "confirmation postponed"
    WITHDRAWN = "withdrawn"
    EMAIL_SUPPRESSED = "email suppressed"
    ACCOUNT_DISPUTED = "account disputed"

    # Reviewers
    LOGGED_IN = "logged in"
    LOGGED_OUT = "logged out"
    LOGGED_OUT_EVERYWHERE = "logged out everywhere"
    LOGIN_REFUSED = "login refused"
    LOGIN_LIMITED = "login limited"
    PASSWORD_GUESSING = "password guessing"  # noqa: S105 (an event, no secret)
    SESSION_REFUSED = "session refused"

    # Decisions
    ACTIVATED = "activated"
    DECLINED = "declined"
    TAKEN_BACK = "taken back"
    DECISION_REFUSED = "decision refused"
    DECISION_FAILED = "decision failed"

    # Requests
    FORM_REFUSED = "form refused"
    SITE_REFUSED = "site refused"
    HOST_REFUSED = "host refused"
    RATE_LIMITED = "rate limited"
    REQUEST_FAILED = "request failed"

    # Emails
    EMAIL_SENT = "email sent"
    EMAIL_DROPPED = "email dropped"
    EMAIL_DELAYED = "email delayed"
    EMAIL_PARKED = "email parked"
    EMAIL_NOT_COMPOSED = "email not composed"
    EMAIL_SENT_AGAIN = "email sent again"
    MAIL_SERVER_REFUSES = "mail server refuses emails"
    MAIL_SERVER_UNAVAILABLE = "mail server unavailable"

    # Databases
    STRAPI_UNAVAILABLE = "strapi unavailable"
    LEDGER_UNAVAILABLE = "ledger unavailable"
    RECONCILE_POSTPONED = "reconcile postponed"
    RECONCILE_FAILED = "reconcile failed"
    SIGNUP_NOT_RECONCILED = "signup not reconciled"
    ROW_KEPT_IN_STRAPI = "row kept in strapi"
    EMAIL_DUPLICATED_IN_STRAPI = "email duplicated in strapi"

    # The service
    WORKER_FAILED = "worker failed"
    WORKER_THREAD_RESTARTED = "worker thread restarted"
    PROXY_UNKNOWN = "proxy unknown"
    SETTING_UNKNOWN = "setting unknown"
    SECRET_EXPOSED = "secret exposed"  # noqa: S105 (an event, no secret)
    STARTED = "started"
    STOPPED = "stopped"

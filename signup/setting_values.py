"""Convert the values of settings, and say what a value that is wrong must be."""

import ipaddress
import os
import re
from collections.abc import Callable
from typing import Any

from signup import branding, databases, i18n
from signup.validation import domains, mailbox, url

# Numbers that must not be 0, and upper limits: a century, a day, the highest port.
NOT_ZERO = ("LINK_MAX_AGE", "MAX_LETTERS", "MAIL_PORT", "MAIL_TIMEOUT")
MAXIMUM = {
    "KEEP_DAYS": 36500,
    "REAPPLY_DAYS": 36500,
    "UNDO_SECONDS": 86400,
    "MAIL_PORT": 65535,
    "MAIL_TIMEOUT": 600,
}
# What the documentation shows in place of a secret.
PLACEHOLDERS = ("…", "...")
# An action of Strapi, perhaps with the content type that it is about.
ACTION = re.compile(r"[a-z]+::[\w.-]+( [a-z]+::[\w.-]+)?")


def convert(name: str, default: Any, value: Any) -> Any:
    """Return the value of a setting in the type of its default; None and the default are valid.

    Raises ValueError, which says what the value must be.
    """
    value = _typed(name, default, value)
    if value is None or value == default:
        return value
    if isinstance(default, bool):
        _require(isinstance(value, bool), f"true or false, not {value!r}")
    elif isinstance(default, int):
        low, high = (1 if name in NOT_ZERO else 0), MAXIMUM.get(name, 10**9)
        fits = type(value) is int and low <= value <= high
        _require(fits, f"a whole number from {low} to {high}, not {value!r}")
    else:
        _refuse_unreadable(value)
        if find_fault := FAULT_FINDERS.get(name):
            fault = find_fault(value)
            _require(not fault, str(fault))
        if normalize := NORMALIZERS.get(name):
            return normalize(value)
    return value


def _typed(name: str, default: Any, value: Any) -> Any:
    """Return the value as a list or text, where the default is one."""
    if isinstance(default, list):
        parts = value if isinstance(value, list) else str(value or "").split(",")
        return [str(part).strip() for part in parts if str(part).strip()]
    if (default is None or isinstance(default, str)) and value is not None:
        # Reading each value as JSON turns the password 1.50 into the number 1.5.
        return value if isinstance(value, str) else os.environ.get(f"SIGNUP_{name}", str(value))
    return value


def _refuse_unreadable(value: str | list[str]) -> None:
    for text in value if isinstance(value, list) else [value]:
        _require(text.strip() not in PLACEHOLDERS, f"your own value, not the {text} of an example")
        # Python reads other bytes of the environment as surrogates.
        _require(not re.search("[\ud800-\udfff]", text), "in UTF-8")
    if isinstance(value, str):
        _require(value.isprintable(), "on one line, without control characters")


def _require(condition: bool, fault: str) -> None:
    if not condition:
        raise ValueError(fault)


def _why_fault(value: str) -> str | None:
    valid = value in ("off", "optional", "required")
    return None if valid else f"off, optional or required, not {value!r}"


def _sender_fault(value: str) -> str | None:
    try:
        mailbox.parse(value)
    except ValueError:
        return f"like 'The Magazine <post@example.com>', not {value!r}"
    return None


def _reviewers_fault(emails: list[str]) -> str | None:
    wrong = [str(place) for place, email in enumerate(emails, 1) if not mailbox.is_email(email)]
    rule = "emails like sue@example.com, with commas between them"
    return f"{rule}; this is none: number {', '.join(wrong)}" if wrong else None


def _mail_server_fault(host: str) -> str | None:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if not re.fullmatch(r"[\w.-]+", host):
            return (
                f"a host like smtp.example.com, not {host!r}: the port is SIGNUP_MAIL_PORT, and"
                " SIGNUP_MAIL_USE_TLS or _USE_SSL encrypts"
            )
    return None


def _actions_fault(actions: list[str]) -> str | None:
    wrong = [action for action in actions if not ACTION.fullmatch(action)]
    return f"actions like plugin::navigation.read, not {wrong[0]!r}" if wrong else None


def _domains(patterns: list[str]) -> list[str]:
    try:
        return [domains.normalize(pattern) for pattern in patterns]
    except ValueError as error:
        raise ValueError(f"domains like example.com or *.example.com: {error}") from error


# A function for each setting with rules of its own: it returns what the value must be, or None.
FAULT_FINDERS: dict[str, Callable[[Any], str | None]] = {
    **branding.FAULTS,
    "LANGUAGES": i18n.fault,
    "STRAPI_DATABASE": databases.url_fault,
    "LEDGER": databases.url_fault,
    "STRAPI_TIMEZONE": databases.time_zone_fault,
    "ASK_WHY": _why_fault,
    "MAIL_SERVER": _mail_server_fault,
    "MAIL_DEFAULT_SENDER": _sender_fault,
    "REVIEWERS": _reviewers_fault,
    "ALLOWED_ACTIONS": _actions_fault,
}
# A function for each setting that has one normal form. Each raises ValueError.
NORMALIZERS: dict[str, Callable[[Any], Any]] = {
    "PUBLIC_URL": url.normalize_public,
    "STRAPI_ADMIN_URL": url.normalize,
    "ALLOWED_DOMAINS": _domains,
    "BLOCKED_DOMAINS": _domains,
}

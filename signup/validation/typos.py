"""Typing errors in common email domains. We suggest a correction, and never make it ourselves."""

from itertools import takewhile

from signup.validation.domains import COMMON

# Shorter names, like gmx, web and qq, are too similar to each other.
MIN_NAME_LENGTH = 5


def suggestion(email: str) -> str | None:
    """Return the email with a common domain that differs by one typing error, or None."""
    local, _, domain = email.rpartition("@")
    if domain in COMMON:
        return None
    name, _, ending = domain.partition(".")
    for candidate in sorted(COMMON):
        common_name, _, common_ending = candidate.partition(".")
        in_name = ending == common_ending and _is_typo(name, common_name)
        in_ending = name == common_name and common_ending == "com" and _is_typo(ending, "com")
        if len(common_name) >= MIN_NAME_LENGTH and (in_name or in_ending):
            return f"{local}@{candidate}"
    return None


def _is_typo(typed: str, meant: str) -> bool:
    """Return whether one letter is missing, extra or wrong, or two letters are swapped."""
    if typed == meant:
        return False
    start = _common_prefix_length(typed, meant)
    typed, meant = typed[start:], meant[start:]
    end = _common_prefix_length(typed[::-1], meant[::-1])
    typed, meant = typed[: len(typed) - end], meant[: len(meant) - end]
    swapped = len(typed) == len(meant) == 2 and typed == meant[::-1]
    return swapped or max(len(typed), len(meant)) < 2


def _common_prefix_length(one: str, other: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))

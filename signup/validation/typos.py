"""Slips in common e-mail domains: whoever wrote name@gmial.com is asked, and never corrected."""

from itertools import takewhile

from signup.validation.domains import COMMON

# Names shorter than these are too close to each other to guess: gmx, web, qq.
LONG_ENOUGH = 5
# The domains of common mailboxes, for static/form.js, which knows the same slips.
MAILBOXES = tuple(sorted(COMMON))


def suggestion(email: str) -> str | None:
    """The address with the common domain that is one slip away from its own, if there is one."""
    local, _, domain = email.rpartition("@")
    if domain in COMMON:
        return None
    name, _, ending = domain.partition(".")
    for candidate in MAILBOXES:
        right_name, _, right_ending = candidate.partition(".")
        in_name = ending == right_ending and _is_slip(name, right_name)
        in_ending = name == right_name and right_ending == "com" and _is_slip(ending, "com")
        if len(right_name) >= LONG_ENOUGH and (in_name or in_ending):
            return f"{local}@{candidate}"
    return None


def _is_slip(typed: str, right: str) -> bool:
    """Whether one letter is missing, too many or wrong, or two are in the wrong order."""
    if typed == right:
        return False
    start = _in_common(typed, right)
    typed, right = typed[start:], right[start:]
    end = _in_common(typed[::-1], right[::-1])
    typed, right = typed[: len(typed) - end], right[: len(right) - end]
    swapped = len(typed) == len(right) == 2 and typed == right[::-1]
    return swapped or max(len(typed), len(right)) < 2


def _in_common(one: str, other: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))

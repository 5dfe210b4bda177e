"""Environment variables with the prefix of the settings that are no settings."""

import os
from collections.abc import Collection, Iterator
from difflib import get_close_matches

# A name that is at least so similar to a setting is a slip (1: equal). Kubernetes puts names like
# SIGNUP_PORT and SIGNUP_MAIL_SERVICE_HOST into the environment, which are less similar.
CLEAR_SLIP, SLIP, SIMILAR = 0.9, 0.8, 0.7


def unknown_in_environment(prefix: str, known: Collection[str]) -> Iterator[str]:
    """Yield each variable with the prefix, in any case, that is not one of the `known` names."""
    for variable in os.environ:
        if variable.upper().startswith(prefix) and variable.removeprefix(prefix) not in known:
            yield variable


def meant_by(name: str, known: Collection[str]) -> list[str]:
    """Return the settings that a wrong name probably means, or nothing. No prefixes."""
    name = name.upper()
    if clear := get_close_matches(name, known, 1, CLEAR_SLIP):
        return clear
    slip = get_close_matches(name, known, 1, SLIP)
    return get_close_matches(name, known, 2, SIMILAR) if slip else []

"""Guessing: how soon somebody who knows people, and this person, would find a password."""

import re
import threading
from collections.abc import Iterable
from typing import Any

from zxcvbn import zxcvbn

from signup.i18n import lazy_gettext

# zxcvbn's time doubles with each sign that may stand for a letter: measured, 16 characters take
# some 10 ms at most, 20 take 90, and 72 take seconds. A longer password is judged in such pieces.
PIECE = 16
# Strapi takes 5 tries in 5 minutes from one address, so whoever needs more than a million tries
# (zxcvbn's score of 2) is at it for two years. It asks for no more, because eight random
# characters, with which Strapi is content, are worth just that; but what zxcvbn can name the
# weakness of ("Summer2024") is refused up to a hundred million, where its warnings end.
ENOUGH = 2
# The shortest word that counts as one; others are in too many passwords by chance.
WORD = 4
# Of what is known, no more is looked at: an address is no longer.
LONGEST = 254
# zxcvbn changes a global dictionary while it reads it.
_one_at_a_time = threading.Lock()

# What zxcvbn's patterns are called, and how we say it.
REASONS = {
    "spatial": lazy_gettext(
        "This password is easy to guess, because it follows the keys of the keyboard."
    ),
    "repeat": lazy_gettext("This password is easy to guess, because it repeats itself."),
    "sequence": lazy_gettext(
        "This password is easy to guess, because it follows the alphabet, or counts."
    ),
    "regex": lazy_gettext("This password is easy to guess, because it contains a year."),
    "date": lazy_gettext("This password is easy to guess, because it contains a date."),
    "passwords": lazy_gettext(
        "This password is easy to guess, because many people use it, or one much like it."
    ),
    "known": lazy_gettext(
        "This password is easy to guess, because it is little more than your name, your address"
        " or this site's name."
    ),
    "": lazy_gettext("This password is easy to guess."),
}
ADVICE = lazy_gettext("Put three words together that have nothing to do with each other.")


def fault(password: str, known: Iterable[str]) -> str | None:
    """Why a password of at most 72 bytes is soon guessed by somebody to whom these words are
    `known`, and what to do; None when it is not."""
    rest = _without(known, password)
    if rest != password and _weakness(rest) is not None:
        reason: str | None = "known"
    else:
        reason = _weakness(password)
    if reason is None:
        return None
    return f"{REASONS[reason]} {ADVICE}"


def _without(known: Iterable[str], password: str) -> str:
    """What is left of a password when nobody has to guess the words that are known."""
    texts = [text[:LONGEST] for text in known]
    words = {word for text in texts for word in (text, *re.findall(r"[^\W_]+", text))}
    longest_first = sorted(words, key=len, reverse=True)
    pattern = "|".join(re.escape(word) for word in longest_first if len(word) >= WORD)
    return re.sub(pattern, "", password, flags=re.IGNORECASE) if pattern else password


def _weakness(password: str) -> str | None:
    """Which of the reasons a password is soon guessed for; None when it is not."""
    # Nothing is gained by repeating.
    unit = re.fullmatch(r"(.+?)\1+", password, re.DOTALL)
    judged = unit[1] if unit else password
    first = None
    for start in range(0, len(judged), PIECE):
        reason = _weakness_of(judged[start : start + PIECE])
        if reason is None:
            return None
        first = first or reason
    return first or ""


def _weakness_of(piece: str) -> str | None:
    with _one_at_a_time:
        found = zxcvbn(piece)
    if found["score"] >= ENOUGH and not found["feedback"]["warning"]:
        return None
    longest: dict[str, Any] = max(found["sequence"], key=lambda match: len(match["token"]))
    found_by = str(longest.get("dictionary_name", longest["pattern"]))
    return found_by if found_by in REASONS else ""

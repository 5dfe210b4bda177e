"""Password strength: refuse a password that zxcvbn guesses soon, knowing this person."""

import re
import threading
from collections.abc import Iterable
from typing import Any

from zxcvbn import zxcvbn

from signup.i18n import lazy_gettext

# Characters that zxcvbn gets at once. Its time doubles with each sign that may stand for a letter.
# Measured: 16 characters take at most 10 ms, 20 take 90 ms, and 72 take seconds.
PIECE = 16
# zxcvbn's score for more than a million guesses. Strapi allows 5 in 5 minutes from one IP, so a
# million take two years. We ask for no more, because 8 random characters, Strapi's own minimum,
# have this score. A password with a warning ("Summer2024") is refused up to 100 million guesses.
MIN_SCORE = 2
# Characters of the shortest known word. Shorter words are in many passwords by chance.
MIN_WORD_LENGTH = 4
# Characters of a known text that are searched for words. No email is longer.
MAX_TEXT_LENGTH = 254
# zxcvbn changes a global dictionary while it works.
_zxcvbn_lock = threading.Lock()

# A message for each of zxcvbn's patterns and dictionaries.
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
    """Return why a password is easy to guess, and what to do; None when it is not.

    The password has at most 72 bytes. `known` are texts that a guesser knows, like the name.
    """
    rest = _without(known, password)
    if rest != password and _weakness(rest) is not None:
        reason: str | None = "known"
    else:
        reason = _weakness(password)
    if reason is None:
        return None
    return f"{REASONS[reason]} {ADVICE}"


def _without(known: Iterable[str], password: str) -> str:
    """Return the password without the words of the known texts."""
    texts = [text[:MAX_TEXT_LENGTH] for text in known]
    words = {word for text in texts for word in (text, *re.findall(r"[^\W_]+", text))}
    longest_first = sorted(words, key=len, reverse=True)
    pattern = "|".join(re.escape(word) for word in longest_first if len(word) >= MIN_WORD_LENGTH)
    return re.sub(pattern, "", password, flags=re.IGNORECASE) if pattern else password


def _weakness(password: str) -> str | None:
    """Return the key in REASONS of a weak password; None when a piece of it is strong."""
    # Repeating a text makes it no harder to guess.
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
    with _zxcvbn_lock:
        found = zxcvbn(piece)
    if found["score"] >= MIN_SCORE and not found["feedback"]["warning"]:
        return None
    longest: dict[str, Any] = max(found["sequence"], key=lambda match: len(match["token"]))
    reason = str(longest.get("dictionary_name", longest["pattern"]))
    return reason if reason in REASONS else ""

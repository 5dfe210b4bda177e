"""Rules for first and last names. They accept every real name, and refuse advertising."""

import re
import unicodedata

from signup.i18n import gettext
from signup.validation import text

# Characters that fit into a list of people, and the size of Strapi's columns (varchar(255)).
MAX_CHARACTERS = 64
MAX_BYTES = 255
# Characters of links, markup, templates and headers. No name contains them.
FORBIDDEN = '/:@<>"\\{}%$#'
# Text that mail programs turn into a link: `www.` and `evil.com`, but not `J.R.R.`.
LINK = re.compile(r"\bwww\.|\S[.。][^\W\d_]{2}", re.IGNORECASE)

# A non-joiner after an Arabic letter that joins nothing on its left. Persian keyboards have the
# key, so people type it there. It changes nothing that can be seen.
IDLE_JOINER = re.compile("(?<=[آأؤإادذرزژوڈڑۆۇۈە])\u200c(?=[\u0620-\u06ff])")


def tidy(name: str) -> str:
    """Return a name without the white space around it, and without joiners that do nothing."""
    return IDLE_JOINER.sub("", text.strip_spaces(name))


def fault(name: str) -> str | None:
    """Return how to correct text that is not a name; None for a name or an empty text."""
    if not name:
        return None
    if len(name) > MAX_CHARACTERS:
        return gettext("Use at most %(number)s characters here.", number=MAX_CHARACTERS)
    if len(name.encode(errors="replace")) > MAX_BYTES:
        return gettext("This is too long. Shorten it, please.")
    if "\n" in name or "\r" in name:
        return gettext("Write this on one line.")
    return text.fault(name, emoji=False) or _not_a_name(name)


def not_storable(characters: str, max_length: int | None) -> str:
    """Return how to correct a name with characters, or of a length, that Strapi cannot hold."""
    if characters:
        signs = " ".join(characters)
        return gettext("We cannot store %(signs)s. Write it in other letters, please.", signs=signs)
    return gettext("Use at most %(number)s characters here.", number=max_length)


def _not_a_name(name: str) -> str | None:
    # Mail programs read wide letters, dots and slashes like the plain ones.
    plain = unicodedata.normalize("NFKC", name)
    if signs := [sign for sign in FORBIDDEN if sign in plain]:
        return gettext("Leave out %(signs)s, please.", signs=" ".join(signs))
    if not any(character.isalpha() for character in plain):
        return gettext("Write a name, with letters.")
    if LINK.search(plain):
        return gettext("This looks like a web address. Put a space after the dot, or leave it out.")
    return None

"""Names: people are welcome with the names they have, advertisers are not."""

import re
import unicodedata

from signup.i18n import gettext
from signup.validation import text

# What fits a list of people, and what Strapi's columns hold (varchar(255)).
LENGTH = 64
BYTES = 255
# What links, markup, templates and headers are made of, and no name.
SIGNS = '/:@<>"\\{}%$#'
# What mail programs turn into a link: www. before anything, and `evil.com`, but not `J.R.R.`.
LINK = re.compile(r"\bwww\.|\S[.。][^\W\d_]{2}", re.IGNORECASE)


def fault(name: str) -> str | None:
    """What somebody can do about what is no name; None for names, and for none at all."""
    if not name:
        return None
    if len(name) > LENGTH:
        return gettext("Use at most %(number)s characters here.", number=LENGTH)
    if len(name.encode(errors="replace")) > BYTES:
        return gettext("This is too long. Shorten it, please.")
    if "\n" in name or "\r" in name:
        return gettext("Write this on one line.")
    return text.fault(name) or _no_name(name)


def _no_name(name: str) -> str | None:
    # Mail programs take wide letters, dots and slashes for what they look like.
    plain = unicodedata.normalize("NFKC", name)
    if signs := [sign for sign in SIGNS if sign in plain]:
        return gettext("Leave out %(signs)s, please.", signs=" ".join(signs))
    if not any(character.isalpha() for character in plain):
        return gettext("Write a name, with letters.")
    if LINK.search(plain):
        return gettext("This looks like a web address. Put a space after the dot, or leave it out.")
    return None

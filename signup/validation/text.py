"""Characters: those that cannot be seen, or that turn text around, are nobody's to type."""

import unicodedata

from signup.i18n import gettext

# Control, private, unassigned and line-breaking characters; invisible and bidirectional ones.
UNWANTED = {"Cc", "Cs", "Co", "Cn", "Zl", "Zp", "Cf"}
# Letters that show nothing, and what stands for bytes that were no text.
EMPTY = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufffd"
# The two joiners, which Persian and Indian names are written with, between two signs.
JOINERS = "\u200c\u200d"
JOINED = ("L", "M", "S")
LINE_ENDS = "\r\n"
# White space that is no control character: what people type by accident around a word.
SPACES = " \t\r\n\xa0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


def fault(text: str) -> str | None:
    """What is wrong with text that hides something; None for all other text."""
    if visible(text) == text:
        return None
    return gettext("Remove the characters that cannot be seen, then try again.")


def visible(text: str) -> str:
    """`text` without the characters that cannot be seen, or that turn text around."""
    around = zip(f" {text}", text, f"{text[1:]} ", strict=False)
    return "".join(each for before, each, after in around if _is_seen(before, each, after))


def stripped(text: str) -> str:
    """`text` without the white space around it."""
    return text.strip(SPACES)


def _is_seen(before: str, character: str, after: str) -> bool:
    if character in JOINERS:
        return all(unicodedata.category(each).startswith(JOINED) for each in (before, after))
    if character in LINE_ENDS:
        return True
    return unicodedata.category(character) not in UNWANTED and character not in EMPTY

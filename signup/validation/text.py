"""Characters that text must not contain: invisible ones, and ones that change its direction."""

import unicodedata

from signup.i18n import gettext

# Unicode categories: control, surrogate, private, unassigned, line break, invisible or direction.
UNWANTED = {"Cc", "Cs", "Co", "Cn", "Zl", "Zp", "Cf"}
# Letters that show nothing, and the replacement for bytes that are not text.
EMPTY = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufffd"
# Zero-width joiners. Persian and Indian names need them between two letters, marks or symbols.
JOINERS = "\u200c\u200d"
JOINED = ("L", "M", "S")
LINE_ENDS = "\r\n"
# White space that people type by accident before and after a word.
SPACES = " \t\r\n\xa0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


def fault(text: str) -> str | None:
    """Return a message when text contains an unwanted character, else None."""
    if remove_invisible(text) == text:
        return None
    return gettext("Remove the characters that cannot be seen, then try again.")


def remove_invisible(text: str) -> str:
    """Return `text` without the characters that are invisible or change its direction."""
    neighbours = zip(f" {text}", text, f"{text[1:]} ", strict=False)
    return "".join(each for before, each, after in neighbours if _is_visible(before, each, after))


def strip_spaces(text: str) -> str:
    """Return `text` without the white space before and after it."""
    return text.strip(SPACES)


def _is_visible(before: str, character: str, after: str) -> bool:
    if character in JOINERS:
        return all(unicodedata.category(each).startswith(JOINED) for each in (before, after))
    if character in LINE_ENDS:
        return True
    return unicodedata.category(character) not in UNWANTED and character not in EMPTY

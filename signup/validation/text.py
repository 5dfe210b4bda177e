"""Characters that text must not contain: invisible ones, and ones that change its direction."""

import unicodedata

import idna

from signup.i18n import gettext

# Unicode categories: control, surrogate, private, unassigned, line break, invisible or direction.
UNWANTED = {"Cc", "Cs", "Co", "Cn", "Zl", "Zp", "Cf"}
# Letters and symbols that show nothing, and the replacement for bytes that are not text.
EMPTY = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufffd\U0001d159"
NON_JOINER, JOINER = "\u200c", "\u200d"
# Selectors choose the form of the character before them. Only these characters have such forms.
OF_IDEOGRAPHS = (*range(0xFE00, 0xFE03), *range(0xE0100, 0xE01F0))
OF_MONGOLIAN = (0x180B, 0x180C, 0x180D, 0x180F)
OF_EMOJI = (0xFE0E, 0xFE0F)
SELECTORS = frozenset((*OF_IDEOGRAPHS, *OF_MONGOLIAN, *range(0xFE00, 0xFE10)))
# Emoji that are no symbols to Unicode, and what is one before a keycap.
OTHER_EMOJI, KEYS, KEYCAP = "\u203c\u2049\u3030\u2139", "#*0123456789", "\u20e3"
SKIN_COLOURS = "".join(map(chr, range(0x1F3FB, 0x1F400)))
# Characters around a joiner that are looked at.
NEAR = 32
LINE_ENDS = "\r\n"
# White space that people type by accident before and after a word.
SPACES = " \t\r\n\xa0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


def fault(text: str, *, emoji: bool = True) -> str | None:
    """Return a message when text contains an unwanted character, else None.

    `emoji`: whether an invisible character may join two emoji into one.
    """
    if _without_invisible(text, emoji) == text:
        return None
    return gettext("Remove the characters that cannot be seen, then try again.")


def remove_invisible(text: str) -> str:
    """Return `text` without the characters that are invisible or change its direction."""
    return _without_invisible(text, emoji=True)


def strip_spaces(text: str) -> str:
    """Return `text` without the white space before and after it."""
    return text.strip(SPACES)


def _without_invisible(text: str, emoji: bool) -> str:
    return "".join(each for at, each in enumerate(text) if _is_visible(text, at, emoji))


def _is_visible(text: str, at: int, emoji: bool) -> bool:
    character = text[at]
    before, after = text[max(at - NEAR, 0) : at], text[at + 1 : at + NEAR]
    if character in (NON_JOINER, JOINER):
        return _is_needed(before, character, after) or (emoji and _joins_emoji(before, after))
    if ord(character) in SELECTORS:
        return _selects(ord(character), before[-1:], after[:1])
    if character in LINE_ENDS:
        return True
    return unicodedata.category(character) not in UNWANTED and character not in EMPTY


def _is_needed(before: str, joiner: str, after: str) -> bool:
    """Return whether a script needs the joiner there (RFC 5892, appendices A.1 and A.2)."""
    try:
        return idna.core.valid_contextj(before + joiner + after, len(before))
    except ValueError:
        # The character before it has no name, for example the end of a line.
        return False


def _joins_emoji(before: str, after: str) -> bool:
    # A selector or a colour of skin may stand after the first emoji.
    first = before.rstrip("\ufe0f" + SKIN_COLOURS)[-1:]
    return _is_emoji(first) and _is_emoji(after[:1])


def _selects(selector: int, before: str, after: str) -> bool:
    name = unicodedata.name(before, "") if before else ""
    if selector in OF_EMOJI:
        return _is_emoji(before) or (before in KEYS and after == KEYCAP)
    if selector in OF_MONGOLIAN:
        return name.startswith("MONGOLIAN LETTER ")
    return selector in OF_IDEOGRAPHS and name.startswith("CJK ")


def _is_emoji(character: str) -> bool:
    if not character or character.isascii():
        return False
    return unicodedata.category(character).startswith("S") or character in OTHER_EMOJI

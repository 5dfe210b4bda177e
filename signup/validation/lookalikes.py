"""Scripts: domains that mix alphabets, or spell one with the letters of another, deceive."""

import unicodedata

# Scripts that are written together (Unicode TR 39, highly restrictive).
TOGETHER = (
    {"LATIN", "CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA"},
    {"LATIN", "CJK", "IDEOGRAPHIC", "HANGUL"},
    {"LATIN", "CJK", "IDEOGRAPHIC", "BOPOMOFO"},
)
# Cyrillic and Greek letters that look like Latin ones, as Chromium lists them.
LOOK_LATIN = frozenset("асԁеһіјӏорԗԛѕԝхуъьҽпгѵѡ" + "αικνρυωηοτ")
# Top-level domains of countries that write so: there, such words are words.
AT_HOME = frozenset(("bg", "by", "cy", "gr", "kz", "mk", "rs", "ru", "su", "ua", "uz"))


def is_lookalike(domain: str) -> bool:
    """Whether a domain, in its own letters, may be there to be mistaken for another: a label
    of several scripts, or one of look-alikes alone where nobody else writes with them."""
    labels = domain.split(".")
    if any(_is_mixed(label) for label in labels):
        return True
    abroad = labels[-1].isascii() and labels[-1] not in AT_HOME
    return abroad and any(map(_looks_latin, labels))


def _is_mixed(label: str) -> bool:
    found = {_script(character) for character in label if character.isalpha()}
    return len(found) > 1 and not any(found <= together for together in TOGETHER)


def _looks_latin(label: str) -> bool:
    letters = {character for character in label if character.isalpha()}
    return bool(letters) and letters <= LOOK_LATIN


def _script(character: str) -> str:
    """A letter's script, which its name begins with."""
    return unicodedata.name(character, "UNKNOWN").replace("-", " ").split()[0]

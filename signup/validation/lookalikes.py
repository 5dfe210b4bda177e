"""Look-alike domains: they mix alphabets, or imitate Latin letters with those of another."""

import unicodedata

# Scripts that a label may mix (Unicode TR 39, "highly restrictive").
ALLOWED_MIXES = (
    {"LATIN", "CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA"},
    {"LATIN", "CJK", "IDEOGRAPHIC", "HANGUL"},
    {"LATIN", "CJK", "IDEOGRAPHIC", "BOPOMOFO"},
)
# Cyrillic and Greek letters that look like Latin ones (the list in Chromium).
LATIN_LOOKALIKES = frozenset("асԁеһіјӏорԗԛѕԝхуъьҽпгѵѡ" + "αικνρυωηοτ")
# Top-level domains of countries that use these alphabets. There, such labels are real words.
CYRILLIC_OR_GREEK = frozenset(("bg", "by", "cy", "gr", "kz", "mk", "rs", "ru", "su", "ua", "uz"))


def is_lookalike(domain: str) -> bool:
    """Return whether a domain (in Unicode) can be mistaken for another one.

    A label of a look-alike mixes scripts. Or it consists only of letters that look like Latin
    ones, under a top-level domain where nobody writes with that alphabet.
    """
    labels = domain.split(".")
    if any(_is_mixed(label) for label in labels):
        return True
    foreign = labels[-1].isascii() and labels[-1] not in CYRILLIC_OR_GREEK
    return foreign and any(map(_looks_latin, labels))


def _is_mixed(label: str) -> bool:
    found = {_script(character) for character in label if character.isalpha()}
    return len(found) > 1 and not any(found <= mix for mix in ALLOWED_MIXES)


def _looks_latin(label: str) -> bool:
    letters = {character for character in label if character.isalpha()}
    return bool(letters) and letters <= LATIN_LOOKALIKES


def _script(character: str) -> str:
    """Return a letter's script: its Unicode name begins with it."""
    return unicodedata.name(character, "UNKNOWN").replace("-", " ").split()[0]

"""Hostile inputs that hypothesis generates: any text, and pieces of known attacks."""

import os
import random
from collections.abc import Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st

from tests.attack.corpus import ESCAPES, TEXTS

T = TypeVar("T")

FULL = os.environ.get("ATTACK") == "full"
SHORT = [text for text in TEXTS if len(text) < 100]

# Lone surrogates are included, though no encoder writes them.
anything = st.text(st.characters(exclude_categories=()), max_size=90)
pieces = st.lists(st.sampled_from(SHORT) | st.text(max_size=5), min_size=1, max_size=4)
texts = anything | pieces.map("".join) | st.sampled_from(TEXTS)

escapes = st.binary(max_size=40).map(lambda raw: "".join(f"%{byte:02x}" for byte in raw))
url_parts = escapes | st.sampled_from(ESCAPES) | st.text("/\\.%;?&=#:@-_aZ09~+", max_size=30)

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def some(known: Sequence[T], where: str, number: int = 12) -> Sequence[T]:
    """All known attacks with ATTACK=full, otherwise a few that differ from place to place."""
    return known if FULL else random.Random(where).sample(known, min(number, len(known)))

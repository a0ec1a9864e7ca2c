"""For a query that nothing fits: words of the library that are near to those asked for."""

from collections.abc import Sequence

import numpy as np

from ..errors import MissingWeights
from ..retrieval.spelling import suggested
from ..text import STOP_WORDS, words
from ..word_vectors import load_word_vectors
from .library_words import shown_words
from .shelf import Shelved

_MOST, _EACH = 6, 3  # in all, and of one word
_LEAST = 0.5  # cosine of GloVe vectors, below which words have little to do with each other


def nearest_words(shelved: Shelved, text: str) -> list[str]:
    """Words that pictures show, those probably meant first, then the nearest in meaning."""
    asked = [word for word in words(text) if word not in STOP_WORDS]
    shown = {one.word: one.pictures for one in shown_words(shelved) if " " not in one.word}
    found: dict[str, None] = {}
    for word in asked:
        if word not in shown:
            meant = suggested(word, shown)
            found |= {meant: None} if meant else {}
            found |= dict.fromkeys(_near(word, list(shown)))
    return [word for word in found if word not in asked][:_MOST]


def _near(word: str, shown: Sequence[str]) -> list[str]:
    try:
        vectors = load_word_vectors("glove-50")
    except MissingWeights:
        return []
    if word not in vectors.words:
        return []
    known = [other for other in shown if other in vectors.words]
    if not known:
        return []
    table = np.array(vectors.table[[vectors.words[one] for one in (word, *known)]], np.float32)
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    cosines = table[1:] @ table[0]
    best = np.argsort(-cosines, kind="stable")[:_EACH]
    return [known[place] for place in best if cosines[place] >= _LEAST]

"""Words that are near to others in meaning, by GloVe's vectors: what to type where nothing fits."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from ...errors import MissingWeights
from ...retrieval import Gallery
from ...retrieval.inflections import number_forms
from ...retrieval.spelling import is_shown
from ...text import STOP_WORDS, content_words, words
from ...word_vectors import load_word_vectors

LEAST = 0.5  # cosine of GloVe vectors, below which words have little to do with each other
_CLEARLY = 0.6  # where nobody sees what else there is
_LOOKED_AT, _EACH = 12, 3  # of the words near to one: how many are looked for in pictures, and shown


def near_words(word: str, known: Sequence[str], least: float = LEAST) -> Iterator[str]:
    """Of the words that are known those near to another, the nearest first; none where GloVe is not here."""
    try:
        vectors = load_word_vectors("glove-50")
    except MissingWeights:
        return
    if word not in vectors.words:
        return
    among, table = _vectors_of(tuple(known))
    one = np.array(vectors.table[vectors.words[word]], np.float32)
    cosines = table @ (one / np.linalg.norm(one))
    for place in np.argsort(-cosines, kind="stable"):
        if cosines[place] < least:
            return
        if among[place] != word:
            yield among[place]


@lru_cache(maxsize=8)  # libraries: looking up thousands of words takes longer than a search
def _vectors_of(known: tuple[str, ...]) -> tuple[list[str], NDArray[np.float32]]:
    """Those of some words that GloVe has, and their vectors, each of length 1."""
    vectors = load_word_vectors("glove-50")
    among = [one for one in known if one in vectors.words]
    table = np.array(vectors.table[[vectors.words[one] for one in among]], np.float32)
    return among, table / np.linalg.norm(table, axis=1, keepdims=True)


def shown_nearby(gallery: Gallery, text: str) -> list[str]:
    """Words that some picture shows, near to those of a text that none shows; each in one number alone."""
    known = gallery.known_words
    plain = [word for word in known if word.isalpha() and word not in STOP_WORDS]
    found: list[str] = []
    for word in content_words(words(text)):
        if word in known and is_shown(word, known):
            continue
        near = list(islice(near_words(word, plain, _CLEARLY), _LOOKED_AT))
        shown: list[str] = []
        for one in near:
            if is_shown(one, known) and not number_forms(one, known) & {*shown, *found}:
                shown.append(one)
        found += shown[:_EACH]
    return list(dict.fromkeys(found))

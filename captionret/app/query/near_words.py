"""Words that are near to others in meaning, by GloVe's vectors: what to type where nothing fits."""

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

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
    among = [other for other in known if other in vectors.words and other != word]
    if word not in vectors.words or not among:
        return
    table = np.array(vectors.table[[vectors.words[one] for one in (word, *among)]], np.float32)
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    cosines = table[1:] @ table[0]
    for place in np.argsort(-cosines, kind="stable"):
        if cosines[place] < least:
            return
        yield among[place]


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

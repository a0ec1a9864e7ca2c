"""Which words mean nearly the same: GloVe vectors propose, the sentence encoder decides where it is
installed."""

import logging
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...errors import CaptionretError
from ...retrieval.understanding import Meanings
from ...text import STOP_WORDS
from ...word_vectors import WordVectors, load_word_vectors

if TYPE_CHECKING:  # it reads the encoder's files
    from ...models.sentence.minilm import SentenceEncoder

log = logging.getLogger(__name__)

_PROPOSED = 100  # words that the encoder looks at
_MOST = 5  # readings of a word
_OF_BEST = 0.75  # of the nearest word's weight, which the others must have
# Cosines, chosen by looking at some fifty words. Nouns of other languages stay below .45 in GloVe.
_GLOVE_PROPOSES, _GLOVE_ALONE, _ENCODER = 0.5, 0.7, 0.54


class WordMeanings:
    """Nearness of words by their vectors."""

    def __init__(self, vectors: WordVectors) -> None:
        self._vectors = vectors

    def rank(self, word: str) -> int | None:
        """GloVe's words stand in the order of how common they are."""
        return self._vectors.words.get(word)

    def near(self, word: str, known: Sequence[str]) -> list[tuple[str, float]]:
        """Of `known` those that mean nearly the same, the nearest first, with weights from 0 to 1."""
        if word not in self._vectors.words:
            return []
        rows = {
            other: row
            for other in known
            if other not in STOP_WORDS and other.isalpha()
            for row in [self._vectors.words.get(other)]
            if row is not None
        }
        if not rows:
            return []
        cosines = self._unit([self._vectors.words[word]])[0] @ self._unit(list(rows.values())).T
        order = np.argsort(-cosines, kind="stable")[:_PROPOSED]
        names = list(rows)
        proposed = [(names[place], float(cosines[place])) for place in order]
        proposed = [(name, cosine) for name, cosine in proposed if cosine >= _GLOVE_PROPOSES]
        found = _decided(word, [name for name, _ in proposed])
        if found is None:
            found = [(name, (cosine - 0.4) / 0.5) for name, cosine in proposed if cosine >= _GLOVE_ALONE]
        kept = [(name, min(1.0, weight)) for name, weight in found if weight >= _OF_BEST * found[0][1]]
        return [(name, round(weight, 3)) for name, weight in kept[:_MOST]]

    def _unit(self, rows: list[int]) -> NDArray[np.float32]:
        values = np.array(self._vectors.table[rows], np.float32)
        units: NDArray[np.float32] = values / np.linalg.norm(values, axis=1, keepdims=True)
        return units


def _decided(word: str, proposed: list[str]) -> list[tuple[str, float]] | None:
    """The proposed words that the sentence encoder puts near, with weights; None without an encoder."""
    if not proposed:
        return []
    try:
        vectors = _encoder().encode([word, *proposed])
    except CaptionretError as error:
        log.info(f"Unknown words are read by GloVe vectors alone: {error.message}")
        return None
    cosines = (vectors[1:] @ vectors[0]).tolist()
    near = [
        (name, (cosine - 0.3) / 0.5)
        for name, cosine in zip(proposed, cosines, strict=True)
        if cosine >= _ENCODER
    ]
    return sorted(near, key=lambda one: -one[1])


@cache
def _encoder() -> "SentenceEncoder":
    from ...models.sentence.minilm import SentenceEncoder

    return SentenceEncoder.load()


@cache
def word_meanings() -> Meanings | None:
    """Nearness of words, loaded when first asked for; None where there are no word vectors."""
    try:
        return WordMeanings(load_word_vectors("glove-50"))
    except CaptionretError as error:
        log.info(f"Words that are not known are not looked up: {error.message}")
        return None

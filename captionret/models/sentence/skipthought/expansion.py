"""Vocabulary expansion (Kiros et al. 2015, sec. 2.2): vectors for words that an encoder never saw, guessed
from a larger word space."""

from collections.abc import Sequence

import numpy as np

from ....errors import BadSetting
from ....text import Vocabulary, is_word
from ....word_vectors import WordVectors


class Expansion:
    """A linear map out of a pretrained word space into a learned one, fitted to the words that both have."""

    def __init__(self, vectors: WordVectors, vocabulary: Vocabulary, learned: np.ndarray) -> None:
        """vectors: the pretrained space, E dimensions; learned: (V, W) float32, a row for each of the
        vocabulary's tokens.

        errors: BadSetting where the two share no word
        """
        self.vectors = vectors
        shared = [token for token in vocabulary.tokens if is_word(token) and token in vectors.words]
        if not shared:
            raise BadSetting(
                f"No word of the vocabulary has a vector in {vectors.name}, so there is nothing to guess "
                "others' from. Choose other word vectors, or none (expansion=none)."
            )
        theirs = self._rows(shared).astype(np.float64)
        ours = learned[[vocabulary.ids[token] for token in shared]].astype(np.float64)
        # (E + 1, W), the last row the intercept
        self.map = np.linalg.lstsq(theirs, ours, rcond=None)[0].astype(np.float32)

    def __contains__(self, word: str) -> bool:
        return word in self.vectors.words

    def __call__(self, words: Sequence[str]) -> np.ndarray:
        """(len(words), W) float32: the guessed vectors of words that the pretrained space has."""
        return self._rows(words) @ self.map if words else np.empty((0, self.map.shape[1]), np.float32)

    def _rows(self, words: Sequence[str]) -> np.ndarray:
        """(len(words), E + 1) float32, a column of ones for the intercept at the end."""
        rows = self.vectors.table[[self.vectors.words[word] for word in words]].astype(np.float32)
        return np.concatenate([rows, np.ones((len(words), 1), np.float32)], 1)

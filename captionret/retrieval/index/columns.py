"""The words of a matrix one by one: the rows that hold a word, with their weights."""

from collections.abc import Mapping
from threading import Lock
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .sparse import WordMatrix, stable_order

Inverted: TypeAlias = tuple[NDArray[np.int32], NDArray[np.floating], NDArray[np.int64]]
FEW = 24  # words that are looked for before all are put in order, which takes as long


class Columns:
    """`WordMatrix` the other way round: a query reads its own words' weights. Of the first few words they are
    looked for, then an inverted index is made."""

    def __init__(self, matrix: WordMatrix) -> None:
        self.count = len(matrix)
        self._matrix = matrix
        self._place = {word: place for place, word in enumerate(matrix.words)}
        self._looked_for = 0
        self._inverted_now: Inverted | None = None
        self._lock = Lock()

    @property
    def words(self) -> Mapping[str, int]:
        """The words that the matrix counts, with their places."""
        return self._place

    def __contains__(self, word: str) -> bool:
        """Whether the matrix counts this word; perhaps no row holds it."""
        return word in self._place

    def column(self, word: str) -> NDArray[np.float64]:
        """(N,) the word's weight in every row, 0 where a row doesn't hold it."""
        found = np.zeros(self.count)
        if word not in self._place:
            return found
        place = self._place[word]
        self._looked_for += 1
        if self._looked_for <= FEW and self._inverted_now is None:
            held = np.flatnonzero(self._matrix.ids == place)
            rows = np.searchsorted(self._matrix.starts, held, side="right") - 1
            found[rows] = self._matrix.weights[held]
            return found
        owners, weights, starts = self._inverted()
        own = slice(starts[place], starts[place + 1])
        found[owners[own]] = weights[own]
        return found

    def _inverted(self) -> Inverted:
        """For all words the rows that hold them, their weights, and where each word's begin, (V+1,)."""
        with self._lock:
            if self._inverted_now is None:
                matrix = self._matrix
                order = _by_word(matrix.ids, len(matrix.words))  # (K,)
                starts = np.searchsorted(matrix.ids[order], np.arange(len(matrix.words) + 1))
                self._inverted_now = matrix.owners()[order], matrix.weights[order], starts
            return self._inverted_now


def _by_word(ids: NDArray[np.int32], words: int) -> NDArray[np.int64]:
    """The stable order of ids; numbers of 16 bits sort by their digits, many times as fast."""
    return np.argsort(ids.astype(np.uint16), kind="stable") if words < 2**16 else stable_order(ids)

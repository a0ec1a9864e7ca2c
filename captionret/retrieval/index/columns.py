"""The words of a matrix one by one: the rows that hold a word, with their weights."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .sparse import WordMatrix, stable_order


class Columns:
    """`WordMatrix` the other way round, an inverted index: a query reads its own words' lists and no more."""

    def __init__(self, matrix: WordMatrix) -> None:
        self.count = len(matrix)
        self._place = {word: place for place, word in enumerate(matrix.words)}
        order = _by_word(matrix.ids, len(matrix.words))  # (K,)
        self._rows, self._weights = matrix.owners()[order], matrix.weights[order]
        self._starts = np.searchsorted(matrix.ids[order], np.arange(len(matrix.words) + 1))  # (V+1,)

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
        if word in self._place:
            place = self._place[word]
            held = slice(self._starts[place], self._starts[place + 1])
            found[self._rows[held]] = self._weights[held]
        return found


def _by_word(ids: NDArray[np.int32], words: int) -> NDArray[np.int64]:
    """The stable order of ids; numbers of 16 bits sort by their digits, many times as fast."""
    return np.argsort(ids.astype(np.uint16), kind="stable") if words < 2**16 else stable_order(ids)

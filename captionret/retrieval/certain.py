"""The words of captions that people wrote or files give: they are certain, whatever is predicted beside."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..text import words
from .index.columns import ProbabilityColumns

_KEPT = 256  # words whose pictures are kept at hand
_NONE = np.zeros(0, np.int32)


class CertainColumns:
    """Predicted words of N pictures, of which those of certain captions have probability 1; see
    ProbabilityColumns. `numbers` stay as they were predicted."""

    def __init__(
        self,
        predicted: ProbabilityColumns,
        certain: NDArray[np.bool_],
        holding: Callable[[tuple[str, ...]], NDArray[np.bool_]],
    ) -> None:
        """certain: (N,) of which pictures the captions are; holding: of which pictures a caption holds a
        phrase"""
        self.count = predicted.count
        self._predicted, self._certain, self._holding = predicted, certain, holding
        self.rows = lru_cache(_KEPT)(self._find)  # of a word the pictures whose certain captions hold it

    @property
    def words(self) -> Mapping[str, int]:
        """The words that are predicted."""
        return self._predicted.words

    @property
    def numbers(self) -> NDArray[np.float64]:
        """(N,) the sum over the predicted words of log(1 - p)."""
        return self._predicted.numbers

    @property
    def least(self) -> float | None:
        """The least probability that is predicted."""
        return self._predicted.least

    def __contains__(self, word: str) -> bool:
        """Whether anything is predicted of this word, or a certain caption holds it."""
        return word in self._predicted or len(self.rows(word)) > 0

    def column(self, word: str) -> NDArray[np.float64]:
        """(N,) how probable the word is of every picture."""
        found = self._predicted.column(word)
        found[self.rows(word)] = 1
        return found

    def total(self, words: Iterable[str]) -> NDArray[np.float64]:
        """(N,) the sum of some words' probabilities, added one after the other."""
        found = np.zeros(self.count)
        for word in words:
            found += self.column(word)
        return found

    def _find(self, word: str) -> NDArray[np.int32]:
        phrase = words(word)
        return np.flatnonzero(self._holding(phrase) & self._certain).astype(np.int32) if phrase else _NONE

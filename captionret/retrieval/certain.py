"""The words of captions that people wrote or files give: they are certain, whatever is predicted beside."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..text import words
from .index.columns import BesidePredicted, ProbabilityColumns, Raised

_KEPT = 256  # words whose pictures are kept at hand
_NONE = np.zeros(0, np.int32)


class CertainColumns(BesidePredicted):
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
        super().__init__(predicted)
        self._certain, self._holding = certain, holding
        self.rows = lru_cache(_KEPT)(self._find)  # of a word the pictures whose certain captions hold it

    def __contains__(self, word: str) -> bool:
        """Whether anything is predicted of this word, or a certain caption holds it."""
        return word in self._predicted or len(self.rows(word)) > 0

    def raised_by(self, word: str) -> tuple[NDArray[np.int32], Raised]:
        """The pictures whose certain captions hold a word; of these it is certain."""
        return self.rows(word), lambda predicted, _: np.ones(len(predicted))

    def _find(self, word: str) -> NDArray[np.int32]:
        phrase = words(word)
        return np.flatnonzero(self._holding(phrase) & self._certain).astype(np.int32) if phrase else _NONE

"""The weights of words in a few rows of very many: each is looked for in the lists of its part."""

from collections.abc import Iterable, Mapping
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from ...compiled import compiled
from .stored_words import StoredColumns


class ListKernel(Protocol):
    """What _likelihood.c gives to look rows up."""

    def look_up(
        self,
        rows: NDArray[np.integer],
        weights: NDArray[np.floating],
        wanted: NDArray[np.int32],
        found: NDArray[np.float64],
    ) -> None:
        """Add to `found`, (M,), the weight of each row `wanted`, (M,), where a list holds it."""
        ...


KERNEL = cast("ListKernel | None", compiled("_likelihood", 2, __package__))


class FewColumns:
    """Words, or classes, of some of the pictures, (M,) rows, each looked for in the lists of its part; see
    WordColumns."""

    def __init__(self, columns: StoredColumns, rows: NDArray[np.integer]) -> None:
        self.count, self._stored = len(rows), columns
        # of each part that holds some of them its number, their places among `rows`, and their rows there
        self._held: list[tuple[int, NDArray[np.intp], NDArray[np.int32]]] = []
        order = np.argsort(rows, kind="stable")
        ascending = rows[order]
        spans = np.searchsorted(ascending, columns.spans)
        for number in np.flatnonzero(spans[:, 0] < spans[:, 1]).tolist():
            some = slice(*spans[number])
            places = columns.parts[number].places(ascending[some])
            held = places >= 0
            self._held.append((number, order[some][held], places[held]))

    @property
    def words(self) -> Mapping[str, int]:
        """The words that are counted."""
        return self._stored.words

    def __contains__(self, word: str) -> bool:
        """Whether this word is counted."""
        return word in self._stored

    def column(self, word: str) -> NDArray[np.float64]:
        """(M,) the word's weight in each of the rows."""
        return self.total((word,))

    def total(self, words: Iterable[str]) -> NDArray[np.float64]:
        """(M,) the sum of some words' weights."""
        found, lists = np.zeros(self.count), [self._stored.lists(word) for word in words]
        for number, places, rows in self._held:
            sums = np.zeros(len(rows))
            for of_word in lists:
                for held, weights in of_word[number]:
                    look_up(held, weights, rows, sums)
            found[places] = sums
        return found


class WholeRows:
    """The same of rows that are read whole: sooner, where most of their words are asked for."""

    def __init__(self, columns: StoredColumns, rows: NDArray[np.integer]) -> None:
        self.count, self._stored = len(rows), columns
        self._rows = [columns.row(row) for row in rows.tolist()]

    @property
    def words(self) -> Mapping[str, int]:
        """The words that are counted."""
        return self._stored.words

    def __contains__(self, word: str) -> bool:
        """Whether this word is counted."""
        return word in self._stored

    def column(self, word: str) -> NDArray[np.float64]:
        """(M,) the word's weight in each of the rows."""
        return np.array([row.get(word, 0.0) for row in self._rows])

    def total(self, words: Iterable[str]) -> NDArray[np.float64]:
        """(M,) the sum of some words' weights."""
        asked = tuple(words)
        return np.array([sum(row.get(word, 0.0) for word in asked) for row in self._rows], np.float64)


def look_up(
    rows: NDArray[np.integer],
    weights: NDArray[np.floating],
    wanted: NDArray[np.int32],
    found: NDArray[np.float64],
) -> None:
    """Add to `found`, (M,), the weight of each row `wanted`, (M,), where a list holds it.

    rows: (K,) ascending; weights: (K,) of these
    """
    if KERNEL is not None and weights.dtype.itemsize <= 4:
        KERNEL.look_up(rows, weights, wanted, found)
    elif len(rows):
        places = np.minimum(np.searchsorted(rows, wanted), len(rows) - 1)
        held = rows[places] == wanted
        found[held] += weights[places[held]]

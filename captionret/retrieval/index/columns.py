"""The words of a matrix one by one: the rows that hold a word, with their weights."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from threading import Lock
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..calibrated import SURE
from .sparse import WordMatrix, stable_order

Inverted: TypeAlias = tuple[NDArray[np.int32], NDArray[np.floating], NDArray[np.int64]]
FEW = 24  # words that are looked for before all are put in order, which takes as long


class WordColumns(Protocol):
    """Weights of words in N rows, read word by word; see Columns.

    count: of rows
    """

    count: int

    @property
    def words(self) -> Mapping[str, int]:
        """The words that are counted, each with a number."""
        ...

    def __contains__(self, word: str) -> bool:
        """Whether this word is counted; perhaps no row holds it."""
        ...

    def column(self, word: str) -> NDArray[np.float64]:
        """(N,) the word's weight in every row, 0 where a row doesn't hold it."""
        ...

    def total(self, words: Iterable[str]) -> NDArray[np.float64]:
        """(N,) the sum of some words' weights, added one after the other."""
        ...


class ProbabilityColumns(WordColumns, Protocol):
    """The same of the probabilities that a caption holds a word."""

    @property
    def numbers(self) -> NDArray[np.float64]:
        """(N,) the sum over the words of log(1 - p)."""
        ...

    @property
    def least(self) -> float | None:
        """The least probability that any row holds; None where none holds any."""
        ...


def added(columns: WordColumns, words: Iterable[str]) -> NDArray[np.float64]:
    """(N,) the sum of some words' columns, added one after the other."""
    found = np.zeros(columns.count)
    for word in words:
        found += columns.column(word)
    return found


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

    def total(self, words: Iterable[str]) -> NDArray[np.float64]:
        """(N,) the sum of some words' weights, added one after the other."""
        return added(self, words)

    @cached_property
    def numbers(self) -> NDArray[np.float64]:
        """(N,) the sum over the words of log(1 - p)."""
        return numbers_of(self._matrix)

    @property
    def least(self) -> float | None:
        """The least weight that any row holds; None where none holds any."""
        weights = self._matrix.weights
        return float(weights.min()) if len(weights) else None

    def _inverted(self) -> Inverted:
        """For all words the rows that hold them, their weights, and where each word's begin, (V+1,)."""
        with self._lock:
            if self._inverted_now is None:
                matrix = self._matrix
                order = by_word(matrix)
                starts = np.searchsorted(matrix.ids[order], np.arange(len(matrix.words) + 1))
                self._inverted_now = matrix.owners()[order], matrix.weights[order], starts
            return self._inverted_now


class SomeColumns:
    """Some rows of other columns; what is known of all of these is known of each."""

    def __init__(self, columns: WordColumns, rows: NDArray[np.integer]) -> None:
        self.count, self._columns, self._rows = len(rows), columns, rows

    @property
    def words(self) -> Mapping[str, int]:
        """The words that are counted."""
        return self._columns.words

    def __contains__(self, word: str) -> bool:
        """Whether this word is counted."""
        return word in self._columns

    def column(self, word: str) -> NDArray[np.float64]:
        """(M,) the word's weight in each of the rows."""
        found: NDArray[np.float64] = self._columns.column(word)[self._rows]
        return found

    def total(self, words: Iterable[str]) -> NDArray[np.float64]:
        """(M,) the sum of some words' weights."""
        found: NDArray[np.float64] = self._columns.total(words)[self._rows]
        return found


def by_word(matrix: WordMatrix) -> NDArray[np.int64]:
    """(K,) the places of a matrix's entries by word, then by row."""
    # numbers of 16 bits sort by their digits, many times as fast
    few = len(matrix.words) < 2**16
    return np.argsort(matrix.ids.astype(np.uint16), kind="stable") if few else stable_order(matrix.ids)


def numbers_of(matrix: WordMatrix) -> NDArray[np.float64]:
    """(N,) of each row the sum over its words of log(1 - p)."""
    # float32 would give a picture other bits where its row stands elsewhere
    return np.bincount(matrix.owners(), _log_of_none(matrix.weights), len(matrix)).astype(np.float64)


def _log_of_none(weights: NDArray[np.floating]) -> NDArray[np.float64]:
    """(K,) log(1 - p) of each weight, taken from a table of all numbers that float16 can hold."""
    if weights.dtype != np.float16 or len(weights) < 1 << 16:
        return np.log1p(-np.minimum(weights.astype(np.float64), SURE))
    with np.errstate(invalid="ignore"):
        every = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float64)
        table: NDArray[np.float64] = np.log1p(-np.clip(every, 0, SURE))
    return table[weights.view(np.uint16)]


# the predicted probabilities of some of the rows that are raised, and their places among these ->
# how probable the word is of them
Raised: TypeAlias = Callable[[NDArray[np.float64], NDArray[np.integer]], NDArray[np.float64]]


class BesidePredicted(ABC):
    """Predicted words of N pictures to which something else says more of some; see ProbabilityColumns. What
    is not asked of a single word stays as it was predicted."""

    def __init__(self, predicted: ProbabilityColumns) -> None:
        self.count = predicted.count
        self._predicted = predicted

    @property
    def predicted(self) -> ProbabilityColumns:
        """What is predicted, without what stands beside."""
        return self._predicted

    @abstractmethod
    def raised_by(self, word: str) -> tuple[NDArray[np.integer], Raised]:
        """The rows of which something beside tells of a word, ascending; and what it makes of them."""

    @abstractmethod
    def __contains__(self, word: str) -> bool:
        """Whether anything is predicted of this word, or known beside."""

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

    def column(self, word: str) -> NDArray[np.float64]:
        """(N,) how probable the word is of every picture."""
        found = self._predicted.column(word)
        rows, raised = self.raised_by(word)
        found[rows] = raised(found[rows], np.arange(len(rows)))
        return found

    def total(self, words: Iterable[str]) -> NDArray[np.float64]:
        """(N,) the sum of some words' probabilities, added one after the other."""
        return added(self, words)


class SomeBeside(SomeColumns):
    """Some rows, (M,), of BesidePredicted; predicted: what is predicted of these."""

    def __init__(self, columns: BesidePredicted, predicted: WordColumns, rows: NDArray[np.integer]) -> None:
        super().__init__(columns, rows)
        self._beside, self._predicted = columns, predicted

    def column(self, word: str) -> NDArray[np.float64]:
        """(M,) how probable the word is of each of the rows."""
        found = self._predicted.column(word)
        rows, raised = self._beside.raised_by(word)
        if len(rows):
            places = np.minimum(np.searchsorted(rows, self._rows), len(rows) - 1)
            held = rows[places] == self._rows
            found[held] = raised(found[held], places[held])
        return found

    def total(self, words: Iterable[str]) -> NDArray[np.float64]:
        """(M,) the sum of some words' probabilities, added one after the other."""
        return added(self, words)

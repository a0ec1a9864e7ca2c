"""What is predicted of some pictures, by word: of which of them a word is probable, and how probable.

The few words that are likely of a picture and the many that are not are kept apart: most modes read the
likely ones alone.
"""

from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import corpus
from .arrays import Arrays, ArraysInMemory, Texts, text_arrays
from .columns import by_word, numbers_of
from .sparse import WordMatrix

LIKELY = 0.01  # the least probability of a likely word
Entries = tuple[NDArray[np.integer], NDArray[np.floating]]  # rows, or words, and their weights


class Lists:
    """For each word the rows that hold it, ascending, with their weights."""

    def __init__(self, arrays: Arrays, name: str) -> None:
        """name: the arrays' own names are it with .starts, .rows and .weights"""
        self._arrays, self._rows, self._weights = arrays, f"{name}.rows", f"{name}.weights"
        self._starts_name = f"{name}.starts"

    def of(self, word: int) -> Entries:
        """The rows that hold a word, and their weights."""
        start, stop = self._arrays.part(self._starts_name, word, word + 2).tolist()
        return self._arrays.part(self._rows, start, stop), self._arrays.part(self._weights, start, stop)

    def row(self, number: int) -> Entries:
        """The words that a row holds, ascending, and their weights."""
        places = np.flatnonzero(self._arrays.whole(self._rows) == number)
        words = np.searchsorted(self._arrays.whole(self._starts_name), places, side="right") - 1
        return words.astype(np.int32), self._arrays.whole(self._weights)[places]

    def largest(self) -> NDArray[np.float64]:
        """(V,) the largest weight of each word, 0 where no row holds it."""
        starts = self._arrays.whole(self._starts_name).astype(np.int64)
        found, filled = np.zeros(len(starts) - 1), starts[1:] > starts[:-1]
        if filled.any():
            found[filled] = np.maximum.reduceat(self._arrays.whole(self._weights), starts[:-1][filled])
        return found

    def all(self) -> tuple[NDArray[np.int32], NDArray[np.integer], NDArray[np.floating]]:
        """Words, rows and weights of all entries, by word, then by row."""
        starts = self._arrays.whole(self._starts_name).astype(np.int64)
        words = np.repeat(np.arange(len(starts) - 1, dtype=np.int32), starts[1:] - starts[:-1])
        return words, self._arrays.whole(self._rows), self._arrays.whole(self._weights)


class WordPart:
    """What is predicted of n pictures, read a word at a time.

    likely, unlikely: the lists of words; classes: those of ImageNet's classes
    """

    def __init__(self, arrays: Arrays) -> None:
        self.arrays, self.count = arrays, arrays.length("numbers")
        self.likely, self.unlikely = Lists(arrays, "likely"), Lists(arrays, "unlikely")
        self.classes = Lists(arrays, "class") if "class.starts" in arrays else None

    @cached_property
    def words(self) -> Mapping[str, int]:
        """All words that are predicted, ascending, each with its number."""
        return self._vocabulary("words")

    @cached_property
    def class_names(self) -> Mapping[str, int]:
        """The same of classes; of pictures of which they are not known none."""
        return {} if self.classes is None else self._vocabulary("classes")

    @property
    def numbers(self) -> NDArray[np.float64]:
        """(n,) the sum over a picture's words of log(1 - p)."""
        return self.arrays.whole("numbers")

    @cached_property
    def totals(self) -> NDArray[np.float64]:
        """(n,) the sum over a picture's likely words of probability times idf."""
        if "totals" in self.arrays and self.arrays.whole("totals.by").tolist() == [corpus.key()]:
            return self.arrays.whole("totals")
        idf = corpus.weights(self.words)
        ids, rows, weights = self.likely.all()
        return totals_of(rows, weights.astype(np.float32) * idf[ids], self.count)

    @property
    def least(self) -> NDArray[np.floating]:
        """(n,) a picture's least probability; infinite where it has none."""
        return self.arrays.whole("least")

    def lists(self, classes: bool) -> tuple[tuple[Lists, ...], Mapping[str, int]]:
        """The lists that hold all entries of words, or of classes, and the numbers of these."""
        if classes:
            return () if self.classes is None else (self.classes,), self.class_names
        return (self.likely, self.unlikely), self.words

    def _vocabulary(self, name: str) -> Mapping[str, int]:
        spelt, starts = self.arrays.whole(f"{name}.bytes"), self.arrays.whole(f"{name}.starts")
        return _vocabulary(spelt.tobytes(), starts.tobytes(), starts.dtype.str)


def word_part_arrays(head: WordMatrix, classes: WordMatrix | None) -> dict[str, NDArray[Any]]:
    """The arrays that WordPart reads, of N pictures' words and classes; None: these are not known."""
    likely = head.weights >= head.weights.dtype.type(LIKELY)
    least = np.full(len(head), np.inf, head.weights.dtype)
    filled = np.diff(head.starts) > 0
    if filled.any():
        least[filled] = np.minimum.reduceat(head.weights, head.starts[:-1][filled])
    weights = head.weights[likely].astype(np.float32) * corpus.weights(head.words)[head.ids[likely]]
    return {
        "numbers": numbers_of(head),
        "least": least,
        "totals": totals_of(head.owners()[likely], weights, len(head)),
        "totals.by": np.array([corpus.key()], np.int64),
        **text_arrays("words", head.words),
        **_list_arrays("likely", head, likely),
        **_list_arrays("unlikely", head, ~likely),
        **({} if classes is None else text_arrays("classes", classes.words)),
        **({} if classes is None else _list_arrays("class", classes, np.ones(len(classes.ids), np.bool_))),
    }


def totals_of(rows: NDArray[np.integer], weights: NDArray[np.float32], count: int) -> NDArray[np.float64]:
    """(count,) the sum of each row's weights, added one after the other."""
    return np.bincount(rows, weights.astype(np.float64), count).astype(np.float64)


def word_part(head: WordMatrix, classes: WordMatrix | None) -> WordPart:
    """A part in memory."""
    return WordPart(ArraysInMemory(word_part_arrays(head, classes)))


def _list_arrays(name: str, matrix: WordMatrix, kept: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    order = by_word(matrix)
    order = order[kept[order]]
    counts = np.bincount(matrix.ids[order], minlength=len(matrix.words))
    few = len(matrix) <= 2**16
    return {
        f"{name}.starts": np.concatenate([[0], np.cumsum(counts)]).astype(np.uint32),
        f"{name}.rows": matrix.owners()[order].astype(np.uint16 if few else np.int32),
        f"{name}.weights": matrix.weights[order],
    }


@lru_cache(maxsize=16)  # parts mostly have the same
def _vocabulary(spelt: bytes, starts: bytes, dtype: str) -> Mapping[str, int]:
    arrays = {"words.bytes": np.frombuffer(spelt, np.uint8), "words.starts": np.frombuffer(starts, dtype)}
    return {word: place for place, word in enumerate(Texts(ArraysInMemory(arrays), "words"))}

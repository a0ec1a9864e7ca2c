"""Sums over shared words, exact, on inverted lists: the cosine of word vectors, plain or about a centre, and
BM25."""

import math
from collections.abc import Mapping
from functools import cached_property, partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .best import PLAIN, RATIO, Held, Scoring, best_sums, smallest_lengths
from .inverted import InvertedLists, WordLists
from .sparse import WordMatrix


class CosineIndex:
    """The cosine between a query's word vector and every row's, both taken from a centre: cos(a - c, b - c).

    Centred vectors have no zeros, but their products have a sparse part and parts that belong to one side
    alone: (a - c)(b - c) = ab - ac - bc + cc. So a query reads no more than the lists of its own words.
    """

    def __init__(
        self, rows: WordMatrix, centre: Mapping[str, float] | None = None, *, power: float = 1.0
    ) -> None:
        """rows: N sparse vectors, a weight per word; centre: what is taken from each, by word; None: nothing;
        power: of a row's length, by which its products are divided. 1 is the cosine; below it, longer rows
        gain, and scores may be above 1."""
        centre = {} if centre is None else centre
        values = rows.weights.astype(np.float32)
        # (K,)
        centres = np.fromiter((centre.get(word, 0.0) for word in rows.words), np.float32, len(rows.words))
        products = (values * centres[rows.ids]).astype(np.float64)
        owners = rows.owners()
        squares = np.bincount(owners, (values * values).astype(np.float64), len(rows)).astype(np.float64)
        with_centre = np.bincount(owners, products, len(rows)).astype(np.float64)
        self._hold(InvertedLists(rows), centre, with_centre, squares, power)

    @property
    def lengths(self) -> NDArray[np.float64]:
        """(N,) how far each row is from the centre."""
        return self._norms

    @classmethod
    def about(
        cls,
        lists: WordLists,
        centre: Mapping[str, float],
        with_centre: NDArray[np.float64],
        squares: NDArray[np.float64],
        power: float = 1.0,
    ) -> Self:
        """An index over lists that are there already.

        with_centre: (N,) the products of each row and the centre; squares: (N,) of each row with itself
        """
        index = cls.__new__(cls)
        index._hold(lists, centre, with_centre, squares, power)
        return index

    def _hold(
        self,
        lists: WordLists,
        centre: Mapping[str, float],
        with_centre: NDArray[np.float64],
        squares: NDArray[np.float64],
        power: float,
    ) -> None:
        self.lists, self.centre, self.power, self._with_centre = lists, centre, power, with_centre
        self._centre_square = float(sum(np.float64(value) ** 2 for value in centre.values()))
        norms = np.sqrt(np.maximum(squares - 2 * with_centre + self._centre_square, 0))
        self._norms: NDArray[np.float64] = norms if power == 1 else norms**power  # (N,)

    @classmethod
    def of_lists(cls, lists: WordLists, norms: NDArray[np.float64]) -> Self:
        """An index of plain cosines over lists that are there already; norms: (N,) of each row its length."""
        index = cls.__new__(cls)
        index.lists, index.centre, index._centre_square, index.power = lists, {}, 0.0, 1.0
        index._norms, index._with_centre = norms, np.broadcast_to(np.float64(0), norms.shape)
        return index

    def scores(self, query: Mapping[str, float]) -> NDArray[np.float32]:
        """(N,) float32, of the cosine between -1 and 1; 0 where a side is at the centre."""
        with_centre, norm = self._query(query)
        scores = np.zeros(len(self._norms), np.float32)
        terms = {word: partial(np.multiply, np.float32(value)) for word, value in query.items()}
        for rows, sums in self.lists.sums(terms):
            products = sums - with_centre - self._with_centre[rows] + self._centre_square
            norms = self._norms[rows] * norm
            np.divide(products, norms, out=scores[rows], where=norms > _TINY, casting="same_kind")
        return self._bounded(scores)

    def best(
        self, query: Mapping[str, float], top: int, least: float, allowed: NDArray[np.bool_] | None
    ) -> list[tuple[int, float]] | None:
        """The best rows by `scores`, see best_sums; None where all have to be scored."""
        return None if self.centre else self._best(query, 0.0, self._query(query)[1], top, least, allowed)

    def best_of_words(
        self, query: Mapping[str, float], top: int, least: float, allowed: NDArray[np.bool_] | None
    ) -> list[tuple[int, float]] | None:
        """The same by `scores_of_words`."""
        return self._best(query, self._query(query)[0], _length(query), top, least, allowed)

    def _best(
        self,
        query: Mapping[str, float],
        offset: float,
        length: float,
        top: int,
        least: float,
        allowed: NDArray[np.bool_] | None,
    ) -> list[tuple[int, float]] | None:
        if self.power != 1 or self.lists.of_sets or any(value <= 0 for value in query.values()):
            return None
        scoring = Scoring(RATIO, True, len(self._norms), length, offset, self._norms, self._smallest)
        return best_sums(held_words(self.lists, query), scoring, allowed, top, least)

    @cached_property
    def _smallest(self) -> NDArray[np.float64]:
        return smallest_lengths(self._norms)

    def shares(self, query: Mapping[str, float], row: Mapping[str, float]) -> dict[str, float]:
        """What each word of either side adds to the cosine; words of neither side add the small rest, through
        the centre."""
        values = {
            word: (query.get(word, 0.0) - c, row.get(word, 0.0) - c)
            for word in {*query, *row}
            for c in [self.centre.get(word, 0.0)]
        }
        norm = self._query(query)[1] * self._query(row)[1] ** self.power
        return {word: a * b / norm if norm > _TINY else 0.0 for word, (a, b) in values.items()}

    def scores_of_words(self, query: Mapping[str, float]) -> NDArray[np.float32]:
        """cos(a, b - c): the rows alone are taken from the centre, so that the query's own words alone count.

        (N,) float32 between -1 and 1.
        """
        with_centre, length = self._query(query)[0], _length(query)
        scores = np.zeros(len(self._norms), np.float32)
        terms = {word: partial(np.multiply, np.float32(value)) for word, value in query.items()}
        for rows, sums in self.lists.sums(terms):
            norms = self._norms[rows] * length
            np.divide(sums - with_centre, norms, out=scores[rows], where=norms > _TINY, casting="same_kind")
        return self._bounded(scores)

    def shares_of_words(self, query: Mapping[str, float], row: Mapping[str, float]) -> dict[str, float]:
        """What each word of the query adds to cos(a, b - c)."""
        norm = _length(query) * self._query(row)[1] ** self.power
        added = {
            word: value * (row.get(word, 0.0) - self.centre.get(word, 0.0)) for word, value in query.items()
        }
        return {word: value / norm if norm > _TINY else 0.0 for word, value in added.items()}

    def _bounded(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.clip(scores, -1, 1, out=scores) if self.power == 1 else scores

    def _query(self, query: Mapping[str, float]) -> tuple[float, float]:
        """ac, and the length of a - c."""
        with_centre = float(
            sum(
                np.float64(np.float32(value) * np.float32(self.centre.get(word, 0.0)))
                for word, value in query.items()
            )
        )
        square = float(sum(np.float64(np.float32(value) * np.float32(value)) for value in query.values()))
        return with_centre, float(np.sqrt(max(0.0, square - 2 * with_centre + self._centre_square)))


def _length(query: Mapping[str, float]) -> float:
    return math.sqrt(sum(float(np.float32(value)) ** 2 for value in query.values()))


def held_words(lists: WordLists, query: Mapping[str, float]) -> list[tuple[Held, float]]:
    """The words of a query that rows hold, by spelling, each with the query's weight as it is multiplied."""
    found = ((lists.held(word), float(np.float32(query[word]))) for word in sorted(query))
    return [(held, asked) for held, asked in found if held is not None and asked > 0]


_TINY = 1e-9  # a product of lengths below this is rounding


class BM25Index:
    """Okapi BM25 (Robertson and Zaragoza 2009, equation 3.15): a query's words, each by its idf and how much
    of the caption it is."""

    K1, B = 1.2, 0.75

    def __init__(self, rows: WordMatrix, weights: Mapping[str, float], unknown: float) -> None:
        """rows: of N captions each word's count; weights: the idf of words, `unknown` that of all others."""
        counts = rows.weights.astype(np.float32)
        lengths = np.bincount(rows.owners(), counts, len(rows))  # (N,)
        self._set(float(lengths.mean()) if len(lengths) else 1.0, weights, unknown)
        saturated = self.saturated(counts, lengths[rows.owners()])
        self.lists: WordLists = InvertedLists(
            WordMatrix(rows.words, rows.starts, rows.ids, saturated.astype(np.float32))
        )

    @classmethod
    def with_mean(cls, mean: float, weights: Mapping[str, float], unknown: float) -> Self:
        """An index for captions of `mean` words, to which `lists` are still to be given: of each word what
        `saturated` makes of its counts, as float32."""
        index = cls.__new__(cls)
        index._set(mean, weights, unknown)
        return index

    def _set(self, mean: float, weights: Mapping[str, float], unknown: float) -> None:
        self._mean, self.weights, self.unknown = mean, weights, unknown

    def scores(self, query: Mapping[str, float]) -> NDArray[np.float32]:
        """(N,) float32, 0 or more; query: each word's count."""
        scores = np.zeros(self.lists.count, np.float32)
        terms = {
            word: partial(np.multiply, np.float32(count * self.weight(word))) for word, count in query.items()
        }
        for rows, sums in self.lists.sums(terms):
            scores[rows] = sums
        return scores

    def best(
        self, query: Mapping[str, float], top: int, least: float, allowed: NDArray[np.bool_] | None
    ) -> list[tuple[int, float]] | None:
        """The best rows, see best_sums; None where all have to be scored."""
        asked = {word: count * self.weight(word) for word, count in query.items()}
        scoring = Scoring(PLAIN, True, self.lists.count)
        return best_sums(held_words(self.lists, asked), scoring, allowed, top, least)

    def shares(self, query: Mapping[str, float], row: Mapping[str, float]) -> dict[str, float]:
        """What each word of either side adds to the score."""
        length = sum(row.values())
        found = {
            word: float(self.saturated(np.float64(row.get(word, 0)), np.float64(length)))
            if word in row
            else 0.0
            for word in query
        }
        return dict.fromkeys(row, 0.0) | {
            word: query[word] * self.weight(word) * found[word] for word in query
        }

    def weight(self, word: str) -> float:
        """A word's idf."""
        return self.weights.get(word, self.unknown)

    def saturated(self, counts: Any, lengths: Any) -> Any:
        """What counts of a word are worth in captions of these lengths; of numbers or arrays."""
        return (
            counts
            * (self.K1 + 1)
            / (counts + self.K1 * (1 - self.B + self.B * lengths / (self._mean or 1.0)))
        )

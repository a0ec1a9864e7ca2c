"""Jaccard similarity of sets |A∩B| / |A∪B| and of word weights, exact: the definition, and an index that
scores a whole gallery at once.

The weighted form (Ruzicka's) is sum over words of u min(a, b) / sum of u max(a, b), u being how much a word
counts: its idf, or 1. Sets are the case in which a and b are 0 or 1.
"""

import math
from collections.abc import Collection, Mapping
from functools import partial
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ...errors import BadSetting
from .best import JACCARD, Scoring, best_sums
from .inverted import InvertedLists, WordLists
from .sparse import WordMatrix, Words, WordWeights, weighted


def jaccard(
    a: Words, b: Words, word_weights: Mapping[str, float] | None = None, unknown_weight: float | None = None
) -> float:
    """The similarity of two sets of words, or of two mappings from words to weights; between 0 and 1. Two
    empty ones share nothing: 0.

    word_weights, unknown_weight: as `WordWeights` takes them
    errors: BadSetting for a weight that is not finite, or below 0, or 0 in a or b
    """
    first, second = weighted(a), weighted(b)
    words = sorted(first.keys() | second.keys())
    counted = list(zip(words, WordWeights(word_weights, unknown_weight).of(words).tolist(), strict=True))
    shared = math.fsum(weight * min(first.get(word, 0), second.get(word, 0)) for word, weight in counted)
    union = math.fsum(weight * max(first.get(word, 0), second.get(word, 0)) for word, weight in counted)
    return shared / union if union else 0.0


class JaccardIndex:
    """A gallery of N word probabilities, or sets, to which many queries are compared.

    The denominator is the sum of both sides' weights less the numerator: min + max = a + b. So a query needs
    only the numerators, out of inverted lists, and one number per row. Sets are scored as by the definition,
    to the bit; weights to 1e-6 of the score, for terms are float32 and their sums float64. A row's score is
    the same bits in whatever order the gallery is, either way round, and 1 for its own words.
    """

    def __init__(
        self,
        matrix: WordMatrix,
        word_weights: Mapping[str, float] | None = None,
        unknown_weight: float | None = None,
    ) -> None:
        """word_weights, unknown_weight: as `WordWeights` takes them; BadSetting for weights whose sums no
        float32 holds."""
        weights = WordWeights(word_weights, unknown_weight)
        counted = matrix if weights.all_one else _counted(matrix, weights)
        lists = InvertedLists(counted)
        self._hold(lists, np.diff(counted.starts) if lists.of_sets else _sums_of_rows(counted), weights)
        # (V,) with those of words that count 0
        self._frequencies: NDArray[np.integer] | None = np.bincount(matrix.ids, minlength=len(matrix.words))

    @classmethod
    def of_lists(cls, lists: WordLists, totals: np.ndarray, word_weights: WordWeights) -> Self:
        """An index over lists that are there already.

        totals: (N,) of each row the sum of its weights, added one after the other in the order of the words;
                of sets how many words it holds
        """
        index = cls.__new__(cls)
        index._hold(lists, totals, word_weights)
        index._frequencies = None
        return index

    def _hold(self, lists: WordLists, totals: np.ndarray, word_weights: WordWeights) -> None:
        self.lists, self.word_weights = lists, word_weights
        self._largest = int(totals.max(initial=0)) if lists.of_sets else 0
        # (N,) float64; of sets in as few bytes as it takes
        self.totals = (
            totals.astype(np.min_scalar_type(self._largest), copy=False) if lists.of_sets else totals
        )

    def scores(self, query: Words) -> NDArray[np.float32]:
        """The query's similarity to every row: (N,) float32, a new array. Words that no row holds count in
        the denominator.

        query: words, or a mapping from words to weights; BadSetting for weights that are 0 or less, or not
               finite
        """
        weights, counted = self._counted_query(query)
        if self.lists.of_sets and (counted == 1).all():
            return self._set_scores(weights)
        total = _total(counted)
        scores = np.zeros(len(self.totals), np.float32)
        if total == 0:  # nothing that counts: similar to no row, not to an empty one either
            return scores
        terms = {word: partial(np.minimum, weight) for word, weight in zip(weights, counted, strict=True)}
        for rows, sums in self.lists.sums(terms):
            unions = self.totals[rows] + total
            unions -= sums
            np.divide(sums, unions, out=scores[rows], casting="same_kind")
        return scores

    def best(
        self, query: Words, top: int, least: float, allowed: NDArray[np.bool_] | None
    ) -> list[tuple[int, float]] | None:
        """The best rows with their scores, best first, ties by row; None where all have to be scored.

        top, least, allowed: as best_sets
        """
        if self.lists.of_sets:
            return None
        weights, counted = self._counted_query(query)
        asked = zip(map(self.lists.held, weights), counted.tolist(), strict=True)
        held = [(lists, weight) for lists, weight in asked if lists is not None and weight > 0]
        scoring = Scoring(JACCARD, False, len(self.totals), _total(counted), each=self.totals)
        return best_sums(held, scoring, allowed, top, least)

    def _counted_query(self, query: Words) -> tuple[dict[str, float], NDArray[np.float32]]:
        """A query's words by spelling, and their weights times what each counts."""
        weights = weighted(query)
        counted = np.fromiter(weights.values(), np.float32, len(weights))
        if not self.word_weights.all_one:
            with np.errstate(over="ignore"):  # refused as infinite by _total
                counted *= self.word_weights.of(list(weights))
        return weights, counted

    def frequency(self, word: str) -> int:
        """In how many rows the word is."""
        if self._frequencies is None or not isinstance(self.lists, InvertedLists):
            return self.lists.frequency(word)
        return int(self._frequencies[self.lists.word_ids[word]]) if word in self.lists.word_ids else 0

    def _set_scores(self, words: Collection[str]) -> NDArray[np.float32]:
        scores = np.empty(len(self.totals), np.float32)
        if not words:
            scores.fill(0)
            return scores
        dtype = np.min_scalar_type(self._largest + len(words))  # mostly uint8: a quarter of a float32's bytes
        for rows, counts in self.lists.counts(words):
            unions = np.add(self.totals[rows], len(words), dtype=dtype)
            unions -= counts
            np.divide(counts, unions, out=scores[rows], dtype=np.float32)
        return scores


def _total(counted: NDArray[np.float32]) -> float:
    """The sum of a query's weights, added one after the other, as `_sums_of_rows`: in another order, a row
    would not score 1 with its own words. errors: BadSetting"""
    total = float(np.cumsum(np.append(0, counted), dtype=np.float64)[-1])
    if not math.isfinite(total):
        raise BadSetting(
            "The query's weights times the word weights are too large for a float32. Give smaller ones."
        )
    return total


def _counted(matrix: WordMatrix, word_weights: WordWeights) -> WordMatrix:
    """Each weight times what its word counts, float32, without words that count 0: sum of u min(a, b) = sum
    of min(ua, ub)."""
    with np.errstate(over="ignore"):
        weights = word_weights.of(matrix.words)[matrix.ids]  # (K,)
        weights *= matrix.weights
    if not np.isfinite(weights).all():
        raise BadSetting(
            "The gallery's weights times the word weights are too large for a float32. Give smaller ones."
        )
    kept = weights > 0
    starts = np.append(0, np.cumsum(kept))[matrix.starts]
    return WordMatrix(matrix.words, starts, matrix.ids[kept], weights[kept])


def _sums_of_rows(matrix: WordMatrix) -> NDArray[np.float64]:
    """(N,) the sum of each row's weights, added one after the other in the order of the words."""
    sums = np.empty(len(matrix))
    for start in range(0, len(matrix), _ROWS):
        edges = matrix.starts[start : start + _ROWS + 1]
        rows = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
        sums[start : start + _ROWS] = np.bincount(rows, matrix.weights[edges[0] : edges[-1]], len(edges) - 1)
    return sums


_ROWS = 2**18  # at a time, for the memory

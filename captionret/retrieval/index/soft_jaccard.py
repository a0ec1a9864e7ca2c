"""Soft Jaccard: words that are nearly the same count as nearly the same. Each word is matched with one of the
other side at most.

With M the largest sum of similarities of one-to-one matches, the score is M / (|A| + |B| - M): Jaccard where
a match is all or nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from ...word_vectors import WordVectors, load_word_vectors
from .sparse import WordMatrix

Similarity = Callable[[Sequence[str], Sequence[str]], np.ndarray]
"""Maps Q and V words to their similarities, (Q, V) float32 from 0 to 1: 1 for equal words, 0 below the least
that counts."""


def by_spelling(least: float) -> Similarity:
    """Words are as similar as their letters are: "dog" and "dogs", "colour" and "color". The share of letters
    that need no edit."""

    def similarity(ours: Sequence[str], theirs: Sequence[str]) -> np.ndarray:
        from rapidfuzz import fuzz, process

        found = process.cdist(ours, theirs, scorer=fuzz.ratio, score_cutoff=100 * least, dtype=np.float32)
        return found / np.float32(100)

    return similarity


def by_meaning(least: float) -> Similarity:
    """Words are as similar as their GloVe vectors' cosine: "dog" and "puppy". Words without a vector are
    similar to themselves only."""

    def similarity(ours: Sequence[str], theirs: Sequence[str]) -> np.ndarray:
        found = _unit_vectors(tuple(ours)) @ _unit_vectors(tuple(theirs)).T
        found[found < least] = 0
        np.minimum(found, 1, out=found)
        places = {word: place for place, word in enumerate(theirs)}
        for row, word in enumerate(ours):
            if word in places:
                found[row, places[word]] = 1
        return found

    return similarity


class SoftJaccardIndex:
    """The word sets of a gallery, compared by a similarity of words."""

    def __init__(self, rows: WordMatrix, similarity: Similarity) -> None:
        self.rows, self.similarity = rows, similarity
        self.owners = rows.owners()
        self.sizes = np.diff(rows.starts)  # (N,)

    def scores(self, query: Mapping[str, float]) -> NDArray[np.float32]:
        """(N,) float32 from 0 to 1."""
        ours = list(query)
        found = self.similarity(ours, self.rows.words)  # (Q, V)
        several = (found > 0).sum(0) > 1  # (V,) words that more than one of the query's could be matched with
        best, nearest = found.max(0), found.argmax(0)  # (V,)
        held = best[self.rows.ids]  # (K,) what each word of each row could add
        any_match = held > 0
        rows, ids = self.owners[any_match], self.rows.ids[any_match]
        sums = np.bincount(rows, held[any_match].astype(np.float64), len(self.rows))  # (N,)
        twice = (
            np.bincount(
                rows * np.int64(len(ours)) + nearest[ids], minlength=len(self.rows) * len(ours)
            ).reshape(-1, len(ours))
            > 1
        )
        contested = np.asarray(twice.any(axis=1))
        contested[rows[several[ids]]] = True
        for row in np.flatnonzero(contested).tolist():
            sums[row] = _most(found[:, self.rows.ids[self.rows.starts[row] : self.rows.starts[row + 1]]])
        unions = self.sizes + len(ours) - sums
        return np.divide(sums, unions, out=np.zeros(len(self.rows)), where=unions > 0).astype(np.float32)

    def shares(self, query: Mapping[str, float], row: Mapping[str, float]) -> dict[str, float]:
        """What each word adds; a matched pair under the query's word."""
        pairs = self._pairs(query, row)
        union = len(query) + len(row) - sum(similarity for _, _, similarity in pairs)
        return (
            dict.fromkeys(row, 0.0)
            | dict.fromkeys(query, 0.0)
            | {ours: similarity / union for ours, _, similarity in pairs}
        )

    def partners(self, query: Mapping[str, float], row: Mapping[str, float]) -> dict[str, str]:
        """Of the query's words those that are matched with another one, and with which."""
        return {ours: theirs for ours, theirs, _ in self._pairs(query, row) if ours != theirs}

    def _pairs(self, query: Mapping[str, float], row: Mapping[str, float]) -> list[tuple[str, str, float]]:
        """The matches that make the score: the query's word, the row's, their similarity."""
        ours, theirs = list(query), list(row)
        if not ours or not theirs:
            return []
        found = self.similarity(ours, theirs)
        places = zip(*(side.tolist() for side in _assigned(found)), strict=True)
        return [(ours[a], theirs[b], float(found[a, b])) for a, b in places if found[a, b] > 0]

    def weight(self, word: str) -> float:
        """Every word counts the same."""
        return 1.0


def _most(found: np.ndarray) -> float:
    first, second = _assigned(found)
    return float(found[first, second].astype(np.float64).sum())


def _assigned(found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(found, maximize=True)
    return rows, columns


@lru_cache(maxsize=64)  # the words of the last galleries and queries
def _unit_vectors(words: tuple[str, ...]) -> NDArray[np.float32]:
    """(W, 50) unit rows, 0 for words without a vector."""
    vectors = _vectors()
    rows = np.zeros((len(words), vectors.table.shape[1]), np.float32)
    for place, word in enumerate(words):
        if word in vectors.words:
            rows[place] = vectors.table[vectors.words[word]]
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    np.divide(rows, norms, out=rows, where=norms > 0)
    return rows


@cache
def _vectors() -> WordVectors:
    return load_word_vectors("glove-50")

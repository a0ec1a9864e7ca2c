"""Sentences that find their picture, in any mode that takes text: R@1, R@5, R@10, median rank and MRR.

    answers = text_scores(MODES["expected-cosine"], gallery, queries)
    found = measure_text("expected-cosine", answers, owner, len(gallery))
    found.r10, found.mrr, found.misses

Each query has one right picture. Where scores are tied, a figure is its expected value over all orders of the
tie. A query of which a mode knows no word is a miss: it finds its picture at no rank, and is counted.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..counting import counted
from ..errors import BadSetting, NoWords
from ..retrieval import EncodedQuery, Gallery, Mode
from .ties import expected_rank, expected_reciprocal_rank, hit_probability

RANDOM = "random"
COLUMNS = ("R@1", "R@5", "R@10", "medr", "MRR", "misses")
FORMATS = dict.fromkeys(COLUMNS[:3], ".1f") | {"medr": ".0f", "MRR": ".3f"}


@dataclass(frozen=True, eq=False)
class TextSearch:
    """What one mode found for Q queries of one right picture each, among N pictures.

    better: (Q,) pictures that score strictly above the right one; N for a miss
    tied:   (Q,) pictures of its score, itself included; 1 for a miss
    known:  (Q,) bool, False where the mode knows no word of the query
    """

    mode: str
    better: NDArray[np.int64]
    tied: NDArray[np.int64]
    known: NDArray[np.bool_]

    @property
    def misses(self) -> int:
        """How many queries the mode knows no word of."""
        return int((~self.known).sum())

    def hits(self, k: int) -> NDArray[np.float64]:
        """(Q,) the probability that the right picture is among the first k."""
        return np.where(self.known, hit_probability(self.better, self.tied, self._one, k), 0.0)

    @cached_property
    def reciprocal_ranks(self) -> NDArray[np.float64]:
        """(Q,) 1 / rank, 0 for a miss."""
        return np.where(self.known, expected_reciprocal_rank(self.better, self.tied, self._one), 0.0)

    @property
    def r1(self) -> float:
        """Of a hundred queries, how many have their picture first."""
        return 100 * float(self.hits(1).mean())

    @property
    def r5(self) -> float:
        """Of a hundred queries, how many have their picture among the first five."""
        return 100 * float(self.hits(5).mean())

    @property
    def r10(self) -> float:
        """Of a hundred queries, how many have their picture among the first ten."""
        return 100 * float(self.hits(10).mean())

    @property
    def medr(self) -> float:
        """floor of the median of the ranks counted from 0, plus 1; a miss ranks after every picture."""
        return float(np.floor(np.median(expected_rank(self.better, self.tied, self._one))) + 1)

    @property
    def mrr(self) -> float:
        """The mean of 1 / rank."""
        return float(self.reciprocal_ranks.mean())

    @property
    def _one(self) -> NDArray[np.int64]:
        return np.ones_like(self.better)

    def values(self) -> list[float | int]:
        """A value for each of COLUMNS."""
        return [self.r1, self.r5, self.r10, self.medr, self.mrr, self.misses]

    def row(self) -> dict[str, str | float]:
        """As a line of text.csv."""
        names = ("r1", "r5", "r10", "medr", "mrr", "misses")
        return {"mode": self.mode} | dict(zip(names, self.values(), strict=True))


def text_scores(
    mode: Mode, gallery: Gallery, queries: Iterable[EncodedQuery]
) -> Iterator[NDArray[np.float32] | None]:
    """For each query the scores of all pictures, (N,) float32; None where the mode knows no word of it: it
    says so, or no picture fits the query or has anything in common with it, or all score alike."""
    prepared = gallery.prepared(mode)
    for query in queries:
        try:
            scores, fits = prepared.scores(query), prepared.fits(query)
        except NoWords:
            yield None
            continue
        nothing = fits is not None and not fits.any()
        nothing = nothing or (scores.max(initial=0) <= 0 and not mode.relative)
        yield None if nothing or scores.min() == scores.max() else scores


def measure_text(
    name: str,
    answers: Iterable[NDArray[np.floating] | None],
    owner: Sequence[int] | NDArray[np.int64],
    pictures: int,
) -> TextSearch:
    """Where each query's right picture stands.

    name:     of the mode
    answers:  as text_scores gives them
    owner:    (Q,) the row of each query's right picture
    pictures: N
    errors:   BadSetting for no queries, scores that are not finite, or answers to more or fewer queries
    """
    rows = np.asarray(owner, np.int64)
    better, tied = np.full(len(rows), pictures), np.ones(len(rows), np.int64)
    known = np.zeros(len(rows), bool)
    count = 0
    for scores in answers:
        if count < len(rows) and scores is not None:
            if not np.isfinite(scores).all():
                raise BadSetting(f"Mode {name} gives query {count} a score that is not finite.")
            own = scores[rows[count]]
            better[count], tied[count] = (scores > own).sum(), (scores == own).sum()
            known[count] = True
        count += 1
    if not count or count != len(rows):
        raise BadSetting(f"There are {count} answers for {counted(len(rows), 'queries')}. Give one for each.")
    return TextSearch(name, better, tied, known)


def random_text(queries: int, pictures: int) -> TextSearch:
    """What a random order finds on average: every picture is tied with the right one."""
    return TextSearch(RANDOM, np.zeros(queries, np.int64), np.full(queries, pictures), np.ones(queries, bool))

"""Labels typed as queries: R-precision, MRR and average precision, the mean over labels.

    found = measure_labels("embedding", text_scores(MODES["embedding"], gallery, queries), right)
    found.r_precision, found.mrr, found.average_precision

Every picture of a label is a right answer. Where scores are tied, a figure is its expected value over all
orders of the tie (McSherry and Najork 2008). A label of which a mode knows no word finds nothing: 0.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import BadSetting
from .ties import expected_reciprocal_rank

COLUMNS = ("R-precision", "MRR", "AP", "misses")
FORMATS = dict.fromkeys(COLUMNS[:3], ".3f")


@dataclass(frozen=True, eq=False)
class LabelSearch:
    """What one mode found for L labels.

    r_precisions:       (L,) of the first R pictures the share that is right, R being how many are right
    reciprocal_ranks:   (L,) 1 / rank of the first right picture
    average_precisions: (L,) the mean, over the right pictures, of the precision at their ranks
    known:              (L,) bool, False where the mode knows no word of the label
    """

    mode: str
    r_precisions: NDArray[np.float64]
    reciprocal_ranks: NDArray[np.float64]
    average_precisions: NDArray[np.float64]
    known: NDArray[np.bool_]

    @property
    def r_precision(self) -> float:
        """The mean over labels, 0 to 1."""
        return float(self.r_precisions.mean())

    @property
    def mrr(self) -> float:
        """The mean over labels, 0 to 1."""
        return float(self.reciprocal_ranks.mean())

    @property
    def average_precision(self) -> float:
        """The mean over labels, 0 to 1."""
        return float(self.average_precisions.mean())

    @property
    def misses(self) -> int:
        """How many labels the mode knows no word of."""
        return int((~self.known).sum())

    def values(self) -> list[float | int]:
        """A value for each of COLUMNS."""
        return [self.r_precision, self.mrr, self.average_precision, self.misses]

    def row(self) -> dict[str, str | float]:
        """As a line of labels.csv."""
        names = ("r_precision", "mrr", "ap", "misses")
        return {"mode": self.mode} | dict(zip(names, self.values(), strict=True))


def measure_labels(
    name: str, answers: Iterable[NDArray[np.floating] | None], right: NDArray[np.bool_]
) -> LabelSearch:
    """How well each label finds its pictures.

    name:    of the mode
    answers: L arrays of the scores of all pictures (N,), None where the mode knows no word
    right:   (L, N) bool; every label has a right picture
    errors:  BadSetting for a label without pictures, or answers to more or fewer labels
    """
    if not right.size or not right.any(1).all():
        raise BadSetting("Every label needs a picture that it is right for. Leave the others out.")
    found = [
        (0.0, 0.0, 0.0, False) if scores is None else (*label_figures(scores, own), True)
        for scores, own in zip(answers, right, strict=True)
    ]
    precision, reciprocal, average, known = zip(*found, strict=True)
    return LabelSearch(name, np.array(precision), np.array(reciprocal), np.array(average), np.array(known))


def label_figures(scores: NDArray[np.floating], right: NDArray[np.bool_]) -> tuple[float, float, float]:
    """R-precision, 1 / rank and average precision of one query, expected over random order within ties.

    scores: (N,), higher is better; right: (N,) bool, at least one
    """
    _, group = np.unique(-scores, return_inverse=True)  # 0 for the best score
    tied = np.bincount(group)  # (G,) how many share each score
    hits = np.bincount(group, right, len(tied)).astype(np.int64)  # (G,) how many of them are right
    better, earlier = np.cumsum(tied) - tied, np.cumsum(hits) - hits  # (G,) before each group
    wanted = int(right.sum())
    places = np.clip(wanted - better, 0, tied)  # (G,) of the first R
    first = int(np.argmax(hits > 0))
    reciprocal = expected_reciprocal_rank(*(one[first : first + 1] for one in (better, tied, hits)))
    precision = float((hits * places / tied).sum()) / wanted
    return precision, float(reciprocal[0]), _average_precision(tied, hits, better, earlier) / wanted


def _average_precision(
    tied: NDArray[np.int64], hits: NDArray[np.int64], better: NDArray[np.int64], earlier: NDArray[np.int64]
) -> float:
    """The expected sum of the precisions at the right answers' ranks.

    Place i of a tie of t with m right is right with probability m / t; before it in the tie stand then
    (i-1) (m-1) / (t-1) right ones on average.
    """
    total = 0.0
    for group in np.flatnonzero(hits).tolist():
        t, m = int(tied[group]), int(hits[group])
        place = np.arange(1, t + 1)
        among = (place - 1) * (m - 1) / max(t - 1, 1)
        total += float((m / t * (earlier[group] + among + 1) / (better[group] + place)).sum())
    return total

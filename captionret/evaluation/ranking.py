"""Sentences that find their image, and images that find their sentences: R@1, R@5, R@10, median and mean
rank.

    ranking = rank_both_ways(images @ captions.T, owner)
    ranking.i2t.r10, ranking.t2i.medr, ranking.rsum

i2t: each image ranks all captions, and the rank is that of the best of its own. t2i: each caption ranks all
     images. Where scores are
tied, a figure is its expected value over all orders of the tie: constant scores get what a random order gets
on average. The figures without ties are those of the VSE evaluation (Kiros et al. 2014, Faghri et al. 2018).
"""

from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..counting import counted
from ..errors import BadSetting
from .ties import expected_rank, hit_probability

# images whose scores are compared together, so that they stay in the processor's cache; at most 255, see
# _count
_ROWS = 64


@dataclass(frozen=True)
class Recall:
    """One direction.

    r1, r5, r10: how many of a hundred queries have a right answer among the first 1, 5, 10
    medr:        floor of the median of the ranks counted from 0, plus 1
    meanr:       mean rank, the best being 1
    """

    r1: float
    r5: float
    r10: float
    medr: float
    meanr: float


@dataclass(frozen=True)
class Ranking:
    """Both directions: image to text and text to image."""

    i2t: Recall
    t2i: Recall

    @property
    def rsum(self) -> float:
        """The sum of the six recalls, up to 600."""
        return sum((self.i2t.r1, self.i2t.r5, self.i2t.r10, self.t2i.r1, self.t2i.r5, self.t2i.r10))

    def to_json(self) -> dict[str, Any]:
        """{"i2t": {"r1", "r5", "r10", "medr", "meanr"}, "t2i": {...}, "rsum"}."""
        return {"i2t": asdict(self.i2t), "t2i": asdict(self.t2i), "rsum": self.rsum}


def rank_both_ways(scores: ArrayLike, owner: ArrayLike, folds: int = 1) -> Ranking:
    """Measure both directions.

    scores: (N, M) of N images and M captions, higher is better; float32 whose rows lie together in memory is
            fastest
    owner:  (M,) the image of each caption, 0 to N - 1; every image owns at least one
    folds:  the mean over so many runs of consecutive images, each ranked among itself: 5 for "1K" on COCO's
            5,000
    errors: BadSetting for other shapes, scores that are not finite, images without captions, folds of unequal
            size

    With g answers strictly better than the best right one, t tied with it (itself included), m of those
    right: P(hit@K) = 1 - C(t-m, K-g) / C(t, K-g), and the expected rank, counted from 0, is g + (t-m) /
           (m+1). Median and mean are those
    of the expected ranks. Beyond the scores it takes memory for a few times N + M numbers.
    """
    values, owners = np.asarray(scores), np.asarray(owner)
    _check(values, owners, folds)
    size = len(values) // folds
    rankings = [_rank(*_part(values, owners, start, size)) for start in range(0, len(values), size)]
    return Ranking(_mean([ranking.i2t for ranking in rankings]), _mean([ranking.t2i for ranking in rankings]))


def _rank(scores: np.ndarray, owner: np.ndarray) -> Ranking:
    own = scores[owner, np.arange(len(owner))]  # (M,) each caption's score with its image
    best = np.full(len(scores), own.min())
    np.maximum.at(best, owner, own)  # (N,) each image's with the best of its captions
    right = np.bincount(owner[own == best[owner]], minlength=len(scores))
    (over_best, tied_best), (over_own, tied_own) = _count(scores, best, own)
    return Ranking(_recall(over_best, tied_best, right), _recall(over_own, tied_own, np.ones_like(over_own)))


def _count(
    scores: np.ndarray, best: np.ndarray, own: np.ndarray
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """How many scores are above each row's `best` and each column's `own`, and how many equal it: ((N,),
    (N,)), ((M,), (M,)) int64."""
    rows = np.zeros((2, len(best)), np.int64)  # above, at least
    columns = np.zeros((2, len(own)), np.int64)
    for start in range(0, len(scores), _ROWS):
        block = scores[start : start + _ROWS]
        if not np.isfinite(block).all():
            row, column = np.argwhere(~np.isfinite(block))[0].tolist()
            raise BadSetting(
                f"Scores must be finite numbers; image {start + row} has {block[row, column]} for caption "
                f"{column}."
            )
        for index, compare in enumerate((np.greater, np.greater_equal)):
            # bytes, which no block can make overflow: several times as fast as counting in 64 bits
            columns[index] += np.add.reduce(compare(block, own).view(np.uint8), axis=0, dtype=np.uint8)
            above = compare(block, best[start : start + _ROWS, None])
            rows[index, start : start + _ROWS] = [np.count_nonzero(row) for row in above]
    return (rows[0], rows[1] - rows[0]), (columns[0], columns[1] - columns[0])


def _recall(better: np.ndarray, tied: np.ndarray, right: np.ndarray) -> Recall:
    """Of each query: how many answers are strictly better than its best right one, how many tied with it, how
    many of those right."""
    ranks = expected_rank(better, tied, right)  # from 0
    r1, r5, r10 = (100 * float(hit_probability(better, tied, right, k).mean()) for k in (1, 5, 10))
    return Recall(r1, r5, r10, float(np.floor(np.median(ranks)) + 1), float(ranks.mean() + 1))


def _part(scores: np.ndarray, owner: np.ndarray, start: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The scores and owners of `size` images and their captions alone; all of them without a copy."""
    if size == len(scores):
        return scores, owner
    columns = np.flatnonzero((owner >= start) & (owner < start + size))
    return scores[start : start + size, columns], owner[columns] - start


def _mean(recalls: Sequence[Recall]) -> Recall:
    return Recall(*np.mean([astuple(recall) for recall in recalls], axis=0).tolist())


def _check(scores: np.ndarray, owner: np.ndarray, folds: int) -> None:
    if (
        scores.ndim != 2
        or owner.shape != scores.shape[1:]
        or not scores.size
        or not np.issubdtype(owner.dtype, np.integer)
    ):
        raise BadSetting(
            "Ranking needs the scores of N images and M captions, and each caption's image as a whole "
            f"number; got shapes {scores.shape} and {owner.shape}."
        )
    if owner.min() < 0 or owner.max() >= len(scores):
        raise BadSetting(
            f"The captions' images must be 0 to {len(scores) - 1}; they are {owner.min()} to {owner.max()}."
        )
    if without := np.flatnonzero(np.bincount(owner, minlength=len(scores)) == 0).tolist():
        raise BadSetting(
            f"{len(without):,} of {len(scores):,} images have no caption (the first is image {without[0]}). "
            "Leave them out."
        )
    if folds < 1 or len(scores) % folds:
        raise BadSetting(f"{counted(len(scores), 'images do')} not part into {folds} folds of equal size.")

"""How well a ranking of images follows their relevance to the query (`relevance` makes it): NDCG, Pearson
correlation, ties.

    each = measure(scores, load_relevance("sbert", captions, cache))
    each.summary().ndcg10, bootstrap.mean_interval(each.ndcg10), bootstrap.paired_interval(each.ndcg10,
    other.ndcg10)

Scores are (N queries, N images) of the same images in the same order; the query itself, the diagonal, is
always left out. Where images share a score, a figure is its expected value over all orders of them: exact,
and without luck. So constant scores get what a random order gets on average.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..counting import counted
from ..errors import BadSetting

LONGEST = 50
"""The largest rank at which `measure` cuts off."""

_ROWS = 500  # queries that are looked at together: 5,000 images take some 100 MB


@dataclass(frozen=True)
class SemanticScores:
    """The means over the queries; arguments of `measure` say of what.

    ndcg10, ndcg50: NDCG with linear gain (`ndcg_linear`), 0 to 1
    pcc:            Pearson correlation, -1 to 1
    ties10:         how many images share the score of rank 10
    """

    ndcg10: float
    ndcg50: float
    pcc: float
    ties10: float

    def to_json(self) -> dict[str, float]:
        """By name."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class QueryScores:
    """What each of N queries got, in their order, for bootstrap intervals and plots.

    ndcg:   (N, 50) float64, column k - 1 is NDCG@k with linear gain
    pcc:    (N,) float64
    ties10: (N,) float64
    """

    ndcg: np.ndarray
    pcc: np.ndarray
    ties10: np.ndarray

    @property
    def ndcg10(self) -> np.ndarray:
        """(N,) NDCG@10."""
        return self.ndcg[:, 9]

    @property
    def ndcg50(self) -> np.ndarray:
        """(N,) NDCG@50."""
        return self.ndcg[:, 49]

    def summary(self) -> SemanticScores:
        """The means."""
        return SemanticScores(
            *(float(values.mean()) for values in (self.ndcg10, self.ndcg50, self.pcc, self.ties10))
        )


def measure(scores: ArrayLike, relevance: ArrayLike) -> QueryScores:
    """Every measure of one mode.

    scores:    (N, N), row q the scores of all images for query q, higher is better
    relevance: (N, N), 0 or more
    errors:    BadSetting for other shapes, fewer than two images, numbers that are not finite, relevance
               below 0
    """
    return QueryScores(
        ndcg_linear(scores, relevance, LONGEST), pearson(scores, relevance), ties_at(scores, 10)
    )


def ndcg_linear(scores: ArrayLike, relevance: ArrayLike, k: int) -> np.ndarray:
    """NDCG@1, ..., NDCG@k of each query, (N, k) float64: the gain is the relevance, the discount 1 /
    log2(rank + 1).

    The ideal order sorts by relevance. A query to which nothing is relevant has 0 under every mode. Where
    fewer than k images are left to be ranked, all of them are. (Järvelin and Kekäläinen 2002, with the
    discount that is usual now.) Errors as for `measure`.
    """
    return _ndcg(scores, relevance, k, lambda relevance: relevance, _log_discount)


def ndcg_exponential(scores: ArrayLike, relevance: ArrayLike, k: int) -> np.ndarray:
    """The same with the gain 2^relevance - 1 (Burges et al. 2005), made for grades such as 0 to 3; another
    metric than `ndcg_linear`."""
    return _ndcg(scores, relevance, k, lambda relevance: np.exp2(relevance) - 1, _log_discount)


def ndcg_irsgs(scores: ArrayLike, relevance: ArrayLike, k: int) -> np.ndarray:
    """The same with linear gain, the first rank undiscounted and the others by 1 / log2(rank): so the first
    two count alike.

    Järvelin and Kekäläinen's own form with base 2, in which retrieval by scene graphs (IRSGS, Yoon et al.
    2021) is reported.
    """
    return _ndcg(
        scores, relevance, k, lambda relevance: relevance, lambda ranks: 1 / np.maximum(1, np.log2(ranks))
    )


def pearson(scores: ArrayLike, relevance: ArrayLike) -> np.ndarray:
    """The Pearson correlation of scores and relevance over the other images, of each query: (N,) float64.

    0 where one of the two is the same for all images: such a mode says nothing about that query. Errors as
    for `measure`.
    """
    values, relevant = _checked_pair(scores, relevance)
    correlations = np.empty(len(values))
    for rows, own in _blocks(len(values)):
        x, y = _centred(values[rows], own), _centred(relevant[rows], own)
        product = (x * y).sum(1)
        norms = np.sqrt((x * x).sum(1) * (y * y).sum(1))
        correlations[rows] = np.divide(product, norms, out=np.zeros_like(product), where=norms > 0)
    return np.clip(correlations, -1, 1)


def ties_at(scores: ArrayLike, k: int = 10) -> np.ndarray:
    """How many images share the score of the one at rank k, itself included: (N,) float64; at the last rank
    where fewer than k are left."""
    values = _checked(scores, "Scores")
    _check_rank(k)
    place = len(values) - min(k, len(values) - 1)
    ties = np.empty(len(values))
    for rows, own in _blocks(len(values)):
        others = _without_query(values[rows], own, -np.inf)
        ties[rows] = (others == np.partition(others, place, axis=1)[:, place, None]).sum(1)
    return ties


def _ndcg(
    scores: ArrayLike,
    relevance: ArrayLike,
    k: int,
    gain: Callable[[np.ndarray], np.ndarray],
    discount: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """NDCG at every rank up to k, (N, k) float64."""
    values, relevant = _checked_pair(scores, relevance)
    _check_rank(k)
    ranked = min(k, len(values) - 1)
    discounts = discount(np.arange(1, ranked + 1))
    ndcg = np.zeros((len(values), k))
    for rows, own in _blocks(len(values)):
        # the query comes last, if at all
        gains = _without_query(gain(relevant[rows].astype(np.float64)), own, -np.inf)
        ideal = -np.sort(np.partition(-gains, ranked - 1, axis=1)[:, :ranked], axis=1)
        gains[np.arange(len(own)), own] = 0
        found = np.cumsum(
            _expected_gains(_without_query(values[rows], own, -np.inf), gains, ranked) * discounts, axis=1
        )
        best = np.cumsum(ideal * discounts, axis=1)
        np.divide(found, best, out=ndcg[rows, :ranked], where=best > 0)
    ndcg[:, ranked:] = ndcg[:, ranked - 1, None]
    return ndcg


def _expected_gains(scores: np.ndarray, gains: np.ndarray, ranked: int) -> np.ndarray:
    """The gain that is expected at each of the first ranks, (B, ranked): the mean over all images of the
    score that stands there.

    In a random order within ties every image of a tie takes each of its places equally often. As DCG is a sum
    over ranks, the expected DCG follows from this.
    """
    images = scores.shape[1]
    # of the last tie some, whichever
    first = np.argpartition(scores, images - ranked, axis=1)[:, images - ranked :]
    first = np.take_along_axis(first, np.argsort(-np.take_along_axis(scores, first, 1), axis=1), 1)
    values, expected = np.take_along_axis(scores, first, 1), np.take_along_axis(gains, first, 1)
    begins = np.ones(values.shape, bool)
    begins[:, 1:] = values[:, 1:] != values[:, :-1]
    starts = np.flatnonzero(begins)
    sizes = np.diff(starts, append=begins.size)
    expected = np.repeat(np.add.reduceat(expected.ravel(), starts) / sizes, sizes).reshape(values.shape)
    last = values[:, -1:]
    tied = scores == last  # the last tie may reach beyond the ranks asked for
    return np.where(values == last, ((gains * tied).sum(1) / tied.sum(1))[:, None], expected)


def _log_discount(ranks: np.ndarray) -> np.ndarray:
    discount: np.ndarray = 1 / np.log2(ranks + 1)
    return discount


def _centred(values: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Each row less its mean over the other images, float64, 0 at the query; exactly 0 throughout where they
    are all the same."""
    others = _without_query(values.astype(np.float64), own, 0)
    rows = np.arange(len(own))
    others -= others.sum(1, keepdims=True) / (others.shape[1] - 1)
    others[rows, own] = others[rows, own - 1]  # any other image: it must not count for the spread
    others[others.min(1) == others.max(1)] = 0  # rounding leaves a constant row some 1e-17
    others[rows, own] = 0
    return others


def _blocks(count: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Rows that are looked at together, and the column of each that is the query itself."""
    for start in range(0, count, _ROWS):
        yield slice(start, start + _ROWS), np.arange(start, min(start + _ROWS, count))


def _without_query(values: np.ndarray, own: np.ndarray, instead: float) -> np.ndarray:
    """A copy in which the query's own column holds `instead`."""
    others = values.copy()
    others[np.arange(len(own)), own] = instead
    return others


def _checked_pair(scores: ArrayLike, relevance: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    values, relevant = _checked(scores, "Scores"), _checked(relevance, "Relevance")
    if values.shape != relevant.shape:
        raise BadSetting(
            f"Scores of {counted(len(values), 'images')} cannot be compared with the relevance of "
            f"{len(relevant):,}. Use one split."
        )
    if relevant.min() < 0:
        raise BadSetting(f"Relevance must be 0 or more; the least is {relevant.min():g}.")
    return values, relevant


def _checked(matrix: ArrayLike, what: str) -> np.ndarray:
    values = np.asarray(matrix)
    if values.ndim != 2 or values.shape[0] != values.shape[1] or len(values) < 2:
        raise BadSetting(
            f"{what} must be a square matrix of at least two images; got the shape {values.shape}."
        )
    if not np.issubdtype(values.dtype, np.floating):
        values = values.astype(np.float64)
    for rows, _ in _blocks(len(values)):
        if not np.isfinite(values[rows]).all():
            row, column = np.argwhere(~np.isfinite(values[rows]))[0].tolist()
            raise BadSetting(
                f"{what} must be finite numbers; query {rows.start + row} has "
                f"{values[rows.start + row, column]} for image {column}."
            )
    return values


def _check_rank(k: int) -> None:
    if k < 1:
        raise BadSetting(f"The cut-off rank is {k}; it must be at least 1.")

"""Hubs: images that stand among the nearest of far too many queries, and others that stand among nobody's;
and what is done about it.

hubness = measure_hubness(without_self(matrix), k=10)
hubness.skewness, hubness.antihubs
better = csls(without_self(matrix))

All functions take scores (Q, N) of Q queries and N images, higher is better. Minus infinity marks a pair that
is never compared, such as an image with itself, and stays. The remedies read all queries at once: what one
query finds depends on the others.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import BadSetting, UnknownName

K = 10
# inverted softmax, per standard deviation of the scores: of 1, 2, 3, 4, 6, 8 the best sum of recalls on
# Flickr8k val
BETA = 3.0
_ROWS = 256  # compared together


@dataclass(frozen=True, eq=False)
class Hubness:
    """How unevenly the nearest lists are shared out.

    k:          the length of a list
    occurrence: (N,) float64, see k_occurrence
    """

    k: int
    occurrence: NDArray[np.float64]

    @property
    def skewness(self) -> float:
        """Of the occurrences; see `skewness`."""
        return skewness(self.occurrence)

    @property
    def maximum(self) -> float:
        """In how many lists the worst hub stands."""
        return float(self.occurrence.max())

    @property
    def antihubs(self) -> float:
        """The share of images that stand in no list."""
        return float((self.occurrence == 0).mean())

    @property
    def hub_share(self) -> float:
        """The share of all places that the one in a hundred images with the most places (at least one image)
        take."""
        most = np.sort(self.occurrence)[::-1][: max(1, round(len(self.occurrence) / 100))]
        return float(most.sum() / max(self.occurrence.sum(), 1))

    def distribution(self) -> dict[int, int]:
        """How many images stand in 0, 1, 2, ... lists (parts of a list are rounded); numbers that no image
        has are left out."""
        values, counts = np.unique(np.rint(self.occurrence).astype(int), return_counts=True)
        return dict(zip(values.tolist(), counts.tolist(), strict=True))

    def worst(self, count: int) -> list[int]:
        """The rows of the images that stand in the most lists, the worst first, ties by row."""
        rows: list[int] = np.argsort(-self.occurrence, kind="stable")[:count].tolist()
        return rows

    def to_json(self) -> dict[str, float | int]:
        """Its figures."""
        return {
            "k": self.k,
            "skewness": self.skewness,
            "maximum": self.maximum,
            "antihubs": self.antihubs,
            "hub_share": self.hub_share,
        }


def measure_hubness(scores: np.ndarray, k: int = K) -> Hubness:
    """Count the nearest lists of every query; errors: see k_occurrence."""
    return Hubness(k, k_occurrence(scores, k))


def without_self(scores: np.ndarray, relative: bool = True) -> np.ndarray:
    """A copy of (N, N) scores in which no image is compared with itself.

    relative: False where a score of 0 or less says that nothing is in common: such pairs are no neighbours,
              either
    """
    if scores.ndim != 2 or scores.shape[0] != scores.shape[1]:
        raise BadSetting(
            f"Images that ask for each other have as many queries as images; these scores are {scores.shape}."
        )
    others = scores.astype(np.float32)
    np.fill_diagonal(others, -np.inf)
    if not relative:
        others[others <= 0] = -np.inf
    return others


def k_occurrence(scores: np.ndarray, k: int = K) -> NDArray[np.float64]:
    """In how many of the queries' k-nearest lists each image stands: (N,), N_k of Radovanović et al. 2010
    (JMLR 11, sec. 2).

    Images that tie for the last places of a list share them: t for p places count p/t each, as on average
    over all orders of the tie.
    errors: BadSetting for k < 1, and for NaN
    """
    _check(scores, k)
    counts = np.zeros(scores.shape[1])
    for block in _blocks(scores):
        last = _kth_best(block, k)
        above = block > last
        tied = (block == last) & (block > -np.inf)
        share = (min(k, block.shape[1]) - above.sum(1)) / np.maximum(tied.sum(1), 1)  # (rows,)
        counts += above.sum(0) + share @ tied
    return counts


def skewness(values: np.ndarray) -> float:
    """E[(x - mean)^3] / standard deviation^3, above 0 where a few images take most places (Radovanović et al.
    2010, eq. 1)."""
    centred = np.asarray(values, np.float64) - np.mean(values)
    spread = float(np.sqrt(np.mean(centred**2)))
    return float(np.mean(centred**3)) / spread**3 if spread > 1e-12 else 0.0


def csls(scores: np.ndarray, k: int = K) -> NDArray[np.float32]:
    """Cross-domain similarity local scaling (Conneau et al. 2018, arXiv:1710.04087, sec. 2.3).

    CSLS(q, x) = 2 s(q, x) - r(q) - r(x), r(q) the mean score of q and its k nearest images, r(x) that of x
    and its k nearest queries.
    """
    _check(scores, k)
    values = scores.astype(np.float32)
    return 2 * values - _mean_of_best(values, k)[:, None] - _mean_of_best(values.T, k)


def mutual_proximity(scores: np.ndarray) -> NDArray[np.float32]:
    """Mutual proximity with empirical distributions taken as independent (Schnitzer et al. 2012, JMLR 13).

    MP(q, x) = P(X < s) P(Y < s), s = s(q, x): the share of q's scores that are below s, times the share of
    x's that are. Both look at what is compared at all. The joint distribution of the paper needs queries and
    images to be the same things; this does not.
    """
    _check(scores)
    values = scores.astype(np.float32)
    found = _share_below(values)
    found *= _share_below(np.ascontiguousarray(values.T)).T
    found[values == -np.inf] = -np.inf
    return found


def inverted_softmax(scores: np.ndarray, beta: float | None = None) -> NDArray[np.float32]:
    """Inverted softmax (Smith et al. 2017, arXiv:1702.03859, sec. 2.3): the log-probability that an image's
    query is this one.

    IS(q, x) = beta s(q, x) - log sum over all queries p of exp(beta s(p, x))

    beta:   None: 3 over the standard deviation of the scores
    errors: BadSetting for a beta that is not above 0
    """
    _check(scores)
    if beta is None:
        spread = float(scores[np.isfinite(scores)].std()) if np.isfinite(scores).any() else 0.0
        beta = BETA / spread if spread > 1e-12 else 1.0
    if not 0 < beta < np.inf:
        raise BadSetting(f"beta is {beta}; it must be a number above 0.")
    values = np.float32(beta) * scores.astype(np.float32)
    most = values.max(0)
    most[most == -np.inf] = 0  # an image that is compared with nobody: log 0 below, and minus infinity stays
    with np.errstate(divide="ignore"):
        total = most + np.log(np.exp(values - most).sum(0))
    np.subtract(values, total, out=values, where=values > -np.inf)
    return values


REMEDIES: Mapping[str, Callable[[np.ndarray], NDArray[np.float32]]] = {
    "csls": csls,
    "mutual-proximity": mutual_proximity,
    "inverted-softmax": inverted_softmax,
}


def find_remedies(names: Sequence[str]) -> dict[str, Callable[[np.ndarray], NDArray[np.float32]]]:
    """Remedies by name, "all" of them on request; an unknown one is an error that lists them."""
    for name in names:
        if name != "all" and name not in REMEDIES:
            raise UnknownName.among("remedy", name, [*REMEDIES, "all"])
    return {name: remedy for name, remedy in REMEDIES.items() if name in names or "all" in names}


def _check(scores: np.ndarray, k: int = K) -> None:
    if k < 1:
        raise BadSetting(f"k is {k}; a list of nearest images holds at least 1.")
    if scores.ndim != 2 or not scores.size:
        raise BadSetting(
            f"Scores of queries and images are needed, (Q, N); these have the shape {scores.shape}."
        )
    if any(np.isnan(block).any() or (block == np.inf).any() for block in _blocks(scores)):
        raise BadSetting("A score is NaN or infinite. A mode must score every image with a number.")


def _blocks(scores: np.ndarray) -> list[np.ndarray]:
    return [scores[start : start + _ROWS] for start in range(0, len(scores), _ROWS)]


def _kth_best(block: np.ndarray, k: int) -> np.ndarray:
    """Of each row the k-th best score, the worst where there are fewer: (rows, 1)."""
    place = block.shape[1] - min(k, block.shape[1])
    return np.partition(block, place, axis=1)[:, place : place + 1]


def _mean_of_best(scores: np.ndarray, k: int) -> NDArray[np.float32]:
    """Of each row the mean of the k best scores that are compared, 0 without any: (rows,)."""
    means = []
    for block in _blocks(scores):
        best = np.partition(block, block.shape[1] - min(k, block.shape[1]), axis=1)[:, -k:]
        some = best > -np.inf
        means.append(np.where(some, best, 0).sum(1) / np.maximum(some.sum(1), 1))
    return np.concatenate(means).astype(np.float32)


def _share_below(scores: np.ndarray) -> NDArray[np.float32]:
    """For each score the share of its row's scores that are below it, of those that are compared: (Q, N)."""
    shares = np.zeros(scores.shape, np.float32)
    for row, values in enumerate(scores):
        compared = values > -np.inf
        ordered = np.sort(values[compared])
        shares[row, compared] = np.searchsorted(ordered, values[compared], side="left") / max(len(ordered), 1)
    return shares

"""How far a mean over items can be trusted, and whether one system is better than another on the same items:
the bootstrap (Koehn 2004), Fisher's randomisation test, and Holm's correction for many comparisons."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import BadSetting

DRAWN_AT_ONCE = 2**20  # scores in memory


def paired_interval(
    a: ArrayLike, b: ArrayLike, *, samples: int = 1000, level: float = 0.95, seed: int = 0
) -> tuple[float, float, float]:
    """The mean of a - b and the interval that holds `level` of the means of resampled items: (mean, low,
    high).

    a, b:    (N,) scores of the same N items by two systems, in the same order
    samples: how many times N items are drawn with replacement
    errors:  BadSetting for other shapes, no items, or scores that are not finite
    An interval that leaves out 0 says that the difference is not chance.
    """
    return _interval(_differences(a, b, "A paired interval"), "A paired interval", samples, level, seed)


def mean_interval(
    a: ArrayLike, *, samples: int = 1000, level: float = 0.95, seed: int = 0
) -> tuple[float, float, float]:
    """The mean of a and the interval that holds `level` of the means of resampled items: (mean, low, high).

    a: (N,) one system's scores; the rest as for `paired_interval`. Two systems on the same items are compared
       by that one: their
    own intervals may overlap although one is better on nearly every item.
    """
    values = np.asarray(a, dtype=np.float64)
    if values.ndim != 1 or not values.size:
        raise BadSetting(f"A mean interval needs one score for each item; got the shape {values.shape}.")
    return _interval(values, "A mean interval", samples, level, seed)


def _differences(a: ArrayLike, b: ArrayLike, name: str) -> np.ndarray:
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.ndim != 1 or first.shape != second.shape or not first.size:
        raise BadSetting(
            f"{name} needs two scores for each item; got shapes {first.shape} and {second.shape}."
        )
    difference: np.ndarray = first - second
    if not np.isfinite(difference).all():
        raise BadSetting(f"{name} needs finite scores; some are NaN or infinite.")
    return difference


def _interval(
    values: np.ndarray, name: str, samples: int, level: float, seed: int
) -> tuple[float, float, float]:
    if not np.isfinite(values).all():
        raise BadSetting(f"{name} needs finite scores; some are NaN or infinite.")
    if samples < 1 or not 0 < level < 1:
        raise BadSetting(
            f"{name} needs at least one sample and a level between 0 and 1; got {samples} and {level}."
        )
    random = np.random.default_rng(seed)
    at_once = max(1, DRAWN_AT_ONCE // values.size)
    blocks = [min(at_once, samples - start) for start in range(0, samples, at_once)]
    drawn = (values[random.integers(values.size, size=(block, values.size))] for block in blocks)
    means = np.concatenate([resampled.mean(1) for resampled in drawn])
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(values.mean()), float(low), float(high)


def randomisation_test(a: ArrayLike, b: ArrayLike, *, samples: int = 10_000, seed: int = 0) -> float:
    """p of Fisher's paired randomisation test, two-sided: how often chance alone, which gives each item's two
    scores to the systems, makes a mean difference as large as that of a - b (Smucker et al. 2007).

    a, b:    (N,) scores of the same N items by two systems, in the same order
    samples: drawn sets of signs; where there are no more sets than that all are tried, and p is exact
    returns: p between 1 / (samples + 1) and 1; 1 for equal scores
    errors:  as paired_interval

    >>> randomisation_test([1, 1, 1, 1], [0, 0, 0, 0])  # of 16 sets of signs 2 reach as far
    0.125
    """
    difference = _differences(a, b, "A randomisation test")
    return float(randomisation_tests(difference[None], samples=samples, seed=seed)[0])


def randomisation_tests(differences: ArrayLike, *, samples: int = 10_000, seed: int = 0) -> np.ndarray:
    """The same for many pairs of systems on the same items, with the same draws: p of each, (M,) float64.

    differences: (M, N) of the items' scores
    """
    given = np.asarray(differences, dtype=np.float64)
    if given.ndim != 2 or not np.isfinite(given).all() or samples < 1:
        raise BadSetting(
            f"Randomisation tests need finite differences of shape (M, N) and at least one sample; got the "
            f"shape {given.shape} and {samples} samples."
        )
    p = np.empty(len(given))
    few = np.count_nonzero(given, axis=1) <= np.log2(samples)  # sets of signs are no more than samples
    for row in np.flatnonzero(few).tolist():
        p[row] = _exact(given[row][given[row] != 0])
    if not few.all():
        p[~few] = _drawn(given[~few], samples, seed)
    return p


def _least(differences: np.ndarray) -> np.ndarray:
    """What a sum must reach, (M,); sums that only rounding sets apart are one."""
    least: np.ndarray = np.abs(differences.sum(-1)) - 1e-12 * np.abs(differences).sum(-1)
    return least


def _exact(differences: np.ndarray) -> float:
    """p over all sets of signs, for (N,) differences that are not 0: the sign of a 0 changes nothing."""
    signs = 1 - 2 * (np.arange(2**differences.size)[:, None] >> np.arange(differences.size) & 1)
    return float((np.abs(signs @ differences) >= _least(differences)).mean())


def _drawn(differences: np.ndarray, samples: int, seed: int) -> np.ndarray:
    random, least = np.random.default_rng(seed), _least(differences)
    items = differences.shape[1]
    at_once = max(1, DRAWN_AT_ONCE // items)
    reached = np.zeros(len(differences), np.int64)
    for start in range(0, samples, at_once):
        block = min(at_once, samples - start)
        bits = np.unpackbits(np.frombuffer(random.bytes(-(-block * items // 8)), np.uint8))
        ones = bits[: block * items].reshape(block, items).astype(np.float64)
        sums = 2 * (ones @ differences.T) - differences.sum(1)  # (block, M)
        reached += (np.abs(sums) >= least).sum(0)
    p: np.ndarray = (reached + 1) / (samples + 1)
    return p


def holm(p_values: ArrayLike) -> np.ndarray:
    """p corrected for how many comparisons a table shows, so that a p below .05 anywhere in the whole table
    is chance in at most one table of twenty (Holm 1979).

    p_values: (M,), each from 0 to 1; returns: (M,) in the same order, at most 1
    errors:   BadSetting for anything else
    """
    given = np.asarray(p_values, dtype=np.float64)
    if given.ndim != 1 or not ((given >= 0) & (given <= 1)).all():
        raise BadSetting("Holm's correction takes a list of p values, each from 0 to 1.")
    order = np.argsort(given, kind="stable")
    stepped = np.maximum.accumulate(given[order] * np.arange(len(given), 0, -1))
    corrected = np.empty(len(given))
    corrected[order] = np.minimum(stepped, 1)
    return corrected


@dataclass(frozen=True)
class Difference:
    """One system less another on the same items.

    mean, low, high: of the paired bootstrap, 95 %
    p, p_holm:       of the randomisation test; corrected for all pairs of its table
    """

    mean: float
    low: float
    high: float
    p: float
    p_holm: float


def compare(pairs: Sequence[tuple[ArrayLike, ArrayLike]], *, samples: int = 10_000) -> list[Difference]:
    """Every pair that a table shows, in its order: intervals, p and Holm's correction over all of them.

    pairs: of (N,) scores of the same N items
    """
    if not pairs:
        return []
    given = np.stack([_differences(a, b, "A comparison") for a, b in pairs])
    p_values = randomisation_tests(given, samples=samples)
    return [
        Difference(*paired_interval(a, b), p, corrected)
        for (a, b), p, corrected in zip(pairs, p_values.tolist(), holm(p_values).tolist(), strict=True)
    ]

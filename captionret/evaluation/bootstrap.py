"""Whether one system is better than another on the same items, or was lucky with them: the paired bootstrap (Koehn 2004)."""

import numpy as np
from numpy.typing import ArrayLike

from ..errors import BadSetting


def paired_interval(a: ArrayLike, b: ArrayLike, *, samples: int = 1000, level: float = 0.95, seed: int = 0) -> tuple[float, float, float]:
    """The mean of a - b and the interval that holds `level` of the means of resampled items: (mean, low, high).

    a, b:    (N,) scores of the same N items by two systems, in the same order
    samples: how many times N items are drawn with replacement
    errors:  BadSetting for other shapes, no items, or scores that are not finite
    An interval that leaves out 0 says that the difference is not chance.
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.ndim != 1 or first.shape != second.shape or not first.size:
        raise BadSetting(f"A paired interval needs two scores for each item; got shapes {first.shape} and {second.shape}.")
    difference = first - second
    if not np.isfinite(difference).all():
        raise BadSetting("A paired interval needs finite scores; some are NaN or infinite.")
    if samples < 1 or not 0 < level < 1:
        raise BadSetting(f"A paired interval needs at least one sample and a level between 0 and 1; got {samples} and {level}.")
    random = np.random.default_rng(seed)
    means = [difference[random.integers(difference.size, size=difference.size)].mean() for _ in range(samples)]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(difference.mean()), float(low), float(high)

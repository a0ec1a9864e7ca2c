"""How far a mean over items can be trusted, and whether one system is better than another on the same items:
the bootstrap (Koehn 2004)."""

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
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.ndim != 1 or first.shape != second.shape or not first.size:
        raise BadSetting(
            f"A paired interval needs two scores for each item; got shapes {first.shape} and {second.shape}."
        )
    return _interval(first - second, "A paired interval", samples, level, seed)


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

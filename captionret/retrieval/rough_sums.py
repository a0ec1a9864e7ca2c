"""The best of very many pictures by scores that are known roughly: those alone are compared exactly that may
be among them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.integer]
_FEW = 32  # scores of which the best is taken
_AT_ONCE = 1 << 15  # scores
_LEAST = float(np.finfo(np.float32).min)


@dataclass(frozen=True, slots=True, eq=False)
class Roughly:
    """Scores of N pictures, as numbers of which each is multiplied by `scale` (above 0), less `shift`.

    numbers: (N,)
    off:     an exact score is at most so far away
    exactly: of (M,) rows the exact ones, float64
    """

    numbers: NDArray[np.floating]
    off: float
    exactly: Callable[[Rows], NDArray[np.floating]]
    scale: float = 1.0
    shift: float = 0.0

    @property
    def scores(self) -> NDArray[np.floating]:
        """(N,) all of them; not to be written to."""
        if self.scale == 1 and not self.shift:
            return self.numbers
        found: NDArray[np.floating] = self.numbers * np.float32(self.scale)
        found -= np.float32(self.shift)
        return found

    def standardised(self, weight: float) -> "Roughly":
        """These less their mean, by their standard deviation, times a weight. Both are taken from the rough
        ones: they are those of the exact ones to some five digits."""
        scores = self.scores
        mean, spread = _mean_and_deviation(scores)
        scale = weight / spread if spread > 1e-12 else 0.0
        if not scale:
            return Roughly(np.zeros(len(scores), np.float32), 0.0, lambda rows: np.zeros(len(rows)))
        off = (self.off + _rounding(scores)) * scale
        return Roughly(scores, off, lambda rows: (self.exactly(rows) - mean) * scale, scale, mean * scale)

    def less(self, taken: NDArray[np.float64]) -> "Roughly":
        """These less (N,) numbers."""
        return Roughly(self.scores - taken, self.off, lambda rows: self.exactly(rows) - taken[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Fitting:
    """Which of N pictures fit a query.

    roughly: (N,) those that fit as far as is known roughly: with True those alone that surely do
    exactly: (M,) which of some rows do
    """

    roughly: Callable[[bool], NDArray[np.bool_]]
    exactly: Callable[[Rows], NDArray[np.bool_]]


def summed(parts: Sequence[Roughly]) -> Roughly:
    """The sum of at least one."""
    if len(parts) == 1:
        return parts[0]
    scores = [one.scores for one in parts]
    total = reduce(np.add, scores).astype(np.float32, copy=False)
    off = sum(one.off for one in parts) + max(map(_rounding, (total, *scores)))
    return Roughly(total, off, lambda rows: np.sum([one.exactly(rows) for one in parts], axis=0))


def _mean_and_deviation(scores: NDArray[np.floating]) -> tuple[float, float]:
    """Of (N,) scores; a few at a time are taken as float64, which stay in the processor's caches."""
    first = float(scores[0]) if len(scores) else 0.0  # near to the mean, so that squares lose no digits
    total = squares = 0.0
    for start in range(0, len(scores), _AT_ONCE):
        values = scores[start : start + _AT_ONCE].astype(np.float64)
        values -= first
        total += float(values.sum())
        squares += float(values @ values)
    mean = total / max(len(scores), 1)
    return first + mean, math.sqrt(max(squares / max(len(scores), 1) - mean * mean, 0.0))


def _rounding(scores: NDArray[np.floating]) -> float:
    """More than a float32 sum of such scores is rounded by."""
    return 1e-6 * max(float(scores.max(initial=0.0)), -float(scores.min(initial=0.0)))


def best_of(
    rough: Roughly, fitting: Fitting, top: int, least: float, allowed: NDArray[np.bool_] | None
) -> list[tuple[int, float]]:
    """The best rows of those that fit, with their exact scores, see PreparedMode.best."""
    fit = fitting.roughly(True)
    fit = fit if allowed is None else fit & allowed
    reached = reached_by(np.where(fit, rough.numbers, np.float32(-np.inf)), top)
    lowest = max(reached - 2 * rough.off / rough.scale, (least - rough.off + rough.shift) / rough.scale)
    possible = rough.numbers >= max(lowest, _LEAST)
    possible &= fitting.roughly(False)
    rows = np.flatnonzero(possible if allowed is None else possible & allowed)
    scores = rough.exactly(rows).astype(np.float32)
    kept = np.flatnonzero(fitting.exactly(rows) & (scores >= float(least)))
    order = kept[np.argsort(-scores[kept], kind="stable")][:top]
    return [(int(rows[place]), float(scores[place])) for place in order]


def reached_by(scores: NDArray[np.float32], count: int) -> float:
    """A score that `count` of (N,) reach, and few others; minus infinity where there are not so many. The
    best of each few tell it, of which fewer are sorted."""
    if count > len(scores):
        return -np.inf
    whole = len(scores) // _FEW * _FEW
    if whole // _FEW > 8 * count:
        scores = scores[:whole].reshape(_FEW, -1).max(0)
    return float(np.partition(scores, len(scores) - count)[len(scores) - count])

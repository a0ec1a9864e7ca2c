"""The best of very many pictures by scores that are known roughly: those alone are compared exactly that may
be among them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.integer]
_FEW = 32  # scores of which the best is taken


@dataclass(frozen=True, slots=True, eq=False)
class Roughly:
    """Scores of N pictures.

    scores:  (N,) of which an exact one is at most `off` away
    exactly: of (M,) rows the exact ones, float64
    """

    scores: NDArray[np.floating]
    off: float
    exactly: Callable[[Rows], NDArray[np.floating]]

    def standardised(self, weight: float) -> "Roughly":
        """These less their mean, by their standard deviation, times a weight. Both are taken from the rough
        ones: they are those of the exact ones to some five digits."""
        values = self.scores.astype(np.float64)
        mean = float(values.mean())
        values -= mean
        spread = float(np.sqrt(values @ values / len(values)))
        scale = weight / spread if spread > 1e-12 else 0.0
        values *= scale
        return Roughly(values, self.off * abs(scale), lambda rows: (self.exactly(rows) - mean) * scale)

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
    total = np.sum([one.scores for one in parts], axis=0).astype(np.float32)
    rounding = 1e-6 * float(np.abs(total).max(initial=0.0))  # float32 takes less
    off = sum(one.off for one in parts) + rounding
    return Roughly(total, off, lambda rows: np.sum([one.exactly(rows) for one in parts], axis=0))


def best_of(
    rough: Roughly, fitting: Fitting, top: int, least: float, allowed: NDArray[np.bool_] | None
) -> list[tuple[int, float]]:
    """The best rows of those that fit, with their exact scores, see PreparedMode.best."""
    fit = fitting.roughly(True)
    fit = fit if allowed is None else fit & allowed
    reached = reached_by(np.where(fit, rough.scores, np.float32(-np.inf)), top)
    possible = rough.scores >= max(reached - 2 * rough.off, least - rough.off)
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

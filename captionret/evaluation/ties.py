"""What a figure of a ranking is on average over all orders of the answers that share a score.

A right answer stands among t that are tied, m of them right, and g answers are strictly better: so the figure
needs no luck, and constant scores get what a random order gets on average. Every function takes (Q,) whole
numbers and answers (Q,) float64, one for each query.
"""

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]


def hit_probability(better: Counts, tied: Counts, right: Counts, k: int) -> NDArray[np.float64]:
    """P(hit@k): 1 - C(t-m, j) / C(t, j) with j = k - g places left for the tie.

    The quotient equals C(t-j, m) / C(t, m), a product of m factors; one of them is 0 as soon as j > t - m.
    """
    places = np.clip(k - better, 0, tied)
    missed = np.ones(len(better))
    for taken in range(int(right.max(initial=0))):
        factor = np.maximum(tied - places - taken, 0) / np.maximum(tied - taken, 1)
        missed *= np.where(taken < right, factor, 1)
    return 1 - missed


def expected_rank(better: Counts, tied: Counts, right: Counts) -> NDArray[np.float64]:
    """The rank of the first right answer, counted from 0: g + (t-m) / (m+1)."""
    rank: NDArray[np.float64] = better + (tied - right) / (right + 1)
    return rank


def expected_reciprocal_rank(better: Counts, tied: Counts, right: Counts) -> NDArray[np.float64]:
    """E[1 / rank] of the first right answer, ranks counted from 1.

    The first right one takes place x of its tie with probability C(t-x, m-1) / C(t, m), which is m / t for
    x = 1 and (t-x-m+1) / (t-x) of itself for the place after x.
    """
    found = np.zeros(len(better))
    chance = right / np.maximum(tied, 1)  # of place x
    for place in range(1, int(tied.max(initial=0)) + 1):
        found += chance / (better + place)
        left = np.maximum(tied - place, 1)
        chance = chance * np.maximum(tied - place - right + 1, 0) / left
    return found

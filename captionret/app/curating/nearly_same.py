"""Which pictures are nearly the same: copies that were scaled, re-encoded, recoloured or cropped a little,
and on request mirrored. Their perceptual hashes differ in few bits, and their features point the same way.

The limits were chosen on COCO; benchmarks/duplicates.py measures them on Flickr8k.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ...images import alike_pairs
from ...images.hashes import ALIKE
from ...library.vectors.looks import Looks

# (bits of the hashes that may differ, the least cosine of the features)
LIMITS = ((ALIKE, 0.6), (16, 0.86))
_AT_ONCE = 8192  # pairs whose features are compared together

Pairs = NDArray[np.int64]


def near_pairs(looks: Looks, limits: Iterable[tuple[int, float]] = LIMITS) -> Pairs:
    """(P, 2) the rows of pictures that are nearly the same, the smaller first.

    limits: of which one must be kept; where there are no features, the bits of the first alone
    """
    limits = tuple(limits)
    most = max(bits for bits, _ in limits) if looks.features is not None else limits[0][0]
    found = alike_pairs(looks.hashes, most)
    kept = [found[_are_near(looks, found, looks.hashes, limits)]]
    if looks.mirrored is not None:
        turned = alike_pairs(looks.hashes, most, looks.mirrored)
        turned = turned[turned[:, 0] < turned[:, 1]]
        kept.append(turned[_are_near(looks, turned, looks.mirrored, limits)])
    return np.unique(np.concatenate(kept), axis=0)


def _are_near(
    looks: Looks, pairs: Pairs, others: NDArray[np.uint64], limits: tuple[tuple[int, float], ...]
) -> NDArray[np.bool_]:
    """(P,) of pairs whose hashes are near whether one of the limits is kept."""
    first, second = pairs.T
    telling: NDArray[np.bool_] = ~(looks.plain[first] | looks.plain[second])
    if looks.features is None:
        return telling
    bits = _differing(looks.hashes[first], others[second])
    cosines = cosines_of(looks.features, pairs)
    kept = [(bits <= most) & (cosines >= least) for most, least in limits]
    near: NDArray[np.bool_] = np.logical_or.reduce(kept) & telling
    return near


def _differing(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> NDArray[np.int64]:
    octets = np.ascontiguousarray(one ^ other).view(np.uint8).reshape(-1, 8)
    counts: NDArray[np.int64] = np.unpackbits(octets, axis=1).sum(axis=1, dtype=np.int64)
    return counts


def cosines_of(features: NDArray[np.float32], pairs: Pairs) -> NDArray[np.float32]:
    """(P,) the cosine of the unit rows that each pair names."""
    starts = range(0, len(pairs), _AT_ONCE)
    parts = [pairs[start : start + _AT_ONCE] for start in starts]
    found = [np.einsum("pd,pd->p", features[part[:, 0]], features[part[:, 1]]) for part in parts]
    return np.concatenate(found or [np.zeros(0, np.float32)])


def joined(pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Rows that pairs lead from one to another, as groups; rows ascend, groups by their first.

    >>> joined([(0, 3), (1, 2), (3, 7)])
    [[0, 3, 7], [1, 2]]
    """
    parent: dict[int, int] = {}

    def first(row: int) -> int:
        while parent.setdefault(row, row) != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for one, other in pairs:
        low, high = sorted((first(one), first(other)))
        parent[high] = low
    groups: dict[int, list[int]] = {}
    for row in sorted(parent):
        groups.setdefault(first(row), []).append(row)
    return sorted(groups.values())

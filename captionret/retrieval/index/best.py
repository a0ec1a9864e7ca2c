"""The best rows of a gallery by Jaccard similarity of sets or weights, exact: by a compiled kernel where it
was built, else by the scores of all rows.

The kernel counts the words of 64 rows at once, in bits, and scores those rows alone that hold enough of them
to be among the best.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

BLOCK = 16384  # rows that the kernel takes at a time
MOST_WORDS, MOST_WEIGHTED = 127, 1024  # that it takes
Word = tuple[NDArray[np.generic], bool]  # uint8 bits of all rows and True, or int32 rows and False

# its rows, or None for one that has a weight for every row; these weights; the query's
WeightedWord = tuple[NDArray[np.int32] | None, NDArray[np.float32], float]


class Kernel(Protocol):
    """What _kernel.c gives."""

    def best_sets(
        self,
        words: list[tuple[NDArray[np.generic], int]],
        asked: int,
        sizes: NDArray[np.unsignedinteger],
        smallest: NDArray[np.uint8],
        allowed: NDArray[np.uint8] | None,
        top: int,
        least: float,
    ) -> list[tuple[int, float]]:
        """See best_sets below."""
        ...

    def best_weighted(
        self,
        words: list[tuple[NDArray[np.int32] | None, NDArray[np.float32], float]],
        spelling: list[int],
        total: float,
        totals: NDArray[np.float64],
        allowed: NDArray[np.uint8] | None,
        top: int,
        least: float,
    ) -> list[tuple[int, float]]:
        """See best_weighted below."""
        ...


def _built() -> Kernel | None:
    try:
        return cast(Kernel, import_module("._kernel", __package__))
    except ImportError:  # there was no compiler
        return None


KERNEL = _built()


def best_weighted(
    words: Sequence[WeightedWord],
    total: float,
    totals: NDArray[np.float64],
    allowed: NDArray[np.bool_] | None,
    top: int,
    least: float,
) -> list[tuple[int, float]] | None:
    """The rows that are most similar to a query of weights, as best_sets; None where there is no kernel, or
    the query has too many words.

    words:  of the query those that rows hold, by spelling
    total:  the sum of the query's weights; totals: (N,) of those of each row
    """
    if KERNEL is None or len(words) > MOST_WEIGHTED:
        return None
    long = [(len(weights) / asked, place) for place, (_, weights, asked) in enumerate(words)]
    order = [place for _, place in sorted(long, reverse=True)]  # those that are costly for their weight first
    spelling = np.argsort(order, kind="stable").tolist()
    limits = None if allowed is None else np.packbits(allowed, bitorder="little")
    given = [words[place] for place in order]
    return KERNEL.best_weighted(given, spelling, total, totals, limits, top, least)


def smallest_of_blocks(sizes: NDArray[np.unsignedinteger]) -> NDArray[np.uint8]:
    """The size of the smallest row of each block, at most 255: with it `best_sets` passes rows over."""
    if not len(sizes):
        return np.zeros(0, np.uint8)
    return np.minimum(np.minimum.reduceat(sizes, np.arange(0, len(sizes), BLOCK)), 255).astype(np.uint8)


def best_sets(
    words: Sequence[Word],
    asked: int,
    sizes: NDArray[np.unsignedinteger],
    smallest: NDArray[np.uint8],
    allowed: NDArray[np.bool_] | None,
    top: int,
    least: float,
) -> list[tuple[int, float]]:
    """The rows that are most similar to a query, with their scores, best first, ties by row.

    words:    of the query those that rows hold, each as a bit for every row (the first in the lowest bit), or
              as ascending rows
    asked:    how many words the query has, those included that no row holds
    sizes:    (N,) how many words each row has; smallest: see smallest_of_blocks
    allowed:  (N,) which rows may be among them; None: all
    least:    scores below it, and 0, are left out
    """
    if KERNEL is not None and len(words) <= MOST_WORDS:
        limits = None if allowed is None else np.packbits(allowed, bitorder="little")
        arrays = [(array, int(bits)) for array, bits in words]
        return KERNEL.best_sets(arrays, asked, sizes, smallest, limits, top, least)
    counts = np.zeros(len(sizes), np.int64)
    for array, bits in words:
        if bits:
            counts += np.unpackbits(array.astype(np.uint8), count=len(sizes), bitorder="little")
        else:
            counts[array.astype(np.int64)] += 1
    unions = asked + sizes.astype(np.int64) - counts
    scores = np.zeros(len(sizes), np.float32)
    np.divide(counts, unions, out=scores, where=unions > 0, dtype=np.float32)
    rows = np.flatnonzero(
        (counts > 0) & (scores >= np.float32(least)) & (True if allowed is None else allowed)
    )
    order = rows[np.argsort(-scores[rows], kind="stable")][:top]
    return [(int(row), float(scores[row])) for row in order]

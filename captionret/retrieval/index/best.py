"""The best rows of a gallery by Jaccard similarity of sets, or by a sum over words' weights, exact: by a
compiled kernel where it was built, else by the scores of all rows.

The kernel counts the words of 64 rows at once, in bits, and scores those rows alone that hold enough of them
to be among the best.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, Self, cast

import numpy as np
from numpy.typing import NDArray

from ...compiled import compiled

BLOCK = 16384  # rows that the kernel takes at a time
MOST_WORDS, MOST_WEIGHTED = 127, 1024  # that it takes
_TINY = 1e-30
Word = tuple[NDArray[np.generic], bool]  # uint8 bits of all rows and True, or int32 rows and False


class Held(NamedTuple):
    """The rows that hold a word, with its weights in them.

    rows:      ascending, or
    bits:      a bit for every row, the first in the lowest; neither: every row has a weight
    weights:   (K,) of the rows, or of all; None: all weigh `constant`, but
    others:    some of the rows, ascending, weigh `of_others`
    most:      the largest weight
    """

    rows: NDArray[np.int32] | None
    bits: NDArray[np.uint8] | None
    weights: NDArray[np.float32] | None
    constant: float
    others: NDArray[np.int32] | None
    of_others: NDArray[np.float32] | None
    most: float

    @classmethod
    def of_weights(cls, rows: NDArray[np.int32] | None, weights: NDArray[np.float32]) -> Self:
        """A weight for each of the rows, or for all."""
        return cls(rows, None, weights, 0.0, None, None, float(weights.max(initial=0)))

    @property
    def bytes(self) -> int:
        """Of all arrays."""
        return sum(array.nbytes for array in self if isinstance(array, np.ndarray))


class Scoring(NamedTuple):
    """How the score of a row follows from a sum over words, of products or of the smaller of two weights.

    kind:     JACCARD: sum / (total + each - sum); RATIO: (sum - offset) / (total * each); PLAIN: sum
    rows:     how many there are
    each:     (N,) of each row the sum of its weights, or its length
    smallest: of RATIO the smallest length of each BLOCK of rows, see smallest_lengths
    """

    kind: int
    products: bool
    rows: int
    total: float = 0.0
    offset: float = 0.0
    each: NDArray[np.float64] | None = None
    smallest: NDArray[np.float64] | None = None


JACCARD, RATIO, PLAIN = range(3)


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

    def best_sums(
        self,
        words: list[tuple[object, ...]],
        spelling: list[int],
        scoring: Scoring,
        allowed: NDArray[np.uint8] | None,
        top: int,
        least: float,
    ) -> list[tuple[int, float]]:
        """See best_sums below."""
        ...


KERNEL = cast("Kernel | None", compiled("_kernel", 3, __package__))


def best_sums(
    words: Sequence[tuple[Held, float]],
    scoring: Scoring,
    allowed: NDArray[np.bool_] | None,
    top: int,
    least: float,
) -> list[tuple[int, float]] | None:
    """The rows that score best by a sum over words, as best_sets; None where there is no kernel, or the query
    has too many words.

    words: of the query those that rows hold, by spelling, each with the query's weight
    """
    if KERNEL is None or len(words) > MOST_WEIGHTED:
        return None
    most = [held.most * asked if scoring.products else min(held.most, asked) for held, asked in words]
    lengths = (scoring.rows if held.rows is None else len(held.rows) for held, _ in words)
    long = [(length / max(most[place], _TINY), place) for place, length in enumerate(lengths)]
    order = [place for _, place in sorted(long, reverse=True)]  # those that are costly for their weight first
    spelling = np.argsort(order, kind="stable").tolist()
    limits = None if allowed is None else np.packbits(allowed, bitorder="little")
    given: list[tuple[object, ...]] = [
        (*words[place][0][:6], words[place][1], most[place]) for place in order
    ]
    return KERNEL.best_sums(given, spelling, scoring, limits, top, least)


def smallest_lengths(lengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """The smallest length of a row of each block that is not 0."""
    if not len(lengths):
        return np.zeros(0)
    known = np.where(lengths > 0, lengths, np.inf)
    found: NDArray[np.float64] = np.minimum.reduceat(known, np.arange(0, len(lengths), BLOCK))
    return found


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

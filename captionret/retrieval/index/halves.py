"""The best of very many vectors, exactly, by reading no more than their float16 copy: products with that copy
tell which few rows can be among the best, and these are compared in float32.

How far a product with the copy can be from the float32 one is known: by what rounding takes, and what two
float32 sums may lose. A row that is further below the last of the best than twice that is none of them.
"""

import os
from collections.abc import Callable
from typing import Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ...compiled import compiled

EXACT_UP_TO = 200_000  # rows that are compared in float32 alone
_ROWS = 2048  # that are compared together in float32
_MOST_THREADS = 4  # more do not read memory any faster
_CLIPPED = 1e-6  # that a product of unit vectors may be above 1


class VectorTable(Protocol):
    """Unit vectors of N pictures that lie in files: (F, D) rows, in any order."""

    @property
    def halves(self) -> NDArray[np.float16]:
        """(F, D) the rows in float16."""

    @property
    def places(self) -> NDArray[np.int64]:
        """(N,) the row of each picture."""

    def rows(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """(K, D) of these rows in float32, of length 1 but for rounding."""
        ...


@runtime_checkable
class KeepsNearness(Protocol):
    """A table that keeps how near its pictures are to usual places."""

    def nearness(self, usual: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """(N,) the nearness of each picture to places (K, D); None where it has to be computed."""
        ...


class Kernel(Protocol):
    """What _halves.c gives."""

    def dots(self, rows: NDArray[np.float16], query: NDArray[np.float32], found: NDArray[np.float32]) -> None:
        """Put the dot products of (N, D) rows with a query (D,) into (N,) `found`."""


KERNEL = cast("Kernel | None", compiled("_halves", 1, __package__))


def dots(rows: NDArray[np.float16], query: NDArray[np.float32]) -> NDArray[np.float32]:
    """The dot products of N rows of float16, (N, D), with one of float32, (D,): (N,). All processors read
    them."""
    found = np.empty(len(rows), np.float32)
    query = np.ascontiguousarray(query, np.float32)

    def of_part(first: int, last: int) -> None:
        if KERNEL is None:
            found[first:last] = rows[first:last].astype(np.float32) @ query
        else:
            KERNEL.dots(rows[first:last], query, found[first:last])

    in_parts(of_part, len(rows))
    return found


def in_parts(work: Callable[[int, int], None], count: int) -> None:
    """Call `work(first, last)` on parts of 0 to `count`, on several processors at a time."""
    threads = min(_MOST_THREADS, os.cpu_count() or 1, -(-count // _ROWS) or 1)
    ends = [count * part // threads for part in range(threads + 1)]
    from concurrent.futures import ThreadPoolExecutor  # importing it takes a search's time

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, ends[:-1], ends[1:]))


def unit_rows(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, D) rows divided by their lengths; a row of zeros is like none. Each row is the same to the bit in
    whatever company it is."""
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    units = np.zeros_like(values)
    np.divide(values, norms, out=units, where=norms > 1e-6)
    return units


def cosines(units: NDArray[np.float32], unit: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N,) float32 from -1 to 1; one row after the other, so that a score is the same bits wherever a row
    stands."""
    found: NDArray[np.float32] = np.einsum("nd,d->n", units, unit)
    return np.clip(found, -1, 1)


def bound(dim: int) -> float:
    """How far the product of a unit vector with a unit row's float16 copy may be from its cosine with the
    row: rounding takes 2**-11 of a number at most, or 2**-25 of one that is nearly zero; by Cauchy and
    Schwarz the product loses no more than the length of what is taken, and each float32 sum of D products
    D * 2**-24 of their sum at most (Higham 2002, section 3.1)."""
    taken = 2.0**-11 + dim**0.5 * 2.0**-25
    sums = dim * 2.0**-24 / (1 - dim * 2.0**-24)
    return float(1.0001 * (taken + 2 * sums) + _CLIPPED)


def best_rows(
    table: VectorTable,
    unit: NDArray[np.float32],
    top: int,
    least: float,
    allowed: NDArray[np.bool_] | None,
) -> list[tuple[int, float]]:
    """The pictures whose vectors are nearest to a unit vector, with their cosines: best first, ties by row,
    as by comparing all in float32, to the bit.

    top:     at most so many; least: cosines below it are left out
    allowed: (N,) which pictures come into question; None: all
    """
    rows = np.arange(len(table.places)) if allowed is None else np.flatnonzero(allowed)
    if KERNEL is None:  # NumPy turns float16 into float32 more slowly than float32 is read
        scores = cosines_of(table, rows, unit)
    else:
        near, off = dots(table.halves, unit)[table.places[rows]], bound(len(unit))
        lowest = least - off
        if len(near) > top:
            lowest = max(lowest, float(np.partition(near, len(near) - top)[len(near) - top]) - 2 * off)
        rows = rows[near >= lowest]
        scores = cosines_of(table, rows, unit)
    kept = scores >= np.float32(least)
    rows, scores = rows[kept], scores[kept]
    order = np.argsort(-scores, kind="stable")[:top]
    return [(int(rows[place]), float(scores[place])) for place in order]


def cosines_of(
    table: VectorTable, pictures: NDArray[np.integer], unit: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The cosines of some pictures' vectors with a unit vector, a block at a time as they lie in the file."""
    found = np.empty(len(pictures), np.float32)
    places = table.places[pictures]
    order = np.argsort(places, kind="stable")
    for start in range(0, len(order), _ROWS):
        some = order[start : start + _ROWS]
        found[some] = cosines(unit_rows(table.rows(places[some])), unit)
    return found

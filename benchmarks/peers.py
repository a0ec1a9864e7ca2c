"""Other people's ways to the same rankings, for benchmarks to measure beside ours: SciPy's sparse matrices,
pyroaring's bitmaps, Seismic's approximate index (pyseismic-lsr). None is needed to run captionret."""

import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from results import ROOT  # noqa: F401  # puts the package on the path
from scipy.sparse import csc_array

from captionret.retrieval.index.sparse import WordMatrix

TOP = 10
Best = list[tuple[int, float]]


def best_of(scores: NDArray[np.floating]) -> Best:
    """The ten best rows of all scores, ties by row."""
    least = np.partition(scores, len(scores) - TOP)[len(scores) - TOP]
    rows = np.flatnonzero(scores >= least)
    order = rows[np.argsort(-scores[rows], kind="stable")][:TOP]
    return [(int(row), float(scores[row])) for row in order]


class SciPySets:
    """Jaccard similarity of sets: the columns of a query's words, added up."""

    def __init__(self, matrix: WordMatrix) -> None:
        self._numbers = {word: number for number, word in enumerate(matrix.words)}
        self._columns = _columns(matrix, np.ones(len(matrix.ids), np.float32))
        self._sizes = np.diff(matrix.starts).astype(np.float32)

    def best(self, query: frozenset[str]) -> Best:
        """The ten best rows."""
        held = [self._numbers[word] for word in query if word in self._numbers]
        common = np.asarray(self._columns[:, held].sum(axis=1), np.float32).ravel()
        return best_of(common / (self._sizes + np.float32(len(query)) - common))


class RoaringSets:
    """The same by a bitmap for each row, compared one after the other."""

    def __init__(self, matrix: WordMatrix) -> None:
        from pyroaring import BitMap

        self._numbers = {word: number for number, word in enumerate(matrix.words)}
        starts = matrix.starts.tolist()
        self._rows = [BitMap(matrix.ids[start:stop].tolist()) for start, stop in pairwise(starts)]
        self._strange = len(matrix.words)  # numbers from here on are of words that no row holds

    def best(self, query: frozenset[str]) -> Best:
        """The ten best rows."""
        from pyroaring import BitMap

        ids = [self._numbers.get(word, self._strange + place) for place, word in enumerate(query)]
        asked = BitMap(ids)
        return best_of(np.array([asked.jaccard_index(row) for row in self._rows], np.float32))


class SciPyWeights:
    """Weighted Jaccard similarity: of the columns of a query's words the smaller weights, added up."""

    def __init__(self, matrix: WordMatrix, idf: Mapping[str, float]) -> None:
        self._numbers = {word: number for number, word in enumerate(matrix.words)}
        self._idf = np.array([idf[word] for word in matrix.words], np.float32)
        self.weights = matrix.weights.astype(np.float32) * self._idf[matrix.ids]
        self._columns = _columns(matrix, self.weights)
        self._totals = np.add.reduceat(self.weights, matrix.starts[:-1])

    def asked(self, query: Mapping[str, float]) -> tuple[list[int], NDArray[np.float32]]:
        """The columns of a query, with its weights."""
        held = [word for word in query if word in self._numbers]
        numbers = [self._numbers[word] for word in held]
        return numbers, np.array([query[word] for word in held], np.float32) * self._idf[numbers]

    def best(self, query: Mapping[str, float]) -> Best:
        """The ten best rows."""
        numbers, weights = self.asked(query)
        some = self._columns[:, numbers]
        some.data = np.minimum(some.data, np.repeat(weights, np.diff(some.indptr)))
        common = np.asarray(some.sum(axis=1)).ravel()
        return best_of(common / (self._totals + weights.sum() - common))

    def products(self, query: Mapping[str, float]) -> Best:
        """The ten best by the dot product, which is what Seismic looks for."""
        numbers, weights = self.asked(query)
        return best_of(np.asarray(self._columns[:, numbers] @ weights).ravel())


class Seismic:
    """An approximate index of dot products (Bruch et al. 2024), by the settings of its documentation."""

    def __init__(self, matrix: WordMatrix, exact: SciPyWeights) -> None:
        from seismic import SeismicIndexRaw

        self._exact = exact
        with TemporaryDirectory() as folder:
            file = Path(folder) / "documents.bin"
            _write(file, matrix, exact.weights)
            self._index = SeismicIndexRaw.build(str(file), n_postings=6000)

    def best(self, query: Mapping[str, float]) -> Best:
        """What it finds."""
        numbers, weights = self._exact.asked(query)
        found = self._index.search(np.array(numbers, np.int32), weights, TOP, len(numbers), 0.7, 0, True)
        return [(int(row), float(score)) for score, row in found]


def recall(
    found: Callable[[Mapping[str, float]], Best],
    true: Callable[[Mapping[str, float]], Best],
    queries: Sequence[Mapping[str, float]],
) -> float:
    """The share of the truly best rows that are found."""
    hits = sum(len({row for row, _ in found(one)} & {row for row, _ in true(one)}) for one in queries)
    return hits / (TOP * len(queries))


def installed(name: str) -> bool:
    """Whether a peer is; says so where it is not."""
    from importlib.util import find_spec

    if find_spec(name) is None:
        print(f"{name} is not installed, and left out.", file=sys.stderr)
        return False
    return True


def _columns(matrix: WordMatrix, weights: NDArray[np.float32]) -> csc_array:
    from scipy.sparse import csr_array

    shape = (len(matrix), len(matrix.words))
    return csr_array((weights, matrix.ids, matrix.starts), shape=shape).tocsc()


def _write(file: Path, matrix: WordMatrix, weights: NDArray[np.float32]) -> None:
    """In Seismic's own format: how many rows, then each one's length, ascending numbers and weights."""
    lengths = np.diff(matrix.starts)
    cells = np.zeros(1 + len(lengths) + 2 * len(weights), np.uint32)
    cells[0] = len(lengths)
    heads = 1 + np.arange(len(lengths)) + 2 * matrix.starts[:-1]
    cells[heads] = lengths
    owners = np.repeat(np.arange(len(lengths)), lengths)
    order = np.lexsort((matrix.ids, owners))
    within = np.arange(len(weights)) - matrix.starts[:-1][owners]
    cells[heads[owners] + 1 + within] = matrix.ids[order]
    cells[heads[owners] + 1 + lengths[owners] + within] = weights[order].view(np.uint32)
    cells.tofile(file)

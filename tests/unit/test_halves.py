"""Very many vectors are searched by their float16 copy; the answer is that of comparing all in float32, the
scores to the bit."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from compiled import compiled
from numpy.typing import NDArray

from captionret.retrieval.index import halves
from captionret.retrieval.index.halves import best_rows, bound, cosines, dots, unit_rows
from captionret.retrieval.search import rank

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    return compiled(Path(halves.__file__).with_name("_halves.c"), tmp_path_factory.mktemp("halves"))


@dataclass
class Table:
    """Rows in memory; counts those that are read in float32."""

    vectors: NDArray[np.float32]
    places: NDArray[np.int64]
    read: int = 0

    @property
    def halves(self) -> NDArray[np.float16]:
        return unit_rows(self.vectors).astype(np.float16)

    def rows(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        self.read += len(places)
        return self.vectors[places]


def vectors(count: int, dim: int) -> NDArray[np.float32]:
    return unit_rows(RNG.normal(size=(count, dim)).astype(np.float32))


def nearly_equal(count: int, dim: int) -> NDArray[np.float32]:
    """Rows that float16 can hardly tell apart, some of them equal."""
    found = vectors(1, dim) + 1e-4 * RNG.normal(size=(count, dim)).astype(np.float32)
    found[count // 2 :: 3] = found[0]
    return unit_rows(found.astype(np.float32))


def test_products_are_those_of_the_same_numbers_in_float32(kernel: ModuleType) -> None:
    numbers = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    every = numbers[np.isfinite(numbers)].reshape(-1, 31)  # subnormal ones and both zeros among them
    for place in range(31):
        query = np.zeros(31, np.float32)
        query[place] = 1
        found = np.empty(len(every), np.float32)
        kernel.dots(every, query, found)
        assert np.array_equal(found, every[:, place].astype(np.float32))
    for dim in (1, 7, 8, 64, 100, 512, 700):
        rows, query = vectors(50, dim).astype(np.float16), vectors(1, dim)[0]
        expected = rows.astype(np.float64) @ query
        assert np.allclose(dots(rows, query), expected, atol=1e-6)
        kernel.dots(rows, query, found[:50])
        assert np.allclose(found[:50], expected, atol=1e-6)
    with pytest.raises(ValueError, match="do not fit"):
        kernel.dots(rows, query, np.empty(49, np.float32))


def test_no_product_is_further_off_than_the_bound() -> None:
    for dim in (3, 64, 512):
        rows, query = vectors(2000, dim), vectors(1, dim)[0]
        rows[0, 1:] = 1e-7
        off = np.abs(dots(unit_rows(rows).astype(np.float16), query) - cosines(unit_rows(rows), query))
        assert off.max() <= bound(dim) < 7e-4


@pytest.mark.parametrize("built", [True, False], ids=["compiled", "numpy"])
def test_best_are_those_of_the_full_ranking_to_the_bit(
    built: bool, kernel: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(halves, "KERNEL", kernel if built else None)
    monkeypatch.setattr(halves, "_ROWS", 100)
    for count, dim, made in ((1, 3, vectors), (900, 64, vectors), (700, 65, nearly_equal)):
        table = Table(made(count, dim), RNG.permutation(count)[: count - count // 9])
        for query in (vectors(1, dim)[0], unit_rows(table.vectors)[0], np.zeros(dim, np.float32)):
            scores = cosines(unit_rows(table.vectors[table.places]), query)
            for allowed in (None, RNG.random(len(scores)) < 0.2, np.zeros(len(scores), np.bool_)):
                for top, least in ((1, -2.0), (10, 0.1), (40, float(scores.max())), (count + 5, -2.0)):
                    limited = scores if allowed is None else np.where(allowed, scores, -np.inf)
                    rows = rank(limited, range(len(scores)), top, least).tolist()
                    found = best_rows(table, query, top, least, allowed)
                    assert found == [(row, float(scores[row])) for row in rows]


def test_few_rows_are_read_in_float32(kernel: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(halves, "KERNEL", kernel)
    table = Table(vectors(20_000, 64), np.arange(20_000))
    best_rows(table, vectors(1, 64)[0], 10, -2.0, None)
    assert 10 <= table.read < 100

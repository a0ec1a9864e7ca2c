"""How long the nearest of a million vectors take, exactly, beside reading their float16 file once, NumPy on
float32 and faiss's flat search, in one run.

    python benchmarks/vector_search.py
    python benchmarks/vector_search.py --rows 20000 --results FILE   # to try it

The vectors are made up: 512 numbers each, round 20,000 middles, as pictures of the same things lie together.
A library's files are made of them (library/vectors/vector_tables.py); every answer is compared with NumPy's.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(os.cpu_count())  # for all ways

import numpy as np
from numpy.typing import NDArray
from results import ROOT, markdown_table, write_section

from captionret.library import checksums
from captionret.library.vectors import features
from captionret.library.vectors.features import FeatureFile
from captionret.library.vectors.vector_tables import KeptVectorTable, vector_table
from captionret.retrieval.index import halves
from captionret.retrieval.index.halves import best_rows, in_parts, unit_rows

DIM, TOP, MIDDLES, AT_ONCE = 512, 10, 20_000, 1 << 14
Query = NDArray[np.float32]


class AsTheyAre:
    """A space in which pictures stand where their features do."""

    name = key = "as they are"

    def check(self, backbone: dict[str, Any] | None) -> None:
        """Any features will do."""

    def encode_features(self, rows: np.ndarray) -> np.ndarray:
        """Unit rows."""
        return unit_rows(rows.astype(np.float32))

    def encode_texts(self, sentences: Sequence[str]) -> np.ndarray:
        """There is no text here."""
        raise NotImplementedError


def written(folder: Path, count: int) -> FeatureFile:
    """A feature file of made-up vectors."""
    rng = np.random.default_rng(0)
    middles = rng.standard_normal((MIDDLES, DIM), np.float32)
    file, sums = folder / "features-made-up-1.f16", {}
    for first in range(0, count, AT_ONCE):
        some = min(AT_ONCE, count - first)
        rows = middles[rng.integers(MIDDLES, size=some)] + rng.standard_normal((some, DIM), np.float32)
        stored = rows.astype(np.float16)
        features.append(file, first, stored)
        sums |= checksums.after_append(first, stored, sums)
    return FeatureFile(file, count, DIM, sums)


def reading(file: Path) -> Callable[[Query], None]:
    """What reads a file once, on all processors."""
    size = file.stat().st_size

    def read(query: Query) -> None:
        def part(first: int, last: int) -> None:
            buffer, left = bytearray(1 << 20), last - first
            with file.open("rb", buffering=0) as opened:
                opened.seek(first)
                while left > 0:
                    left -= opened.readinto(memoryview(buffer)[: min(left, len(buffer))])

        in_parts(part, size)

    return read


def by_numpy(table: NDArray[np.float32]) -> Callable[[Query], list[int]]:
    """The usual product, then the best."""

    def find(query: Query) -> list[int]:
        scores = table @ query
        best = np.argpartition(scores, len(scores) - TOP)[len(scores) - TOP :]
        found: list[int] = best[np.argsort(-scores[best], kind="stable")].tolist()
        return found

    return find


def by_faiss(table: NDArray[np.float32]) -> Callable[[Query], list[int]] | None:
    """faiss's search without an index; None where it is not installed."""
    try:
        import faiss
    except ImportError:
        return None

    def find(query: Query) -> list[int]:
        _, rows = faiss.knn(query[None], table, TOP, metric=faiss.METRIC_INNER_PRODUCT)
        found: list[int] = rows[0].tolist()
        return found

    return find


def seconds(work: Callable[[Query], object], queries: Sequence[Query]) -> NDArray[np.float64]:
    """Of each query."""
    times = []
    for query in queries:
        began = time.perf_counter()
        work(query)
        times.append(time.perf_counter() - began)
    return np.array(times)


def opened(file: FeatureFile) -> tuple[KeptVectorTable, float]:
    """A library's table of the vectors, as a new process opens it, and the seconds that takes."""
    began = time.perf_counter()
    table = vector_table(AsTheyAre(), file, np.arange(file.rows), set())
    if table is None:
        sys.exit("The vectors could not be kept.")
    return table, time.perf_counter() - began


def measured(folder: Path, count: int, runs: int) -> list[list[object]]:
    """The table's rows."""
    file = written(folder, count)
    _, made = opened(file)
    table, again = opened(file)
    ours = table.rows(np.arange(count))
    rng = np.random.default_rng(1)
    rows = rng.integers(count, size=runs)
    queries = list(unit_rows(ours[rows] + 0.03 * rng.standard_normal((runs, DIM), np.float32)))

    def find(query: Query) -> list[int]:
        return [row for row, _ in best_rows(table, query, TOP, -2.0, None)]

    (halves_file,) = folder.glob("vectors-*-halves.f16")
    others = {"NumPy, float32": by_numpy(ours), "faiss, flat": by_faiss(ours)}
    works: dict[str, Callable[[Query], object]] = {"reading the float16 file once": reading(halves_file)}
    works["captionret, exact"] = find
    works |= {name: work for name, work in others.items() if work is not None}
    times: dict[str, list[float]] = {name: [] for name in works}
    for query in queries:  # each in turn, so that all see the machine in the same state
        for name, work in works.items():
            times[name].append(float(seconds(work, [query])[0]))
        if find(query) != by_numpy(ours)(query):
            sys.exit("The nearest are not those that NumPy finds.")
    once = np.array(times["reading the float16 file once"])
    found: list[list[object]] = [
        [name, 1e3 * float(np.median(one)), 1e3 * max(one), float(np.median(np.array(one) / once))]
        for name, one in times.items()
    ]
    found += [[name, None, None, None] for name, work in others.items() if work is None]
    return [
        *found,
        ["opened, checksums of the float16 file included", 1e3 * again, None, None],
        ["made from the features, once", 1e3 * made, None, None],
    ]


def main() -> None:
    """Measure, write the section."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--rows", type=int, default=1_000_000, metavar="N")
    options.add_argument("--runs", type=int, default=21, metavar="N", help="queries (default: %(default)s)")
    options.add_argument("--results", type=Path, default=ROOT / "benchmarks/RESULTS.md", metavar="FILE")
    given = options.parse_args()
    if halves.KERNEL is None:
        print("The kernel was not built: python setup.py build_ext --inplace")
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        rows = measured(Path(folder), given.rows, given.runs)
    columns = ["way", "median, ms", "slowest, ms", "times reading the file, median"]
    body = (
        f"{given.rows:,} vectors of {DIM} numbers, the {TOP} nearest to each of {given.runs} others; files "
        "lie in the system's cache. Every answer was compared with NumPy's. Aimed at: at most 1.5 times "
        f"reading the float16 file once.\n\n{markdown_table(columns, rows)}"
    )
    write_section(
        given.results, "The nearest of a million vectors", body, "python benchmarks/vector_search.py"
    )


if __name__ == "__main__":
    main()

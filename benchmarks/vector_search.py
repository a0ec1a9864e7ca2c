"""How long the nearest of a million vectors take, exactly, beside reading their float16 file once, NumPy on
float32 and faiss's flat search, in one run.

    python benchmarks/vector_search.py
    python benchmarks/vector_search.py --rows 20000 --results FILE   # to try it

The vectors are made up: 512 numbers each, round 20,000 middles, as pictures of the same things lie together.
A library's files are made of them (library/vectors/vector_tables.py); every answer is compared with NumPy's.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(os.cpu_count())  # for all ways

import numpy as np
from apart import Apart, Cost
from numpy.typing import NDArray
from results import markdown_table, parser, write_section

from captionret.library import checksums
from captionret.library.vectors import features
from captionret.library.vectors.features import FeatureFile
from captionret.library.vectors.vector_tables import KeptVectorTable, vector_table
from captionret.retrieval.index import halves
from captionret.retrieval.index.halves import best_rows, in_parts, unit_rows

DIM, TOP, MIDDLES, AT_ONCE = 512, 10, 20_000, 1 << 14
ONCE, OURS, NUMPY = "reading the float16 file once", "captionret, exact", "NumPy, float32"
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
    file = folder / "features-made-up-1.f16"
    sums: dict[int, int] = {}
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


def by_numpy(file: Path) -> Callable[[Query], list[int]]:
    """The usual product, then the best."""
    table = np.load(file, mmap_mode="r")

    def find(query: Query) -> list[int]:
        scores = table @ query
        best = np.argpartition(scores, len(scores) - TOP)[len(scores) - TOP :]
        found: list[int] = best[np.argsort(-scores[best], kind="stable")].tolist()
        return found

    return find


def by_faiss(file: Path) -> Callable[[Query], list[int]]:
    """faiss's search without an index."""
    import faiss

    table = np.load(file, mmap_mode="r")

    def find(query: Query) -> list[int]:
        _, rows = faiss.knn(query[None], table, TOP, metric=faiss.METRIC_INNER_PRODUCT)
        found: list[int] = rows[0].tolist()
        return found

    return find


def opened(file: FeatureFile) -> KeptVectorTable:
    """A library's table of the vectors, as a process opens it that has not yet."""
    table = vector_table(AsTheyAre(), file, np.arange(file.rows), set())
    if table is None:
        sys.exit("The vectors could not be kept.")
    return table


def opening(file: FeatureFile) -> Callable[[], None]:
    """What makes the table, or opens it."""

    def opens() -> None:
        opened(file)

    return opens


def whole(file: FeatureFile, into: Path) -> Callable[[], None]:
    """What writes the table's rows as float32, as others search them."""

    def write() -> None:
        table = opened(file)
        rows = np.lib.format.open_memmap(into, "w+", np.float32, (file.rows, DIM))
        for first in range(0, file.rows, AT_ONCE):
            some = np.arange(first, min(first + AT_ONCE, file.rows))
            rows[some] = table.rows(some)
        rows.flush()

    return write


def ours(file: FeatureFile) -> Callable[[Query], list[int]]:
    """As a library is searched."""
    table = opened(file)
    return lambda query: [row for row, _ in best_rows(table, query, TOP, -2.0, None)]


def measured(folder: Path, count: int, runs: int) -> list[list[object]]:
    """The table's rows. Each way in a process of its own; the processes of the others share the file of
    float32."""
    file, float32 = written(folder, count), folder / "float32.npy"
    opens: list[Cost[object]] = []
    for _ in range(2):
        with Apart[object](opening, file) as way:
            opens.append(way())
    with Apart[object](whole, file, float32) as way:
        way()
    rng = np.random.default_rng(1)
    rows = rng.integers(count, size=runs)
    noise = 0.03 * rng.standard_normal((runs, DIM), np.float32)
    queries = list(unit_rows(np.load(float32, mmap_mode="r")[rows] + noise))
    (halves_file,) = folder.glob("vectors-*-halves.f16")
    makers: dict[str, tuple[Callable[..., Callable[[Query], object]], Path | FeatureFile]] = {
        ONCE: (reading, halves_file),
        OURS: (ours, file),
        NUMPY: (by_numpy, float32),
        "faiss, flat": (by_faiss, float32),
    }
    without = [name for name, (make, _) in makers.items() if make is by_faiss and find_spec("faiss") is None]
    costs: dict[str, list[Cost[object]]] = {name: [] for name in makers if name not in without}
    with ExitStack() as stack:
        ways = {name: stack.enter_context(Apart[object](*makers[name])) for name in costs}
        for way in ways.values():
            way(queries[0])  # once unmeasured: files are mapped
        for query in queries:  # each in turn, so that all see the machine in the same state
            for name, way in ways.items():
                costs[name].append(way(query))
    if any(one.found != other.found for one, other in zip(costs[OURS], costs[NUMPY], strict=True)):
        sys.exit("The nearest are not those that NumPy finds.")
    found = [row_of(name, costs[name], costs[ONCE]) for name in costs]
    found += [[name, None, None, None, None] for name in without]
    made, again = opens
    return [
        *found,
        ["opened, checksums of the float16 file included", 1e3 * again.seconds, None, None, again.memory],
        ["made from the features, once", 1e3 * made.seconds, None, None, made.memory],
    ]


def row_of(name: str, costs: Sequence[Cost[object]], once: Sequence[Cost[object]]) -> list[object]:
    """A way's row. once: what reading the file took in the same turns"""
    times = np.array([one.seconds for one in costs])
    ratios = times / np.array([one.seconds for one in once])
    return [
        name,
        1e3 * float(np.median(times)),
        1e3 * times.max(),
        float(np.median(ratios)),
        costs[-1].memory,
    ]


def main() -> None:
    """Measure, write the section."""
    options = parser(__doc__)
    options.add_argument("--rows", type=int, default=1_000_000, metavar="N")
    options.add_argument("--runs", type=int, default=21, metavar="N", help="queries (default: %(default)s)")
    given = options.parse_args()
    if halves.KERNEL is None:
        print("The kernel was not built: python setup.py build_ext --inplace")
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        rows = measured(Path(folder), given.rows, given.runs)
    columns = ["way", "median, ms", "slowest, ms", "times reading the file, median", "peak memory, MB"]
    body = (
        f"{given.rows:,} vectors of {DIM} numbers, the {TOP} nearest to each of {given.runs} others; each "
        "way in a process of its own, files in the system's cache; what is mapped of them counts as memory. "
        "Every answer was compared with NumPy's. Aimed at: at most 1.5 times reading the float16 file once."
        f"\n\n{markdown_table(columns, rows)}"
    )
    write_section(
        given.results, "The nearest of a million vectors", body, "python benchmarks/vector_search.py"
    )


if __name__ == "__main__":
    main()

"""How fast the nearest of many vectors are found: exactly, and through the graph that is kept on disk.

    python benchmarks/nearest_speed.py

400,000 words: GloVe 6B as installed, asked with words that are moved a little, as DeViSE's images land beside
               words. Images: random unit
vectors of 512 numbers about 1,000 centres. Recall is the share of the exact search's first ten that the graph
finds, too. All times are the processor's, of one thread, so that a busy machine changes them little; medians
over the queries.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from results import markdown_table, parser, write_section

from captionret.retrieval.index.halves import unit_rows
from captionret.retrieval.index.nearest import BUILD_WIDTH, NEIGHBOURS, SEARCH_WIDTH, ExactIndex, open_index
from captionret.word_vectors import load_word_vectors

TOP = 10


def main() -> None:
    """Measure, print and write the section."""
    options = parser(__doc__)
    options.add_argument("--words", type=int, default=400_000, metavar="N", help="(default: %(default)s)")
    options.add_argument("--images", type=int, default=50_000, metavar="N", help="(default: %(default)s)")
    options.add_argument("--queries", type=int, default=300, metavar="N", help="(default: %(default)s)")
    given = options.parse_args()
    rows = [
        measured("GloVe words", words(given.words), given.queries, 0.5),
        measured("clustered images", images(given.images, 512), given.queries, 0.5),
    ]
    columns = [
        "rows",
        "vectors",
        "numbers",
        "exact, ms",
        "graph, ms",
        "recall@10",
        "made, s",
        "kept, MB",
        "opened again, s",
        "pays from",
    ]
    body = (
        f"{given.queries} queries for the first {TOP}, one thread, processor time. Graph: M {NEIGHBOURS}, "
        f"efConstruction {BUILD_WIDTH}, ef {SEARCH_WIDTH}. To open it again, the vectors and the file are "
        "hashed, so that no other vectors' graph is used; it pays from so many queries a process on, which "
        "is why `annotate.py` makes none unless asked."
    )
    section = f"{body}\n\n{markdown_table(columns, rows)}"
    command = (
        f"python benchmarks/nearest_speed.py --words {given.words} --images {given.images} "
        f"--queries {given.queries}"
    )
    write_section(given.results, "Nearest vectors", section, command)


def words(count: int) -> np.ndarray:
    """(count, 50) float32 unit rows of the commonest words."""
    table = np.ascontiguousarray(load_word_vectors("glove-50").table[:count], np.float32)
    return unit_rows(table)


def images(count: int, dim: int) -> np.ndarray:
    """(count, dim) float32 unit rows, half of each its cluster's centre."""
    random = np.random.default_rng(0)
    rows = random.standard_normal((1000, dim), np.float32)[random.integers(1000, size=count)]
    rows += random.standard_normal((count, dim), np.float32)
    return unit_rows(rows)


def measured(name: str, vectors: np.ndarray, count: int, moved: float) -> list[object]:
    """A line of the table. moved: the length of the random vector that makes a query of a row."""
    random = np.random.default_rng(1)
    steps = random.standard_normal((count, vectors.shape[1]), np.float32)
    queries = vectors[random.integers(len(vectors), size=count)] + moved * steps / np.linalg.norm(
        steps, axis=1, keepdims=True
    )
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    exact = ExactIndex(vectors)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "graph"
        _, made = timed(lambda: open_index(vectors, file, exact_up_to=0, progress=True))
        size = file.stat().st_size / 1e6
        graph, opened = timed(lambda: open_index(vectors, file, exact_up_to=0))
    graph.search(queries[:1], TOP)
    slow = [timed(partial(exact.search, query[None], TOP)) for query in queries]
    fast = [timed(partial(graph.search, query[None], TOP)) for query in queries]
    recall = float(
        np.mean(
            [
                len(set(a.rows[0].tolist()) & set(b.rows[0].tolist())) / TOP
                for (a, _), (b, _) in zip(slow, fast, strict=True)
            ]
        )
    )
    one, other = (statistics.median(seconds for _, seconds in runs) for runs in (slow, fast))
    pays = int(opened / (one - other)) + 1 if one > other else None
    return [
        name,
        len(vectors),
        vectors.shape[1],
        1000 * one,
        1000 * other,
        f"{recall:.3f}",
        made,
        size,
        opened,
        pays,
    ]


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What it gives, and the processor's seconds that it took."""
    began = time.process_time()
    found = work()
    return found, time.process_time() - began


if __name__ == "__main__":
    main()

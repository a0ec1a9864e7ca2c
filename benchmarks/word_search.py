"""Modes that read word probabilities, in libraries of up to hundreds of thousands of pictures: a new process
for each text query, queries of an open library, what the files take, and ten pictures more.

    python benchmarks/word_search.py
    python benchmarks/word_search.py --sizes 1000 --runs 1 --results FILE   # to try it

The library is that of large_library.py; its words are made up, too: the words of a picture's caption are
likely, some 700 others about as probable as captions hold them, each more or less. Beside the queries of an
open library stands what a score for every picture takes.
"""

import hashlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from large_library import ADDED, TEXT, captions, made, query
from results import markdown_table, parser, write_section

from captionret.records import Hit
from captionret.retrieval import MODES, EncodedQuery, Gallery, corpus
from captionret.retrieval import search as search_gallery
from captionret.text import words

SIZES = (8_090, 100_000)
VOCABULARY = 3_000
SPREAD = 2.0  # of the others' log-odds about those of their word
COLD = ("words", "expected-jaccard", "expected-cosine")
TEXTS = (TEXT, "two dogs on a beach", "a red bus", "zebra", "children are playing football in the park")


class Likely:
    """Predicts the words of a picture's caption, and others at random."""

    name, fingerprint = "likely", "1" * 64

    def __init__(self, texts: Sequence[str]) -> None:
        rates = corpus.rates()
        self.words = tuple(sorted(sorted(rates, key=lambda word: (-rates[word], word))[:VOCABULARY]))
        odds = np.array([rates[word] / (1 - rates[word]) for word in self.words], np.float32)
        self._logits = np.log(odds)
        self._place = {word: place for place, word in enumerate(self.words)}
        self._text_of = {
            hashlib.sha256(str(number).encode()).hexdigest(): text for number, text in enumerate(texts)
        }
        self._chance = np.random.default_rng(0)

    def describe(self) -> dict[str, str]:
        """No more than its name."""
        return {"name": self.name, "fingerprint": self.fingerprint}

    def check(self, backbone: object) -> None:
        """It reads no feature."""

    def predict_words(self, paths: object, hashes: Sequence[str], pooled: object) -> np.ndarray:
        """(N, V) float32."""
        noise = self._chance.standard_normal((len(hashes), len(self.words)), np.float32)
        found: np.ndarray = 1 / (1 + np.exp(-(self._logits + SPREAD * noise - 1)))
        for row, sha256 in enumerate(hashes):
            held = [self._place[word] for word in words(self._text_of[sha256]) if word in self._place]
            found[row, held] = self._chance.uniform(0.2, 0.95, len(held))
        return found

    def predict_classes(self, pooled: object) -> None:
        """None are known."""


def measured(count: int, runs: int, modes: Sequence[str]) -> dict[str, float]:
    """All figures of one size, by name."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        library = made(Path(name), count)
        predictor = Likely(list(captions(count)))
        with library._catalogue.transaction() as connection:  # ten pictures are not there yet
            later = connection.execute("SELECT * FROM files LIMIT ?", (ADDED,)).fetchall()
            connection.executemany("DELETE FROM files WHERE path = ?", [row[:1] for row in later])
        library.gallery()  # writes the index
        began = time.process_time()
        library.predict_words(predictor, batch_size=1024, progress=False)
        found = {"made and written, processor, s": time.process_time() - began}
        files = list(library.path.glob("word-probabilities*"))
        found["files, MB"] = sum(file.stat().st_size for file in files) / 1e6
        with library._catalogue.transaction() as connection:
            connection.executemany("INSERT INTO files VALUES (?, ?, ?, ?)", later)
        began, used = time.perf_counter(), time.process_time()
        library.predict_words(predictor, progress=False, check=False)
        found["10 pictures more, s"] = time.perf_counter() - began
        found["10 pictures more, processor, s"] = time.process_time() - used
        new = set(library.path.glob("word-probabilities*.part")) - set(files)
        found["written for them, kB"] = sum(file.stat().st_size for file in new) / 1e3
        for mode in modes:
            times = [query(library.path, mode) for _ in range(runs + 1)][1:]
            seconds, processor, memory = zip(*times, strict=True)
            found[f"{mode}, new process, s"] = statistics.median(seconds)
            found[f"{mode}, processor, s"] = statistics.median(processor)
            found[f"{mode}, MB"] = max(memory)
        found |= dict(open_library(library.gallery(), modes))
        library.close()
    return found


def open_library(gallery: Gallery, modes: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Processor's milliseconds of queries whose words were read before: the ten best, and all scores."""
    for mode in modes:
        prepared, queries = gallery.prepared(MODES[mode]), [EncodedQuery(text=text) for text in TEXTS]
        yield (
            f"{mode}, the ten best, ms",
            _milliseconds(partial(_ten_best, gallery, mode), queries),
        )
        yield f"{mode}, all scores, ms", _milliseconds(prepared.scores, queries)


def _ten_best(gallery: Gallery, mode: str, query: EncodedQuery) -> list[Hit]:
    return search_gallery(gallery, query, mode, 10)


def _milliseconds(work: Callable[[EncodedQuery], object], queries: Sequence[EncodedQuery]) -> float:
    found = []
    for one in queries:
        work(one)
        began = time.thread_time()
        work(one)
        found.append(1000 * (time.thread_time() - began))
    return statistics.median(found)


def main() -> None:
    """Measure every size, write the section."""
    options = parser(__doc__)
    options.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="N")
    options.add_argument("--runs", type=int, default=5, metavar="N", help="queries (default: %(default)s)")
    options.add_argument("--modes", nargs="+", default=COLD)
    given = options.parse_args()
    found = {size: measured(size, given.runs, given.modes) for size in given.sizes}
    figures = list(next(iter(found.values())))
    rows: list[list[object]] = [[name, *(one[name] for one in found.values())] for name in figures]
    body = (
        f"Word probabilities of {VOCABULARY:,} words, made up; the query of new processes is {TEXT!r}, "
        f"{given.runs} each, medians; memory is the most of them.\n\n"
        f"{markdown_table(['figure', *(f'{size:,} pictures' for size in found)], rows)}"
    )
    write_section(given.results, "Libraries searched by words", body, "python benchmarks/word_search.py")


if __name__ == "__main__":
    main()

"""How a library of up to a million pictures is searched and kept: a new process for each text query, its peak
memory, the search index made from the catalogue, its size on disk, and ten pictures more. Modes: by words of
captions, and by word probabilities (words, and auto, which has no vectors here), which are made up.

    python benchmarks/large_library.py
    python benchmarks/large_library.py --sizes 1000 8090 --runs 3 --results FILE   # to try it

The catalogue is made up: the 616,767 captions of COCO 2014, out of pycocoevalcap's wheel, and beyond these
the same ones with their words shuffled and one exchanged for another's; paths, days and cameras as cameras
give them. Queries with filters stand beside the plain one, and the time of `python -c 'import numpy'`. Also
draws large_library.png: time and memory of a query against the number of pictures.
"""

import hashlib
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from coco import annotations
from made_words import add_words
from matplotlib.figure import Figure
from PIL import Image
from results import ROOT, markdown_table, parser, write_section

from captionret.decoding import BeamSearch, Decoding
from captionret.files import publishing, sha256_of
from captionret.images import Picture
from captionret.library import Library
from captionret.library.catalogue.caption_rows import rows_of
from captionret.library.checksums import of_image
from captionret.library.index.writing import write_index
from captionret.records import Caption, CaptionResult, Failure
from captionret.retrieval import EncodedQuery, parse
from captionret.retrieval.selecting import selected

SIZES = (1_000, 8_090, 30_000, 100_000, 300_000, 1_000_000)
# Python's own cache of compiled modules is used, as everybody's is.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | {
    "PYTHONPATH": str(ROOT)
}
TEXT = "a man riding a wave on top of a surfboard"
FILTERS = {
    "under a folder": "under:2010",
    "since and until": "since:2005-06 until:2015",
    "of a camera": "camera:canon",
    "a phrase": '"man riding"',
}
WORDS = "(man OR woman) AND wave -sign"  # of captions; no word is predicted of made-up pictures
CAMERAS = (
    "Canon EOS R5",
    "Canon EOS 90D",
    "Google Pixel 7",
    "Apple iPhone 12",
    "FUJIFILM X-T4",
    "SONY ILCE-7M3",
)
ADDED = 10
# bars: pictures -> seconds, megabytes at the most
BARS = {8_090: (0.35, 150), 100_000: (0.4, 200), 1_000_000: (0.6, 400)}


class Grey:
    """A captioner of grey squares, which costs nothing."""

    name, fingerprint = "grey", "0" * 64

    def describe(self) -> dict[str, str]:
        """No more than its name."""
        return {"name": self.name}

    def caption_stream(
        self, paths: Sequence[Path | Picture], *, decoding: Decoding, batch_size: int
    ) -> Iterator[list[CaptionResult | Failure]]:
        """One caption each, and a feature of zeros, which no text query reads."""
        for picture in paths:
            path = picture if isinstance(picture, Path) else picture.path
            assert path is not None, "a library's pictures are files"
            tokens = tuple("a grey square on a wall".split())
            caption = Caption(" ".join(tokens), tokens, -1.0)
            yield [CaptionResult(path, sha256_of(path), [caption], np.zeros(8, np.float16))]


def captions(count: int) -> Iterator[str]:
    """COCO's captions, then the same with other words in another order."""
    texts = [" ".join(one["caption"].lower().split()) for one in annotations("train", "val")]
    yield from texts[:count]
    chosen = random.Random(0)
    for _ in range(count - len(texts)):
        words = chosen.choice(texts).strip(" .").split()
        chosen.shuffle(words)
        words[0] = chosen.choice(chosen.choice(texts).strip(" .").split())
        yield " ".join(words)


def made(folder: Path, count: int) -> Library:
    """A library whose catalogue names `count` pictures, without an index."""
    (folder / "photos").mkdir(parents=True)
    library = Library.create(folder / "library", folder / "photos")
    decoding = json.dumps(BeamSearch().to_json(folder))
    with library._catalogue.transaction() as connection:
        connection.execute(
            "INSERT INTO captioners (id, fingerprint, name, decoding, described) VALUES (1, ?, 'grey', ?, ?)",
            (Grey.fingerprint, decoding, '{"name": "grey"}'),
        )
        connection.execute("INSERT INTO meta VALUES ('captioner', 1)")
        for number, text in enumerate(captions(count)):
            sha256 = hashlib.sha256(str(number).encode()).hexdigest()
            year, month, day = 2000 + number % 25, number // 25 % 12 + 1, number // 300 % 28 + 1
            crc, taken = of_image(sha256, 1, number, [text]), f"{year}-{month:02d}-{day:02d}T12:00:00"
            connection.execute(
                "INSERT INTO images (number, sha256, captioner, feature_row, crc, width, height, taken, "
                "camera, exif) VALUES (?, ?, 1, ?, ?, 4, 4, ?, ?, '{}')",
                (number + 1, sha256, number, crc, taken, CAMERAS[number % 6]),
            )
            rows = rows_of(1, number + 1, [Caption(text, tuple(text.split()), -1.0)], 0)
            connection.executemany("INSERT INTO captions VALUES (?, ?, ?, ?)", rows)
            path = f"{year}/{month:02d}/IMG_{number:07d}.jpg"
            connection.execute("INSERT INTO files VALUES (?, 1, 1, ?)", (path, sha256))
    return library


def query(library: Path, mode: str, filters: str = "") -> tuple[float, float, float]:
    """Seconds, processor's seconds and peak megabytes of a text query in a new process."""
    command = [sys.executable, "-m", "captionret", "search", "--library", str(library)]
    return run([*command, "--text", f"{TEXT} {filters}".strip(), "--mode", mode])


def selecting(library: Library, text: str) -> float:
    """Seconds for the set of rows that a query leaves, of a library that is open."""
    gallery, asked = library.gallery(), EncodedQuery(text=text, parsed=parse(text))
    times = []
    for _ in range(6):
        began = time.perf_counter()
        selected(gallery, asked)
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


# A process begins with the peak memory of the one that started it, so a small one does. Code 1: no hit.
STARTER = """import os, subprocess, sys, time
began = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
_, status, used = os.wait4(process.pid, 0)
print(time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss, flush=True)
sys.exit(process.stderr.read().decode() if os.waitstatus_to_exitcode(status) not in (0, 1) else 0)"""


def run(command: list[str]) -> tuple[float, float, float]:
    """Seconds, processor's seconds and peak megabytes of a command."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", STARTER, *command], capture_output=True, text=True, env=ENVIRONMENT
    )
    if done.returncode:
        sys.exit(done.stderr)
    seconds, processor, memory = map(float, done.stdout.split())
    return seconds, processor, memory / (1024 if sys.platform != "darwin" else 1024**2)


def measured(count: int, runs: int, modes: Sequence[str]) -> dict[str, float]:
    """All figures of one size, by name."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        folder = Path(name)
        library = made(folder, count)
        began, used = time.perf_counter(), time.process_time()
        assert write_index(library._catalogue), "the index was not written"
        found = {"index made, s": time.perf_counter() - began}
        found["index made, processor, s"] = time.process_time() - used
        found["index, MB"] = sum(file.stat().st_size for file in library.path.glob("search-index*")) / 1e6
        found["word probabilities, MB"] = add_words(library, TEXT) / 1e6 if "words" in modes else 0.0
        for mode in modes:
            times = [query(library.path, mode) for _ in range(runs + 1)][1:]
            _summed(found, mode, times)
        for name, filters in FILTERS.items():
            times = [query(library.path, modes[0], filters) for _ in range(runs // 2 + 1)]
            found[f"{name}, s"] = statistics.median(seconds for seconds, *_ in times)
        for name, filters in {**FILTERS, "AND, OR, minus": WORDS}.items():
            found[f"rows {name}, once open, ms"] = 1000 * selecting(library, f"{TEXT} {filters}")
        _summed(found, "import numpy", [run([sys.executable, "-c", "import numpy"]) for _ in range(runs)])
        for number in range(ADDED):
            Image.new("L", (8, 8), 20 * number).save(library.root / f"new-{number}.png")
        before = {file.name for file in library.path.glob("*.segment")}
        began, used = time.perf_counter(), time.process_time()
        report = library.add(library.root, Grey(), progress=False)
        found["10 pictures added, s"] = time.perf_counter() - began
        found["10 pictures added, processor, s"] = time.process_time() - used
        assert report.new == ADDED, report
        written = [file for file in library.path.glob("*.segment") if file.name not in before]
        found["written for them, kB"] = sum(file.stat().st_size for file in written) / 1e3
        library.close()
        shutil.rmtree(library.path)
    return found


def _summed(found: dict[str, float], name: str, times: Sequence[tuple[float, float, float]]) -> None:
    seconds, processor, memory = zip(*times, strict=True)
    found[f"{name}, s"], found[f"{name}, slowest, s"] = statistics.median(seconds), max(seconds)
    found[f"{name}, processor, s"], found[f"{name}, MB"] = statistics.median(processor), max(memory)


def draw(found: dict[int, dict[str, float]], mode: str, path: Path) -> None:
    """Time and memory of a query by one mode against the number of pictures."""
    figure = Figure(figsize=(7, 3.2), dpi=100, layout="constrained")
    for place, (axes, of, label) in enumerate(
        zip(figure.subplots(1, 2), ("s", "MB"), ("seconds", "peak memory, MB"), strict=True)
    ):
        for name, shown, style in ((mode, "a query", "o-"), ("import numpy", "import numpy", "s--")):
            values = [one[f"{name}, {of}"] for one in found.values()]
            axes.plot(
                list(found), values, style, color="#0072b2" if style == "o-" else "#999999", label=shown
            )
        axes.plot(list(BARS), [bar[place] for bar in BARS.values()], "v", color="#d55e00", label="aimed at")
        axes.legend(frameon=False, fontsize=8)
        axes.set(xscale="log", xlabel="pictures", ylabel=label, ylim=(0, None))
        axes.grid(color="#e4e4e4", linewidth=0.8)
        axes.spines[["top", "right"]].set_visible(False)
    with publishing(path) as file:
        figure.savefig(file, format="png")


def main() -> None:
    """Measure every size, draw, write the section."""
    options = parser(__doc__)
    options.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="N")
    options.add_argument(
        "--runs", type=int, default=7, metavar="N", help="queries a size (default: %(default)s)"
    )
    options.add_argument("--modes", nargs="+", default=["jaccard", "bm25", "words", "auto"])
    given = options.parse_args()
    found = {size: measured(size, given.runs, given.modes) for size in given.sizes}
    columns = ["figure", *(f"{size:,} pictures" for size in found)]
    rows: list[list[object]] = [
        [name, *(one[name] for one in found.values())] for name in next(iter(found.values()))
    ]
    bars = ("{} s, {} MB".format(*BARS[size]) if size in BARS else "–" for size in found)
    rows.append(["bar of a query", *bars])
    draw(found, given.modes[0], given.results.with_name("large_library.png"))
    body = (
        f"The query is {TEXT!r}, {given.runs} new processes each, medians; memory is the most of them."
        f"\n\n{markdown_table(columns, rows)}\n\n![Time and memory of a query](large_library.png)"
    )
    write_section(given.results, "Large libraries", body, "python benchmarks/large_library.py")


if __name__ == "__main__":
    main()

"""What a new user waits for after `captionret index`: the first search of the library against the second.

    python benchmarks/first_search.py --pictures DIR

In a home of its own 500 pictures are indexed by the shipped captioner; then the same words are typed again
and again, each time in a new process. Beside it stands the first search of a library without word
probabilities, as earlier releases left it, which predicts them itself. Bar: the first search takes no longer
than those after it.
"""

import compileall
import statistics
import tempfile
from pathlib import Path

from cold_start import run
from results import ROOT, markdown_table, parser, write_section

from captionret.images import find_images

QUERY = "a dog on a beach"
LATER = 7  # searches behind the first


def links(pictures: Path, count: int, folder: Path) -> Path:
    """A folder of the first so many pictures."""
    folder.mkdir()
    for path, _ in zip(find_images(pictures), range(count), strict=False):
        (folder / path.name).symlink_to(path.resolve())
    return folder


def search(library: Path, home: Path) -> tuple[float, float]:
    """Seconds of one search, and those of the processor."""
    clock, worked, *_ = run(["-m", "captionret", "search", QUERY, "--library", str(library)], home)
    return clock, worked


def without_words(library: Path) -> None:
    """Delete what was predicted of the pictures, and their vectors."""
    for pattern in ("word-probabilities*", "vectors*"):
        for file in library.glob(pattern):
            file.unlink()


def main() -> None:
    """Index, search, write the section."""
    options = parser(__doc__)
    options.add_argument("--pictures", type=Path, required=True, metavar="DIR")
    options.add_argument("--count", type=int, default=500, metavar="N")
    given = options.parse_args()
    compileall.compile_dir(ROOT / "captionret", quiet=1)  # as pip does; else the first search does it
    with tempfile.TemporaryDirectory() as work:
        home, library = Path(work, "home"), Path(work, "library")
        folder = links(given.pictures, given.count, Path(work, "pictures"))
        clock, worked, *_ = run(["-m", "captionret", "index", str(folder), "--library", str(library)], home)
        first = search(library, home)
        later = [search(library, home) for _ in range(LATER)]
        without_words(library)
        caught_up = search(library, home)
    clocks, processor = zip(*later, strict=True)
    rows: list[list[object]] = [
        ["captionret index", clock, worked],
        ["the first search", *first],
        [f"the {LATER} after it, median", statistics.median(clocks), statistics.median(processor)],
        ["the slowest of these", max(clocks), max(processor)],
        ["the first search where no words were predicted", *caught_up],
    ]
    reached = "reached" if first[1] <= 1.05 * max(processor) else "not reached"
    body = (
        f"{given.count} pictures, a new home, {QUERY!r} by mode auto, each a new process. Aimed at: the "
        f"first search takes no longer than those after it; {reached}, by the processor's time.\n\n"
        f"{markdown_table(['what', 's', 'processor, s'], rows)}"
    )
    write_section(
        given.results,
        "The first search",
        body,
        f"python benchmarks/first_search.py --pictures DIR --count {given.count}",
    )


if __name__ == "__main__":
    main()

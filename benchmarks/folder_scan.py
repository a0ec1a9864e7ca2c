"""What an update costs that finds nothing new: every file of the folder is looked at, and compared with the
catalogue.

    python benchmarks/folder_scan.py
    python benchmarks/folder_scan.py --files 1000000 --results FILE

A library of made-up pictures (see large_library.py), and files in their places, one byte each. Beside it
stands the least that a look at every file can cost: os.scandir of all folders, and a stat of each file.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from large_library import Grey, made
from results import markdown_table, parser, write_section

from captionret.library import Library
from captionret.library.index.writing import write_index


def with_files(folder: Path, count: int) -> Library:
    """A library with a file for each picture that it knows; those of one folder are links to one."""
    library = made(folder, count)
    first: dict[Path, os.stat_result] = {}
    with library._catalogue.transaction() as connection:
        names = [name for (name,) in connection.execute("SELECT path FROM files")]
        for name in names:
            file = library.root / name
            if file.parent not in first:
                file.parent.mkdir(parents=True, exist_ok=True)
                (file.parent / ".first").write_bytes(b"x")
                first[file.parent] = (file.parent / ".first").stat()
            os.link(file.parent / ".first", file)
            known = (first[file.parent].st_size, first[file.parent].st_mtime_ns, name)
            connection.execute("UPDATE files SET size = ?, mtime_ns = ? WHERE path = ?", known)
    if not write_index(library._catalogue):
        sys.exit("The index was not written.")
    return library


def looked_at(folder: str) -> int:
    """How many files lie below a folder; each is looked at."""
    count = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                count += looked_at(entry.path)
            else:
                os.stat(entry.path)
                count += 1
    return count


def seconds(work: Callable[[], object], runs: int) -> tuple[float, float]:
    """The median of some runs, and of the processor's seconds."""
    times = []
    for _ in range(runs):
        began, used = time.perf_counter(), time.process_time()
        work()
        times.append((time.perf_counter() - began, time.process_time() - used))
    return statistics.median(one for one, _ in times), statistics.median(used for _, used in times)


def main() -> None:
    """Measure, write the section."""
    options = parser(__doc__)
    options.add_argument("--files", type=int, default=50_000, metavar="N")
    options.add_argument("--runs", type=int, default=3, metavar="N")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        library = with_files(Path(folder), given.files)

        def update() -> None:
            report = library.update(captioner=Grey(), progress=False)
            if report.unchanged != given.files:
                sys.exit(f"Not all files are as they were: {report}")

        whole, least = seconds(update, given.runs), seconds(lambda: looked_at(str(library.root)), given.runs)
        library.close()
    rows: list[list[object]] = [
        [name, *times, *(1e6 * one / given.files for one in times)]
        for name, times in (("captionret index, nothing new", whole), ("scandir and stat alone", least))
    ]
    columns = ["what", "s", "processor, s", "microseconds a file", "of the processor"]
    body = (
        f"{given.files:,} files in 300 folders, in the system's cache; medians of {given.runs}."
        f"\n\n{markdown_table(columns, rows)}"
    )
    write_section(given.results, "A folder without anything new", body, "python benchmarks/folder_scan.py")


if __name__ == "__main__":
    main()

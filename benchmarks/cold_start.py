"""How long a text query takes from nothing: a new process, a library of all Flickr8k, the answer on the
screen. Bars: 1.2 s in mode auto, .5 s by words alone.

    python benchmarks/cold_start.py --data flickr8k:data/flickr8k

The library is made by the shipped captioner where it is not there yet, which takes some minutes. Beside the
queries stand what Python and NumPy alone take, and what the command takes to say what it can do.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from results import ROOT, markdown_table, write_section

from captionret.app.models import Library
from captionret.app.searcher import Searcher
from captionret.datasets import open_dataset

# Python's own cache of compiled modules is used, as everybody's is.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | {
    "PYTHONPATH": str(ROOT)
}
QUERIES = (
    ("auto", "a dog runs on the beach"),
    ("auto", "motorcyle"),
    ("words", "a dog runs on the beach"),
    ("embedding", "a dog runs on the beach"),
    ("jaccard", "a dog runs on the beach"),
    ("jaccard-idf", "two men's bikes"),
    ("bm25", "a dog"),
)
HEAVY = ("torch", "pandas", "sklearn", "matplotlib", "nltk", "scipy", "PIL")


# A process of its own measures, for a process that is started by a big one is counted as big.
MEASURE = """import json, os, subprocess, sys, time
began = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
written = process.stderr.read()
_, status, used = os.wait4(process.pid, 0)
seconds = [time.perf_counter() - began, used.ru_utime + used.ru_stime]
print(json.dumps([*seconds, used.ru_maxrss / 1024, status >> 8, written]))"""


def run(command: Sequence[str], home: Path | None = None) -> tuple[float, float, float, str]:
    """Seconds of a Python process, those that a processor worked, peak memory in MB, and what it wrote on
    stderr. home: its CAPTIONRET_HOME"""
    ended = subprocess.run(
        [sys.executable, "-c", MEASURE, sys.executable, *command],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=ENVIRONMENT | ({} if home is None else {"CAPTIONRET_HOME": str(home)}),
    )
    seconds, worked, memory, code, written = json.loads(ended.stdout)
    if code not in (0, 1):
        raise SystemExit(written)
    return seconds, worked, memory, written


def row(name: str, query: str, command: Sequence[str], runs: int) -> list[object]:
    """One row of the table. The first run, which may write caches, is not counted."""
    run(command)
    ended = [run(command) for _ in range(runs)]
    seconds = [one for one, *_ in ended]
    memory = statistics.median(one for _, _, one, _ in ended)
    return [
        name,
        query,
        statistics.median(seconds),
        min(seconds),
        max(seconds),
        statistics.median(one for _, one, *_ in ended),
        round(memory),
        heavy(command),
    ]


def heavy(command: Sequence[str]) -> str:
    """Which of the heavy packages a command imports."""
    *_, written = run(["-X", "importtime", *command])
    imported = {
        line.rpartition("|")[2].strip().split(".")[0]
        for line in written.splitlines()
        if line.startswith("import time:")
    }
    return ", ".join(sorted(imported & {*HEAVY})) or "none"


def main() -> None:
    """Make the library where it is not there, ask, write the section."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--data", required=True, metavar="KIND:PATH")
    options.add_argument("--library", type=Path, default=Path("data/libraries/cold-start"), metavar="DIR")
    options.add_argument("--runs", type=int, default=11)
    given = options.parse_args()
    folder = next(item.path.parent for item in open_dataset(given.data).items if item.path)
    if not given.library.exists():
        with Library.create(given.library, folder) as library:
            library.update(folder, progress=True)
    with Searcher(given.library) as searcher:
        searcher.search(text="a dog", mode="auto")  # word probabilities and vectors, where there are none yet
        count = len(searcher.library)
    library_at = str(given.library.absolute())
    rows = [
        row("", "python -c 'import numpy'", ["-c", "import numpy"], given.runs),
        row("", "python -c 'import captionret'", ["-c", "import captionret"], given.runs),
        row("", "captionret --help", ["-m", "captionret", "--help"], given.runs),
    ]
    for mode, text in QUERIES:
        command = ["-m", "captionret", "search", text, "--library", library_at, "--mode", mode]
        rows.append(row(mode, text, command, given.runs))
    columns = [
        "mode",
        "query",
        "median, s",
        "fastest, s",
        "slowest, s",
        "processor, s",
        "peak memory, MB",
        "heavy imports",
    ]
    body = (
        f"A library of {count:,} pictures, {given.runs} new processes each. Heavy imports: which of "
        f"{', '.join(HEAVY)} are loaded.\n\n{markdown_table(columns, rows)}"
    )
    write_section(
        ROOT / "benchmarks/RESULTS.md",
        "A text query from a cold start",
        body,
        "python benchmarks/cold_start.py --data flickr8k:DIR",
    )


if __name__ == "__main__":
    main()

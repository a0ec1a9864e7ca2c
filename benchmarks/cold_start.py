"""How long a text query takes from nothing: a new process, a library of all Flickr8k, the answer on the
screen. Bars: 1.2 s in mode auto; by words alone .35 s and 150 MB.

    python benchmarks/cold_start.py --data flickr8k:data/flickr8k
    python benchmarks/cold_start.py --data flickr8k:data/flickr8k --rclip rclip-env/bin/rclip

The library is made by the shipped captioner where it is not there yet, which takes some minutes. Beside the
queries stand what Python and NumPy alone take, what the command takes to say what it can do, and rclip's own
query of the same pictures, where it is installed (pip install rclip) and has its network; else why not.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from results import ROOT, markdown_table, parser, write_section

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
RCLIP_INDEXES = 1200  # seconds that rclip may take to read all pictures, once
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
    environment = {} if home is None else {"CAPTIONRET_HOME": str(home)}
    return run_program([sys.executable, *command], ROOT, environment)


def run_program(
    command: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> tuple[float, float, float, str]:
    """The same of any program."""
    ended = subprocess.run(
        [sys.executable, "-c", MEASURE, *command],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env={**ENVIRONMENT, **environment},
    )
    seconds, worked, memory, code, written = json.loads(ended.stdout)
    if code not in (0, 1):
        raise SystemExit(written)
    return seconds, worked, memory, written


def row(name: str, query: str, command: Sequence[str], runs: int) -> list[object]:
    """One row of the table. The first run, which may write caches, is not counted."""
    run(command)
    return [name, query, *figures([run(command) for _ in range(runs)]), heavy(command)]


def figures(ended: Sequence[tuple[float, float, float, str]]) -> list[object]:
    """The columns of a row behind its query, but for what is imported."""
    seconds = [one for one, *_ in ended]
    worked = statistics.median(one for _, one, *_ in ended)
    memory = statistics.median(one for _, _, one, _ in ended)
    return [statistics.median(seconds), min(seconds), max(seconds), worked, round(memory)]


def rclip(program: str | None, folder: Path, runs: int) -> tuple[list[list[object]], str]:
    """Its row, with what there is to say; no row where it cannot run."""
    if program is None:
        return [], "rclip is not beside these: it is not installed here."
    query = QUERIES[0][1]
    with tempfile.TemporaryDirectory() as data:
        environment = {"RCLIP_DATADIR": data}
        command = [program, "--top", "1", "--filepath-only"]
        try:
            first = subprocess.run(
                [*command, query],
                cwd=folder,
                env={**ENVIRONMENT, **environment},
                capture_output=True,
                text=True,
                timeout=RCLIP_INDEXES,
            )
        except subprocess.TimeoutExpired:
            return (
                [],
                f"rclip is not beside these: it read the pictures for {RCLIP_INDEXES / 60:.0f} minutes.",
            )
        if first.returncode:
            why = first.stderr.strip().splitlines()[-1:] or ["without a word"]
            return [], (
                "rclip is not beside these: its package brings no network, it loads one from Hugging Face "
                f"when it is first asked. Here that ended so: {why[0]}"
            )
        ended = [run_program([*command, "--no-indexing", query], folder, environment) for _ in range(runs)]
    return [["rclip", query, *figures(ended), "–"]], "rclip searches without looking for new pictures."


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
    options = parser(__doc__)
    options.add_argument("--data", required=True, metavar="KIND:PATH")
    options.add_argument("--library", type=Path, default=Path("data/libraries/cold-start"), metavar="DIR")
    options.add_argument("--runs", type=int, default=11)
    options.add_argument(
        "--rclip", default=shutil.which("rclip"), metavar="FILE", help="(default: on the path)"
    )
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
    peers, said = rclip(given.rclip, folder, given.runs)
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
        f"{', '.join(HEAVY)} are loaded. Aimed at: mode auto 1.2 s; mode words .35 s and 150 MB. {said}\n\n"
        f"{markdown_table(columns, [*rows, *peers])}"
    )
    write_section(
        given.results,
        "A text query from a cold start",
        body,
        "python benchmarks/cold_start.py --data flickr8k:DIR",
    )


if __name__ == "__main__":
    main()

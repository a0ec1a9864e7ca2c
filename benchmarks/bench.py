"""All benchmarks of speed and memory, one after another, in at most forty minutes: `make bench`.

    python benchmarks/bench.py --data flickr8k:data/flickr8k
    python benchmarks/bench.py --only jaccard_speed beam_speed
    python benchmarks/bench.py --but large_library web
    python benchmarks/bench.py --list

Each measures what it measures beside its peers in one run, and writes its section of benchmarks/RESULTS.md or
checkpoints/RESULTS.md. One that takes longer than its share of the time is stopped; one without the
collection that it reads is left out; what they leave of their shares others may use. At the end, or after
Ctrl-C, stands what became of each, with the time and the memory that it took; exit 1 if any was stopped,
failed, or took more than 3 GB. Peers of PyPI: `pip install .[peers]`. rclip is asked by cold_start, where it
is installed and has its network.
"""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from results import ROOT, markdown_table, write_section

from captionret.datasets import open_dataset
from captionret.errors import CaptionretError

FOLDER = Path(__file__).resolve().parent
LIMIT = 40.0  # minutes for all
MOST = 3000.0  # MB of one process, what is mapped of files included
DATA, PICTURES = "{data}", "{pictures}"  # in arguments: the collection, and the folder of its pictures


@dataclass(frozen=True)
class Row:
    """One benchmark.

    name:      of its script, without .py
    minutes:   its share of the time
    arguments: what it is called with
    memory:    MB that one of its processes may take
    """

    name: str
    minutes: float
    arguments: tuple[str, ...] = ()
    memory: float = MOST

    @property
    def reads_data(self) -> bool:
        """Whether it reads a collection."""
        return any(one in (DATA, PICTURES) for one in self.arguments)

    def command(self, data: str, pictures: str) -> list[str]:
        """What runs it."""
        given = {DATA: data, PICTURES: pictures}
        return [
            sys.executable,
            str(FOLDER / f"{self.name}.py"),
            *(given.get(one, one) for one in self.arguments),
        ]


ABOUT = (
    f"Aimed at: all in {LIMIT:.0f} minutes, each in {MOST / 1000:.0f} GB, but for the files of a million "
    "vectors, which are mapped, and for five million captions as Python's sets. Memory is that of the "
    "largest process."
)
# what users wait for first; their minutes sum up to LIMIT at most
ROWS = (
    Row("cold_start", 3.5, ("--data", DATA, "--runs", "7")),
    Row("first_search", 0.75, ("--pictures", PICTURES)),
    Row("large_library", 5.25, ("--sizes", "1000", "8090", "100000", "1000000", "--runs", "5")),
    Row("word_search", 2, ("--sizes", "8090", "100000", "--runs", "3")),
    Row("jaccard_speed", 4.25, ("--runs", "100", "--loops", "2"), 4000),  # five million sets
    Row("vector_search", 2.5, ("--runs", "11"), 6500),  # nearly all of it mapped: a million vectors' files
    Row("captioning", 2, ("--pictures", PICTURES, "--count", "192", "--rounds", "1")),
    Row("words_share", 1, ("--pictures", PICTURES, "--count", "128")),
    Row("beam_speed", 1.25, ("--data", DATA, "--runs", "3")),
    Row("captioners", 0.5),
    Row("exchange", 1.25, ("--pictures", "25000", "--runs", "3")),
    Row("web", 2, ("--sizes", "100000", "--seconds", "10")),
    Row("web_clients", 0.75, ("--seconds", "4")),
    Row("lighthouse", 0.75, ("--pages", "search", "picture")),
    Row("folder_scan", 0.5),
    Row("watch", 1.5, ("--pictures", PICTURES, "--copies", "300")),
    Row("exif", 0.75),
    Row("duplicates", 2.5, ("--pictures", PICTURES)),
    Row("collect", 0.75, ("--data", DATA, "--pictures", "500")),
    Row("nearest_speed", 0.5, ("--words", "100000", "--images", "20000")),
    Row("training_step", 1.25, ("--variants", "model1-lite", "--steps", "20")),
    Row("self_critical_speed", 1, ("--data", DATA, "--images", "320", "--steps", "5")),
    Row("sentence_encoder", 0.5, ("--data", DATA)),
    Row("ranking_speed", 0.5),
    Row("scoring_speed", 0.5),
    Row("gpu", 2),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run them; 0 if all that could run have."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--data", default="flickr8k:data/flickr8k", metavar="KIND:PATH")
    some = options.add_mutually_exclusive_group()
    some.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these")
    some.add_argument("--but", nargs="+", default=[], metavar="NAME", help="all others")
    options.add_argument("--minutes", type=float, default=LIMIT, help="for all (default: %(default)g)")
    options.add_argument(
        "--times", type=float, default=1.0, metavar="X", help="give all more time, on a busy machine"
    )
    options.add_argument("--list", action="store_true", help="what there is, and end")
    given = options.parse_args(arguments)
    known = {row.name: row for row in ROWS}
    if unknown := [name for name in [*given.only, *given.but] if name not in known]:
        options.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(known)}")
    chosen = [known[name] for name in given.only or known if name not in given.but]
    rows = [replace(row, minutes=given.times * row.minutes) for row in chosen]
    if given.list:
        print("\n".join(f"{row.name}: {row.minutes:g} minutes" for row in rows))
        return 0
    became: dict[str, Became] = {}
    try:
        # as it goes, so that what ended before Ctrl-C is kept
        became.update(run(rows, given.data, pictures_of(given.data), given.times * given.minutes))
    except KeyboardInterrupt:
        print("stopped by Ctrl-C", file=sys.stderr)
    table = report(became, rows)
    if len(became) < len(ROWS):
        print(table)
    else:
        write_section(ROOT / "benchmarks" / "RESULTS.md", "All of them", f"{ABOUT}\n\n{table}", "make bench")
    return int(len(became) < len(rows) or not all(one.is_well for one in became.values()))


def pictures_of(data: str) -> Path | None:
    """The folder of a collection's pictures; None where the collection is not here."""
    try:
        return next((item.path.parent for item in open_dataset(data).items if item.path), None)
    except CaptionretError as error:
        print(error)
        return None


@dataclass(frozen=True)
class Became:
    """What became of one benchmark.

    how:     "measured", "left out: ...", "stopped", "failed with 3"
    seconds: by the clock; worked: of the processor; memory: MB of its largest process
    """

    how: str
    seconds: float | None = None
    worked: float | None = None
    memory: float | None = None

    @property
    def in_words(self) -> str:
        """For the terminal."""
        if self.seconds is None:
            return self.how
        return f"{self.how}, {self.seconds:.0f} s, {self.memory or 0:,.0f} MB"

    @property
    def is_well(self) -> bool:
        """Whether it measured, or could not be asked to."""
        return self.how == "measured" or self.how.startswith("left out")


def run(
    rows: Sequence[Row], data: str, pictures: Path | None, minutes: float
) -> Iterator[tuple[str, Became]]:
    """Run rows until the time is over; the name of each, and what became of it. What one leaves of its share
    those behind it have, too, each at most its own share again."""
    began, shares = time.monotonic(), 0.0
    for number, row in enumerate(rows, 1):
        used = time.monotonic() - began
        shares += 60 * row.minutes
        left = min(max(60 * row.minutes, min(shares - used, 120 * row.minutes)), 60 * minutes - used)
        print(
            f"== {row.name}: {number} of {len(rows)}, at most {max(left, 0) / 60:.1f} minutes; "
            f"{used / 60:.1f} of {minutes:.3g} are used",
            flush=True,
        )
        if row.reads_data and pictures is None:
            became = Became(f"left out: {data.partition(':')[0]} is not here")
        elif left <= 0:
            became = Became("stopped: the time was over")
        else:
            became = ended(row.command(data, str(pictures)), left, row.memory)
        print(f"== {row.name}: {became.in_words}", flush=True)
        yield row.name, became


def ended(command: Sequence[str], seconds: float, memory: float) -> Became:
    """Run one for so many seconds at most, and within so many MB; what it started ends with it."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    late = threading.Event()

    def stop() -> None:
        late.set()
        stop_all(process.pid)

    clock = threading.Timer(seconds, stop)
    clock.start()
    try:
        _, status, used = os.wait4(process.pid, 0)  # of it and of all that it waited for
        process.returncode = os.waitstatus_to_exitcode(status)
    finally:  # after Ctrl-C, too, which a session of its own doesn't hear
        clock.cancel()
        stop_all(process.pid)
    facts = (time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
    if late.is_set():
        return Became(f"stopped after {seconds / 60:.1f} minutes", *facts)
    if process.returncode:
        return Became(f"failed with {process.returncode}", *facts)
    return Became("measured" if facts[-1] <= memory else f"took more than {memory:,.0f} MB", *facts)


def stop_all(group: int) -> None:
    """End a benchmark and what it started and did not wait for."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def report(became: dict[str, Became], rows: Sequence[Row]) -> str:
    """The table of a run."""
    shares = {row.name: 60 * row.minutes for row in rows}
    table: list[list[object]] = [
        [name, one.how, shares[name], one.seconds, one.worked, one.memory] for name, one in became.items()
    ]
    table.append(["all", "", sum(shares.values()), *(_sum(became, of) for of in ("seconds", "worked")), None])
    columns = ["benchmark", "what became of it", "share, s", "took, s", "processor, s", "peak memory, MB"]
    return markdown_table(columns, table)


def _sum(became: dict[str, Became], of: str) -> float:
    return sum(getattr(one, of) or 0.0 for one in became.values())


if __name__ == "__main__":
    sys.exit(main())

"""All benchmarks of speed and memory, one after another, in at most forty minutes: `make bench`.

    python benchmarks/bench.py --data flickr8k:data/flickr8k
    python benchmarks/bench.py --only jaccard_speed beam_speed
    python benchmarks/bench.py --list

Each measures what it measures beside its peers in one run, and writes its section of benchmarks/RESULTS.md or
checkpoints/RESULTS.md. One that takes longer than its share of the time is stopped; one without the
collection that it reads is left out. At the end stands what became of each; exit 1 if any was stopped or
failed. Peers of PyPI: `pip install .[peers]`. rclip is not among them: it loads its network from Hugging
Face when it is first asked.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
LIMIT = 40.0  # minutes for all
DATA, PICTURES = "{data}", "{pictures}"  # in arguments: the collection, and the folder of its pictures


@dataclass(frozen=True)
class Row:
    """One benchmark.

    name:      of its script, without .py
    minutes:   that it may take
    arguments: what it is called with
    """

    name: str
    minutes: float
    arguments: tuple[str, ...] = ()

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


# what users wait for first; their minutes sum up to LIMIT at most
ROWS = (
    Row("cold_start", 2, ("--data", DATA)),
    Row("large_library", 6.5, ("--sizes", "1000", "8090", "100000", "1000000")),
    Row("word_search", 3, ("--sizes", "8090", "100000", "--runs", "3")),
    Row("jaccard_speed", 7, ("--runs", "200")),
    Row("vector_search", 4),
    Row("captioning", 3, ("--pictures", PICTURES, "--count", "256", "--rounds", "2")),
    Row("beam_speed", 2, ("--data", DATA)),
    Row("folder_scan", 1),
    Row("nearest_speed", 1.5, ("--words", "100000", "--images", "20000")),
    Row("training_step", 1.5),
    Row("self_critical_speed", 1.5, ("--data", DATA, "--images", "640")),
    Row("sentence_encoder", 1, ("--data", DATA)),
    Row("ranking_speed", 1),
    Row("scoring_speed", 1),
    Row("gpu", 4),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run them; 0 if all that could run have."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--data", default="flickr8k:data/flickr8k", metavar="KIND:PATH")
    options.add_argument("--only", nargs="+", metavar="NAME", help="some of them")
    options.add_argument("--minutes", type=float, default=LIMIT, help="for all (default: %(default)g)")
    options.add_argument("--list", action="store_true", help="what there is, and end")
    given = options.parse_args(arguments)
    known = {row.name: row for row in ROWS}
    if unknown := [name for name in given.only or () if name not in known]:
        options.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(known)}")
    rows = [known[name] for name in given.only] if given.only else list(ROWS)
    if given.list:
        print("\n".join(f"{row.name}: at most {row.minutes:g} minutes" for row in rows))
        return 0
    return run(rows, given.data, pictures_of(given.data), given.minutes)


def pictures_of(data: str) -> Path | None:
    """The folder of a collection's pictures; None where the collection is not here."""
    from results import ROOT  # noqa: F401  # puts the package on the path

    from captionret.datasets import open_dataset
    from captionret.errors import CaptionretError

    try:
        return next((item.path.parent for item in open_dataset(data).items if item.path), None)
    except CaptionretError as error:
        print(error)
        return None


def run(rows: Sequence[Row], data: str, pictures: Path | None, minutes: float) -> int:
    """Run rows until the time is over, and say what became of each."""
    deadline = time.monotonic() + 60 * minutes
    became: dict[str, str] = {}
    for row in rows:
        if row.reads_data and pictures is None:
            became[row.name] = f"left out: {data} is not here"
            continue
        left = min(60 * row.minutes, deadline - time.monotonic())
        if left <= 0:
            became[row.name] = "stopped: the time was over"
            continue
        print(f"== {row.name}", flush=True)
        began = time.monotonic()
        try:
            code = subprocess.run(row.command(data, str(pictures)), timeout=left, check=False).returncode
        except subprocess.TimeoutExpired:
            became[row.name] = f"stopped after {left / 60:.1f} minutes"
            continue
        took = f"{(time.monotonic() - began) / 60:.1f} minutes"
        became[row.name] = f"measured in {took}" if code == 0 else f"failed with {code}, after {took}"
    print("\n".join(f"{name}: {what}" for name, what in became.items()))
    return int(any(what.startswith(("stopped", "failed")) for what in became.values()))


if __name__ == "__main__":
    sys.exit(main())

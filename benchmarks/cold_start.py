"""How long a text query takes from nothing: a new process, a library of all Flickr8k, the answer on the
screen. Bar: under 1 s.

    python benchmarks/cold_start.py --data flickr8k:data/flickr8k

The library's captions are people's (the first of each picture) in the shipped captioner's words, since only
their number, length and spelling matter here.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from results import ROOT, markdown_table, write_section

from captionret.app.places import SHIPPED
from captionret.datasets import open_dataset
from captionret.decoding import Decoding
from captionret.files import sha256_of
from captionret.images import Picture
from captionret.library import Library
from captionret.records import Caption, CaptionResult, Failure
from captionret.text import join, words

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
COMMAND = [sys.executable, "-m", "captionret", "search"]
PROBE = """import atexit, runpy, sys
atexit.register(lambda: print("loaded", *sorted({"torch", "nltk", "scipy"} & set(sys.modules))))
runpy.run_module("captionret", run_name="__main__", alter_sys=True)"""


class Human:
    """A captioner whose captions people wrote."""

    name, fingerprint = "people", "0" * 64

    def __init__(self, captions: dict[str, str]) -> None:
        self.captions = captions

    def describe(self) -> dict[str, Any]:
        """Nothing more."""
        return {"name": self.name}

    def caption_stream(
        self, paths: Sequence[Path | Picture], *, decoding: Decoding, batch_size: int
    ) -> Iterator[list[CaptionResult | Failure]]:
        """One caption each, and a feature of zeros, which no text query reads."""
        for picture in paths:
            path = picture if isinstance(picture, Path) else picture.path
            assert path is not None, "a library's pictures are files"
            text = self.captions.get(path.name, "a picture")
            yield [
                CaptionResult(
                    path, sha256_of(path), [Caption(text, tuple(text.split()), 0.0)], np.zeros(8, np.float16)
                )
            ]


def main() -> None:
    """Build the library where it is not there, ask, write the section."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--data", required=True, metavar="KIND:PATH")
    options.add_argument("--library", type=Path, default=Path("data/libraries/cold-start"), metavar="DIR")
    options.add_argument("--runs", type=int, default=15)
    given = options.parse_args()
    items = [item for item in open_dataset(given.data).items if item.path and item.captions]
    folder = items[0].path.parent if items[0].path else Path()
    with Library.open_or_create(given.library, folder) as library:
        known = set(json.loads((SHIPPED / "vocab.json").read_text(encoding="utf-8"))["tokens"])
        captions = {
            item.path.name: join(word for word in words(item.captions[0]) if word in known)
            for item in items
            if item.path
        }
        library.update(folder, Human(captions))
        count = len(library)
    asked = ["--library", f"./{given.library}", "--text"]
    rows: list[list[object]] = []
    for mode, text in (
        ("jaccard", "a dog runs on the beach"),
        ("jaccard-idf", "two men's bikes"),
        ("tfidf", "a dog"),
        ("bm25", "a dog"),
    ):
        probe = subprocess.run(
            [sys.executable, "-c", PROBE, "search", *asked, text, "--mode", mode],
            capture_output=True,
            text=True,
            env=ENVIRONMENT,
        )
        loaded = probe.stdout.strip().splitlines()[-1]
        seconds = []
        for _ in range(given.runs):
            began = time.perf_counter()
            done = subprocess.run(
                [*COMMAND, *asked, text, "--mode", mode],
                capture_output=True,
                check=True,
                env=ENVIRONMENT,
            )
            seconds.append(time.perf_counter() - began)
            if not done.stdout:
                raise SystemExit(done.stderr.decode())
        rows.append(
            [
                mode,
                text,
                statistics.median(seconds),
                max(seconds),
                "none" if "torch" not in loaded and "nltk" not in loaded else loaded,
            ]
        )
    columns = ["mode", "query", "median, s", "slowest, s", "of torch and nltk imported"]
    body = (
        f"A library of {count:,} pictures, {given.runs} new processes "
        f"each.\n\n{markdown_table(columns, rows)}"
    )
    write_section(
        ROOT / "benchmarks/RESULTS.md",
        "A text query from a cold start",
        body,
        "python benchmarks/cold_start.py --data flickr8k:DIR",
    )


if __name__ == "__main__":
    main()

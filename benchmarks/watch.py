"""How soon `captionret index --watch` finds what is copied into a folder, and what it costs to go on.

    python benchmarks/watch.py --pictures DIR
    python benchmarks/watch.py --pictures DIR --copies 200 --changes 1000 --results FILE

Photographs are copied into a folder that is followed, with the shipped captioner. For each the moment is
noted at which its caption was there, and the first at which a reader in another process finds it by a search;
it searches every fifth of a second. Then files are written, changed, renamed and deleted, two hundred
at a time, and the resident memory is noted.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from results import ROOT, anywhere, markdown_table, write_section

from captionret.app.models import load_captioner
from captionret.app.watching import Watcher
from captionret.decoding import BeamSearch
from captionret.images import find_images
from captionret.library import Captioning, Library

BURST = 200  # files that change together

# Prints the seconds since the epoch and the names that have come, again and again.
READER = """
import json, sys, time
from collections import Counter
from captionret.text import word_set
from captionret.library import Library
from captionret.app.searcher import Searcher
library, known, end = Library.open(sys.argv[1]), set(), time.monotonic() + 600
searcher = Searcher(library)
while time.monotonic() < end:
    time.sleep(0.2)
    if not len(library):
        continue
    gallery = library.gallery()
    counts = Counter(map(word_set, gallery.captions))  # captions of the same words are alike to a search
    captions = {caption for path, caption in zip(gallery.paths, gallery.captions) if path not in known}
    new = set()
    for caption in captions:
        hits = searcher.search(text=caption, mode="jaccard", top=counts[word_set(caption)])
        new |= {path for hit in hits for path in (hit.path, *hit.copies)} - known
    known |= new
    if new:
        print(json.dumps([time.time(), sorted(new)]), flush=True)
"""


class Noting:
    """The shipped captioner; notes when each caption was there."""

    def __init__(self, captioner: Captioning) -> None:
        self._captioner = captioner
        self.name, self.fingerprint = captioner.name, captioner.fingerprint
        self.at: dict[str, float] = {}

    def describe(self) -> dict[str, Any]:
        """Its facts."""
        return self._captioner.describe()

    def caption_stream(self, paths: Sequence[Any], **how: Any) -> Iterator[Sequence[Any]]:
        """Its captions, as they come."""
        for results in self._captioner.caption_stream(paths, **how):
            self.at |= {Path(str(result.path)).name: time.time() for result in results}
            yield results


class Followed:
    """A library whose folder is followed by a thread of this process."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "photos"
        self.root.mkdir()
        self.library = Library.create(folder / "library", self.root)
        self.captioner = Noting(load_captioner(None, BeamSearch(), "cpu"))
        self.updates = self.captioned = 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=Watcher(self.library, self.look).run, args=(self.stop,))
        self.thread.start()

    def look(self, changed: Sequence[str] | None) -> None:
        """Bring it up to date."""
        done = self.library.update(captioner=self.captioner, changed=changed, progress=False)
        self.updates += 1
        self.captioned += done.new + done.changed

    def wait(self, names: set[str]) -> None:
        """Until it holds these pictures and no others."""
        while {one.path for one in self.library} != names:
            time.sleep(0.1)

    def end(self) -> None:
        """Follow it no longer."""
        self.stop.set()
        self.thread.join()


def copied_in(followed: Followed, pictures: Sequence[Path]) -> dict[str, float]:
    """Copy photographs in while a reader searches; seconds, and how many updates it took."""
    while not followed.updates:
        time.sleep(0.1)
    before = followed.updates
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(followed.library.path)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    began = time.time()
    for picture in pictures:
        shutil.copy(picture, followed.root / picture.name)
    copied = time.time()
    found: dict[str, float] = {}
    assert reader.stdout is not None
    while len(found) < len(pictures):
        moment, names = json.loads(reader.stdout.readline())
        found |= dict.fromkeys(names, moment)
    reader.kill()
    delays = [found[name] - moment for name, moment in followed.captioner.at.items()]
    return {
        "copied": copied - began,
        "captioned": max(followed.captioner.at.values()) - began,
        "found": max(found.values()) - began,
        "median": statistics.median(delays),
        "most": max(delays),
        "updates": followed.updates - before,
    }


def changed_on(followed: Followed, changes: int) -> list[list[object]]:
    """Change the folder, BURST files at a time; a row for each thousand: changes, MB, open files."""
    for file in followed.root.iterdir():
        file.unlink()
    quarter = BURST // 4
    names: list[str] = []
    rows: list[list[object]] = []
    for step in range(1, changes // BURST + 1):
        fresh = [f"{step}-{number}.jpg" for number in range(quarter)]
        changed, renamed, gone = (names[first : first + quarter] for first in range(0, 3 * quarter, quarter))
        for name in (*fresh, *changed):
            Image.effect_noise((96, 96), 60).convert("RGB").save(followed.root / name)
        for name in renamed:
            (followed.root / name).rename(followed.root / f"r{name}")
        for name in gone:
            (followed.root / name).unlink()
        names = [*fresh, *changed, *(f"r{name}" for name in renamed), *names[3 * quarter :]]
        followed.wait(set(names))
        if step * BURST % 1000 == 0:
            rows.append([step * BURST, memory(), len(os.listdir("/proc/self/fd"))])
    return rows


def memory() -> int:
    """Resident, in MB."""
    text = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(text.split("VmRSS:")[1].split()[0]) // 1000


def main() -> None:
    """Measure, write the section."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--pictures", type=Path, required=True, metavar="DIR")
    options.add_argument("--copies", type=int, default=1000, metavar="N")
    options.add_argument("--changes", type=int, default=10_000, metavar="N")
    options.add_argument("--results", type=Path, default=ROOT / "benchmarks/RESULTS.md", metavar="FILE")
    given = options.parse_args()
    pictures = [path for path, _ in zip(find_images(given.pictures), range(given.copies), strict=False)]
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        followed = Followed(Path(folder))
        try:
            first = copied_in(followed, pictures)
            rows = changed_on(followed, given.changes)
        finally:
            followed.end()
        whole = not followed.library.verify()
    copied, captioned, found = (first[name] for name in ("copied", "captioned", "found"))
    captions, state = followed.captioned - len(pictures), "whole" if whole else "NOT whole"
    body = (
        f"{len(pictures):,} photographs were copied into a folder that is followed, in {copied:.1f} s. They "
        f"were captioned within {captioned:.0f} s, by {first['updates']:.0f} updates, and all found by a "
        f"search in another process {found - captioned:.1f} s after the last caption was there. A picture "
        f"was found {first['median']:.1f} s after its own caption in the median, {first['most']:.1f} s at "
        f"most (aimed at: 5).\n\nThen {given.changes:,} changes: files written, changed, renamed and "
        f"deleted, {BURST} at a time; {captions:,} captions. The library was {state} at "
        "the end. Resident memory of the process, captioner and all:\n\n"
        f"{markdown_table(['changes', 'MB', 'open files'], rows)}"
    )
    line = f"python benchmarks/watch.py --pictures {anywhere(given.pictures)}"
    write_section(given.results, "A folder that is followed", body, line)


if __name__ == "__main__":
    main()

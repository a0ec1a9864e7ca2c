"""How soon `captionret index --watch` finds what is copied into a folder, and what it costs to go on.

    python benchmarks/watch.py --pictures DIR --changes 0         # the first part
    python benchmarks/watch.py                                    # the second
    python benchmarks/watch.py --pictures DIR --copies 200 --changes 1000 --results FILE

Photographs are copied into a folder that is followed, with the shipped captioner. For each the moment is
noted at which its caption was there, and the first at which a reader in another process finds it by a search;
it searches every fifth of a second. Then files are written, changed, renamed and deleted, two hundred
at a time, and the resident memory is noted; they are captioned by a stand-in, for what may grow is the
watching and the library.
"""

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
from results import ROOT, anywhere, markdown_table, parser, write_section

from captionret.app.curating.watching import Watcher
from captionret.app.models import load_captioner
from captionret.counting import counted
from captionret.decoding import BeamSearch, Decoding
from captionret.errors import BadImage
from captionret.images import Picture, find_images, load_views
from captionret.library import Captioning, Library
from captionret.records import Caption, CaptionResult, Failure

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


class StandIn:
    """Says a picture's mean colour, without a network."""

    name, fingerprint = "mean colour", "0" * 64

    def describe(self) -> dict[str, Any]:
        """No more than its name."""
        return {"name": self.name}

    def caption_stream(
        self, paths: Sequence[Path | Picture], *, decoding: Decoding, batch_size: int
    ) -> Iterator[list[CaptionResult | Failure]]:
        """A caption of three numbers, which are the feature, too."""
        for path in paths:
            try:
                sha256, pixels = load_views(path, 32)
            except BadImage as error:
                yield [Failure(str(path), str(error))]
                continue
            feature = pixels[0].reshape(-1, 3).mean(0)
            words = tuple(f"c{value:.0f}" for value in feature)
            yield [CaptionResult(Path(str(path)), sha256, [Caption(" ".join(words), words, -1.0)], feature)]


class Noting:
    """A captioner; notes when each caption was there."""

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

    def __init__(self, folder: Path, captioner: Captioning, quiet: float = 1) -> None:
        self.root = folder / "photos"
        self.root.mkdir(parents=True)
        self.library = Library.create(folder / "library", self.root)
        self.captioner = Noting(captioner)
        self.updates = self.captioned = 0
        self.stop = threading.Event()
        watcher = Watcher(self.library, self.look, quiet=quiet)
        self.thread = threading.Thread(target=watcher.run, args=(self.stop,))
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


def found_in_time(pictures: Sequence[Path], folder: Path) -> str:
    """How soon photographs that are copied in are found."""
    followed = Followed(folder, load_captioner(None, BeamSearch(), "cpu"))
    try:
        first = copied_in(followed, pictures)
    finally:
        followed.end()
    copied, captioned, found = (first[name] for name in ("copied", "captioned", "found"))
    updates = counted(int(first["updates"]), "updates")
    return (
        f"{len(pictures):,} photographs were copied into a folder that is followed, in {copied:.1f} s. They "
        f"were captioned within {captioned:.0f} s, by {updates}, and all found by a "
        f"search in another process {found - captioned:.1f} s after the last caption was there. A picture "
        f"was found {first['median']:.1f} s after its own caption in the median, {first['most']:.1f} s at "
        "most (aimed at: 5)."
    )


def flat(changes: int, folder: Path) -> str:
    """The memory over many changes."""
    began, processor = time.perf_counter(), time.process_time()
    followed = Followed(folder, StandIn(), quiet=0.2)
    try:
        rows = changed_on(followed, changes)
    finally:
        followed.end()
    state = "NOT whole" if followed.library.verify() else "whole"
    seconds, processor = time.perf_counter() - began, time.process_time() - processor
    return (
        f"{changes:,} changes to a folder that is followed: files written, changed, renamed and deleted, "
        f"{BURST} at a time; {followed.captioned:,} captions of a stand-in, {followed.updates:,} updates, "
        f"{seconds:.0f} s ({processor:.0f} s of the processor). The library was {state} at the end. Resident "
        f"memory of the process:\n\n{markdown_table(['changes', 'MB', 'open files'], rows)}"
    )


def main() -> None:
    """Measure, write the sections."""
    options = parser(__doc__)
    options.add_argument("--pictures", type=Path, metavar="DIR", help="photographs to copy in")
    options.add_argument("--copies", type=int, default=1000, metavar="N", help="(default: %(default)s)")
    options.add_argument("--changes", type=int, default=10_000, metavar="N", help="(default: %(default)s)")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        folder = Path(name)
        if given.pictures is not None:
            pictures = [
                path for path, _ in zip(find_images(given.pictures), range(given.copies), strict=False)
            ]
            line = f"python benchmarks/watch.py --pictures {anywhere(given.pictures)} --changes 0"
            body = found_in_time(pictures, folder / "copied")
            write_section(given.results, "A folder that is followed", body, line)
        if given.changes:
            line = f"python benchmarks/watch.py --changes {given.changes}"
            body = flat(given.changes, folder / "changed")
            write_section(given.results, "Ten thousand changes to a folder", body, line)


if __name__ == "__main__":
    main()

"""Pictures of a library that are there more than once: the very same file under several names, nearly the
same picture, and bursts. Nothing is deleted.

for group in find_duplicates(library):
    print(group.kind, group.best.file, [one.file for one in group.others])
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...errors import BadImage, BadSetting
from ...images import as_picture
from ...library import Library, LibrarySnapshot
from ...library.vectors.looks import looks_of, unit_features
from ...progress import bar
from ...records import PictureFacts
from .nearly_same import cosines_of, joined, near_pairs

Kind: TypeAlias = Literal["exact", "near", "burst"]
KINDS: tuple[Kind, ...] = ("exact", "near", "burst")
BURST_SECONDS = 2.0
_BURST_COSINE = 0.6  # of two pictures of a burst: the camera was not turned elsewhere meanwhile
_SHARPNESS_SIDE = 512  # the shorter side, in pixels, at which sharpness is measured


@dataclass(frozen=True, slots=True)
class Copy:
    """One file of a group.

    path:      relative to the library's root, as a hit shows it; file: where it lies
    width, height: in pixels, upright
    size:      in bytes
    sharpness: the variance of the Laplacian of its grey values, the shorter side scaled to 512 pixels where
               it is longer; 0 where the file cannot be read any more
    taken:     when, as PictureFacts has it
    modified:  the second in which the file was last written, since 1970; None where it is gone
    """

    path: str
    file: Path
    width: int = 0
    height: int = 0
    size: int = 0
    sharpness: float = 0.0
    taken: str | None = None
    modified: int | None = None


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Files that show the same.

    kind:     "exact": all hold the very same bytes; "near": scaled, re-encoded, recoloured or cropped copies;
              "burst": taken within moments by one camera
    pictures: the best first: of the highest resolution, then the sharpest, then the largest file; of equal
              files the oldest, then the one of the shortest name: "a.jpg" before "a (1).jpg"
    """

    kind: Kind
    pictures: tuple[Copy, ...]

    @property
    def best(self) -> Copy:
        """The one to keep, if one is to be kept."""
        return self.pictures[0]

    @property
    def others(self) -> tuple[Copy, ...]:
        """All but the best."""
        return self.pictures[1:]


def find_duplicates(
    library: Library,
    *,
    kinds: Sequence[Kind] = KINDS,
    mirrored: bool = False,
    burst_seconds: float = BURST_SECONDS,
    progress: bool | None = None,
) -> list[DuplicateGroup]:
    """Groups of files that show the same, by kind, then by the best copy's path.

    kinds:         of which groups to look for
    mirrored:      pictures that mirror each other are nearly the same, too
    burst_seconds: at most so much between two pictures of a burst
    progress:      whether to show bars on stderr; None: where that is a terminal
    errors:        BadSetting for a kind or a time that is none; BadLibrary where no picture can be read

    The first call makes a perceptual hash of every picture, which the library keeps.
    """
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise BadSetting(f"There are no {unknown[0]!r} duplicates. Choose of {', '.join(KINDS)}.")
    if not 0 <= burst_seconds < float("inf"):
        raise BadSetting(f"A burst cannot have {burst_seconds:g} seconds between its pictures.")
    snapshot = library.snapshot()
    return list(_Finding(snapshot, mirrored, burst_seconds, progress).groups(kinds))


class _Finding:
    """One look at one moment of a library."""

    def __init__(
        self, snapshot: LibrarySnapshot, mirrored: bool, seconds: float, progress: bool | None
    ) -> None:
        self._snapshot, self._gallery = snapshot, snapshot.gallery()
        self._mirrored, self._seconds, self._progress = mirrored, timedelta(seconds=seconds), progress

    def groups(self, kinds: Sequence[Kind]) -> Iterator[DuplicateGroup]:
        near_groups = self._near() if "near" in kinds and len(self._gallery) else []
        near = {row: place for place, group in enumerate(near_groups) for row in group}
        bursts = joined(map(tuple, self._burst_pairs().tolist())) if "burst" in kinds else []
        rows: dict[Kind, list[list[int]]] = {
            "exact": [[row] for row in self._with_copies() if row not in near],
            "near": near_groups,
            "burst": [group for group in bursts if not _is_one(group, near)],
        }
        wanted = [(kind, group) for kind in KINDS if kind in kinds for group in rows[kind]]
        copies = self._measured([row for _, group in wanted for row in group])
        found = [
            DuplicateGroup(kind, tuple(sorted((one for row in group for one in copies[row]), key=_order)))
            for kind, group in wanted
        ]
        yield from sorted(found, key=lambda group: (KINDS.index(group.kind), group.best.path))

    def _near(self) -> list[list[int]]:
        hashes = self._gallery.hashes
        looks = looks_of(self._snapshot, hashes, mirrored=self._mirrored, progress=self._progress)
        return joined(map(tuple, near_pairs(looks).tolist()))

    def _with_copies(self) -> list[int]:
        return [row for row, copies in enumerate(self._gallery.copies) if copies]

    def _burst_pairs(self) -> NDArray[np.int64]:
        """Each picture with the next one that its camera took, where that was moments later."""
        dated = [
            (facts.camera or "", taken, row)
            for row, facts in enumerate(self._gallery.facts)
            if facts is not None and (taken := _moment(facts)) is not None
        ]
        pairs = [
            (min(row, after), max(row, after))
            for (camera, taken, row), (same, later, after) in pairwise(sorted(dated))
            if camera == same and later - taken <= self._seconds
        ]
        found = np.array(pairs, np.int64).reshape(-1, 2)
        features = unit_features(self._snapshot, self._gallery.hashes) if len(found) else None
        return found if features is None else found[cosines_of(features, found) >= _BURST_COSINE]

    def _measured(self, rows: Sequence[int]) -> dict[int, list[Copy]]:
        """The files of some rows; of equal files one is looked at."""
        rows = list(dict.fromkeys(rows))
        with (
            ThreadPoolExecutor(os.cpu_count() or 1) as pool,
            bar(total=len(rows), unit="picture", desc="comparing copies", show=self._progress) as shown,
        ):
            found = {}
            for row, copies in zip(rows, pool.map(self._copies, rows), strict=True):
                found[row] = copies
                shown.update(1)
            return found

    def _copies(self, row: int) -> list[Copy]:
        paths = (self._gallery.paths[row], *self._gallery.copies[row])
        first = measured(paths[0], self._snapshot.root / paths[0])
        files = {path: self._snapshot.root / path for path in paths[1:]}
        others = (
            replace(first, path=path, file=file, modified=_modified(file)) for path, file in files.items()
        )
        return [first, *others]


def measured(path: str, file: Path) -> Copy:
    """A file with what tells how good a copy it is; zeros where it cannot be read."""
    try:
        picture = as_picture(file)
        grey = picture.open(at_least=_SHARPNESS_SIDE).convert("L")
        facts, size = picture.facts, file.stat().st_size
    except (BadImage, OSError):
        return Copy(path, file)
    scale = min(1.0, _SHARPNESS_SIDE / min(grey.size))
    if scale < 1:
        grey = grey.resize((max(1, round(grey.width * scale)), max(1, round(grey.height * scale))))
    sharpness = _sharpness(np.asarray(grey))
    return Copy(path, file, facts.width, facts.height, size, sharpness, facts.taken, _modified(file))


def _modified(file: Path) -> int | None:
    try:
        return int(file.stat().st_mtime)
    except OSError:
        return None


def _sharpness(grey: NDArray[np.uint8]) -> float:
    """The variance of the Laplacian of (H, W) grey values (Pech-Pacheco et al. 2000)."""
    values = grey.astype(np.int16)
    if min(values.shape) < 3:
        return 0.0
    around = values[:-2, 1:-1] + values[2:, 1:-1] + values[1:-1, :-2] + values[1:-1, 2:]
    return round(float((around - 4 * values[1:-1, 1:-1]).var()), 1)


def _order(one: Copy) -> tuple[float, float, float, float, int, str]:
    age = inf if one.modified is None else one.modified
    return -one.width * one.height, -one.sharpness, -one.size, age, len(one.file.name), one.path


def _moment(facts: PictureFacts) -> datetime | None:
    return None if facts.taken is None else datetime.fromisoformat(facts.taken)


def _is_one(group: Sequence[int], near: dict[int, int]) -> bool:
    """Whether all of a burst is nearly the same picture already."""
    return len({near.get(row, -1 - row) for row in group}) == 1

"""A library's search index on disk: segments that are never changed, and a manifest that says which of their
pictures count, as of which revision of the catalogue.

It follows from the catalogue and can always be made again. What the catalogue noted as changed since is read
from there, so that an answer is never of another state than the catalogue's.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import RLock

import numpy as np
from numpy.typing import NDArray

from ...retrieval import corpus, lemmas
from ...text import rules_key
from ..captions.captioners import Shown
from ..catalogue.documents import read_documents
from ..catalogue.rows import REVISION, Rows
from .array_file import DamagedIndex, IndexFile
from .changes import changed_since, knows, noted_from
from .merged import MergedSegments
from .segment import Segment, segment_of

log = logging.getLogger(__name__)

FORMAT = 9
MANIFEST = "search-index.manifest"
OF_ONE = "search-index-by-{captioner}.manifest"  # of one captioner's captions
SEGMENT = "search-index-{name}.segment"
_TRIES = 3


class Outdated(Exception):
    """The index is older than the oldest change that the catalogue still knows of, or newer than what is read
    of the catalogue: another look may find both of one time."""


@dataclass(frozen=True, slots=True)
class SearchIndex:
    """What a manifest says.

    name:      by which its catalogue knows it
    revision:  of the catalogue that it holds; shown: the key of whose captions
    names:     of the segments; dead: of each the rows that no longer count
    """

    name: str
    revision: int
    shown: str
    names: tuple[str, ...]
    segments: tuple[Segment, ...]
    dead: tuple[NDArray[np.int32], ...]

    def is_of(self, rows: Rows, shown: Shown) -> bool:
        """Whether it is of this catalogue, and of these captioners' captions."""
        return knows(rows, self.name) and shown.key == self.shown

    def changed(self, rows: Rows) -> list[str]:
        """The contents that the catalogue changed since. errors: Outdated, Damaged"""
        if noted_from(rows) > self.revision or rows.whole(REVISION) < self.revision:
            raise Outdated
        return changed_since(rows, self.revision)

    def pictures(self, rows: Rows, shown: Shown) -> MergedSegments:
        """All that can be found now. errors: Outdated, Damaged, DamagedIndex"""
        changed = self.changed(rows)
        if not changed:
            return MergedSegments(self.segments, self.dead)
        documents = read_documents(rows, changed, shown)
        later = [segment_of(documents)] if documents else []
        dead = [*self.without(changed), *(np.zeros(0, np.int32) for _ in later)]
        return MergedSegments([*self.segments, *later], dead)

    def without(self, hashes: Sequence[str]) -> list[NDArray[np.int32]]:
        """`dead` with these contents, wherever they stand."""
        found = []
        for segment, gone in zip(self.segments, self.dead, strict=True):
            rows = [row for sha256 in hashes if (row := segment.row_of(sha256)) is not None]
            found.append(np.union1d(gone, np.array(rows, np.int32)).astype(np.int32))
        return found


class IndexReader:
    """Opens an index of a folder, and keeps what it opened while it is the newest."""

    def __init__(self, folder: Path, by: int | None = None) -> None:
        """by: of this captioner's captions; None: of the best of each picture"""
        self.folder, self._by = folder, by
        self._lock = RLock()
        self._stamp: tuple[int, ...] = ()
        self._index: SearchIndex | None = None
        self._spoilt: tuple[int, ...] | None = None

    def current(self) -> SearchIndex | None:
        """The newest one; None where there is none that can be used."""
        with self._lock:
            for _ in range(_TRIES):  # a newer one may take its place while it is opened
                stamp = _stamp(manifest_of(self.folder, self._by))
                if stamp == self._stamp and self._index is not None:
                    break
                usable = bool(stamp) and stamp != self._spoilt
                self._index, self._stamp = self._opened(stamp) if usable else None, stamp
                if self._index is not None or stamp == _stamp(manifest_of(self.folder, self._by)):
                    break
            return self._index

    def forget(self) -> None:
        """Do not use this one again: it is damaged."""
        with self._lock:
            self._index, self._spoilt = None, self._stamp

    def _opened(self, stamp: tuple[int, ...]) -> SearchIndex | None:
        known = {} if self._index is None else dict(zip(self._index.names, self._index.segments, strict=True))
        try:
            return read_index(self.folder, known, self._by)
        except FileNotFoundError:
            return None
        except DamagedIndex as error:
            log.warning(f"{error.message} The catalogue is read in its place.")
            self._spoilt = stamp
            return None


def manifest_of(folder: Path, by: int | None = None) -> Path:
    """Where the manifest of an index lies; by: the captioner of which it is."""
    return folder / (MANIFEST if by is None else OF_ONE.format(captioner=by))


def read_index(
    folder: Path, known: dict[str, Segment] | None = None, by: int | None = None
) -> SearchIndex | None:
    """The index of a folder; None where it was made by other rules than today's.

    known:  segments that are open already, by name; by: of this captioner's captions
    errors: DamagedIndex; FileNotFoundError
    """
    file = IndexFile(manifest_of(folder, by))
    try:
        if file.facts["made_by"] != made_by():
            return None
        names = [str(name) for name in file.facts["segments"]]
        revision, shown = int(file.facts["revision"]), str(file.facts["shown"])
        own_name = str(file.facts["name"])
    except (KeyError, ValueError, TypeError) as error:
        raise file.damaged(f"it does not say {error}") from None
    segments = [(known or {}).get(name) or open_segment(folder, name) for name in names]
    if not segments:
        raise file.damaged("it names no segment")
    dead = tuple(file.whole(f"dead.{number}") for number in range(len(names)))
    return SearchIndex(own_name, revision, shown, tuple(names), tuple(segments), dead)


def open_segment(folder: Path, name: str) -> Segment:
    """One segment. errors: DamagedIndex; FileNotFoundError"""
    file = IndexFile(folder / SEGMENT.format(name=name))
    if file.facts.get("name") != name:
        raise file.damaged("it is another segment's")
    return Segment(file)


def made_by() -> list[object]:
    """What made the words of an index: its format, and the rules and tables by which a text is read."""
    return [FORMAT, rules_key(), corpus.key(), lemmas.key()]


def _stamp(file: Path) -> tuple[int, ...]:
    try:
        facts = file.stat()
    except OSError:
        return ()
    return facts.st_ino, facts.st_size, facts.st_mtime_ns

"""An open library as its readers see it: snapshots, pictures, failures, and whether it is whole."""

import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..counting import counted
from ..records import Caption, Failure
from ..retrieval import Gallery
from . import pictures
from .captions.captioners import CURRENT, PERSON, KnownCaptioner, Shown, read_captioners, read_shown
from .captions.made_by import MadeBy
from .catalogue.catalogue import Catalogue
from .catalogue.connections import identity_of
from .catalogue.documents import read_documents
from .catalogue.rows import NAME, Rows, record, restored
from .index.array_file import DamagedIndex
from .index.merged import MergedSegments
from .index.search_index import IndexReader, Outdated
from .index.segment import segment_of
from .index.writing import MOST_READ, write_index
from .names import PathInput, held_as
from .protocols import Space
from .snapshot import Contents, LibrarySnapshot, read_contents, read_root
from .verify import problems
from .words.held import WordReader, stamp_of

if TYPE_CHECKING:
    import pandas

log = logging.getLogger(__name__)

# Pictures of changes that are read from the catalogue, beyond which a reader writes the index.
MOST_UNWRITTEN = 1000


class ReadableLibrary:
    """What can be asked of a library. Any thread may ask, and nobody waits for an update."""

    def __init__(self, path: Path, catalogue: Catalogue) -> None:
        self.path = path
        self._catalogue = catalogue
        self._file = identity_of(catalogue.file)
        self._lock = RLock()
        self._snapshots: dict[str | None, LibrarySnapshot] = {}  # by whose captions are shown
        self._checked: set[tuple[str, int, int]] = set()
        self._indexes: dict[int | None, IndexReader] = {}
        self._words = WordReader(path)
        self.spaces: dict[str, Space] = {}  # by the mode that compares in it, see use_space

    @property
    def root(self) -> Path:
        """The folder whose pictures it holds; every path of a hit is relative to it."""
        with self._catalogue.reading() as rows:
            return read_root(rows, self.path)

    @property
    def made_by(self) -> MadeBy | None:
        """Who captioned it; None before the first update."""
        return self.snapshot().made_by

    @property
    def pictures_alone(self) -> bool:
        """Whether it notes pictures without captioning them, and all its captions come from elsewhere."""
        sql = f"SELECT kind FROM captioners WHERE id = {CURRENT}"  # noqa: S608
        return bool(self._catalogue.value(sql) == "none")

    @property
    def predicted_by(self) -> dict[str, Any] | None:
        """What predicted the words of its pictures; None where nothing did."""
        return self.snapshot().predicted_by

    @property
    def encoder(self) -> dict[str, Any] | None:
        """The encoder of its mode clip, see encode_pictures; None where it has none."""
        with self._catalogue.reading() as rows:
            found = rows.meta("encoder")
            return None if found is None else record(found, "an encoder")

    def snapshot(self, captions_by: str | None = None) -> LibrarySnapshot:
        """What it holds now, as one consistent state that no later commit changes. Read again only after a
        change.

        captions_by: the captioner whose captions are shown and searched, see `captioners`; pictures that it
                     did not caption are left out. None: of each picture those of the best one. Where a
                     person wrote a caption, that goes before all
        errors:      BadSetting where it holds no captions by that one
        """
        with self._lock:
            state = (self._catalogue.revision(), stamp_of(self.path))
            if (file := identity_of(self._catalogue.file)) != self._file:  # a copy was put back in its place
                self._file, self._snapshots, self._indexes = file, {}, {}
                self._checked.clear()
            known = self._snapshots.get(captions_by)
            if known is None or known.state != state:
                known = self._read(captions_by)
            elif known.spaces != self.spaces:
                known = known.with_spaces(self.spaces)
            self._snapshots[captions_by] = known
            return known

    @property
    def captioners(self) -> tuple[KnownCaptioner, ...]:
        """Who captioned it, the best ranked first."""
        with self._catalogue.reading() as rows:
            return tuple(read_captioners(rows))

    def gallery(self) -> Gallery:
        """The images of the present snapshot as retrieval takes them: ids are the paths relative to the root.

        `gallery().features` is (N, D) float16, read from the feature file when first asked for; BadLibrary
        where that is cut short or altered.
        """
        return self.snapshot().gallery()

    def without_word_probabilities(self) -> int:
        """Of how many pictures nothing is predicted yet."""
        return len(self.snapshot().without_word_probabilities)

    def use_space(self, mode: str, space: Space) -> None:
        """Let a mode compare in this embedding space, for as long as the library is open.

        errors: BadSetting for a space that reads another backbone's features than the library holds
        """
        made_by = self.made_by
        if made_by is not None:
            space.check(made_by.described.get("backbone"))
        with self._lock:
            self.spaces = {**self.spaces, mode: space}

    def captions(self, sha256: str, captions_by: str | None = None) -> list[Caption]:
        """The captions of the content with this hash, best first; empty where the library does not hold
        it. captions_by: as in `snapshot`"""
        with self._catalogue.reading() as rows:
            found = pictures.read_captions(rows, read_shown(rows, captions_by), sha256).get(sha256)
        return list(found[0].captions) if found else []

    def every_caption(self, sha256: str) -> tuple[pictures.CaptionsBy, ...]:
        """What each captioner says of the content with this hash, the best first: a person, files, models;
        empty where the library does not hold it."""
        with self._catalogue.reading() as rows:
            return pictures.read_captions(rows, read_shown(rows), sha256).get(sha256, ())

    def captioned_by(self, snapshot: LibrarySnapshot, hashes: Sequence[str]) -> list[str]:
        """Whose captions are shown of some of a snapshot's pictures, the best ranked first: "a person",
        "captions.csv", "photos-lite, beam 3"."""
        shown, gallery = snapshot.contents.shown, snapshot.gallery()
        own = {sha256 for sha256 in hashes if snapshot.is_own(gallery.row_of[sha256])}
        others = [sha256 for sha256 in hashes if sha256 not in own]
        found: Sequence[KnownCaptioner] = shown.captioners if others else ()
        if len(found) > 1:
            with self._catalogue.reading() as rows:
                found = pictures.shown_of(rows, shown, others)
        names = [one.made_by(self.path).summary for one in found]
        return [*([PERSON] if own else []), *names]

    def file_of(self, path: PathInput) -> Path | None:
        """The file of one of its pictures: named by its path as answers show it, its file, or the file's name
        where only one is called so; None where it holds no such picture. errors: BadSetting where several are
        called so"""
        found = self._named(path)
        return None if found is None else self.root / found

    def _named(self, path: PathInput) -> str | None:
        """The name of the picture that is meant, see `file_of`."""
        with self._catalogue.reading() as rows:
            names = {restored(name) for (name,) in rows.table("SELECT path FROM files", (NAME,))}
        return held_as(path, self.root, names)

    def failures(self) -> list[Failure]:
        """The files that could not be captioned, by name."""
        found = self._catalogue.table("SELECT path, reason FROM failures", (NAME, NAME))
        failures = [Failure(restored(path), restored(reason)) for path, reason in found]
        return sorted(failures, key=lambda failure: failure.path)

    def to_pandas(self) -> "pandas.DataFrame":
        """A table of its pictures, a row each: path, file, caption, captions, captioned_by, taken, camera,
        lens, place, title, keywords, width, height, copies, sha256."""
        return pictures.table_of(list(self))

    def verify(self) -> list[str]:
        """What is wrong, one sentence each: in the catalogue, the features, the word probabilities, the
        search index, and between the catalogue and the folder. It reads all of it."""
        return problems(self._catalogue)

    def close(self) -> None:
        """Close the catalogue. Snapshots that were taken can still be used."""
        self._catalogue.close()

    def __iter__(self) -> Iterator[pictures.LibraryPicture]:
        """Every picture in the order of the paths, all of one moment; equal files are one picture."""
        try:
            return self._pictures(self.snapshot())
        except DamagedIndex:
            return self._pictures(None)

    def _pictures(self, snapshot: LibrarySnapshot | None) -> Iterator[pictures.LibraryPicture]:
        """All of this moment; of the snapshot, where that is of it. errors: DamagedIndex"""
        with self._catalogue.reading() as rows:
            contents = read_contents(rows, self.path)
            details = pictures.read_details(rows, contents.shown)
            present = snapshot is not None and snapshot.contents.revision == contents.revision
            if (
                not present
                or snapshot is None
                or not set(snapshot.gallery().hashes) <= details.captions.keys()
            ):
                snapshot = self._snapshot_of(contents, all_pictures(rows, contents.shown))
        return pictures.pictures_of(snapshot, details)

    def __contains__(self, path: object) -> bool:
        """Whether it holds a picture that is called so, see `file_of`."""
        if isinstance(path, pictures.LibraryPicture):
            path = path.path
        return isinstance(path, str | os.PathLike) and self._named(path) is not None

    def __len__(self) -> int:
        return len(self.gallery())

    def __repr__(self) -> str:
        with self._catalogue.reading() as rows:
            names = [one.made_by(self.path).summary for one in read_captioners(rows)]
        captioned = f"captioned by {'; '.join(names)}" if names else "no captions yet"
        return f"<Library {self.path}: {counted(len(self), 'pictures')} of {self.root}, {captioned}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def without_index(self, captions_by: str | None = None) -> LibrarySnapshot:
        """What it holds now, read from the catalogue alone, for when the search index turns out to be
        damaged; it is made anew."""
        with self._lock:
            for one in self._indexes.values():
                one.forget()
            self._snapshots = {captions_by: self._read(captions_by)}
            return self._snapshots[captions_by]

    def _read(self, by: str | None) -> LibrarySnapshot:
        """The present state: of the index and what changed since; where there is no index, all from the
        catalogue."""
        reader = self._reader(None if by is None else self._id_of(by))
        for last in (False, False, True):
            index = None if last else reader.current()
            anew = index is None
            with self._catalogue.reading() as rows:
                contents = read_contents(rows, self.path, by)
                try:
                    if index is not None and not index.is_of(rows, contents.shown):
                        index = None
                    table = (
                        all_pictures(rows, contents.shown)
                        if index is None
                        else index.pictures(rows, contents.shown)
                    )
                except Outdated:
                    continue
                except DamagedIndex as error:
                    log.warning(f"{error.message} The catalogue is read in its place.")
                    reader.forget()
                    continue
            # a feature file that a writer has just taken away belongs to a state that is past
            whole = contents.features is None or contents.features.problem is None
            if whole or self._catalogue.revision() == contents.revision:
                break
        unwritten = table.segments[0 if index is None else len(index.segments) :]
        kept = len(table) > (0 if by is None else MOST_READ)
        if kept and (index is None or sum(map(len, unwritten)) > MOST_UNWRITTEN):
            write_index(self._catalogue, anew, contents.shown.by)
        return self._snapshot_of(contents, table)

    def _id_of(self, by: str) -> int | None:
        with self._catalogue.reading() as rows:
            return read_shown(rows, by).by

    def _reader(self, by: int | None) -> IndexReader:
        """The index of one captioner's captions, by its id; None: of the best of each picture."""
        if by not in self._indexes:
            self._indexes[by] = IndexReader(self.path, by)
        return self._indexes[by]

    def _snapshot_of(self, contents: Contents, table: MergedSegments) -> LibrarySnapshot:
        words = self._words.current()
        return LibrarySnapshot(self.path, contents, table, words, self.spaces, self._checked)


def all_pictures(rows: Rows, shown: Shown) -> MergedSegments:
    """All that can be found, read from the catalogue. errors: Damaged"""
    return MergedSegments([segment_of(read_documents(rows, shown=shown))], [np.zeros(0, np.int32)])

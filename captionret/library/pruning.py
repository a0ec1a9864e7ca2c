"""Giving back the room of what a library keeps of pictures that are gone, and of what stopped runs left.

What a person wrote stays: captions and removals of pictures come back with their pictures.
"""

import contextlib
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..files import no_space_named, publishing
from . import checksums
from .catalogue import writes
from .catalogue.caption_rows import span
from .catalogue.catalogue import Catalogue
from .catalogue.rows import TEXT, WHOLE, Damaged, Rows, size
from .checksums import of_image
from .index.writing import write_index
from .vectors import encoded
from .vectors.features import FeatureFile, file_of
from .words.word_files import PART, UNFINISHED, PredictedWords
from .writing import PREDICT, writing

_OLD = 3600.0  # seconds after which an unfinished file is nobody's any more
_USED = "SELECT sha256, number, feature_row, crc FROM images WHERE captioner = ? AND feature_row >= 0"
_FILES = "SELECT id, fingerprint, rows, dim FROM captioners WHERE rows > 0"


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was given back: of which kind, how many of them, and how many bytes."""

    what: str
    count: int
    bytes: int


def prune(catalogue: Catalogue, dry_run: bool = False) -> list[Pruned]:
    """Give back what nothing counts on; the caller is the only one that updates the library.

    dry_run: only say what would be given back
    errors:  LibraryInUse where words are being predicted; NoSpace, for files are written anew before the old
             ones go; BadLibrary where features are damaged
    """
    folder = catalogue.file.parent
    with writing(folder, PREDICT):
        found = [*_unfinished(folder, dry_run), *_answers(catalogue, dry_run), *_features(catalogue, dry_run)]
        found += [*_vectors(catalogue, dry_run), *_words(folder, dry_run), *_pages(catalogue, dry_run)]
    return [one for one in found if one.count]


def _unfinished(folder: Path, dry_run: bool) -> Iterator[Pruned]:
    """Files that runs which were killed left."""
    now = time.time()
    old = [file for file in folder.glob("*.tmp") if file.is_file() and now - file.stat().st_mtime > _OLD]
    old += [file for file in folder.glob(".*.tmp") if file.is_file() and now - file.stat().st_mtime > _OLD]
    yield _without("unfinished files", sorted(set(old)), dry_run)


def _answers(catalogue: Catalogue, dry_run: bool) -> Iterator[Pruned]:
    """What servers answered for captioners that the library has no more."""
    sql = "SELECT fingerprint FROM captioners"
    known = {f"answers-{fingerprint[:16]}.jsonl" for (fingerprint,) in catalogue.table(sql, (TEXT,))}
    gone = [file for file in sorted(catalogue.file.parent.glob("answers-*.jsonl")) if file.name not in known]
    yield _without("answers for captioners that are gone", gone, dry_run)


def _words(folder: Path, dry_run: bool) -> Iterator[Pruned]:
    """Parts of word probabilities that no manifest names."""
    predicted = PredictedWords.read(folder)
    unfinished = PredictedWords.read(folder, UNFINISHED)
    kept = [part for one in (predicted, unfinished) if one is not None for part in one.parts]
    names = {PART.format(name=part.name) for part in kept}
    gone = [file for file in sorted(folder.glob(PART.format(name="*"))) if file.name not in names]
    yield _without("parts of word probabilities", gone, dry_run)


def _without(what: str, files: list[Path], dry_run: bool) -> Pruned:
    done = Pruned(what, len(files), sum(file.stat().st_size for file in files))
    for file in () if dry_run else files:
        file.unlink(missing_ok=True)
    return done


def _vectors(catalogue: Catalogue, dry_run: bool) -> Iterator[Pruned]:
    """Vectors of encoders, of pictures that are gone."""
    held = [sha256 for (sha256,) in catalogue.table("SELECT sha256 FROM images", (TEXT,))]
    count, room = encoded.drop_gone(catalogue.file.parent, held, dry_run)
    yield Pruned("vectors of pictures that are gone", count, room)


def _pages(catalogue: Catalogue, dry_run: bool) -> Iterator[Pruned]:
    """Empty pages of the catalogue."""
    free = int(catalogue.value("PRAGMA freelist_count"))
    room = free * int(catalogue.value("PRAGMA page_size"))
    if free and not dry_run:
        catalogue.shrink()
    yield Pruned("empty pages of the catalogue", free, room)


def _features(catalogue: Catalogue, dry_run: bool) -> Iterator[Pruned]:
    """Features of pictures that are gone."""
    with catalogue.reading() as rows:
        files = rows.table(_FILES, (WHOLE, TEXT, WHOLE, WHOLE))
    count = room = 0
    for number, fingerprint, total, dim in files:
        one = _Features(catalogue, number, file_of(catalogue.file.parent, number, fingerprint), total, dim)
        count += one.gone
        room += one.gone * one.width
        if one.gone and not dry_run:
            one.close_up()
    yield Pruned("features of pictures that are gone", count, room)
    if count and not dry_run:
        write_index(catalogue, anew=True)


class _Features:
    """The feature file of one captioner.

    gone: how many of its rows are of no picture; width: of a row, in bytes
    """

    def __init__(self, catalogue: Catalogue, captioner: int, file: Path, total: int, dim: int) -> None:
        self._catalogue, self._captioner, self._file = catalogue, captioner, file
        self._total, self._dim = size(total, "a number of rows"), size(dim, "a dimension")
        with catalogue.reading() as rows:
            self._used = rows.table(_USED, (TEXT, WHOLE, WHOLE, WHOLE), captioner)
        self.gone = self._total - len(self._used)
        self.width = 2 * self._dim

    def close_up(self) -> None:
        """Let the last rows take the places of those that are of no picture, then cut the end off.

        At each moment the file holds what the catalogue counts on: the last rows are copied first, then the
        catalogue goes over to the copies, then the file becomes shorter. Each time a new file takes the
        place of the old one, which readers keep until they look again.
        """
        left = len(self._used)
        taken = {row for _, _, row, _ in self._used}
        free = [row for row in range(left) if row not in taken]
        later = sorted(one for one in self._used if one[2] >= left)
        places = {row: place for place, (_, _, row, _) in zip(free, later, strict=True)}
        whole = FeatureFile(self._file, self._total, self._dim, self._sums())
        whole.take(sorted(taken), set())  # refuses what is damaged before anything is changed
        with self._catalogue.transaction() as connection:
            connection.execute("DELETE FROM feature_blocks WHERE captioner = ?", (self._captioner,))
        self._write_with(places)
        self._go_over_to(left, dict(zip(free, later, strict=True)))
        with contextlib.suppress(PermissionError):  # Windows, while a reader holds it: it stays longer
            self._write_first(left)

    def _go_over_to(self, left: int, later: dict[int, tuple[str, int, int, int]]) -> None:
        """Let the catalogue count on the first rows alone; later: the pictures that moved there."""
        values = (
            np.memmap(self._file, "<f2", "r", shape=(left, self._dim)) if left else np.empty((0, 1), "<f2")
        )
        firsts = range(0, left, checksums.BLOCK)
        blocks = (np.ascontiguousarray(values[first : first + checksums.BLOCK]) for first in firsts)
        sums = {number: checksums.of_block(block) for number, block in enumerate(blocks)}
        with self._catalogue.transaction() as connection:
            rows = Rows(connection)
            for place, (sha256, number, row, crc) in later.items():
                sql = "SELECT text FROM captions WHERE id BETWEEN ? AND ? ORDER BY id"
                texts = [text for (text,) in rows.table(sql, (TEXT,), *span(self._captioner, number))]
                if of_image(sha256, self._captioner, row, texts) != crc:
                    raise Damaged(f"the picture with the hash {sha256} is not what was written")
                now = (place, of_image(sha256, self._captioner, place, texts), sha256)
                connection.execute("UPDATE images SET feature_row = ?, crc = ? WHERE sha256 = ?", now)
            connection.execute("UPDATE captioners SET rows = ? WHERE id = ?", (left, self._captioner))
            writes.put_feature_sums(connection, self._captioner, sums)

    def _sums(self) -> dict[int, int]:
        sql = "SELECT block, crc FROM feature_blocks WHERE captioner = ?"
        return dict(self._catalogue.table(sql, (WHOLE, WHOLE), self._captioner))

    def _write_with(self, places: dict[int, int]) -> None:
        """Write the file anew, each of these rows in another place, too."""
        with no_space_named(self._file), publishing(self._file) as out, open(self._file, "rb") as old:
            shutil.copyfileobj(old, out, 1 << 20)
            for row, place in places.items():
                old.seek(row * self.width)
                out.seek(place * self.width)
                out.write(old.read(self.width))

    def _write_first(self, rows: int) -> None:
        """Write the file anew, of its first rows alone."""
        with no_space_named(self._file), publishing(self._file) as out, open(self._file, "rb") as old:
            left = rows * self.width
            while left and (part := old.read(min(left, 1 << 20))):
                out.write(part)
                left -= len(part)

"""What a library is: where it lies, what it holds, who made it, and the room that it takes."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..retrieval.calibrated import FILE
from .captions.captioners import read_captioners
from .catalogue.caption_rows import CAPTIONED, span
from .catalogue.catalogue import Catalogue
from .catalogue.rows import CATALOGUE
from .folders import LibraryFolders

# How the names of files begin, and what they are for people
_PARTS = {
    CATALOGUE: "catalogue",
    "features-": "features",
    "word-probabilities": "word probabilities",
    "seen-": "word probabilities",
    "search-index": "search index",
    "vectors-": "vectors",
    "encoded-": "vectors",
}


@dataclass(frozen=True, slots=True)
class CaptionsOf:
    """A captioner of a library, and how many pictures it captioned. kind: see KnownCaptioner"""

    name: str
    kind: str
    pictures: int


@dataclass(frozen=True, slots=True)
class LibraryInfo:
    """What a library is.

    folders:  those that it looks through, the root first; ignored: patterns of what is left out
    changed:  when it was changed last, in ISO 8601
    format:   of its catalogue; version: of captionret, that made or upgraded it
    pictures: contents, in how many `files`; failed: files that could not be captioned
    removed:  files that a person took out; own_captions: captions that a person wrote
    words:    of how many pictures word probabilities are kept, words_by: whose; calibrated: whether it has a
              calibration of its own
    encoder:  of its mode clip
    sizes:    bytes on disk, by what they are for
    """

    path: Path
    folders: tuple[Path, ...]
    ignored: tuple[str, ...]
    changed: str
    format: int
    version: str
    pictures: int
    files: int
    failed: int
    removed: int
    own_captions: int
    captioners: tuple[CaptionsOf, ...]
    words: int
    words_by: str | None
    calibrated: bool
    encoder: str | None
    sizes: dict[str, int]


def info_of(library: LibraryFolders, catalogue: Catalogue) -> LibraryInfo:
    """Look at a library and its folder. errors: BadLibrary"""
    snapshot = library.snapshot()
    predicted_by, encoder = snapshot.predicted_by, library.encoder
    with catalogue.reading() as rows:
        counts = {
            table: rows.whole(f"SELECT COUNT(*) FROM {table}")  # noqa: S608
            for table in ("images", "files", "failures", "excluded", "own_captions")
        }
        captioners = tuple(
            CaptionsOf(one.label, one.kind, rows.whole(CAPTIONED, *span(one.id)))
            for one in read_captioners(rows)
        )
        number, version = rows.whole("PRAGMA user_version"), rows.meta("version")
    changed = datetime.fromtimestamp(catalogue.file.stat().st_mtime, UTC)
    return LibraryInfo(
        library.path.absolute(),
        library.folders,
        library.ignored,
        changed.isoformat(timespec="seconds"),
        number,
        version or "",
        counts["images"],
        counts["files"],
        counts["failures"],
        counts["excluded"],
        counts["own_captions"],
        captioners,
        0 if predicted_by is None else len(library) - library.without_word_probabilities(),
        None if predicted_by is None else str(predicted_by.get("name", "")),
        (library.path / FILE).is_file(),
        None if encoder is None else str(encoder.get("name", "")),
        sizes_of(library.path),
    )


def sizes_of(folder: Path) -> dict[str, int]:
    """The bytes of a library's files, by what they are for."""
    found: Counter[str] = Counter()
    for file in folder.iterdir():
        part = next((what for start, what in _PARTS.items() if file.name.startswith(start)), "other")
        if file.is_file():
            found[part] += file.stat().st_size
    return dict(sorted(found.items(), key=lambda one: -one[1]))

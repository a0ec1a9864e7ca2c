"""The pictures of a library, one by one: where each lies, its captions, its word probabilities, its facts."""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadSetting
from ..records import Caption, PictureFacts
from .captions.captioners import CURRENT, PERSON, KnownCaptioner, Shown
from .catalogue.caption_rows import caption_of, day_of, picture_of, read_rows, span
from .catalogue.documents import read_own
from .catalogue.fact_rows import FACT_COLUMNS, FACTS, facts_from
from .catalogue.rows import TEXT, WHOLE, Rows
from .snapshot import LibrarySnapshot

if TYPE_CHECKING:
    import pandas

_WHOSE = f"SELECT sha256, number FROM images WHERE captioner = {CURRENT}"  # noqa: S608
_FACTS = f"SELECT sha256, {FACTS} FROM images"  # noqa: S608

_FIRSTS = "SELECT id FROM captions WHERE id IN"
_WRITTEN = "SELECT sha256, written FROM own_captions"


@dataclass(frozen=True, slots=True)
class CaptionsBy:
    """What one captioner says of a picture.

    name:     by which its captions are asked for, or "a person"
    kind:     "person", "file" or "model"
    day:      when they were made, "2026-05-01"; None where that is not known
    captions: the best first
    """

    name: str
    kind: str
    day: str | None
    captions: tuple[Caption, ...]


@dataclass(frozen=True, slots=True)
class LibraryPicture:
    """One picture of a library.

    path:         relative to the library's root, as a hit shows it
    file:         where it lies
    sha256:       of its content
    captions:     the best first; where a person wrote one, that alone
    captioned_by: the captioner's name, or "a person"
    word_probabilities: for each word the probability that a caption holds it; None where the library has none
    exif:         what its file says about itself; None where it was not read for that
    copies:       further paths that hold the very same content
    every:        what each captioner says of it, the best first: a person, files, models
    """

    path: str
    file: Path
    sha256: str
    captions: tuple[Caption, ...]
    captioned_by: str
    word_probabilities: Mapping[str, float] | None
    exif: PictureFacts | None
    copies: tuple[str, ...] = ()
    every: tuple[CaptionsBy, ...] = ()

    @property
    def caption(self) -> str:
        """The best caption."""
        return self.captions[0].text


@dataclass(frozen=True, slots=True)
class Details:
    """What the catalogue says of contents beside a snapshot: of each what every captioner says, the best
    first, and the facts."""

    captions: Mapping[str, tuple[CaptionsBy, ...]]
    facts: Mapping[str, PictureFacts]


def read_captions(rows: Rows, shown: Shown, sha256: str | None = None) -> dict[str, tuple[CaptionsBy, ...]]:
    """What captioners, and before them a person, say of contents: of one, or of all. errors: Damaged"""
    where, values = ("", ()) if sha256 is None else ("AND sha256 = ?", (sha256,))
    hashes = dict(rows.table(f"{_WHOSE} {where}", (TEXT, WHOLE), *values))
    numbers = None if sha256 is None else list(hashes.values())
    found: defaultdict[int, list[CaptionsBy]] = defaultdict(list)
    for one in shown.captioners:
        for number, group in groupby(read_rows(rows, one.id, numbers), lambda row: picture_of(row[0])):
            listed = list(group)
            captions = tuple(map(caption_of, listed))
            found[number].append(CaptionsBy(one.label, one.kind, day_of(listed[0][3]), captions))
    own = read_own(rows, None if sha256 is None else [sha256])
    written = dict(rows.table(_WRITTEN, (TEXT, TEXT))) if own else {}
    return {
        content: (
            *((_by_person(own[content], written[content]),) if content in own else ()),
            *found[number],
        )
        for content, number in hashes.items()
        if number in found or content in own
    }


def shown_of(rows: Rows, shown: Shown, hashes: Sequence[str]) -> list[KnownCaptioner]:
    """Whose captions are shown of some contents, the best ranked first. errors: Damaged"""
    asked = ", ".join("?" * len(hashes))
    whose = rows.table(f"{_WHOSE} AND sha256 IN ({asked})", (TEXT, WHOLE), *hashes)
    numbers, found = {number for _, number in whose}, []
    for one in shown.captioners:
        firsts = [span(one.id, number)[0] for number in sorted(numbers)]
        marks = ", ".join("?" * len(firsts))
        held = rows.table(f"{_FIRSTS} ({marks})", (WHOLE,), *firsts)
        numbers -= {picture_of(key) for (key,) in held}
        found += [one] if held else []
    return found


def _by_person(text: str, written: str) -> CaptionsBy:
    return CaptionsBy(PERSON, "person", written[:10], (own_caption(text),))


def read_details(rows: Rows, shown: Shown) -> Details:
    """Of all contents. errors: Damaged"""
    facts = rows.table(_FACTS, (TEXT, *FACT_COLUMNS))
    return Details(
        read_captions(rows, shown),
        {row[0]: facts_from(*row[1:]) for row in facts if row[1] is not None and row[2] is not None},
    )


def own_caption(text: str) -> Caption:
    """What a person wrote, as a caption: certain."""
    return Caption(text, tuple(text.split()), 0.0)


def pictures_of(snapshot: LibrarySnapshot, details: Details) -> Iterator[LibraryPicture]:
    """Every picture, in the order of the paths. errors: DamagedIndex, now rather than while they are read"""
    gallery = snapshot.gallery()
    there = "word_probabilities" in snapshot.parts and not snapshot.by_captions
    predicted = gallery.likely_words() if there else None
    root, listed = str(snapshot.root), list(zip(gallery.paths, gallery.hashes, gallery.copies, strict=True))
    return (
        LibraryPicture(
            path=path,
            file=Path(os.path.join(root, path)),
            sha256=sha256,
            captions=details.captions[sha256][0].captions,
            captioned_by=details.captions[sha256][0].name,
            word_probabilities=None if predicted is None else predicted.row(row),
            exif=details.facts.get(sha256),
            copies=copies,
            every=details.captions[sha256],
        )
        for row, (path, sha256, copies) in enumerate(listed)
    )


def table_of(pictures: Sequence[LibraryPicture]) -> "pandas.DataFrame":
    """A row for each picture, see Library.to_pandas."""
    try:
        import pandas
    except ImportError as error:
        raise BadSetting(f"A table needs pandas ({error}). Install it: pip install pandas.") from None

    exif = [picture.exif for picture in pictures]
    sizes = [(None, None) if facts is None else (facts.width, facts.height) for facts in exif]
    return pandas.DataFrame(
        {
            "path": [picture.path for picture in pictures],
            "file": [str(picture.file) for picture in pictures],
            "caption": [picture.caption for picture in pictures],
            "captions": [tuple(caption.text for caption in picture.captions) for picture in pictures],
            "captioned_by": [picture.captioned_by for picture in pictures],
            "taken": pandas.Series([facts.taken if facts else None for facts in exif], dtype="datetime64[s]"),
            "camera": [facts.camera if facts else None for facts in exif],
            "lens": [facts.lens if facts else None for facts in exif],
            "place": [facts.place if facts else None for facts in exif],
            "title": [facts.title if facts else None for facts in exif],
            "keywords": [facts.keywords if facts else () for facts in exif],
            "width": pandas.Series([width for width, _ in sizes], dtype="Int64"),
            "height": pandas.Series([height for _, height in sizes], dtype="Int64"),
            "copies": [picture.copies for picture in pictures],
            "sha256": [picture.sha256 for picture in pictures],
        }
    )

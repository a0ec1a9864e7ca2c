"""The pictures of a library, one by one: where each lies, its captions, its word probabilities, its facts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadSetting
from ..records import Caption, PictureFacts
from . import checksums
from .rows import MAYBE_TEXT, MAYBE_WHOLE, NUMBER, TEXT, WHOLE, Damaged, Rows, words
from .snapshot import LibrarySnapshot
from .word_probabilities import LEAST_0_5_0

if TYPE_CHECKING:
    import pandas

PERSON = "a person"


@dataclass(frozen=True, slots=True)
class LibraryPicture:
    """One picture of a library.

    path:         relative to the library's root, as a hit shows it
    file:         where it lies
    sha256:       of its content
    captions:     the best first; where a person wrote one, that alone
    captioned_by: the captioner's name, or "a person"
    word_probabilities: for each word the probability that a caption holds it; None where the library has none
    exif:         its size, when and with which camera it was taken; None where its file was not read for that
    copies:       further paths that hold the very same content
    """

    path: str
    file: Path
    sha256: str
    captions: tuple[Caption, ...]
    captioned_by: str
    word_probabilities: Mapping[str, float] | None
    exif: PictureFacts | None
    copies: tuple[str, ...] = ()

    @property
    def caption(self) -> str:
        """The best caption."""
        return self.captions[0].text


@dataclass(frozen=True, slots=True)
class Details:
    """What the catalogue says of contents beside a snapshot: all captions as they were made, and the
    facts."""

    captions: Mapping[str, tuple[Caption, ...]]
    facts: Mapping[str, PictureFacts]


def read_captions(rows: Rows, sha256: str | None = None) -> dict[str, tuple[Caption, ...]]:
    """The captions that captioners made, by content: of one, or of all. errors: Damaged"""
    where, values = ("", ()) if sha256 is None else ("WHERE sha256 = ?", (sha256,))
    sql = f"SELECT sha256, text, tokens, logprob, crc FROM captions {where} ORDER BY sha256, n"  # noqa: S608
    found: dict[str, list[Caption]] = {}
    for content, text, tokens, logprob, crc in rows.table(sql, (TEXT, TEXT, TEXT, NUMBER, WHOLE), *values):
        if checksums.of_caption(tokens, logprob) != crc:
            raise Damaged(f"a caption of the picture {content} is not what was written")
        found.setdefault(content, []).append(Caption(text, words(tokens, "a caption's tokens"), logprob))
    return {content: tuple(captions) for content, captions in found.items()}


def read_details(rows: Rows) -> Details:
    """Of all contents. errors: Damaged"""
    columns = (TEXT, MAYBE_WHOLE, MAYBE_WHOLE, MAYBE_TEXT, MAYBE_TEXT)
    facts = rows.table("SELECT sha256, width, height, taken, camera FROM images", columns)
    return Details(
        read_captions(rows),
        {row[0]: PictureFacts(*row[1:]) for row in facts if row[1] is not None and row[2] is not None},
    )


def own_caption(text: str) -> Caption:
    """What a person wrote, as a caption: certain."""
    return Caption(text, tuple(text.split()), 0.0)


def pictures_of(snapshot: LibrarySnapshot, details: Details) -> Iterator[LibraryPicture]:
    """Every picture, in the order of the paths."""
    gallery, made_by = snapshot.gallery(), snapshot.made_by
    predicted = (
        gallery.word_probabilities.at_least(LEAST_0_5_0) if "word_probabilities" in snapshot.parts else None
    )
    for row, (path, sha256) in enumerate(zip(gallery.paths, gallery.hashes, strict=True)):
        own = snapshot.is_own(row)
        captioner = made_by.name if made_by else ""
        yield LibraryPicture(
            path=path,
            file=snapshot.root / path,
            sha256=sha256,
            captions=(own_caption(gallery.captions[row]),) if own else details.captions[sha256],
            captioned_by=PERSON if own else captioner,
            word_probabilities=None if predicted is None else predicted.row(row),
            exif=details.facts.get(sha256),
            copies=gallery.copies[row],
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
            "width": pandas.Series([width for width, _ in sizes], dtype="Int64"),
            "height": pandas.Series([height for _, height in sizes], dtype="Int64"),
            "copies": [picture.copies for picture in pictures],
            "sha256": [picture.sha256 for picture in pictures],
        }
    )

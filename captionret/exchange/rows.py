"""What is written of a library: a row for each picture, and one for each caption of it."""

from collections.abc import Iterator
from dataclasses import dataclass

from ..library import LibraryPicture
from ..records import PictureFacts

_UNKNOWN = PictureFacts(0, 0)


@dataclass(frozen=True, slots=True)
class CaptionRow:
    """One caption with its provenance.

    path, sha256: of its picture
    n:       0 for the best that this captioner says of it
    by:      the captioner's name, or "a person"; kind: "person", "file" or "model"
    day:     on which it was made, "2026-05-01"; None where that is not known
    logprob: natural log of its probability; 0 where it is not known
    score:   how good its source says that it is; None where it says nothing
    tags:    keywords that were given with it
    """

    path: str
    sha256: str
    n: int
    caption: str
    by: str
    kind: str
    day: str | None
    logprob: float
    score: float | None
    tags: tuple[str, ...]


CAPTION_COLUMNS = ("path", "sha256", "n", "caption", "by", "kind", "day", "logprob", "score", "tags")


@dataclass(frozen=True, slots=True)
class PictureRow:
    """One picture.

    taken ... keywords: what its file says about itself, see PictureFacts
    words: the probable ones, the most probable first, with their probabilities
    """

    path: str
    sha256: str
    width: int | None
    height: int | None
    taken: str | None
    camera: str | None
    lens: str | None
    latitude: float | None
    longitude: float | None
    title: str | None
    keywords: tuple[str, ...]
    copies: tuple[str, ...]
    words: tuple[str, ...]
    probabilities: tuple[float, ...]


PICTURE_COLUMNS = (
    *("path", "sha256", "width", "height", "taken", "camera", "lens", "latitude", "longitude", "title"),
    *("keywords", "copies", "words", "probabilities"),
)


def caption_rows(picture: LibraryPicture) -> Iterator[CaptionRow]:
    """What every captioner says of a picture, the best ranked first."""
    for by in picture.every:
        for n, caption in enumerate(by.captions):
            yield CaptionRow(
                picture.path,
                picture.sha256,
                n,
                caption.text,
                by.name,
                by.kind,
                by.day,
                caption.logprob,
                caption.score,
                caption.tags,
            )


def picture_row(picture: LibraryPicture) -> PictureRow:
    """What is known of a picture beside its captions."""
    facts = picture.exif or _UNKNOWN
    latitude, longitude = facts.place or (None, None)
    words = sorted((picture.word_probabilities or {}).items(), key=lambda one: (-one[1], one[0]))
    return PictureRow(
        picture.path,
        picture.sha256,
        facts.width or None,
        facts.height or None,
        facts.taken,
        facts.camera,
        facts.lens,
        latitude,
        longitude,
        facts.title,
        facts.keywords,
        picture.copies,
        tuple(word for word, _ in words),
        tuple(round(p, 6) for _, p in words),
    )

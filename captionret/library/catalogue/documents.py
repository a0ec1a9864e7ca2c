"""What the catalogue says of pictures, content by content: of all of them, or of some."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...records import PictureFacts
from ...text import STOP_WORDS, word_set
from .. import checksums
from ..captions.captioners import Shown, read_shown
from .caption_rows import caption_of, picture_of, read_rows
from .fact_rows import FACT_COLUMNS, FACTS, NOTHING, facts_from
from .rows import NAME, TEXT, WHOLE, Column, Damaged, Rows, restored

_IMAGES = "SELECT sha256, number, captioner, feature_row, crc FROM images"
# of contents of a former captioner, too: without a join twice as fast, and there are seldom any
_FILES = "SELECT path, sha256 FROM files"
_OWN = "SELECT sha256, text, written, crc FROM own_captions"
_FACTS = f"""
SELECT sha256, {FACTS} FROM images WHERE (taken NOTNULL OR camera NOTNULL OR exif <> '{NOTHING}')
"""  # noqa: S608
_AT_ONCE = 500  # hashes that are named in a statement


@dataclass(frozen=True, slots=True)
class Document:
    """One content that can be found.

    paths:       of its files, ascending
    captions:    the best first; where a person wrote one, that alone
    own:         whether a person did; certain: whether a person did, or they stand in a file
    other_eyes:  whether they are of a captioner that sees with another CNN than the library's
    feature_row: where its feature stands
    facts:       what its file says about itself, where it says anything
    struck:      words of the caption in whose place a person wrote one, that this does not say
    tags:        given with the captions
    """

    sha256: str
    paths: tuple[str, ...]
    captions: tuple[str, ...]
    own: bool
    feature_row: int
    facts: PictureFacts | None
    certain: bool = False
    other_eyes: bool = False
    struck: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


def read_documents(
    rows: Rows, hashes: Sequence[str] | None = None, shown: Shown | None = None
) -> list[Document]:
    """Those of these contents that can be found, or all, by their first paths.

    shown:  whose captions; None: the best of each picture
    errors: Damaged
    """
    shown = shown or read_shown(rows)
    images = _images(rows, hashes, shown.present)
    texts, by, tags = _texts(rows, images, hashes is not None, shown)
    own = {sha256: text for sha256, text in read_own(rows, hashes).items() if sha256 in images}
    paths: defaultdict[str, list[str]] = defaultdict(list)
    for path, sha256 in _table(rows, _FILES, (NAME, TEXT), hashes):
        if sha256 in own or (sha256 in images and images[sha256][0] in texts):
            paths[sha256].append(restored(path))
    facts = _facts(rows, hashes)
    of_file = {one.id for one in shown.captioners if one.kind == "file"}
    other_eyes = {one.id for one in shown.captioners if shown.sees_otherwise(one)}
    found = (
        Document(
            sha256,
            tuple(sorted(names)),
            (own[sha256],) if sha256 in own else texts[images[sha256][0]],
            sha256 in own,
            max(images[sha256][1], 0),
            facts.get(sha256),
            sha256 in own or by[images[sha256][0]] in of_file,
            sha256 not in own and by[images[sha256][0]] in other_eyes,
            _struck(texts.get(images[sha256][0], ()), own[sha256]) if sha256 in own else (),
            tags.get(images[sha256][0], ()),
        )
        for sha256, names in paths.items()
    )
    return sorted(found, key=lambda one: one.paths[0])


def _struck(captions: Sequence[str], own: str) -> tuple[str, ...]:
    """The words that say what is seen, of the caption in whose place a person wrote another, that this does
    not say."""
    return tuple(sorted(word_set(captions[0]) - word_set(own) - STOP_WORDS)) if captions else ()


def _images(rows: Rows, hashes: Sequence[str] | None, present: int | None) -> dict[str, tuple[int, int, int]]:
    """Of the contents that the present captioner captioned: number, feature's row and checksum."""
    columns = (TEXT, WHOLE, WHOLE, WHOLE, WHOLE)
    return {
        sha256: (number, row, crc)
        for sha256, number, captioner, row, crc in _table(rows, _IMAGES, columns, hashes)
        if captioner == present
    }


def _texts(
    rows: Rows, images: Mapping[str, tuple[int, int, int]], some: bool, shown: Shown
) -> tuple[dict[int, tuple[str, ...]], dict[int, int], dict[int, tuple[str, ...]]]:
    """By a picture's number the texts that are shown of it: captions, and behind them the tags; whose they
    are; and the tags one by one.

    some: whether they are few of all
    """
    numbers = [number for number, *_ in images.values()] if some else None
    texts, tags = _texts_by(rows, shown.present, numbers, checked=False)
    for sha256, (number, row, crc) in images.items():
        if checksums.of_image(sha256, shown.present or 0, row, texts.get(number, ())) != crc:
            raise Damaged(f"what it says of the picture {sha256} is not what was written")
    found: dict[int, tuple[str, ...]] = {}
    whose: dict[int, int] = {}
    tagged: dict[int, tuple[str, ...]] = {}
    for one in reversed(shown.captioners):
        by = (texts, tags) if one.id == shown.present else _texts_by(rows, one.id, numbers, checked=True)
        found |= {number: (*listed, *_joined(by[1].get(number, ()))) for number, listed in by[0].items()}
        whose |= dict.fromkeys(by[0], one.id)
        tagged |= {number: by[1].get(number, ()) for number in by[0]}
    return found, whose, tagged


def _joined(tags: Sequence[str]) -> tuple[str, ...]:
    """Tags as one text, where there are any."""
    return (", ".join(tags),) if tags else ()


def _texts_by(
    rows: Rows, captioner: int | None, numbers: Sequence[int] | None, checked: bool
) -> tuple[dict[int, list[str]], dict[int, tuple[str, ...]]]:
    """By a picture's number, the texts of one captioner, and the tags. checked: against their checksums"""
    texts: defaultdict[int, list[str]] = defaultdict(list)
    tags: dict[int, tuple[str, ...]] = {}
    for row in () if captioner is None else read_rows(rows, captioner, numbers):
        number = picture_of(row[0])
        texts[number].append(row[1])
        if checked or isinstance(row[2], str):
            caption = caption_of(row)
            if caption.tags:
                tags[number] = caption.tags
    return texts, tags


def read_own(rows: Rows, hashes: Sequence[str] | None = None) -> dict[str, str]:
    """What a person wrote, by content hash. errors: Damaged"""
    found = {}
    for sha256, text, written, crc in _table(rows, _OWN, (TEXT, TEXT, TEXT, WHOLE), hashes):
        if checksums.of_own_caption(sha256, text, written) != crc:
            raise Damaged(f"the caption that a person wrote of the picture {sha256} is not what was written")
        found[sha256] = text
    return found


def _facts(rows: Rows, hashes: Sequence[str] | None) -> dict[str, PictureFacts]:
    return {
        sha256: facts_from(width or 0, height or 0, *others)
        for sha256, width, height, *others in _table(rows, _FACTS, (TEXT, *FACT_COLUMNS), hashes)
    }


def _table(
    rows: Rows, sql: str, columns: Sequence[Column], hashes: Sequence[str] | None, order: str = ""
) -> Iterator[tuple[Any, ...]]:
    """All rows of a query, or those of some contents."""
    if hashes is None:
        yield from rows.table(f"{sql} {order}", columns)
        return
    for some in _parts(hashes):
        marks = ", ".join("?" * len(some))
        joint = "AND" if "WHERE" in sql else "WHERE"
        yield from rows.table(f"{sql} {joint} sha256 IN ({marks}) {order}", columns, *some)


def _parts(hashes: Iterable[str]) -> Iterator[list[str]]:
    listed = list(hashes)
    for first in range(0, len(listed), _AT_ONCE):
        yield listed[first : first + _AT_ONCE]

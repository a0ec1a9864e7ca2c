"""What the catalogue says of pictures, content by content: of all of them, or of some."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..records import PictureFacts
from . import checksums
from .rows import MAYBE_TEXT, MAYBE_WHOLE, NAME, TEXT, WHOLE, Column, Damaged, Rows, restored

CURRENT = "(SELECT value FROM meta WHERE key = 'captioner')"
_IMAGES = f"SELECT sha256, captioner, feature_row, crc FROM images WHERE captioner = {CURRENT}"  # noqa: S608
# of contents of a former captioner, too: without a join twice as fast, and there are seldom any
_FILES = "SELECT path, sha256 FROM files"
_TEXTS = "SELECT sha256, text FROM captions"
_OWN = "SELECT sha256, text, written, crc FROM own_captions"
_FACTS = "SELECT sha256, width, height, taken, camera FROM images WHERE (taken NOTNULL OR camera NOTNULL)"
_AT_ONCE = 500  # hashes that are named in a statement


@dataclass(frozen=True, slots=True)
class Document:
    """One content that can be found.

    paths:       of its files, ascending
    captions:    the best first; where a person wrote one, that alone
    own:         whether a person did
    feature_row: where its feature stands
    facts:       when and with which camera it was taken, where its file says so
    """

    sha256: str
    paths: tuple[str, ...]
    captions: tuple[str, ...]
    own: bool
    feature_row: int
    facts: PictureFacts | None


def read_documents(rows: Rows, hashes: Sequence[str] | None = None) -> list[Document]:
    """Those of these contents that can be found, or all, by their first paths. errors: Damaged"""
    texts: defaultdict[str, list[str]] = defaultdict(list)
    for sha256, text in _table(rows, _TEXTS, (TEXT, TEXT), hashes, "ORDER BY sha256, n"):
        texts[sha256].append(text)
    feature_rows: dict[str, int] = {}
    for sha256, captioner, row, crc in _table(rows, _IMAGES, (TEXT, WHOLE, WHOLE, WHOLE), hashes):
        if checksums.of_image(sha256, captioner, row, texts.get(sha256, ())) != crc:
            raise Damaged(f"what it says of the picture {sha256} is not what was written")
        feature_rows[sha256] = row
    paths: defaultdict[str, list[str]] = defaultdict(list)
    for path, sha256 in _table(rows, _FILES, (NAME, TEXT), hashes):
        if sha256 in feature_rows and sha256 in texts:
            paths[sha256].append(restored(path))
    own, facts = read_own(rows, hashes), _facts(rows, hashes)
    found = (
        Document(
            sha256,
            tuple(sorted(names)),
            (own[sha256],) if sha256 in own else tuple(texts[sha256]),
            sha256 in own,
            feature_rows[sha256],
            facts.get(sha256),
        )
        for sha256, names in paths.items()
    )
    return sorted(found, key=lambda one: one.paths[0])


def read_own(rows: Rows, hashes: Sequence[str] | None = None) -> dict[str, str]:
    """What a person wrote, by content hash. errors: Damaged"""
    found = {}
    for sha256, text, written, crc in _table(rows, _OWN, (TEXT, TEXT, TEXT, WHOLE), hashes):
        if checksums.of_own_caption(sha256, text, written) != crc:
            raise Damaged(f"the caption that a person wrote of the picture {sha256} is not what was written")
        found[sha256] = text
    return found


def _facts(rows: Rows, hashes: Sequence[str] | None) -> dict[str, PictureFacts]:
    columns = (TEXT, MAYBE_WHOLE, MAYBE_WHOLE, MAYBE_TEXT, MAYBE_TEXT)
    return {
        sha256: PictureFacts(width or 0, height or 0, taken, camera)
        for sha256, width, height, taken, camera in _table(rows, _FACTS, columns, hashes)
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

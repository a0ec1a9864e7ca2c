"""Pictures as lists show them."""

import os
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from ..library import LibrarySnapshot
from ..records import Hit
from ..report.visible import visible
from .records import FoundPicture, Word


def found_pictures(
    snapshot: LibrarySnapshot,
    rows: Sequence[int],
    hits: Mapping[int, Hit] | None = None,
    groups: Sequence[str] = (),
) -> list[FoundPicture]:
    """These rows of a library; hits: by row, where a query found them; groups: of each row the name, where
    they are shown in groups."""
    gallery = snapshot.gallery()
    found = []
    for row in rows:
        name, folder = named(gallery.paths[row])
        hit = None if hits is None else hits.get(row)
        picture = FoundPicture(
            id=gallery.hashes[row],
            name=name,
            folder=folder,
            caption=visible(gallery.captions[row]),
            person=snapshot.is_own(row),
            copies=len(gallery.copies[row]),
            rank=0 if hit is None else hit.rank,
            score=0.0 if hit is None else hit.score,
            weak=hit is not None and hit.weak,
            words=[] if hit is None else _words(hit),
            why=[] if hit is None else [visible(word) for word in hit.why],
            by_caption=[] if hit is None else [visible(word) for word in hit.by_caption],
            by_name=hit is not None and hit.by_name,
        )
        found.append(picture)
    for picture, group in zip(found, groups, strict=False):
        picture.group = visible(group)
    return found


def named(path: str) -> tuple[str, str]:
    """A file's name and its folder's, as people can read them."""
    shown = PurePosixPath(visible(os.fspath(path)))
    folder = shown.parent.as_posix()
    return shown.name, "" if folder == "." else folder


def _words(hit: Hit) -> list[Word]:
    return [
        Word(word=visible(word), probability=round(float(sure), 4), certain=word in hit.certain)
        for word, sure in hit.words
    ]

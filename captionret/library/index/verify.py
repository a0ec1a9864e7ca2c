"""Whether the search index is what was written, and says what the catalogue does."""

from pathlib import Path

import numpy as np

from ..captions.captioners import read_shown
from ..catalogue.catalogue import Catalogue
from ..catalogue.documents import Document, read_documents
from .array_file import DamagedIndex, IndexFile
from .fact_columns import fact_arrays
from .merged import MergedSegments
from .search_index import MANIFEST, SEGMENT, Outdated, SearchIndex, read_index
from .segment import Segment, word_arrays

_AGAIN = "It is made again by the next search."


def index_problems(catalogue: Catalogue) -> list[str]:
    """One sentence for each thing that is wrong; it reads all of the index. An index that is out of date, or
    none, is no fault: the catalogue is read in its place."""
    folder = catalogue.file.parent
    try:
        index = read_index(folder)
        return [] if index is None else _inside(catalogue, folder, index)
    except DamagedIndex as error:
        return [error.message]
    except FileNotFoundError as error:
        if not (folder / MANIFEST).is_file():
            return []
        return [f"{error.filename}, a part of the search index, is missing. {_AGAIN}"]


def _inside(catalogue: Catalogue, folder: Path, index: SearchIndex) -> list[str]:
    for segment in index.segments:
        if isinstance(segment.arrays, IndexFile):
            segment.arrays.check()
    with catalogue.reading() as rows:
        try:
            shown = read_shown(rows)
            if not index.is_of(rows, shown):
                return []
            held, expected = index.pictures(rows, shown), read_documents(rows, shown=shown)
        except Outdated:
            return []
    found = [
        f"{folder / SEGMENT.format(name=name)} does not hold the words of its captions or the days of its "
        f"pictures. {_AGAIN}"
        for name, segment in zip(index.names, index.segments, strict=True)
        if not _holds_its_words(segment)
    ]
    if [_document(held, row) for row in range(len(held))] != expected:
        found.append(f"{folder / MANIFEST} does not say what the catalogue does. {_AGAIN}")
    return found


def _holds_its_words(segment: Segment) -> bool:
    rows = range(len(segment))
    expected = word_arrays([segment.all_captions(row) for row in rows])
    expected |= fact_arrays([segment.facts.at(row) for row in rows], [segment.tags[row] for row in rows])
    return all(
        name in segment.arrays and np.array_equal(segment.arrays.whole(name), array)
        for name, array in expected.items()
    )


def _document(table: MergedSegments, row: int) -> Document:
    segment, place = table.place(row)
    return Document(
        segment.hashes[place],
        (segment.paths[place], *segment.copies[place]),
        segment.all_captions(place),
        bool(place in segment.own),
        int(segment.feature_rows[place]),
        segment.facts.at(place),
        bool(place in segment.certain),
        bool(place in segment.other_eyes),
        segment.struck[place],
        segment.tags[place],
    )

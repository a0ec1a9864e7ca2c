"""A page for each of some queries: what people's captions say are a picture's neighbours, and what each mode
says."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...evaluation.modes import first_rows
from ...records import Hit, Query
from ...report.page import SearchSection, Section, write_page
from ...retrieval import MODES, search
from ...text import word_set, words
from .measured_modes import MeasuredModes


def query_pages(folder: Path, found: MeasuredModes, relevance: np.ndarray, pages: int) -> dict[Path, str]:
    """Write a page for each of `pages` queries, evenly spread; each with its title."""
    gallery = found.gallery
    ideal = first_rows(relevance, 5)
    root = Path(os.path.commonpath([str(Path(path).absolute().parent) for path in gallery.paths]))
    written: dict[Path, str] = {}
    for row in _spread(len(gallery), pages):
        caption = gallery.captions[row]
        sections = [_by_people(found, row, ideal[row], relevance, root), *_by_modes(found, row, root)]
        title = f"Query {len(written) + 1}: {gallery.ids[row]}"
        file = write_page(folder / f"{len(written) + 1:03d}.html", title, caption, sections)
        written[file] = title
    return written


def _spread(count: int, pages: int) -> list[int]:
    """`pages` rows of `count`, as far apart as can be."""
    return list(range(0, count, max(1, count // pages)))[:pages] if pages else []


def _by_people(
    found: MeasuredModes, row: int, ideal: np.ndarray, relevance: np.ndarray, root: Path
) -> Section:
    gallery, humans = found.gallery, found.items[row].captions
    hits = [_ideal_hit(found, row, place, other, relevance) for place, other in enumerate(ideal.tolist(), 1)]
    return SearchSection(
        "People's captions say these are the most related",
        Query(Path(gallery.paths[row])),
        " / ".join(humans),
        _tokens(gallery.captions[row]),
        hits,
        root,
        "oracle",
    )


def _by_modes(found: MeasuredModes, row: int, root: Path) -> Iterator[Section]:
    gallery, query = found.gallery, found.gallery.query(row)
    image, caption = Query(Path(gallery.paths[row])), gallery.captions[row]
    for name in found.matrices:
        if name in MODES:
            hits = search(gallery, query, name, top=5)
            yield SearchSection(name, image, caption, _tokens(caption), hits, root, name, MODES[name].about)


def _tokens(caption: str) -> list[str]:
    return list(dict.fromkeys(words(caption)))


def _ideal_hit(found: MeasuredModes, row: int, place: int, other: int, relevance: np.ndarray) -> Hit:
    own, theirs = found.items[row].captions, found.items[other].captions
    shared = word_set(" ".join(own)) & word_set(" ".join(theirs))
    return Hit(
        place,
        float(relevance[row, other]),
        found.gallery.paths[other],
        theirs[0],
        tuple(sorted(shared)),
        found.gallery.ids[other],
    )

"""In which order pictures are shown: as they were found, by date, or in groups of a day or a folder."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..app.query.answering import UNDATED, Grouping, Order, grouped
from ..library import LibrarySnapshot
from ..records import Hit
from ..retrieval import Gallery

Rows = NDArray[np.integer]
ROOT = "."  # how the library's own folder is called


def in_groups(hits: Sequence[Hit], group: Grouping | None) -> list[tuple[str, Hit]]:
    """Hits, each with its group's name, those of a group one after the other; "" where none was asked for."""
    if group is None:
        return [("", hit) for hit in hits]
    return [(name, hit) for name, found in grouped(hits, group) for hit in found]


def rows_in_order(gallery: Gallery, sort: Order, group: Grouping | None) -> Rows:
    """(N,) all rows of a library: the oldest picture first or, so also by day, the newest, and those without
    a date last; by folder as the folders are called; else as they stand."""
    if group == "folder":
        return np.argsort(_folders(gallery.paths), kind="stable")
    if group == "day" or sort != "score":
        days = gallery.row_sets.days()
        since = days.view(np.int64)
        newest = group == "day" or sort == "newest"
        return np.lexsort((-since if newest else since, np.isnat(days)))
    return np.arange(len(gallery))


def _folders(paths: Iterable[str]) -> Rows:
    """(N,) the place of each picture's folder among all folders."""
    places: dict[str, int] = {}
    found = np.array([places.setdefault(path.rpartition("/")[0], len(places)) for path in paths], np.int64)
    ranks = np.empty(len(places), np.int64)
    ranks[[places[name] for name in sorted(places)]] = np.arange(len(places))
    return ranks[found]


def groups_of(snapshot: LibrarySnapshot, rows: Sequence[int], group: Grouping | None) -> list[str]:
    """The name of each row's group, as `grouped` names it; "" where none was asked for."""
    gallery = snapshot.gallery()
    if group == "folder":
        return [gallery.paths[row].rpartition("/")[0] or ROOT for row in rows]
    if group == "day":
        facts = snapshot.facts([gallery.hashes[row] for row in rows])
        return [one.taken[:10] if one is not None and one.taken else UNDATED for one in facts]
    return [""] * len(rows)

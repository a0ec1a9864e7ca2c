"""From an encoded query to the hits that people see: as many as were asked for, copies of one picture as one
hit where that was asked for, in the order that was asked for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Literal, TypeAlias, get_args

from ...errors import BadSetting
from ...library import LibrarySnapshot
from ...records import Hit
from ...retrieval import EncodedQuery
from ...retrieval import search as search_gallery
from ...retrieval.row_sets import day_of
from ...retrieval.search import check_limits

Order: TypeAlias = Literal["score", "date", "newest"]
Grouping: TypeAlias = Literal["day", "folder"]
UNDATED = "no date"


@dataclass(frozen=True, slots=True)
class Wanted:
    """How an answer shall look.

    top, min_score, keep_self: as retrieval.search takes them
    collapse: of pictures that are nearly the same the best hit alone
    sort:     "score", the best first; the same hits by "date", the oldest first, or the "newest" first, in
              either case those without a date last
    """

    top: int | None = 5
    min_score: float | None = None
    keep_self: bool = False
    collapse: bool = False
    sort: Order = "score"

    def __post_init__(self) -> None:
        """BadSetting for what cannot be."""
        check_limits(self.top, self.min_score)
        if self.sort not in get_args(Order):
            raise BadSetting(
                f"Hits cannot be sorted by {self.sort!r}. Sort them by score, by date, or the newest first."
            )


def find_hits(snapshot: LibrarySnapshot, query: EncodedQuery, mode: str, wanted: Wanted) -> list[Hit]:
    """The hits of a query in a library at one moment; a hit's rank is its place by score. errors: as
    retrieval.search"""

    def best(count: int | None) -> list[Hit]:
        return search_gallery(snapshot.gallery(), query, mode, count, wanted.min_score, wanted.keep_self)

    every = wanted.sort != "score" and query.lists  # then all that they leave are hits
    top = None if every else wanted.top
    hits = _collapsed(snapshot, best, top) if wanted.collapse else best(top)
    hits = _dated(snapshot, hits)
    return in_order(hits, wanted.sort)[: wanted.top]


def in_order(hits: Sequence[Hit], sort: Order) -> list[Hit]:
    """Hits, which come the best first, in another order.

    >>> hits = [Hit(1, 1.0, "a.jpg", "", taken="2019-06-01"), Hit(2, 0.5, "b.jpg", "", taken="2020-01-01")]
    >>> [hit.path for hit in in_order(hits, "newest")]
    ['b.jpg', 'a.jpg']
    """
    if sort == "date":
        return sorted(hits, key=lambda hit: (hit.taken is None, hit.taken or ""))
    return sorted(hits, key=lambda hit: hit.taken or "", reverse=True) if sort == "newest" else list(hits)


def below_least(snapshot: LibrarySnapshot, query: EncodedQuery, mode: str, wanted: Wanted) -> str | None:
    """What to say of an answer that `min_score` leaves empty; None where nothing else is found."""
    if wanted.min_score is None:
        return None
    best = find_hits(snapshot, query, mode, Wanted(1, keep_self=wanted.keep_self))
    if not best:
        return None
    return f"No picture scores {wanted.min_score:g} or more; the best scores {best[0].score:.2f}."


def _dated(snapshot: LibrarySnapshot, hits: Sequence[Hit]) -> list[Hit]:
    row_of = snapshot.gallery().row_of_id
    days = [snapshot.pictures.taken(row_of[hit.id]) for hit in hits]
    return [replace(hit, taken=day) if day else hit for hit, day in zip(hits, days, strict=True)]


def _collapsed(
    snapshot: LibrarySnapshot, best: Callable[[int | None], list[Hit]], top: int | None
) -> list[Hit]:
    count = top
    while True:
        count = None if count is None else 2 * count
        found = best(count)
        hits = one_of_alike(snapshot, found)
        if count is None or top is None or len(hits) >= top or len(found) < count:
            return hits[:top]


def one_of_alike(snapshot: LibrarySnapshot, hits: Sequence[Hit]) -> list[Hit]:
    """Of hits that are nearly the same picture the best alone, which names the others in `alike`; ranks are
    counted anew."""
    from ...library.vectors.looks import looks_of
    from ..curating.nearly_same import joined, near_pairs  # importing every decoder takes a text query's time

    gallery = snapshot.gallery()
    contents = [gallery.hashes[gallery.row_of_id[hit.id]] for hit in hits]
    if len(contents) < 2:
        return list(hits)
    groups = joined(map(tuple, near_pairs(looks_of(snapshot, contents, progress=False)).tolist()))
    files = [(hit.path, *hit.copies) for hit in hits]
    others = {group[0]: tuple(path for row in group[1:] for path in files[row]) for group in groups}
    gone = {row for group in groups for row in group[1:]}
    left = [row for row in range(len(hits)) if row not in gone]
    return [replace(hits[row], rank=place, alike=others.get(row, ())) for place, row in enumerate(left, 1)]


def grouped(hits: Sequence[Hit], by: Grouping) -> list[tuple[str, list[Hit]]]:
    """Hits by the day on which they were taken, or by their folder ("." is the library's root), each group
    where its first hit stands.

    >>> [name for name, _ in grouped([Hit(1, 1.0, "a/1.jpg", ""), Hit(2, 0.5, "2.jpg", "")], "folder")]
    ['a', '.']
    """
    found: dict[str, list[Hit]] = {}
    for hit in hits:
        folder = PurePath(hit.path).parent.as_posix()
        name = folder if by == "folder" else day_of(hit.taken) if hit.taken else UNDATED
        found.setdefault(name, []).append(hit)
    return list(found.items())

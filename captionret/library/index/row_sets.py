"""The filters of a query over segments: each answers by what it keeps, and no picture is read."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...retrieval.caption_words import CaptionCounts
from ...retrieval.index.word_order import once, texts_with
from ...retrieval.other_captions import OtherCaptions
from ...retrieval.row_sets import Days, Fact, Mask
from .segment import Segment


class _Table(Protocol):
    """What a table of segments gives; see MergedSegments."""

    @property
    def segments(self) -> Sequence[Segment]: ...
    @property
    def dead(self) -> Sequence[NDArray[np.int32]]: ...
    def mask(self, of_segment: Callable[[Segment], NDArray[np.integer]]) -> Mask: ...
    def gathered(self, of_segment: Callable[[Segment], NDArray[np.integer]]) -> NDArray[np.int64]: ...


class SegmentRowSets:
    """RowSets of a table of segments."""

    def __init__(self, table: _Table) -> None:
        self._table = table

    def under(self, folder: str) -> Mask:
        """Of which pictures a path is that of a folder, or lies below it."""
        return self._table.mask(lambda segment: segment.under(folder))

    def holding(self, phrase: Sequence[str]) -> Mask:
        """Of which pictures a caption holds these words one after the other."""
        return self._table.mask(lambda segment: holding(segment, phrase))

    def where(self, fact: Fact, fits: Callable[[str], bool]) -> Mask:
        """Of which pictures the day, the camera ... or a keyword is known and fits."""
        return self._table.mask(lambda segment: segment.facts.rows(fact, fits))

    def near(self, latitude: float, longitude: float, km: float) -> Mask:
        """Which pictures were taken so near to a place, given in degrees."""
        return self._table.mask(lambda segment: segment.facts.near(latitude, longitude, km))

    def counts(self, fact: Fact) -> dict[str, int]:
        """All days, cameras ..., ascending, with how many pictures each is of."""
        found: Counter[str] = Counter()
        for segment, gone in self._parts():
            found.update(segment.facts.counts(fact, gone))
        return dict(sorted(found.items()))

    def days(self) -> Days:
        """(N,) the day on which each picture was taken; NaT."""
        numbers = self._table.gathered(lambda segment: segment.facts.days(len(segment)).view(np.int64))
        return numbers.view("datetime64[D]")

    def places(self) -> NDArray[np.float32]:
        """(n, 2) latitudes and longitudes that are known."""
        return np.concatenate([segment.facts.places(gone) for segment, gone in self._parts()])

    def _parts(self) -> Iterator[tuple[Segment, NDArray[np.int32]]]:
        return zip(self._table.segments, self._table.dead, strict=True)


def other_captions(table: _Table) -> OtherCaptions | None:
    """What captioners with other eyes say of the pictures of a table; None where there are none."""
    others = table.mask(lambda segment: segment.other_eyes)
    if not others.any():
        return None
    return OtherCaptions(
        others, table.gathered(_texts), lambda word: table.gathered(lambda segment: _counts(segment, word))
    )


def caption_counts(table: _Table, words: Mapping[str, int]) -> CaptionCounts:
    """All captions of the pictures of a table, counted by their words."""
    texts = table.gathered(_texts)
    return CaptionCounts(
        texts,
        table.gathered(_lengths) / texts,
        lambda word: table.gathered(lambda segment: _counts(segment, word)),
        words,
    )


def _lengths(segment: Segment) -> NDArray[np.int64]:
    """(n,) how many words all captions of each picture have together."""
    lengths = segment.postings.of_each("length").astype(np.int64)
    if "more.order" not in segment.arrays:
        return lengths
    rows, further = segment.arrays.whole("more.rows"), segment.arrays.whole("more.lengths")
    return lengths + np.bincount(rows, further, len(segment)).astype(np.int64)


def _texts(segment: Segment) -> NDArray[np.int64]:
    """(n,) how many captions there are of each picture."""
    return 1 + np.bincount(segment.arrays.whole("more.rows"), minlength=len(segment))


def _counts(segment: Segment, word: str) -> NDArray[np.int64]:
    """(n,) how many captions of each picture hold a word."""
    counts = np.zeros(len(segment), np.int64)
    counts[_best_holding(segment, [word])] = 1
    place = segment.known[0].find(word) if "more.order" in segment.arrays else None
    if place is not None:
        order, rows = segment.arrays.whole("more.order"), segment.arrays.whole("more.rows")
        rows = rows[texts_with(order, segment.more_ends, [place])]
        counts += np.bincount(rows, minlength=len(segment))
    return counts


def holding(segment: Segment, phrase: Sequence[str]) -> NDArray[np.integer]:
    """The rows of pictures of which a caption holds a phrase, ascending."""
    best, further = _best_holding(segment, phrase), _further_holding(segment, phrase)
    if not len(further):
        return best
    held = np.zeros(len(segment), np.bool_)
    held[best] = held[further] = True
    return np.flatnonzero(held)


def _best_holding(segment: Segment, phrase: Sequence[str]) -> NDArray[np.integer]:
    """By their best captions."""
    postings = segment.postings
    numbers = [number for word in phrase if (number := postings.number(word)) is not None]
    if len(numbers) < len(phrase):
        return np.zeros(0, np.int32)
    if len(numbers) == 1:
        return postings.rows(numbers[0])
    return texts_with(segment.arrays.whole("order"), segment.ends, numbers)


def _further_holding(segment: Segment, phrase: Sequence[str]) -> NDArray[np.integer]:
    """By their further captions."""
    if "more.order" not in segment.arrays:
        return np.zeros(0, np.int32)
    known = segment.known[0]
    numbers = [number for word in phrase if (number := known.find(word)) is not None]
    if len(numbers) < len(phrase):
        return np.zeros(0, np.int32)
    order = segment.arrays.whole("more.order")
    rows: NDArray[np.int32] = segment.arrays.whole("more.rows")
    return once(rows[texts_with(order, segment.more_ends, numbers)])

"""Several segments as one table of pictures, in the order of the paths; what was taken out of a segment, or
replaced by a later one, is left out."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ...records import PictureFacts
from ...retrieval.caption_words import CaptionCounts
from ...retrieval.index.postings import CaptionPostings
from ...retrieval.other_captions import OtherCaptions
from .row_sets import SegmentRowSets, caption_counts, other_captions
from .segment import Segment
from .segment_words import SegmentWords
from .table_columns import Column, Indexed, Names

T = TypeVar("T")
Rows = NDArray[np.int32]


class MergedSegments:
    """N pictures of segments: a gallery's table (see retrieval.table), and the index of its captions.

    segments: the first one is the largest
    dead:     of each segment the rows that no longer count, ascending
    """

    def __init__(self, segments: Sequence[Segment], dead: Sequence[Rows]) -> None:
        self.segments, self.dead = tuple(segments), tuple(dead)
        self.whole = len(segments) == 1 and not len(dead[0])  # then rows of the table are rows of the segment
        self._live = [_without(len(one), gone) for one, gone in zip(segments, dead, strict=True)]
        self._count = sum(map(len, self._live)) if not self.whole else len(segments[0])
        self.ids = self.paths = Names(self, lambda one: one.paths, lambda one, path: one.paths.find(path))
        self.captions = self.column(lambda one: one.captions)
        self.hashes = Names(self, lambda one: one.hashes, Segment.row_of)
        self.copies = self.column(lambda one: one.copies)
        self.row_of, self.row_of_id = self.hashes.rows, self.ids.rows

    @property
    def caption_index(self) -> "MergedSegments":
        """Itself."""
        return self

    @cached_property
    def row_of_copy(self) -> dict[str, int]:
        """The row of each further path."""
        pairs = ((number, pair) for number, one in enumerate(self.segments) for pair in one.copies.pairs())
        each = ((path, self.row(number, place)) for number, (place, path) in pairs)
        return {path: row for path, row in each if row is not None}

    def row_at(self, path: str) -> int | None:
        """The row of the picture at a path, its first or a further one; None where there is none."""
        row = self.row_of_id.get(path)
        return self.row_of_copy.get(path) if row is None else row

    @cached_property
    def row_sets(self) -> SegmentRowSets:
        """What filters ask."""
        return SegmentRowSets(self)

    @cached_property
    def certain(self) -> NDArray[np.bool_] | None:
        """(N,) of which pictures a person or a file gives the captions; None where of none."""
        found = self.mask(lambda segment: segment.certain)
        return found if found.any() else None

    @cached_property
    def other_captions(self) -> OtherCaptions | None:
        """What captioners with other eyes say; None where there are none."""
        return other_captions(self)

    @cached_property
    def caption_counts(self) -> CaptionCounts:
        """All captions, counted by their words."""
        return caption_counts(self, self.known_words)

    @property
    def parts(self) -> tuple[CaptionPostings, ...]:
        """The postings of each segment."""
        return tuple(one.postings for one in self.segments)

    @cached_property
    def known_words(self) -> Mapping[str, int]:
        """The words of all captions, with how many pictures each is of."""
        return SegmentWords(self.segments, self.dead)

    @cached_property
    def mean_length(self) -> float:
        """Words of a caption, repeats included; 1 where there is no picture."""
        each = (part.of_each("length") for part in self.parts)
        total = sum(int(n.sum()) - int(n[gone].sum()) for n, gone in zip(each, self.dead, strict=True))
        return total / len(self) if len(self) else 1.0

    def frequency(self, word: str) -> int:
        """How many captions hold a word."""
        return sum(_held(part, word, gone) for part, gone in zip(self.parts, self.dead, strict=True))

    def lemma_frequency(self, base: str) -> int:
        """How many hold a word with this base form."""
        masks = ((part.holding_lemma(base), gone) for part, gone in zip(self.parts, self.dead, strict=True))
        return sum(int(held.sum()) - int(held[gone].sum()) for held, gone in masks if held is not None)

    def merged(self, scores: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Scores of each segment's pictures -> (N,) of the table's."""
        if self.whole:
            return scores[0]
        found = np.empty(len(self), np.float32)
        for each, live, rows in zip(scores, self._live, self._rows, strict=True):
            found[rows] = each[live]
        return found

    def split(self, allowed: NDArray[np.bool_] | None) -> list[NDArray[np.bool_] | None]:
        """(N,) of the table's pictures -> of each segment's; None: all."""
        if self.whole:
            return [allowed]
        found: list[NDArray[np.bool_] | None] = []
        for one, live, rows in zip(self.segments, self._live, self._rows, strict=True):
            mask = np.zeros(len(one), np.bool_)
            mask[live] = True if allowed is None else allowed[rows]
            found.append(mask)
        return found

    def joined(self, found: Sequence[Sequence[tuple[int, float]]]) -> list[tuple[int, float]]:
        """Rows of each segment with a number -> rows of the table."""
        return [
            (row, number)
            for place, hits in enumerate(found)
            for one, number in hits
            for row in [self.row(place, one)]
            if row is not None
        ]

    def mask(self, of_segment: Callable[[Segment], NDArray[np.integer]]) -> NDArray[np.bool_]:
        """(N,) which pictures are among those that each segment gives, by their rows there."""
        found = np.zeros(len(self), np.bool_)
        for number, one in enumerate(self.segments):
            rows = of_segment(one)
            if self.whole:
                found[rows] = True
            else:
                held = np.isin(self._live[number], rows)
                found[self._rows[number][held]] = True
        return found

    def facts(self) -> list[PictureFacts | None]:
        """Of every picture when and with which camera it was taken; None where nothing is known."""
        each = [one.facts.all(len(one)) for one in self.segments]
        if self.whole:
            return each[0]
        numbers, places = self._places
        return [each[number][place] for number, place in zip(numbers.tolist(), places.tolist(), strict=True)]

    def taken(self, row: int) -> str | None:
        """When one picture was taken; None where its file does not say."""
        segment, place = self.place(row)
        return segment.facts.taken(place)

    def gathered(self, of_segment: Callable[[Segment], NDArray[np.integer]]) -> NDArray[np.int64]:
        """(N,) a number of each picture, which a segment gives for all of its own."""
        if self.whole:
            return of_segment(self.segments[0]).astype(np.int64)
        found = np.empty(len(self), np.int64)
        for one, live, rows in zip(self.segments, self._live, self._rows, strict=True):
            found[rows] = of_segment(one)[live]
        return found

    def column(self, of_segment: Callable[[Segment], Indexed[T]]) -> Column[T]:
        """What a segment says of each picture, as a sequence in the order of the table."""
        return Column(self, of_segment)

    def place(self, row: int) -> tuple[Segment, int]:
        """The segment of a picture, and its row there."""
        if self.whole:
            return self.segments[0], row
        number, place = self._places
        return self.segments[int(number[row])], int(place[row])

    def row(self, number: int, place: int) -> int | None:
        """The row of a picture of a segment; None for one that does not count."""
        live = self._live[number]
        if self.whole:
            return place
        at = int(np.searchsorted(live, live.dtype.type(place)))
        return int(self._rows[number][at]) if at < len(live) and live[at] == place else None

    def rows(self, number: int, places: NDArray[np.int64]) -> Rows:
        """The same of several pictures; -1 for those that do not count."""
        live = self._live[number]
        if self.whole or not len(live):
            return (places if self.whole else np.full(len(places), -1)).astype(np.int32)
        at = np.minimum(np.searchsorted(live, places), len(live) - 1)
        return np.where(live[at] == places, self._rows[number][at], -1).astype(np.int32)

    @cached_property
    def _rows(self) -> list[Rows]:
        """Of each segment the rows of its live pictures in the table."""
        base, later = self._live[0], self._later
        before = np.array([place for place, *_ in later], np.int64)
        rows = [(np.arange(len(base)) + np.searchsorted(before, base, side="right")).astype(np.int32)]
        table = np.searchsorted(base, before) + np.arange(len(before))
        numbers = np.array([number for *_, number, _ in later], np.int64)
        rows += [table[numbers == one].astype(np.int32) for one in range(1, len(self.segments))]
        return rows

    @property
    def _later(self) -> list[tuple[int, bytes, int, int]]:
        """The live pictures of all segments but the first, by path: how many of that one's stand before them,
        their path, segment and row."""
        base = self.segments[0].paths
        return sorted(
            (base.before(path), path, number, row)
            for number in range(1, len(self.segments))
            for row in self._live[number].tolist()
            for path in [self.segments[number].paths.encoded(row)]
        )

    @cached_property
    def _places(self) -> tuple[NDArray[np.int16], Rows]:
        """(N,) the segment of each picture, and its row there."""
        numbers, places = np.empty(len(self), np.int16), np.empty(len(self), np.int32)
        for number, (live, rows) in enumerate(zip(self._live, self._rows, strict=True)):
            numbers[rows], places[rows] = number, live
        return numbers, places

    def __len__(self) -> int:
        return self._count


def _without(count: int, gone: Rows) -> Rows:
    """The rows of a segment that count, ascending."""
    if not len(gone):
        return np.arange(count, dtype=np.int32)
    live = np.ones(count, np.bool_)
    live[gone] = False
    return np.flatnonzero(live).astype(np.int32)


def _held(part: CaptionPostings, word: str, gone: Rows) -> int:
    number = part.number(word)
    return 0 if number is None else part.frequency(word) - int(part.holding(number, gone).sum())

"""The words of all captions of a table of segments, with how many pictures each is of."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .segment import Segment, words_of

_LAST_ASKED = 4096  # words whose counts are kept at hand


class SegmentWords(Mapping[str, int]):
    """What is gone from a segment does not count."""

    def __init__(self, segments: Sequence[Segment], dead: Sequence[NDArray[np.int32]]) -> None:
        """dead: of each segment the rows that no longer count"""
        self._segments, self._dead = segments, dead
        self._last: dict[str, int] = {}  # queries mostly hold words that others held

    def __getitem__(self, word: str) -> int:
        total = self._last.get(word)
        if total is None:
            if len(self._last) >= _LAST_ASKED:
                self._last = {}
            total = self._last[word] = self._count(word)
        if total < 1:
            raise KeyError(word)
        return total

    def _count(self, word: str) -> int:
        total = 0
        for words, counts in (one.known for one in self._segments):
            place = words.find(word)
            total += 0 if place is None else int(counts[place])
        return total - self._gone[word]

    def __iter__(self) -> Iterator[str]:
        words = dict.fromkeys(word for one in self._segments for word in one.known[0])
        return iter([word for word in words if not self._gone[word] or word in self])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @cached_property
    def _gone(self) -> Counter[str]:
        pairs = zip(self._segments, self._dead, strict=True)
        gone = (words_of(one.all_captions(row)) for one, rows in pairs for row in rows.tolist())
        return Counter(word for words in gone for word in words)

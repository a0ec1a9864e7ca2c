"""Word probabilities where nothing is predicted from the pictures: by their captions alone, several of which
may be of one picture.

Of n captions k hold a word: its probability is q = (k + SMOOTHING r) / (n + SMOOTHING), r being its rate in
all captions. A picture is ranked by q whether a caption says the word or not; it is found, and a word is
shown, where a caption says it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..text import word_set, words
from .calibrated import SURE
from .certain import CertainColumns
from .index.columns import ProbabilityColumns, SomeColumns
from .other_captions import by_captions
from .predicted import WordProbabilities

# Chosen by benchmarks/captions_alone.py on Flickr8k val, with one, two and four of each picture's captions by
# people: what a word of a caption costs, so that long captions are not found by everything.
LENGTH = 0.55
_LEAST = 1e-5  # probabilities below it count as it
_KEPT = 256  # words whose counts are kept at hand


@dataclass(frozen=True, eq=False)
class CaptionCounts:
    """The captions of N pictures, counted by their words.

    texts:   (N,) how many there are of each
    lengths: (N,) how many words a caption of each has, in the mean
    count:   of a word, (N,) how many of the captions hold it
    words:   all words of captions; each has any number
    """

    texts: NDArray[np.int64]
    lengths: NDArray[np.float64]
    count: Callable[[str], NDArray[np.int64]]
    words: Mapping[str, int]


class CaptionColumns:
    """How probable the words of captions are, where these say them; see ProbabilityColumns."""

    least = _LEAST

    def __init__(self, counts: CaptionCounts) -> None:
        self.count, self._counts = len(counts.texts), counts
        self._known = lru_cache(_KEPT)(self._find)

    @property
    def words(self) -> Mapping[str, int]:
        """The words of captions."""
        return self._counts.words

    @property
    def numbers(self) -> NDArray[np.float64]:
        """(N,) what the words of a picture cost together, in place of the sum over them of log(1 - p)."""
        return -LENGTH * self._counts.lengths

    def __contains__(self, word: str) -> bool:
        """Whether a caption says this word."""
        return word in self._counts.words

    def column(self, word: str) -> NDArray[np.float64]:
        """(N,) how probable the word is of every picture; 0 where no caption says it."""
        counts = self._known(word)
        return np.where(counts > 0, by_captions(word, counts, self._counts.texts), 0.0)

    def smoothed(self, word: str) -> NDArray[np.float64]:
        """(N,) the same, also where no caption says it."""
        return by_captions(word, self._known(word), self._counts.texts)

    def holding(
        self, phrase: tuple[str, ...], of_several: Callable[[tuple[str, ...]], NDArray[np.bool_]]
    ) -> NDArray[np.bool_]:
        """(N,) of which pictures a caption holds a phrase; of_several: what says so of several words"""
        return self._known(phrase[0]) > 0 if len(phrase) == 1 else of_several(phrase)

    def total(self, words: Iterable[str]) -> NDArray[np.float64]:
        """(N,) the sum of some words' probabilities, added one after the other."""
        found = np.zeros(self.count)
        for word in words:
            found += self.column(word)
        return found

    def some(self, rows: NDArray[np.integer]) -> "CaptionColumns":
        """Of some of the pictures, (M,) rows."""
        every = self._counts
        return CaptionColumns(
            CaptionCounts(
                every.texts[rows], every.lengths[rows], lambda word: self._known(word)[rows], every.words
            )
        )

    def _find(self, word: str) -> NDArray[np.int64]:
        phrase = words(word)
        return self._counts.count(phrase[0]) if len(phrase) == 1 else np.zeros(self.count, np.int64)


class CaptionWords(WordProbabilities):
    """What captions say of N pictures. The words of certain captions have probability 1 (see CertainColumns);
    ranked is by how many of the captions say them."""

    of_pictures = False

    def __init__(
        self,
        counts: CaptionCounts,
        certain: NDArray[np.bool_] | None,
        holding: Callable[[tuple[str, ...]], NDArray[np.bool_]],
    ) -> None:
        """certain, holding: see CertainColumns; None: no caption is certain"""
        self._columns = CaptionColumns(counts)
        head: ProbabilityColumns = self._columns
        if certain is not None:
            head = CertainColumns(head, certain, lambda phrase: self._columns.holding(phrase, holding))
        super().__init__(head, None)
        self.least = _LEAST

    def some(self, rows: NDArray[np.integer], whole: bool = False) -> "CaptionWords":
        """What is known of some of the pictures, (M,) rows."""
        found = copy(self)
        found._columns, found._head = self._columns.some(rows), SomeColumns(self._head, rows)
        found.numbers = self.numbers[rows]
        found._known, found._raw = self._known.rows(rows), self._raw.rows(rows)
        found._odds = self._odds.rows(rows)
        return found

    def _both(self, word: str) -> NDArray[np.float64]:
        return np.clip(self._columns.smoothed(word), _LEAST, SURE)

    def _merged(self, word: str) -> NDArray[np.float64]:
        return np.clip(self.by_head(word), _LEAST, SURE)


def words_of_captions(captions: Sequence[str]) -> dict[str, float]:
    """The words of one picture's captions, each with how probable it is.

    >>> found = words_of_captions(["a dog on grass", "a brown dog"])
    >>> round(found["dog"], 2), round(found["grass"], 2)
    (0.68, 0.34)
    """
    counts = Counter(word for caption in captions for word in word_set(caption))
    texts = np.array([len(captions)])
    return {word: float(by_captions(word, np.array([count]), texts)[0]) for word, count in counts.items()}

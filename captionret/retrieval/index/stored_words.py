"""What is predicted of a gallery's pictures, in parts that are kept by word: a query reads the lists of its
own words, a picture's words are looked for in its part."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .best import Held
from .inverted import KeptLists, Term
from .sparse import WordMatrix
from .word_postings import LIKELY, Entries, Lists, WordPart

_KEPT = 128  # words whose lists in all parts are kept at hand


# a word and the probabilities of some rows -> weights that are compared
Weigh = Callable[[str, NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class PlacedPart:
    """A part, and where its pictures stand in the gallery: (n,) rows, -1 for those that do not count.

    of_captions: whether it holds all words of captions, with which its `numbers` are not compared
    """

    part: WordPart
    rows: NDArray[np.int32]
    of_captions: bool = False

    def placed(self, rows: NDArray[np.integer], weights: NDArray[np.floating]) -> Entries:
        """Rows of the part -> rows of the gallery, with the weights of those that count."""
        found = self.rows[rows]
        counts = found >= 0
        return (found, weights) if counts.all() else (found[counts], weights[counts])

    def add(self, total: NDArray[np.float64], rows: NDArray[np.integer], weights: NDArray[Any]) -> None:
        """Add the weights of some of its rows to a total (N,) of the gallery's."""
        if self.in_order:  # nearly always, and three times as quick
            first = int(self.rows[0])
            own = total[first : first + len(self.rows)]
            if len(rows) == len(own):  # all of them
                own += weights
            else:
                own[rows] += weights
        else:
            placed, counted = self.placed(rows, weights)
            total[placed] += counted

    @cached_property
    def span(self) -> tuple[int, int]:
        """All its pictures are from the first row on, and before the second."""
        held = self.rows[self.rows >= 0]
        return (int(held.min()), int(held.max()) + 1) if len(held) else (0, 0)

    def places(self, rows: NDArray[np.integer]) -> NDArray[np.int32]:
        """Where (M,) pictures of the gallery stand in the part; -1 for those that do not."""
        if self.in_order:
            inside = (rows >= self.span[0]) & (rows < self.span[1])
            return np.where(inside, rows - self.span[0], -1).astype(np.int32)
        order = self._order
        at = np.minimum(np.searchsorted(self.rows, rows, sorter=order), len(order) - 1)
        return np.where(self.rows[order[at]] == rows, order[at], -1).astype(np.int32)

    @cached_property
    def _order(self) -> NDArray[np.intp]:
        return np.argsort(self.rows, kind="stable")

    @cached_property
    def in_order(self) -> bool:
        """Whether its pictures stand in the gallery one after the other."""
        return len(self.rows) > 0 and bool(self.rows[0] >= 0) and bool((np.diff(self.rows) == 1).all())


class StoredWords:
    """The words of N pictures.

    parts: together they hold every picture once
    """

    def __init__(self, parts: Sequence[PlacedPart], count: int) -> None:
        self.parts, self.count = tuple(parts), count
        self.head = StoredColumns(self, classes=False)

    @cached_property
    def classes(self) -> "StoredColumns | None":
        """ImageNet's classes; None where they are not known."""
        return None if any(one.part.classes is None for one in self.parts) else StoredColumns(self, True)

    def likely(self, word: str) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The rows of which a word is likely, ascending, and how probable it is."""
        found = [
            one.placed(*one.part.likely.of(one.part.words[word]))
            for one in self.parts
            if word in one.part.words
        ]
        rows = np.concatenate([np.zeros(0, np.int32), *(rows for rows, _ in found)])
        weights = np.concatenate([np.zeros(0, np.float32), *(weights for _, weights in found)])
        if (rows[1:] < rows[:-1]).any():
            order = np.argsort(rows, kind="stable")
            rows, weights = rows[order], weights[order]
        return rows.astype(np.int32, copy=False), weights.astype(np.float32, copy=False)

    def row(self, number: int, least: float = 0.0, classes: bool = False) -> dict[str, float]:
        """The words of one picture, or its classes, with their probabilities, by spelling.

        least: LIKELY: likely words alone
        """
        for one in self.parts:
            places = np.flatnonzero(one.rows == number)
            if len(places):
                lists, words = one.part.lists(classes)
                read = lists[:1] if least >= LIKELY else lists
                found = [pair for part in read for pair in _pairs(part.row(int(places[0])))]
                names = list(words)
                return {names[word]: weight for word, weight in sorted(found)}
        raise IndexError(f"There is no row {number}.")

    def matrix(self, classes: bool = False, least: float = 0.0) -> WordMatrix:
        """All words, or classes, row by row; it reads everything.

        least: LIKELY: likely words alone
        """
        columns = self.head if not classes else self.classes
        assert columns is not None, "the caller has asked whether they are known"
        words, found = columns.words, list(self._entries(classes, columns.words, least))
        ids, rows, weights = (np.concatenate(every) for every in zip(*found, strict=True))
        keys = rows * np.int64(max(len(words), 1)) + ids
        order = np.argsort(keys)
        starts = np.zeros(self.count + 1, np.int64)
        np.cumsum(np.bincount(rows, minlength=self.count), out=starts[1:])
        return WordMatrix(tuple(words), starts, ids[order].astype(np.int32), weights[order])

    def totals(self) -> NDArray[np.float64]:
        """(N,) the sum over a picture's likely words of probability times idf."""
        return self._of_each(lambda part: part.totals)

    def numbers(self) -> NDArray[np.float64]:
        """(N,) the sum over a picture's words of log(1 - p). Where captions stand in it is the mean of the
        others, for that a caption says more words is no reason to rank its picture last."""
        found = self._of_each(lambda part: part.numbers)
        predicted = np.ones(self.count, np.bool_)
        for one in self.parts:
            predicted[one.rows[one.rows >= 0]] = not one.of_captions
        if not predicted.all():
            found[~predicted] = found[predicted].mean() if predicted.any() else 0.0
        return found

    def _of_each(self, of_part: Callable[[WordPart], NDArray[np.float64]]) -> NDArray[np.float64]:
        found = np.zeros(self.count)
        for one in self.parts:
            counts = one.rows >= 0
            found[one.rows[counts]] = of_part(one.part)[counts]
        return found

    def likely_entries(self) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]]:
        """Part by part words (their places among `head.words`), rows and probabilities of all that is likely,
        by word."""
        for one in self.parts:
            ids, rows, weights = self._placed(one, one.part.likely, one.part.words, self.head.words)
            yield ids, rows, weights.astype(np.float32)

    def _entries(
        self, classes: bool, numbers: Mapping[str, int], least: float
    ) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.floating]]]:
        dtype = next((one.part.arrays.part("least", 0, 0).dtype for one in self.parts), np.dtype(np.float16))
        yield np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, dtype)
        for one in self.parts:
            lists, words = one.part.lists(classes)
            read = lists[:1] if least >= LIKELY else lists
            yield from (self._placed(one, part, words, numbers) for part in read)

    def _placed(
        self, one: PlacedPart, lists: Lists, words: Mapping[str, int], numbers: Mapping[str, int]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.floating]]:
        ids, rows, weights = lists.all()
        if words is not numbers:
            ids = np.fromiter((numbers[word] for word in words), np.int32, len(words))[ids]
        found = one.rows[rows]
        counts = found >= 0
        return (ids, found, weights) if counts.all() else (ids[counts], found[counts], weights[counts])


class StoredColumns:
    """Words, or classes, of StoredWords one by one; see WordColumns."""

    def __init__(self, stored: StoredWords, classes: bool) -> None:
        self.count, self._stored, self._classes = stored.count, stored, classes

    @property
    def parts(self) -> tuple[PlacedPart, ...]:
        """Together they hold every picture once."""
        return self._stored.parts

    @cached_property
    def words(self) -> Mapping[str, int]:
        """All words, ascending, each with its place."""
        every = [one.part.lists(self._classes)[1] for one in self._stored.parts]
        distinct = list({id(words): words for words in every}.values())
        if len(distinct) == 1:
            return distinct[0]
        return {word: place for place, word in enumerate(sorted(set().union(*distinct)))}

    @cached_property
    def numbers(self) -> NDArray[np.float64]:
        """(N,) the sum over a picture's words of log(1 - p)."""
        return self._stored.numbers()

    @property
    def least(self) -> float | None:
        """The least probability that is kept of any picture; None where there is none."""
        parts = ((one.part.least[one.rows >= 0], one) for one in self._stored.parts)
        found = min((float(least.min()) for least, _ in parts if len(least)), default=np.inf)
        return found if found < np.inf else None

    def __contains__(self, word: str) -> bool:
        """Whether anything is predicted of this word; perhaps no picture holds it."""
        return word in self.words

    def row(self, number: int) -> dict[str, float]:
        """All that is kept of one picture. errors: IndexError"""
        return self._stored.row(number, classes=self._classes)

    def column(self, word: str) -> NDArray[np.float64]:
        """(N,) how probable the word is of every picture, 0 where nothing is kept."""
        return self.total((word,))

    def total(self, words: Iterable[str]) -> NDArray[np.float64]:
        """(N,) the sum of some words' probabilities, added one after the other."""
        found, asked = np.zeros(self.count), tuple(words)
        for one in self._stored.parts:
            for lists, number in self.lists_of(one, asked):
                one.add(found, *lists.of(number))
        return found

    def lists_of(self, one: PlacedPart, words: Iterable[str]) -> Iterator[tuple[Lists, int]]:
        """Of a part the lists to be read for some words, in the order in which weights are added, and the
        number of the word in each."""
        lists, numbers = one.part.lists(self._classes)
        return ((part, numbers[word]) for word in words if word in numbers for part in lists)

    @cached_property
    def spans(self) -> NDArray[np.int64]:
        """(P, 2) of each part the span of its pictures, see PlacedPart."""
        return np.array([one.span for one in self._stored.parts], np.int64).reshape(-1, 2)

    @cached_property
    def lists(self) -> Callable[[str], tuple[tuple[Entries, ...], ...]]:
        """Of a word, for each part, the lists of it: rows of the part and their weights."""
        return lru_cache(_KEPT)(self._lists)

    def _lists(self, word: str) -> tuple[tuple[Entries, ...], ...]:
        every = (self.lists_of(one, (word,)) for one in self._stored.parts)
        return tuple(tuple(lists.of(number) for lists, number in found) for found in every)


class StoredWeights:
    """The lists of likely words as an index sums over them, see WordLists."""

    of_sets = False

    def __init__(self, stored: StoredWords, weigh: Weigh) -> None:
        """weigh: what of a probability is compared"""
        self.count, self._stored, self._weigh = stored.count, stored, weigh
        self._kept = KeptLists()

    def frequency(self, word: str) -> int:
        """In how many rows the word is."""
        return len(self._stored.likely(word)[0])

    def held(self, word: str) -> Held | None:
        """The rows that hold a word, and its weights; None for a word of which nothing is predicted."""
        known = word in self._stored.head
        return self._kept.get(word, lambda: self._read(word)) if known else None

    def _read(self, word: str) -> Held:
        rows, likely = self._stored.likely(word)
        return Held.of_weights(rows, self._weigh(word, likely))

    def counts(self, words: Iterable[str]) -> Iterator[tuple[slice, NDArray[np.unsignedinteger]]]:
        """Nothing: only words of sets are counted."""
        raise ValueError("These lists hold weights; only words of sets are counted.")

    def sums(self, terms: Mapping[str, Term]) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """The sum of a term for each word, in one block of all rows; words are added by spelling."""
        sums = np.zeros(self.count)
        for word in sorted(terms):
            held = self.held(word)
            if held is not None:
                assert held.weights is not None, "as held says"
                sums[held.rows] += terms[word](held.weights)
        yield slice(0, self.count), sums


def _pairs(entries: Entries) -> Iterator[tuple[int, float]]:
    return zip(entries[0].tolist(), entries[1].tolist(), strict=True)

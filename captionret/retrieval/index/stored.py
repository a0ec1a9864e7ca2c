"""Word indexes over captions whose postings are kept (see postings), the same scores to the bit as an index
that is made of the captions themselves."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from .. import corpus
from .best import KERNEL, Held, Word, best_sets, smallest_of_blocks
from .cosine import BM25Index, CosineIndex
from .inverted import KeptLists, Term
from .jaccard import JaccardIndex
from .postings import CaptionPostings
from .sparse import WordWeights

J = TypeVar("J", bound=JaccardIndex)
C = TypeVar("C", bound=CosineIndex)
_KEPT = 10_000  # words whose rows are kept at hand
# the number of a word, the rows that hold it -> their weights
Weigh = Callable[[int, NDArray[np.int32]], NDArray[np.float32]]


class CaptionIndex(Protocol):
    """The postings of a gallery's captions, in one or several parts."""

    @property
    def parts(self) -> Sequence[CaptionPostings]:
        """Each of them."""

    @property
    def mean_length(self) -> float:
        """How many words a caption of the gallery has, repeats included."""

    def frequency(self, word: str) -> int:
        """How many pictures' captions hold the word."""

    def lemma_frequency(self, base: str) -> int:
        """How many hold a word with this base form."""

    def split(self, allowed: NDArray[np.bool_] | None) -> Sequence[NDArray[np.bool_] | None]:
        """(N,) of the gallery's pictures -> of each part's captions; None: all of them."""

    def joined(self, found: Sequence[Sequence[tuple[int, float]]]) -> list[tuple[int, float]]:
        """Rows of each part with a number -> rows of the gallery."""

    def merged(self, scores: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Scores of each part's captions -> (N,) of the gallery's pictures, a new array."""


class StoredLists:
    """The lists of one part as an index sums over them, see InvertedLists."""

    def __init__(
        self,
        postings: CaptionPostings,
        weigh: Weigh | None = None,
        lemmas: bool = False,
        usual: Callable[[int], float] | None = None,
    ) -> None:
        """weigh: None: all words weigh 1, as in sets; lemmas: whether words stand for their base forms
        usual: the weight of a word in rows that hold it once, where that is one number"""
        self.postings, self._weigh, self._lemmas, self._usual = postings, weigh, lemmas, usual
        self._kept = KeptLists()
        self.count, self.of_sets = postings.count, weigh is None

    def frequency(self, word: str) -> int:
        """In how many rows the word is."""
        return self.postings.frequency(word)

    def held(self, word: str) -> Held | None:
        """The rows that hold a word; None where none does. Only for lists of weights."""
        number = self.postings.number(word)
        if number is None:
            return None
        return self._kept.get(word, lambda: self._read(number))

    def _read(self, number: int) -> Held:
        assert self._weigh is not None and not self._lemmas, "sets have no weights"
        if self._usual is None:
            every = self.postings.rows(number)
            return Held.of_weights(every, self._weigh(number, every))
        others, usual = self.postings.repeated(number), self._usual(number)
        weights = self._weigh(number, others)
        bits = self.postings.bits(number)
        rows = self.postings.rows(number) if bits is None else None
        return Held(rows, bits, None, usual, others, weights, float(weights.max(initial=usual)))

    def counts(self, words: Iterable[str]) -> Iterator[tuple[slice, NDArray[np.unsignedinteger]]]:
        """How many of the words each row holds, in one block of all rows."""
        asked = sorted(set(words))
        few = len(asked) < 256
        found: NDArray[np.unsignedinteger] = np.zeros(self.count, np.uint8 if few else np.uint32)
        for word in asked:
            if self._lemmas:
                held = self.postings.holding_lemma(word)
                if held is not None:
                    found += held
            elif (number := self.postings.number(word)) is not None:
                self.postings.add_to(found, number)
        yield slice(0, self.count), found

    def sums(self, terms: Mapping[str, Term]) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """The sum of a term for each word, in one block of all rows; words are added by spelling."""
        sums = np.zeros(self.count)
        for word in sorted(terms):
            for rows, weights in self._held(word):
                sums[rows] += terms[word](weights)
        yield slice(0, self.count), sums

    def _held(self, word: str) -> Iterator[tuple[NDArray[np.int32], NDArray[np.float32]]]:
        """The rows that hold a word, with its weights; nothing where none does."""
        if self._lemmas:
            held = self.postings.holding_lemma(word)
            if held is not None:
                rows = np.flatnonzero(held).astype(np.int32)
                yield rows, np.ones(len(rows), np.float32)
        elif (number := self.postings.number(word)) is not None:
            found = self.postings.rows(number)
            yield (
                found,
                np.ones(len(found), np.float32) if self._weigh is None else self._weigh(number, found),
            )


def _one(number: int, rows: NDArray[np.int32]) -> NDArray[np.float32]:
    return np.ones(len(rows), np.float32)


class StoredIndex:
    """An index for each part of the postings; one answer for the gallery.

    finds_best: whether `best` may find the best rows
    """

    def __init__(self, captions: CaptionIndex, of_part: Callable[[CaptionPostings], "PartIndex"]) -> None:
        self._captions, self.finds_best = captions, KERNEL is not None
        self._parts = [of_part(part) for part in captions.parts]

    def scores(self, query: Mapping[str, float]) -> NDArray[np.float32]:
        """(N,) float32."""
        return self._captions.merged([part.scores(query) for part in self._parts])

    def best(
        self, query: Mapping[str, float], top: int, least: float, allowed: NDArray[np.bool_] | None
    ) -> list[tuple[int, float]] | None:
        """The best rows with their scores, best first, ties by row; None where all have to be scored."""
        limits = self._captions.split(allowed)
        found: list[list[tuple[int, float]]] = []
        for part, limit in zip(self._parts, limits, strict=True):
            best = part.best(query, top, least, limit)
            if best is None:
                return None
            found.append(best)
        return self._first(found, top)

    def _first(self, found: Sequence[Sequence[tuple[int, float]]], top: int) -> list[tuple[int, float]]:
        return sorted(self._captions.joined(found), key=lambda one: (-one[1], one[0]))[:top]

    def shares(self, query: Mapping[str, float], row: Mapping[str, float]) -> dict[str, float]:
        """What each word of either side adds to the score of one row."""
        return self._parts[0].shares(query, row)

    def weight(self, word: str) -> float:
        """How much a word counts."""
        return self._parts[0].weight(word)


class StoredSets(StoredIndex):
    """Sets of words, of which the best can be found without a score for each."""

    def __init__(
        self, captions: CaptionIndex, of_part: Callable[[CaptionPostings], "PartIndex"], sizes: str
    ) -> None:
        """sizes: which words count, see CaptionPostings.of_each"""
        super().__init__(captions, of_part)
        self._sizes, self.finds_best = sizes, True

    def best(
        self, query: Mapping[str, float], top: int, least: float, allowed: NDArray[np.bool_] | None
    ) -> list[tuple[int, float]] | None:
        """The best rows; None for a query whose words do not weigh 1."""
        if any(weight != 1 for weight in query.values()):
            return None
        limits = self._captions.split(allowed)
        found = [
            best_sets(
                [word for word in map(part.held, query) if word is not None],
                len(query),
                part.sizes,
                part.smallest,
                limit,
                top,
                least,
            )
            for part, limit in zip(self._sets, limits, strict=True)
        ]
        return self._first(found, top)

    @cached_property
    def _sets(self) -> list["_PartOfSets"]:
        return [_PartOfSets(part, self._sizes) for part in self._captions.parts]


class _PartOfSets:
    """What the search for the best rows reads of one part, each word once.

    sizes: (n,) how many words each row has; smallest: see smallest_of_blocks
    """

    def __init__(self, postings: CaptionPostings, sizes: str) -> None:
        self._postings, self._lemmas = postings, sizes == "lemmas"
        self.sizes = postings.of_each(sizes)
        self.smallest = smallest_of_blocks(self.sizes)
        self._words: dict[str, Word | None] = {}

    def held(self, word: str) -> Word | None:
        """The rows that hold a word; None where none does."""
        if word not in self._words:
            if len(self._words) > _KEPT:
                self._words.clear()
            self._words[word] = self._of_lemma(word) if self._lemmas else self._of_word(word)
        return self._words[word]

    def _of_word(self, word: str) -> Word | None:
        number = self._postings.number(word)
        if number is None:
            return None
        bits = self._postings.bits(number)
        return (self._postings.rows(number), False) if bits is None else (bits, True)

    def _of_lemma(self, base: str) -> Word | None:
        held = self._postings.holding_lemma(base)
        return None if held is None else (np.packbits(held, bitorder="little"), True)


class PartIndex(Protocol):
    """What compares queries with one part; see StoredIndex."""

    def scores(self, query: Mapping[str, float]) -> NDArray[np.float32]:
        """(n,) of the part's captions."""

    def best(
        self, query: Mapping[str, float], top: int, least: float, allowed: NDArray[np.bool_] | None
    ) -> list[tuple[int, float]] | None:
        """The best rows; None where all have to be scored."""

    def shares(self, query: Mapping[str, float], row: Mapping[str, float]) -> dict[str, float]:
        """What each word adds to the score of one row."""

    def weight(self, word: str) -> float:
        """How much a word counts."""


def set_jaccard(kind: type[J], sizes: str, postings: CaptionPostings) -> J:
    """Jaccard similarity of sets; sizes: which words count, see CaptionPostings.of_each."""
    lists = StoredLists(postings, lemmas=sizes == "lemmas")
    return kind.of_lists(lists, postings.of_each(sizes), WordWeights())


def idf_jaccard(kind: type[J], postings: CaptionPostings) -> J:
    """Jaccard similarity in which words count by their idf."""

    def weigh(number: int, rows: NDArray[np.int32]) -> NDArray[np.float32]:
        return np.full(len(rows), corpus.weight(postings.words[number]), np.float32)

    weights = WordWeights(corpus.idf(), corpus.rarest())
    lists = StoredLists(postings, weigh, usual=partial(_idf, postings))
    return kind.of_lists(lists, postings.of_each("idf"), weights)


def tfidf_cosine(kind: type[C], postings: CaptionPostings) -> C:
    """The cosine of counts times idf."""

    def weigh(number: int, rows: NDArray[np.int32]) -> NDArray[np.float32]:
        return postings.counts(number, rows) * np.float32(corpus.weight(postings.words[number]))

    lists = StoredLists(postings, weigh, usual=partial(_idf, postings))
    return kind.of_lists(lists, postings.of_each("norm"))


def _idf(postings: CaptionPostings, number: int) -> float:
    return float(np.float32(corpus.weight(postings.words[number])))


def stored_bm25(captions: CaptionIndex, postings: CaptionPostings) -> BM25Index:
    """Okapi BM25 with the corpus's idf."""
    lengths = postings.of_each("length")

    def weigh(index: BM25Index, number: int, rows: NDArray[np.int32]) -> NDArray[np.float32]:
        found = index.saturated(postings.counts(number, rows), lengths[rows].astype(np.float64))
        return np.asarray(found, np.float32)

    index = BM25Index.with_mean(captions.mean_length, corpus.idf(), corpus.rarest())
    index.lists = StoredLists(postings, partial(weigh, index))
    return index

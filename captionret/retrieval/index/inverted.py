"""Inverted lists: for every word the rows that hold it, so that a query reads no more than its own words.
Exact, plain NumPy."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .best import Held
from .sparse import WordMatrix, stable_order

# A word in more rows than this is kept as a number for every row, most of them perhaps 0, in place of a list:
# adding all of them is then the faster way. Adding 0 to 255 ones is so much cheaper than adding weights that
# the two differ.
DENSE_SHARE_OF_SETS, DENSE_SHARE = 1 / 64, 1 / 6
# Rows at a time: what is being summed stays in the processor's caches.
BLOCK_OF_COUNTS, BLOCK = 2**19, 2**16
_FOUR_BITS = 15

# weights in one word's list -> what each adds to its row's sum; 0 -> 0
Term = Callable[[NDArray[np.float32]], NDArray[np.float32]]


class WordLists(Protocol):
    """Lists of the rows that hold each word, by which scores are summed; see InvertedLists."""

    count: int
    of_sets: bool

    def frequency(self, word: str) -> int:
        """How many rows hold a word."""

    def held(self, word: str) -> Held | None:
        """The rows that hold a word; None for a word of none."""

    def counts(self, words: Iterable[str]) -> Iterator[tuple[slice, NDArray[np.unsignedinteger]]]:
        """How many of the words each row holds, in blocks of rows."""

    def sums(self, terms: Mapping[str, Term]) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """The sum of what the words add to each row, in blocks of rows."""


class KeptLists:
    """Words whose rows are kept at hand, as long as they take little room."""

    MOST = 64 << 20  # bytes

    def __init__(self) -> None:
        self._held: dict[str, Held] = {}
        self._bytes = 0

    def get(self, word: str, read: Callable[[], Held]) -> Held:
        """The rows of a word; `read` gives them where they are not here."""
        found = self._held.get(word)
        if found is None:
            found = read()
            if self._bytes + found.bytes > self.MOST:
                self._held, self._bytes = {}, 0
            self._held[word] = found
            self._bytes += found.bytes
        return found


class InvertedLists:
    """The columns of `WordMatrix`, over which any score is summed that is a sum over a query's words. With a
    weight q per query word,

        for rows, sums in lists.sums({word: partial(np.minimum, q) ...}):   # the numerator of weighted
        Jaccard for rows, sums in lists.sums({word: partial(np.multiply, q) ...}):  # the dot product: tf-idf
        cosine, BM25 over word probabilities of impacts

    Words are added in the order of their spelling, in float64, for every row alike: a row's sum is the same
    bits whatever other rows there are and in whatever order, and equal rows have equal sums.

    word_ids:    the place of each word
    frequencies: (V,) int64, in how many rows each word is
    of_sets:     whether all weights are 1, which need not be stored then
    """

    def __init__(self, matrix: WordMatrix) -> None:
        self.count = len(matrix)
        self.word_ids = {word: number for number, word in enumerate(matrix.words)}
        self.frequencies = np.bincount(matrix.ids, minlength=len(matrix.words))
        self.of_sets = bool((matrix.weights == 1).all())
        order = stable_order(matrix.ids)  # (K,)
        owners = matrix.owners()[order]
        weights = None if self.of_sets else matrix.weights.astype(np.float32)[order]
        # (V,)
        frequent = self.frequencies > self.count * (DENSE_SHARE_OF_SETS if self.of_sets else DENSE_SHARE)
        self._half = (self.count + 1) // 2
        self._places = {word: place for place, word in enumerate(np.flatnonzero(frequent).tolist())}
        # Of each frequent word (F, N) weights, or for sets (F, N/2): row i in the lower four bits, row i +
        # N/2 in the upper ones
        self._rows = np.empty(
            (len(self._places), self._half if weights is None else self.count),
            np.uint8 if weights is None else np.float32,
        )
        self._starts = np.concatenate([[0], np.cumsum(self.frequencies)])  # (V+1,)
        for word, place in self._places.items():
            held = self._held(word)
            row = np.zeros(2 * self._half, self._rows.dtype)
            row[owners[held]] = 1 if weights is None else weights[held]
            self._rows[place] = (
                row[: self._half] | row[self._half :] << 4 if weights is None else row[: self.count]
            )
        listed = np.repeat(~frequent, self.frequencies)  # (K,)
        self._owners = owners[listed]  # of every other word the rows that hold it, ascending
        self._weights = None if weights is None else weights[listed]
        self._starts = np.concatenate([[0], np.cumsum(np.where(frequent, 0, self.frequencies))])
        self._held_words: dict[int, Held] = {}

    def frequency(self, word: str) -> int:
        """In how many rows the word is."""
        return int(self.frequencies[self.word_ids[word]]) if word in self.word_ids else 0

    def held(self, word: str) -> Held | None:
        """The rows that hold a word; None where none does. Only for lists of weights."""
        number = self.word_ids.get(word)
        if number is None:
            return None
        if number not in self._held_words:  # the largest of its weights is looked for once
            self._held_words[number] = self._read(number)
        return self._held_words[number]

    def _read(self, number: int) -> Held:
        if number in self._places:
            return Held.of_weights(None, self._rows[self._places[number]])
        assert self._weights is not None, "sets have no weights"
        held = self._held(number)
        return Held.of_weights(self._owners[held], self._weights[held])

    def counts(self, words: Iterable[str]) -> Iterator[tuple[slice, NDArray[np.unsignedinteger]]]:
        """Block by block of rows, how many of the words each row holds. Only for lists of sets.

        yields: a slice of rows, and the counts of these rows; every row once, not in their order
        """
        if not self.of_sets:
            raise ValueError("These lists hold weights; only words of sets are counted.")
        known = sorted(self.word_ids[word] for word in set(words) if word in self.word_ids)
        dtype = np.dtype(np.uint8 if len(known) < 256 else np.uint32)
        frequent = [self._rows[self._places[word]] for word in known if word in self._places]
        blocks = self._blocks(BLOCK_OF_COUNTS)
        lists = [self._list(word, blocks) for word in known if word not in self._places]
        both = (half for low in blocks[::2] for half in _counts_of_halves(frequent, low, dtype))
        for block, counts, *parts in zip(blocks, both, *lists, strict=True):
            counts = counts[: block.stop - block.start]
            for places, _ in parts:
                np.add.at(counts, places, dtype.type(1))
            yield block, counts

    def sums(self, terms: Mapping[str, Term]) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """Block by block of rows, the sum of a term for each word: sum over w of terms[w](weight of w in the
        row).

        terms:  for each word of a query a function of an array of float32 weights that gives a new array of
                terms, 0 for a weight of 0
        yields: a slice of rows, and the sums of these rows; every row once, not in their order
        """
        blocks = self._blocks(BLOCK)
        known = [(self.word_ids[word], terms[word]) for word in sorted(terms) if word in self.word_ids]
        columns = [self._terms(word, term, blocks) for word, term in known]
        for block, *parts in zip(blocks, *columns, strict=True):
            sums = np.zeros(block.stop - block.start)
            for places, added in parts:
                if places is None:
                    sums += added
                else:
                    np.add.at(sums, places, added)
            yield block, sums

    def _terms(
        self, word: int, term: Term, blocks: list[slice]
    ) -> Iterator[tuple[NDArray[np.intp] | None, NDArray[np.floating]]]:
        """For each block what the word adds: a number for every row, or for some (their places in the block,
        and the numbers)."""
        if word in self._places:
            for block in blocks:
                yield None, term(self._row(self._places[word], block))
            return
        held = self._held(word)
        weights = (
            np.ones(held.stop - held.start, np.float32) if self._weights is None else self._weights[held]
        )
        added = term(weights).astype(np.float64)  # np.add.at is slow where types differ
        for places, part in self._list(word, blocks):
            yield places, added[part]

    def _row(self, place: int, block: slice) -> NDArray[np.float32]:
        """A frequent word's weights in a block."""
        if not self.of_sets:
            row: NDArray[np.float32] = self._rows[place]
            return row[block]
        packed: NDArray[np.uint8] = self._rows[place]
        if block.start < self._half:
            return (packed[block] & _FOUR_BITS).astype(np.float32)
        return (packed[block.start - self._half : block.stop - self._half] >> 4).astype(np.float32)

    def _list(self, word: int, blocks: list[slice]) -> Iterator[tuple[NDArray[np.intp], slice]]:
        """For each block where in it the rows are that hold a word, and where these stand in the word's
        list."""
        owners = self._owners[self._held(word)]
        first = np.searchsorted(owners, np.array([block.start for block in blocks], np.int32))
        last = np.searchsorted(owners, np.array([block.stop for block in blocks], np.int32))
        for block, low, high in zip(blocks, first.tolist(), last.tolist(), strict=True):
            yield np.subtract(owners[low:high], block.start, dtype=np.intp), slice(low, high)

    def _blocks(self, size: int) -> list[slice]:
        """All rows in blocks of `size`, by turns of the lower and the upper half: they lie in the same
        bytes."""
        lower = [slice(start, min(start + size, self._half)) for start in range(0, self._half, size)]
        return [
            block
            for low in lower
            for block in (low, slice(low.start + self._half, min(low.stop + self._half, self.count)))
        ]

    def _held(self, word: int) -> slice:
        return slice(int(self._starts[word]), int(self._starts[word + 1]))


def _counts_of_halves(
    rows: list[NDArray[np.uint8]], block: slice, dtype: np.dtype
) -> tuple[np.ndarray, np.ndarray]:
    """How many of the rows hold a word, for a block in the lower half of the gallery and for the one in the
    upper half."""
    pairs = np.zeros(block.stop - block.start, np.uint8)
    for row in rows[:_FOUR_BITS]:  # more might not fit
        pairs += row[block]
    lower, upper = (pairs & _FOUR_BITS).astype(dtype, copy=False), (pairs >> 4).astype(dtype, copy=False)
    if len(rows) > _FOUR_BITS:
        more = _counts_of_halves(rows[_FOUR_BITS:], block, dtype)
        return lower + more[0], upper + more[1]
    return lower, upper

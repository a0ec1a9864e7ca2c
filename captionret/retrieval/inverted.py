"""Inverted lists: for every word the rows that hold it, so that a query reads no more than its own words. Exact, plain NumPy."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .beliefs import Beliefs, stable_order

# A word in more rows than this is kept as a row of N numbers, most of them perhaps 0, in place of a list: adding all of it is then the
# faster way. Adding 0 to 255 ones is so much cheaper than adding weights that the two differ.
DENSE_SHARE_OF_SETS, DENSE_SHARE = 1 / 64, 1 / 6
# Rows at a time: what is being summed stays in the processor's second cache.
BLOCK_OF_COUNTS, BLOCK = 2**18, 2**16

Term = Callable[[NDArray[np.float32]], NDArray[np.float32]]  # weights in one word's list -> what each adds to its row's sum; 0 -> 0


class InvertedLists:
    """The columns of `Beliefs`, over which any score is summed that is a sum over a query's words. With a weight q per query word,

        for rows, sums in lists.sums({word: partial(np.minimum, q) ...}):   # the numerator of weighted Jaccard
        for rows, sums in lists.sums({word: partial(np.multiply, q) ...}):  # the dot product: tf-idf cosine, BM25 over beliefs of impacts

    Words are added in the order of their spelling, in float64, for every row alike: a row's sum is the same bits whatever other rows
    there are and in whatever order, and equal rows have equal sums.

    word_ids:    the place of each word
    frequencies: (V,) int64, in how many rows each word is
    of_sets:     whether all weights are 1, which need not be stored then
    """

    def __init__(self, beliefs: Beliefs) -> None:
        self.count = len(beliefs)
        self.word_ids = {word: number for number, word in enumerate(beliefs.words)}
        self.frequencies = np.bincount(beliefs.ids, minlength=len(beliefs.words))
        self.of_sets = bool((beliefs.weights == 1).all())
        order = stable_order(beliefs.ids)  # (K,)
        owners = beliefs.owners()[order]
        weights = None if self.of_sets else beliefs.weights[order]
        self._starts = np.concatenate([[0], np.cumsum(self.frequencies)])  # (V+1,)
        frequent = self.frequencies > self.count * (DENSE_SHARE_OF_SETS if self.of_sets else DENSE_SHARE)  # (V,)
        self._rows: dict[int, np.ndarray] = {}  # of each frequent word the weight in every row: (N,) uint8 for sets, else float32
        for word in np.flatnonzero(frequent).tolist():
            held = self._held(word)
            self._rows[word] = np.zeros(self.count, np.uint8 if weights is None else np.float32)
            self._rows[word][owners[held]] = 1 if weights is None else weights[held]
        listed = np.repeat(~frequent, self.frequencies)  # (K,)
        self._owners = owners[listed]  # of every other word the rows that hold it, ascending
        self._weights = None if weights is None else weights[listed]
        self._starts = np.concatenate([[0], np.cumsum(np.where(frequent, 0, self.frequencies))])

    def frequency(self, word: str) -> int:
        """In how many rows the word is."""
        return int(self.frequencies[self.word_ids[word]]) if word in self.word_ids else 0

    def counts(self, words: Iterable[str]) -> Iterator[tuple[slice, NDArray[np.unsignedinteger]]]:
        """Block by block of rows, how many of the words each row holds.

        yields: a slice of rows, and the counts of these rows; the array is overwritten for the next block
        """
        known: dict[str, Term | None] = {word: None for word in sorted(set(words)) if word in self.word_ids}
        yield from self._sums(known, BLOCK_OF_COUNTS, np.dtype(np.uint8 if len(known) < 256 else np.uint32))

    def sums(self, terms: Mapping[str, Term]) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """Block by block of rows, the sum of a term for each word: sum over w of terms[w](weight of w in the row).

        terms:  for each word of a query a function of an array of weights, float32, that gives as many terms, and 0 for a weight of 0
        yields: a slice of rows, and the sums of these rows; the array is overwritten for the next block
        """
        yield from self._sums({word: terms[word] for word in sorted(terms) if word in self.word_ids}, BLOCK, np.dtype(np.float64))

    def _sums(self, terms: Mapping[str, Term | None], size: int, dtype: np.dtype) -> Iterator[tuple[slice, np.ndarray]]:
        """In blocks of `size` rows; a term of None is 1 for every row that holds the word."""
        edges = np.append(np.arange(0, self.count, size, dtype=np.int32), np.int32(self.count))  # between blocks
        blocks = [slice(start, stop) for start, stop in pairwise(edges.tolist())]
        buffer = np.empty(min(size, self.count), dtype)
        columns = [self._column(self.word_ids[word], term, edges, dtype) for word, term in terms.items()]
        for block, *parts in zip(blocks, *columns, strict=True):
            sums = buffer[: block.stop - block.start]
            sums.fill(0)
            for owners, added in parts:
                if owners is None:
                    sums += added
                elif len(owners):
                    np.add.at(sums, owners, added)
            yield block, sums

    def _column(
        self, word: int, term: Term | None, edges: NDArray[np.int32], dtype: np.dtype
    ) -> Iterator[tuple[NDArray[np.intp] | None, np.ndarray]]:
        """For each block what the word adds: a number for every row, or for some (their places in the block, and the numbers)."""
        if word in self._rows:
            for start, stop in pairwise(edges):
                weights = self._rows[word][start:stop]
                if term is None:
                    yield None, weights if self.of_sets else weights > 0
                else:
                    yield None, term(weights.astype(np.float32, copy=False))
            return
        owners = self._owners[self._held(word)]
        if term is None:
            added = np.ones(len(owners), dtype)
        else:
            weights = np.ones(len(owners)) if self._weights is None else self._weights[self._held(word)]
            added = term(weights.astype(np.float32)).astype(dtype)  # np.add.at is slow where types differ
        cuts = np.searchsorted(owners, edges)
        for start, low, high in zip(edges, cuts, cuts[1:], strict=False):
            yield np.subtract(owners[low:high], start, dtype=np.intp), added[low:high]

    def _held(self, word: int) -> slice:
        return slice(self._starts[word], self._starts[word + 1])

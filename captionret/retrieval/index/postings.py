"""The words of many captions, by word: which captions hold it, and those that hold it more than once.

A word of many captions is kept as a bit for each caption, every other one as a list of rows. What a mode
divides by (the number of words, the sum of their idf, the length of the vector) is kept for each caption.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import chain, count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...text import STOP_WORDS, is_word, tokenize
from .. import corpus
from ..lemmas import lemma
from .arrays import Arrays, Texts, starts_of, text_arrays
from .sparse import stable_order

# A word in more captions than this has a bit for each: as many bytes as a list would take, and faster.
DENSE_SHARE = 1 / 32
_FEW = 4096  # captions, of which no word has bits
WORD = 32  # bytes of which each word's bits are a multiple
LEMMAS_FROM = 2000  # captions, from which on base forms are kept; of fewer they are made when asked for


class CaptionPostings:
    """What `posting_arrays` made, read a word at a time.

    count: of captions; words: all of them, ascending
    """

    def __init__(self, arrays: Arrays, captions: int) -> None:
        self.count, self._arrays = captions, arrays
        self.words = Texts(arrays, "words")
        self._numbers: dict[str, int | None] = {}

    def number(self, word: str) -> int | None:
        """The place of a word among all; None where no caption holds it."""
        if word not in self._numbers:
            self._numbers[word] = self.words.find(word)
        return self._numbers[word]

    def frequency(self, word: str) -> int:
        """How many captions hold it."""
        number = self.number(word)
        return 0 if number is None else int(self._arrays.part("frequencies", number, number + 1)[0])

    def bits(self, number: int) -> NDArray[np.uint8] | None:
        """A bit for each caption, the first one in the lowest bit, filled up to a multiple of WORD bytes.
        None for a word that has a list."""
        place = self._dense.get(number)
        if place is None:
            return None
        width = self._width
        return self._arrays.part("bits", place * width, (place + 1) * width)

    def rows(self, number: int) -> NDArray[np.int32]:
        """The captions that hold a word, ascending."""
        bits = self.bits(number)
        if bits is None:
            start, stop = self._arrays.part("lists.starts", number, number + 2).tolist()
            return self._arrays.part("lists", start, stop)
        held = np.unpackbits(bits, count=self.count, bitorder="little")
        return np.flatnonzero(held.view(np.bool_)).astype(np.int32)

    def counts(self, number: int, rows: NDArray[np.int32]) -> NDArray[np.float32]:
        """How often each of a word's captions, as `rows` gives them, holds it."""
        found = np.ones(len(rows), np.float32)
        start, stop = self._arrays.part("repeats.starts", number, number + 2).tolist()
        found[np.searchsorted(rows, self.repeated(number))] = self._arrays.part("repeats.counts", start, stop)
        return found

    def repeated(self, number: int) -> NDArray[np.int32]:
        """The captions that hold a word more than once, ascending."""
        start, stop = self._arrays.part("repeats.starts", number, number + 2).tolist()
        return self._arrays.part("repeats", start, stop)

    def add_to(self, counts: NDArray[np.unsignedinteger], number: int) -> None:
        """Add 1 to each caption that holds a word."""
        bits = self.bits(number)
        if bits is None:
            counts[self.rows(number)] += 1
        else:
            counts += np.unpackbits(bits, count=self.count, bitorder="little")

    def holding(self, number: int, rows: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Which of some captions hold a word."""
        bits = self.bits(number)
        if bits is not None:
            return np.asarray(bits[rows >> 3] >> (rows & 7).astype(np.uint8) & 1, np.bool_)
        held = self.rows(number)
        places = np.searchsorted(held, rows)
        found = np.zeros(len(rows), np.bool_)
        inside = places < len(held)
        found[inside] = held[places[inside]] == rows[inside]
        return found

    def holding_lemma(self, base: str) -> NDArray[np.uint8] | None:
        """(n,) 1 where a caption holds a word with this base form; None where there is no such word."""
        numbers = self.of_lemma(base)
        if not numbers:
            return None
        found = np.zeros(self.count, np.uint8)
        for number in numbers:
            held = np.zeros(self.count, np.uint8)
            self.add_to(held, number)
            found |= held
        return found

    def of_each(self, name: str) -> NDArray[Any]:
        """A number for each caption: "distinct", "content" or "lemmas" (how many words it has, without stop
        words, and base forms of these), "length" (with repeats), "idf" (its words' sum), "norm" (the length
        of its tf-idf vector)."""
        if name == "lemmas" and "lemmas" not in self._arrays:
            return self._lemma_sizes
        return self._arrays.whole(name)

    def of_lemma(self, base: str) -> list[int]:
        """The numbers of the words of which this is the base form, stop words left out."""
        if "lemma.starts" not in self._arrays:
            return self._lemmas.get(base, [])
        place = Texts(self._arrays, "lemma").find(base)
        if place is None:
            return []
        start, stop = self._arrays.part("lemma_words.starts", place, place + 2).tolist()
        found: list[int] = self._arrays.part("lemma_words", start, stop).tolist()
        return found

    @cached_property
    def _dense(self) -> dict[int, int]:
        return {word: place for place, word in enumerate(self._arrays.whole("dense").tolist())}

    @cached_property
    def _width(self) -> int:
        return _padded(self.count)

    @cached_property
    def _lemmas(self) -> Mapping[str, list[int]]:
        return _by_lemma(list(self.words))

    @cached_property
    def _lemma_sizes(self) -> NDArray[np.uint32]:
        sizes = np.zeros(self.count, np.uint32)
        for numbers in self._lemmas.values():
            sizes[np.unique(np.concatenate([self.rows(number) for number in numbers]))] += 1
        return sizes


def posting_arrays(captions: Sequence[str], base_forms: bool = True) -> dict[str, NDArray[Any]]:
    """The arrays that CaptionPostings reads, of N captions.

    base_forms: False: those of the words are found when a mode asks for them, which takes seconds
    """
    return arrays_of_words(*numbered(captions), base_forms)


def arrays_of_words(
    words: Sequence[str], lengths: NDArray[np.int64], ids: NDArray[np.int32], base_forms: bool = True
) -> dict[str, NDArray[Any]]:
    """The same of captions whose words are numbered."""
    captions = len(lengths)
    # (K,) by caption, then by word: whose, which, and how often
    keys = np.repeat(np.arange(captions, dtype=np.int64) * max(len(words), 1), lengths)
    keys += ids
    keys.sort()
    first = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])) if len(keys) else np.zeros(0, np.int64)
    times = np.diff(np.append(first, len(keys)))
    owners, numbers = np.divmod(keys[first], max(len(words), 1))
    owners, numbers = owners.astype(np.int32), numbers.astype(np.int32)
    return {
        **text_arrays("words", words),
        "order": small(ids),
        **_of_each(words, captions, owners, numbers, times),
        **_by_word(len(words), captions, owners, numbers, times),
        **(_lemma_arrays(words, captions, owners, numbers) if base_forms and captions >= LEMMAS_FROM else {}),
    }


def numbered(captions: Iterable[str]) -> tuple[list[str], NDArray[np.int64], NDArray[np.int32]]:
    """The words of captions, ascending; how many each caption holds; and the place of each one's words, one
    after the other."""
    numbers: defaultdict[str, int] = defaultdict(count().__next__)
    lengths: list[int] = []

    def tokens() -> Iterable[tuple[str, ...]]:
        for caption in captions:
            found = tokenize(caption)
            lengths.append(len(found))
            yield found

    ids = np.fromiter(map(numbers.__getitem__, chain.from_iterable(tokens())), np.int32)
    words = sorted(filter(is_word, numbers))
    places = np.full(len(numbers), -1, np.int32)
    places[[numbers[word] for word in words]] = np.arange(len(words), dtype=np.int32)
    found = places[ids] if len(ids) else ids
    owners = np.repeat(np.arange(len(lengths)), lengths)
    return words, np.bincount(owners[found >= 0], minlength=len(lengths)), found[found >= 0]


def _of_each(
    words: Sequence[str],
    captions: int,
    owners: NDArray[np.int32],
    numbers: NDArray[np.int32],
    times: NDArray[np.int64],
) -> dict[str, NDArray[Any]]:
    """What modes divide by, added up in the order in which an index of the same captions in memory does."""
    content = np.fromiter((word not in STOP_WORDS for word in words), np.bool_, len(words))
    idf = np.fromiter(map(corpus.weight, words), np.float32, len(words))
    values = times.astype(np.float32) * idf[numbers]
    squares = np.bincount(owners, (values * values).astype(np.float64), captions)
    return {
        "distinct": small(np.bincount(owners, minlength=captions)),
        "content": small(np.bincount(owners[content[numbers]], minlength=captions)),
        "length": small(np.bincount(owners, times, captions).astype(np.int64)),
        "idf": np.bincount(owners, idf[numbers], captions).astype(np.float64),
        "norm": np.sqrt(squares),
    }


def _by_word(
    words: int,
    captions: int,
    owners: NDArray[np.int32],
    numbers: NDArray[np.int32],
    times: NDArray[np.int64],
) -> dict[str, NDArray[Any]]:
    by_word = np.argsort(numbers.astype(np.uint16), kind="stable") if words < 2**16 else stable_order(numbers)
    frequencies = np.bincount(numbers, minlength=words)
    starts = np.concatenate([[0], np.cumsum(frequencies)])
    rows, again = owners[by_word], times[by_word]
    dense = (
        np.flatnonzero(frequencies > captions * DENSE_SHARE) if captions >= _FEW else np.zeros(0, np.int64)
    )
    bits = np.zeros((len(dense), _padded(captions)), np.uint8)
    for place, word in enumerate(dense.tolist()):
        held = np.zeros(captions, np.bool_)
        held[rows[starts[word] : starts[word + 1]]] = True
        packed = np.packbits(held, bitorder="little")
        bits[place, : len(packed)] = packed
    listed = np.ones(words, np.bool_)
    listed[dense] = False
    repeated = again > 1
    return {
        "frequencies": frequencies.astype(np.uint32),
        "dense": dense.astype(np.int32),
        "bits": bits.reshape(-1),
        "lists": rows[np.repeat(listed, frequencies)],
        "lists.starts": starts_of(np.where(listed, frequencies, 0)),
        "repeats": rows[repeated],
        "repeats.starts": starts_of(np.bincount(numbers[by_word][repeated], minlength=words)),
        "repeats.counts": small(again[repeated]),
    }


def _lemma_arrays(
    words: Sequence[str], captions: int, owners: NDArray[np.int32], numbers: NDArray[np.int32]
) -> dict[str, NDArray[Any]]:
    """Base forms with the words that have them, and how many each caption holds."""
    by_lemma = _by_lemma(words)
    bases = sorted(by_lemma)
    lemma_of = np.full(len(words), -1, np.int64)
    for place, base in enumerate(bases):
        lemma_of[by_lemma[base]] = place
    keys = distinct((owners * np.int64(len(bases) + 1) + lemma_of[numbers])[lemma_of[numbers] >= 0])
    return {
        **text_arrays("lemma", bases),
        "lemma_words": np.fromiter(chain.from_iterable(by_lemma[base] for base in bases), np.int32),
        "lemma_words.starts": starts_of(np.array([len(by_lemma[base]) for base in bases], np.int64)),
        "lemmas": small(np.bincount(keys // (len(bases) + 1), minlength=captions)),
    }


def _by_lemma(words: Sequence[str]) -> Mapping[str, list[int]]:
    found: defaultdict[str, list[int]] = defaultdict(list)
    for number, word in enumerate(words):
        if word not in STOP_WORDS:
            found[lemma(word)].append(number)
    return found


def distinct(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """The different ones, ascending; of millions, sorting finds them far sooner than numpy.unique does."""
    keys = np.sort(keys)
    found: NDArray[np.int64] = keys[np.append(True, keys[1:] != keys[:-1])] if len(keys) else keys
    return found


def small(numbers: NDArray[np.integer]) -> NDArray[np.unsignedinteger]:
    """In as few bytes as the largest takes."""
    return numbers.astype(np.min_scalar_type(int(numbers.max(initial=0))))


def _padded(captions: int) -> int:
    """Bytes of a word's bits."""
    return -(-captions // (8 * WORD)) * WORD

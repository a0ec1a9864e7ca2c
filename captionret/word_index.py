"""Which row each of hundreds of thousands of words has, from a mapped file of their hashes: looking a few of
them up reads a few pages of it.

words = WordIndex.kept(Path("data/glove/words.npy"), read_all_words)
words["dog"], "xyzzy" in words
"""

import contextlib
import hashlib
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .errors import CaptionretError
from .files import publishing


class WordIndex(Mapping[str, int]):
    """A mapping from each word to its row, in the order of the rows.

    Two words of one hash would be taken for each other; of a million words with 64 bits two are alike with a
    probability of 1 in 30 million.
    """

    def __init__(self, table: NDArray[np.uint64], read: Callable[[], Sequence[str]]) -> None:
        """table: (2, N + 1), the sorted hashes above the rows; at its end its checksum above N

        read: gives the words in the order of their rows, where all are asked for
        """
        self._hashes, self._rows, self._read = table[0, :-1], table[1, :-1], read

    @classmethod
    def kept(cls, file: Path, read: Callable[[], Sequence[str]]) -> "WordIndex":
        """The index in that file; made of the words first where it is not there or damaged."""
        table = _whole(file)
        if table is not None:
            return cls(table, read)
        words = read()
        table = _table(words)
        with contextlib.suppress(OSError, CaptionretError), publishing(file) as opened:
            np.save(opened, table)
        return cls(table, lambda: words)

    def __getitem__(self, word: str) -> int:
        hashed = np.uint64(_hash(word))
        place = int(np.searchsorted(self._hashes, hashed))
        if place == len(self._hashes) or self._hashes[place] != hashed:
            raise KeyError(word)
        return int(self._rows[place])

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self.get(word) is not None

    def __len__(self) -> int:
        return len(self._hashes)

    def __iter__(self) -> Iterator[str]:
        return iter(self._words)

    @cached_property
    def _words(self) -> Sequence[str]:
        return self._read()


def _hash(word: str) -> int:
    digest = hashlib.blake2b(word.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def _table(words: Sequence[str]) -> NDArray[np.uint64]:
    hashes = np.fromiter(map(_hash, words), np.uint64, len(words))
    order = np.argsort(hashes, kind="stable")
    table = np.zeros((2, len(words) + 1), np.uint64)
    table[0, :-1], table[1, :-1] = hashes[order], order
    table[:, -1] = _checksum(table), len(words)
    return table


def _whole(file: Path) -> NDArray[np.uint64] | None:
    """The table in a file, mapped; None where there is none, or it is not what was written."""
    try:
        table = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if table.ndim != 2 or len(table) != 2 or table.dtype != np.uint64 or not table.shape[1]:
        return None
    right = table[0, -1] == _checksum(table) and table[1, -1] == table.shape[1] - 1
    return table if right else None


def _checksum(table: NDArray[np.uint64]) -> int:
    return zlib.crc32(table[1, :-1].data, zlib.crc32(table[0, :-1].data))

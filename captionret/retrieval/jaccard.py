"""Jaccard similarity |A∩B| / |A∪B|, exact: the definition, and an inverted index that scores a whole gallery at once."""

from collections.abc import Iterable, Sequence, Set

import numpy as np
from numpy.typing import NDArray

DENSE_SHARE = 1 / 32  # a word in more captions than this is kept as a row of zeros and ones as well: adding that row is the faster way


def jaccard(a: Set[str], b: Set[str]) -> float:
    """Shared members / all members. Two empty sets share nothing: 0."""
    union = len(a | b)
    return len(a & b) / union if union else 0.0


class JaccardIndex:
    """For every word the captions that hold it (a sparse matrix, words by captions, whose weights are all 1).

    In the general form, sum of minima / sum of maxima over word weights, the denominator is the sum of both sides' weights
    less the numerator, as it is here; so `scores` needs only the overlaps and one weight per side.
    """

    def __init__(self, captions: Sequence[Set[str]]) -> None:
        """captions: the word set of each of the N gallery captions."""
        count = len(captions)
        self.sizes = np.fromiter((len(words) for words in captions), np.float32, count)  # (N,)
        self.word_ids: dict[str, int] = {}
        number = self.word_ids.setdefault
        total = int(self.sizes.sum(dtype=np.int64))
        ids = np.fromiter((number(word, len(self.word_ids)) for words in captions for word in words), np.int32, total)
        self.frequencies = np.bincount(ids, minlength=len(self.word_ids))  # (V,) in how many captions each word is
        self.starts = np.concatenate([[0], np.cumsum(self.frequencies)])  # (V+1,)
        owners = np.repeat(np.arange(count, dtype=np.int32), self.sizes.astype(np.int64))
        self.postings = owners[np.argsort(ids, kind="stable")]  # (total,) the captions of word 0, of word 1, ...
        self._rows = {word: self._row(word) for word in np.flatnonzero(self.frequencies > count * DENSE_SHARE).tolist()}

    def scores(self, words: Iterable[str]) -> np.ndarray:
        """The query's Jaccard similarity to every caption: (N,) float32. Words that no caption holds count in the union."""
        query = set(words)
        known = [self.word_ids[word] for word in query if word in self.word_ids]
        overlaps: NDArray[np.unsignedinteger] = np.zeros(len(self.sizes), np.uint8 if len(known) < 256 else np.uint32)  # (N,)
        for word in known:
            if word in self._rows:
                np.add(overlaps, self._rows[word], out=overlaps)
            else:
                overlaps[self.postings[self.starts[word] : self.starts[word + 1]]] += 1  # a caption holds a word once: no index repeats
        unions = self.sizes + np.float32(len(query))
        unions -= overlaps
        np.maximum(unions, 1, out=unions)  # both sides empty: 0 / 1
        return np.divide(overlaps, unions, out=unions)

    def frequency(self, word: str) -> int:
        """In how many captions the word is."""
        return int(self.frequencies[self.word_ids[word]]) if word in self.word_ids else 0

    def _row(self, word: int) -> np.ndarray:
        row = np.zeros(len(self.sizes), np.uint8)
        row[self.postings[self.starts[word] : self.starts[word + 1]]] = 1
        return row

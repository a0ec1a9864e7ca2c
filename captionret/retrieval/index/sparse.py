"""What is predicted of many images at once: for each a weight per word, stored sparsely. A set of words has
weights that are all 1."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain, count, pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...counting import counted
from ...errors import BadSetting

# word probabilities: a weight per word, or words that all weigh 1
Words = Mapping[str, float] | Iterable[str]


@dataclass(frozen=True, slots=True, eq=False)
class WordMatrix:
    """N rows of word weights. What one row holds is `ids[starts[i]:starts[i + 1]]` and the weights at the
    same places.

    words:   V distinct words, ascending; the same rows give the same arrays, however sets iterate and in
             whatever order words came
    starts:  (N+1,) int64
    ids:     (K,) int32 places in `words`, ascending within each row
    weights: (K,) float16 or float32, finite and above 0: what a row doesn't hold weighs 0
    errors:  BadSetting for anything else
    """

    words: tuple[str, ...]
    starts: NDArray[np.int64]
    ids: NDArray[np.int32]
    weights: NDArray[np.floating]

    def __post_init__(self) -> None:
        starts, ids, weights = self.starts, self.ids, self.weights
        types = (
            starts.dtype == np.int64 and ids.dtype == np.int32 and weights.dtype in (np.float16, np.float32)
        )
        if not types or not starts.ndim == ids.ndim == weights.ndim == 1:
            found = ", ".join(f"{array.dtype} {array.shape}" for array in (starts, ids, weights))
            raise BadSetting(
                "WordMatrix hold int64 starts, int32 ids and float16 or float32 weights in one dimension "
                f"each; got {found}."
            )
        if (
            not len(starts)
            or starts[0]
            or not len(ids) == len(weights) == starts[-1]
            or (np.diff(starts) < 0).any()
        ):
            raise BadSetting(
                f"{counted(len(ids), 'ids')} and {len(weights)} weights do not fill the rows that begin at "
                f"{starts}. Give one of each."
            )
        if any(first >= second for first, second in pairwise(self.words)):
            raise BadSetting(
                "The words of word probabilities stand in ascending order, each once. Make word "
                "probabilities with of_sets, "
                "of_rows or of_matrix."
            )
        if len(ids) and not 0 <= ids.min() <= ids.max() < len(self.words):
            raise BadSetting(
                f"WordMatrix over {counted(len(self.words), 'words')} name word {ids.max()}. Ids begin with "
                "0."
            )
        rising = ids[1:] > ids[:-1]  # (K-1,)
        rising[starts[(starts > 0) & (starts < len(ids))] - 1] = True  # another row may begin with any word
        if not rising.all():
            raise BadSetting(
                "A row of word probabilities holds a word twice, or its words are out of order. Give each "
                "word of a row once."
            )
        if len(weights) and not (weights.min() > 0 and weights.max() < np.inf):  # NaN is neither
            place = int(np.flatnonzero(~((weights > 0) & (weights < np.inf)))[0])
            row = int(np.searchsorted(starts, place, side="right")) - 1
            stored = f"{weights[place]} (as {weights.dtype})"
            raise BadSetting(
                f"Row {row} gives {self.words[ids[place]]!r} the weight {stored}. Weights are finite and "
                "above 0."
            )

    @classmethod
    def of_sets(cls, sets: Sequence[Set[str]]) -> "WordMatrix":
        """Rows in which every word weighs 1. The weights are one number seen many times and take no
        memory."""
        numbers: defaultdict[str, int] = defaultdict(count().__next__)
        starts = _starts(map(len, sets), len(sets))
        # numbered as they come
        ids = np.fromiter(map(numbers.__getitem__, chain.from_iterable(sets)), np.int32, int(starts[-1]))
        words, places = _ascending(numbers)
        keys = _row_of_each(starts).astype(np.int64)  # (K,)
        keys *= max(len(words), 1)
        keys += places[ids]
        keys.sort()  # by row, then by word
        keys -= np.repeat(np.arange(len(sets)) * len(words), np.diff(starts))
        return cls(words, starts, keys.astype(np.int32), np.broadcast_to(np.float16(1), len(keys)))

    @classmethod
    def of_rows(cls, rows: Sequence[Mapping[str, float]]) -> "WordMatrix":
        """Rows as dictionaries, their weights stored as float32. BadSetting for weights that are 0 or less,
        or not finite, as float32."""
        numbers: defaultdict[str, int] = defaultdict(count().__next__)
        starts = _starts(map(len, rows), len(rows))
        ids = np.fromiter(map(numbers.__getitem__, chain.from_iterable(rows)), np.int32, int(starts[-1]))
        with np.errstate(over="ignore"):  # refused as infinite below
            weights = np.fromiter(
                chain.from_iterable(row.values() for row in rows), np.float64, len(ids)
            ).astype(np.float32)
        words, places = _ascending(numbers)
        ids = places[ids]
        order = stable_order(ids)
        order = order[stable_order(_row_of_each(starts)[order])]  # by row, then by word
        return cls(words, starts, ids[order], weights[order])

    @classmethod
    def of_matrix(cls, words: Sequence[str], probabilities: np.ndarray, least: float) -> "WordMatrix":
        """The weights of a dense matrix that are at least `least`, stored as float16.

        words:         V distinct words, in any order
        probabilities: (N, V), finite and not below 0
        least:         above 0; weights below it are left out of their row
        """
        if not 0 < least < math.inf:
            raise BadSetting(
                f"The least weight to keep is {least}. Give one above 0: a word of weight 0 is no part of a "
                "word probabilities."
            )
        if probabilities.ndim != 2 or probabilities.shape[1] != len(words) or len(set(words)) != len(words):
            raise BadSetting(
                f"A matrix of shape {probabilities.shape} is no row of weights for each of {len(set(words))} "
                "distinct words."
            )
        if probabilities.size and not (probabilities.min() >= 0 and probabilities.max() < np.inf):
            raise BadSetting(
                "The matrix of word weights holds negative, infinite or undefined numbers. Weights are "
                "finite, 0 or more."
            )
        ascending = sorted(range(len(words)), key=words.__getitem__)
        weights = probabilities[:, ascending]  # (N, V)
        rows, ids = np.nonzero(weights >= least)
        starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(weights)))]).astype(np.int64)
        with np.errstate(over="ignore"):
            kept = weights[rows, ids].astype(np.float16)
        return cls(tuple(words[place] for place in ascending), starts, ids.astype(np.int32), kept)

    def row(self, number: int) -> dict[str, float]:
        """The words of one row with their weights, by spelling."""
        place = range(len(self))[number]
        held = slice(self.starts[place], self.starts[place + 1])
        return {
            self.words[word]: weight
            for word, weight in zip(self.ids[held].tolist(), self.weights[held].tolist(), strict=True)
        }

    def take(self, rows: ArrayLike) -> "WordMatrix":
        """Some of the rows, in the order of `rows` ((M,) integers, repeats allowed), over the same words."""
        chosen = np.asarray(rows, np.int64).reshape(-1)
        if len(chosen) == len(self) and bool((chosen == np.arange(len(self))).all()):
            return self
        lengths = np.diff(self.starts)[chosen]  # (M,)
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        places = np.arange(starts[-1]) + np.repeat(self.starts[:-1][chosen] - starts[:-1], lengths)
        return WordMatrix(self.words, starts, self.ids[places], self.weights[places])

    def at_least(self, least: float) -> "WordMatrix":
        """The same rows without the weights below `least`, as float16 or float32 rounds it."""
        kept = self.weights >= self.weights.dtype.type(least)  # (K,)
        if kept.all():
            return self
        lengths = np.bincount(self.owners()[kept], minlength=len(self))
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return WordMatrix(self.words, starts, self.ids[kept], self.weights[kept])

    def dense(self, words: Sequence[str]) -> NDArray[np.float16]:
        """(N, M) the weights of these M words; 0 where a row does not hold one."""
        column_of = {word: column for column, word in enumerate(words)}
        columns = np.array([column_of.get(word, -1) for word in self.words], np.int64)
        found = np.zeros((len(self), len(words)), np.float16)
        kept = columns[self.ids] >= 0
        found[self.owners()[kept], columns[self.ids[kept]]] = self.weights[kept]
        return found

    def owners(self) -> NDArray[np.int32]:
        """(K,) the row that each of `ids` stands in."""
        return _row_of_each(self.starts)

    def __len__(self) -> int:
        return len(self.starts) - 1


class WordWeights:
    """How much each word counts in a comparison: its idf, or 1."""

    def __init__(self, weights: Mapping[str, float] | None = None, unknown: float | None = None) -> None:
        """weights: finite, 0 or more; None: all words count 1

        unknown: what words without an entry count. None: as much as the largest of `weights`, for a word that
                 was never counted is at least as rare as the rarest that was; without any entry 1.
        """
        self.weights = {} if weights is None else dict(weights)
        self.unknown = max(self.weights.values(), default=1.0) if unknown is None else unknown
        self.all_one = not self.weights and self.unknown == 1
        values = np.fromiter((*self.weights.values(), self.unknown), np.float64)
        if not (values.min() >= 0 and values.max() <= _LARGEST):  # NaN is neither
            place = int(np.flatnonzero(~((values >= 0) & (values <= _LARGEST)))[0])
            name = [*map(repr, self.weights), "words without an entry"][place]
            raise BadSetting(
                f"The word weight of {name} is {values[place]}. Word weights are finite, 0 or more."
            )

    def of(self, words: Sequence[str]) -> NDArray[np.float32]:
        """(V,) the weights of these words."""
        return np.fromiter((self.weights.get(word, self.unknown) for word in words), np.float32, len(words))


def weighted(words: Words) -> dict[str, float]:
    """A query's words by spelling, with their weights: 1 each unless it is a mapping. A weight is rounded to
    float32, as stored ones are.

    errors: BadSetting for weights that are 0 or less, or not finite
    """
    if not isinstance(words, Mapping):
        return dict.fromkeys(sorted(set(words)), 1.0)
    for word, weight in words.items():
        if not _SMALLEST <= weight <= _LARGEST:
            raise BadSetting(f"The query gives {word!r} the weight {weight}. Weights are finite and above 0.")
    return {word: float(np.float32(words[word])) for word in sorted(words)}


def stable_order(numbers: NDArray[np.int32]) -> NDArray[np.int64]:
    """Like np.argsort(kind="stable") of K numbers from 0, several times as fast: sorts (number, place) pairs
    as one number each."""
    pairs = numbers.astype(np.int64)
    pairs <<= 32
    pairs |= np.arange(len(numbers))
    pairs.sort()
    pairs &= 2**32 - 1
    return pairs


_SMALLEST, _LARGEST = float(np.finfo(np.float32).smallest_subnormal), float(np.finfo(np.float32).max)


def _starts(lengths: Iterable[int], number: int) -> NDArray[np.int64]:
    starts = np.zeros(number + 1, np.int64)
    np.cumsum(np.fromiter(lengths, np.int64, number), out=starts[1:])
    return starts


def _row_of_each(starts: NDArray[np.int64]) -> NDArray[np.int32]:
    return np.repeat(np.arange(len(starts) - 1, dtype=np.int32), np.diff(starts))


def _ascending(numbers: Mapping[str, int]) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """The words by spelling, and for each number a word had before its place among them: (V,)."""
    words = tuple(sorted(numbers))
    places = np.empty(len(words), np.int32)
    places[[numbers[word] for word in words]] = np.arange(len(words), dtype=np.int32)
    return words, places

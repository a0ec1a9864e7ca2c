"""How likely a text is of very many pictures, roughly, by a compiled kernel: within a known distance of what
mode `words` finds exactly, at a small part of the cost. Those that may be among the best are then compared
exactly.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from ..image_classes import classes_of
from .calibrated import BENT_FROM, SURE
from .index.stored_words import StoredColumns
from .predicted import WordProbabilities

_WORD = np.dtype([("tells", "<f4"), ("is_telling", "<i4"), ("first", "<i4"), ("count", "<i4")])
_READING = np.dtype(
    [
        ("weight", "<f4"),
        ("column", "<i4"),
        ("classes", "<i4"),
        ("class_share", "<f4"),
        ("first_form", "<i4"),
        ("forms", "<i4"),
        ("is_calibrated", "<i4"),
        ("group_classes", "<i4"),
        ("group_share", "<f4"),
        ("slope", "<f4"),
        ("offset", "<f4"),
        ("bend", "<f4"),
    ]
)
_ERROR = 3e-4  # of a log-odds at the most, of one that a calibration stretches by 1
_Column: TypeAlias = tuple[bool, tuple[str, ...]]  # whether of classes; the names added up
_List: TypeAlias = tuple[int, NDArray[np.integer], NDArray[np.floating]]


class Kernel(Protocol):
    """What _likelihood.c gives."""

    def likelihoods(
        self,
        words: NDArray[np.void],
        readings: NDArray[np.void],
        forms: NDArray[np.int32],
        columns: int,
        least: float,
        sure: float,
        bent_from: float,
        is_calibrated: bool,
        lists: list[_List],
        numbers: NDArray[np.float64],
        number: float,
        scores: NDArray[np.float32],
        surest: NDArray[np.float32],
    ) -> None:
        """See rough_likelihoods, of the rows of one part."""
        ...


KERNEL = cast("Kernel | None", compiled("_likelihood", 2, f"{__package__}.index"))


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A word of a text. readings: what it is read as, with weights; tells: how much it counts; is_telling:
    whether a picture fits by it"""

    readings: Mapping[str, float]
    tells: float
    is_telling: bool


@dataclass(frozen=True, slots=True, eq=False)
class Rough:
    """scores: (N,) of each picture; off: an exact one is at most so far from it

    surest: (N,) the log-odds of the likeliest telling word, -100 without any; surest_off: the same of these
    """

    scores: NDArray[np.float32]
    off: float
    surest: NDArray[np.float32]
    surest_off: float


def rough_likelihoods(words: WordProbabilities, asked: list[Asked], number: float) -> Rough | None:
    """The scores of mode `words`, see modes.likelihood; None where there is no kernel, or nothing that it
    could read: then all are compared exactly.

    number: what the number of a picture counts
    """
    head = words.predicted_head
    if KERNEL is None or not asked:
        return None
    if not isinstance(head, StoredColumns) or not isinstance(words.class_columns, StoredColumns | None):
        return None
    text = _Text(words, asked)
    scores, surest = np.empty(head.count, np.float32), np.empty(head.count, np.float32)
    for place, part in enumerate(head.parts):
        if not part.in_order:
            found = np.empty(len(part.rows), np.float32), np.empty(len(part.rows), np.float32)
            own = part.rows[part.rows >= 0]
            numbers = np.zeros(len(part.rows))
            numbers[part.rows >= 0] = words.numbers[own]
            read = text.read(KERNEL, head, words, place, numbers, number, *found)
            scores[own], surest[own] = (one[part.rows >= 0] for one in found)
        else:
            rows = slice(int(part.rows[0]), int(part.rows[0]) + len(part.rows))
            numbers = words.numbers[rows]
            read = text.read(KERNEL, head, words, place, numbers, number, scores[rows], surest[rows])
        part.part.arrays.let_go(read)
    return Rough(scores, text.off, surest, text.surest_off)


class _Text:
    """The words of a text as the kernel takes them."""

    def __init__(self, words: WordProbabilities, asked: list[Asked]) -> None:
        self._words, self._columns, self._forms = words, dict[_Column, int](), list[int]()
        found, readings = list[tuple[float, bool, int, int]](), list[tuple[float, ...]]()
        for one in asked:
            found.append((one.tells, one.is_telling, len(readings), len(one.readings)))
            readings += [self._reading(word, weight) for word, weight in one.readings.items()]
        self._asked, self._readings = np.array(found, _WORD), np.array(readings, _READING)
        stretch = 1 + max(abs(one["slope"] * max(one["bend"], 1.0)) for one in self._readings)
        tells = sum(abs(one.tells) * len(one.readings) for one in asked)
        self.surest_off = float(_ERROR * stretch)
        self.off = float(_ERROR * (1 + tells * stretch / len(asked)))

    def read(
        self,
        kernel: Kernel,
        head: StoredColumns,
        words: WordProbabilities,
        part: int,
        numbers: NDArray[np.float64],
        number: float,
        scores: NDArray[np.float32],
        surest: NDArray[np.float32],
    ) -> int:
        """Score the pictures of one part; returns how many bytes of it were read."""
        lists = [
            (place, rows, weights)
            for (of_classes, names), place in self._columns.items()
            for name in names
            for rows, weights in self._columns_of(head, of_classes).lists(name)[part]
        ]
        kernel.likelihoods(
            self._asked,
            self._readings,
            np.array(self._forms, np.int32),
            len(self._columns),
            words.least,
            SURE,
            float(np.log(BENT_FROM) - np.log1p(-BENT_FROM)),
            words.calibration is not None,
            lists,
            np.ascontiguousarray(numbers),
            number,
            scores,
            surest,
        )
        return sum(rows.nbytes + weights.nbytes for _, rows, weights in lists)

    def _columns_of(self, head: StoredColumns, of_classes: bool) -> StoredColumns:
        columns = self._words.class_columns if of_classes else head
        assert isinstance(columns, StoredColumns)
        return columns

    def _reading(self, word: str, weight: float) -> tuple[float, ...]:
        """The numbers of a reading, as _READING names them."""
        words = self._words
        forms = words.forms(word)
        first = len(self._forms)
        self._forms += [self._column((False, (form,))) for form in forms]
        own, every = self._classes((word,)), self._classes(forms)
        group = None if words.calibration is None else words.calibration.group(word)
        share = 0.0 if words.calibration is None else words.calibration.share(word)
        fitted = (1.0, 0.0, 1.0) if group is None else (group.slope, group.offset, group.bend)
        return (
            weight,
            self._column((False, (word,))),
            own,
            words.class_share(word),
            first,
            len(forms),
            group is not None,
            every,
            share,
            *fitted,
        )

    def _classes(self, words: tuple[str, ...]) -> int:
        if self._words.class_columns is None:
            return -1
        names = tuple(dict.fromkeys(name for word in words for name in classes_of().get(word, ())))
        return self._column((True, names)) if names else -1

    def _column(self, key: _Column) -> int:
        return self._columns.setdefault(key, len(self._columns))

"""How many pictures show each of many words: counted part by part, the files of a part read once."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..image_classes import classes_of
from .certain import CertainColumns
from .index.arrays import ArraysInMemory
from .index.columns import WordColumns
from .index.stored_words import PlacedPart, StoredColumns, StoredWords
from .index.word_postings import LIKELY, Lists, WordPart
from .predicted import WordProbabilities

_READ = (
    "numbers",
    "least",
    *(f"{name}.{part}" for name in ("words", "classes") for part in ("bytes", "starts")),
    *(f"{name}.{part}" for name in ("likely", "unlikely", "class") for part in ("starts", "rows", "weights")),
)
_ROUNDED = 0.0002  # more than float16 may add to LIKELY


def shown_counts(predicted: WordProbabilities, words: Sequence[str], least: float) -> dict[str, int]:
    """What `predicted.shown` says of each word."""
    stored = _stored(predicted.head)
    if stored is None:
        return {word: predicted.shown(word, least) for word in words}
    counts = {word: predicted.shown(word, least) for word in words if _is_certain(predicted, word)}
    most = _Most(predicted, stored.parts)
    left = [word for word in words if word not in counts and most.may_be(word, least)]
    counts = {word: counts.get(word, 0) for word in words}
    for one in stored.parts:
        own = _in_memory(one, predicted)
        for word in left:
            counts[word] += own.shown(word, least)
        one.part.arrays.let_go()
    return counts


def _stored(head: WordColumns) -> StoredColumns | None:
    """The columns that are kept in parts, where nothing but what is certain stands beside them."""
    found = head.predicted if isinstance(head, CertainColumns) else head
    return found if isinstance(found, StoredColumns) else None


def _is_certain(predicted: WordProbabilities, word: str) -> bool:
    """Whether a person's caption, or a file's, of any picture says a word, or another form of it."""
    head = predicted.head
    return isinstance(head, CertainColumns) and any(len(head.rows(one)) for one in predicted.forms(word))


def _in_memory(one: PlacedPart, predicted: WordProbabilities) -> WordProbabilities:
    """What is predicted of the pictures of one part."""
    arrays, counts = one.part.arrays, one.rows >= 0
    part = WordPart(ArraysInMemory({name: arrays.whole(name) for name in _READ if name in arrays}))
    rows = np.where(counts, np.cumsum(counts) - 1, -1).astype(np.int32)
    stored = StoredWords([PlacedPart(part, rows)], int(counts.sum()))
    classes = None if predicted.class_columns is None else stored.classes
    return WordProbabilities(stored.head, classes, predicted.calibration)


class _Most:
    """The largest probability of each word, and of each class, that is kept of any picture."""

    def __init__(self, predicted: WordProbabilities, parts: Sequence[PlacedPart]) -> None:
        self._predicted = predicted
        self._words: dict[str, float] = {}
        self._classes: dict[str, float] = {}
        for part in (one.part for one in parts):
            _raise(self._words, part.words, part.likely)
            if part.classes is not None and predicted.class_columns is not None:
                _raise(self._classes, part.class_names, part.classes)

    def may_be(self, word: str, least: float) -> bool:
        """Whether a word can be as probable as `least` of any picture."""
        forms = dict.fromkeys((word, *self._predicted.forms(word)))
        unsaid = 1.0
        for form in forms:
            if form in self._words:
                unsaid *= 1 - max(self._words[form], LIKELY + _ROUNDED)
        likely, calibration = np.array([1 - unsaid]), self._predicted.calibration
        head = float(likely[0] if calibration is None else calibration.of_head(word, likely)[0])
        names = dict.fromkeys(name for form in forms for name in classes_of().get(form, ()))
        classes = min(1.0, sum(self._classes.get(name, 0.0) for name in names))
        return 1 - (1 - head) * (1 - classes) >= least - 1e-6


def _raise(most: dict[str, float], words: Mapping[str, int], lists: Lists) -> None:
    """Take over what is larger in the lists of a part."""
    for word, largest in zip(words, lists.largest().tolist(), strict=True):
        if largest > most.get(word, -1.0):
            most[word] = largest

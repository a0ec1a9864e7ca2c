"""What is predicted of each picture word by word: by the lexical head and by ImageNet's classes, merged."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import copy
from threading import local

import numpy as np
from numpy.typing import NDArray

from ..image_classes import classes_of
from . import corpus
from .calibrated import SURE, Calibration
from .certain import CertainColumns
from .index.columns import BesidePredicted, ProbabilityColumns, SomeBeside, SomeColumns, WordColumns
from .index.few_rows import FewColumns, WholeRows
from .index.stored_words import StoredColumns
from .kept_columns import KeptColumns

# Of what ranks by a caption's words, chosen on Flickr8k val by recall of the picture among the first ten.
CLASS_SHARE = 0.2  # of a class's probability that a word which the lexical head knows gains by it
CLASS_ALONE = 0.6  # of it that a word is given which only classes know, or of which the head learnt little
RARE = 3e-4  # the head learnt little of a word that stands in a smaller share of captions, see corpus
# A text finds pictures where one of its words is as probable as ALONE of one of them, or where by expectation
# at least EXPECTED of the likeliest SEVERAL show it: then every picture of which it is as probable as FLOOR,
# or where it is as probable as GUESS of none, the likeliest GUESSES. ALONE, SEVERAL and EXPECTED were chosen
# by benchmarks/word_floors.py on halves of Flickr8k val, each by what was learnt from the other: not more
# than one in twenty of the words that no caption of a half holds is answered wrongly, nor of those that its
# captions hold. What many pictures tell together is surer than the likeliest. EXPECTED is held higher than
# what is best of halves, .6: more pictures find more that is wrong, as on COCO val, which taught nothing.
ALONE, SEVERAL, EXPECTED = 0.45, 50, 0.8
GUESS, FLOOR, GUESSES = 0.25, 0.17, 10
FLOOR_UNCALIBRATED = 0.06  # the same as FLOOR where probabilities are not calibrated
# A text also finds the pictures of classes that one of its words names, each by NAMED_TOO, where one of them
# is so by NAMED: what the lexical head never learnt, or does not see in pictures unlike those that taught it.
# On halves of Flickr8k val .75 % more of the words that no caption holds find a picture by it in mode words,
# and 13 % more of the nouns that are hidden from the head, than where NAMED is .8. So mode auto has it, which
# also goes by the classes that the space reads in a text.
NAMED, NAMED_TOO, NAMED_IN_AUTO = 0.45, 0.1, 0.8
# So few pictures, or one of so many, are looked for; of more all are read.
_FEW, _ONE_OF = 8, 16
_AT_ONCE = 1 << 15  # pictures that are calibrated together: what is between lies in the processor's caches
_MOST_CUT = 0.01  # a word that is not stored is a third as probable as the least stored one


class _AtHand(local):
    """What a thread has read of a few pictures."""

    def __init__(self) -> None:
        self.keep((), None)

    def keep(self, rows: Sequence[int], words: "WordProbabilities | None") -> None:
        """Keep their words in place of others."""
        self.places: Mapping[int, int] = {row: place for place, row in enumerate(rows)}
        self.words = words
        self._values: dict[str, list[float]] = {}

    def at(self, word: str, row: int) -> float | None:
        """How probable a word is of one of them; None of another picture."""
        place = self.places.get(row)
        if place is None or self.words is None:
            return None
        values = self._values.get(word)
        if values is None:
            values = self._values[word] = self.words.of(word).tolist()
        return values[place]


class WordProbabilities:
    """What the lexical head and ImageNet's classes say of N pictures, merged word by word when asked for.

    numbers:     (N,) the sum over the head's words of log(1 - p)
    calibration: makes it how often that is right; None where nobody has learnt one
    of_pictures: whether it is predicted from the pictures; else their captions alone say it
    """

    of_pictures = True

    def __init__(
        self, head: ProbabilityColumns, classes: WordColumns | None, calibration: Calibration | None = None
    ) -> None:
        self._head: WordColumns = head
        self._classes = classes
        self.calibration = calibration
        least = head.least
        self.least = (_MOST_CUT if least is None else min(least, _MOST_CUT)) / 3  # of a word not stored
        self.numbers = head.numbers
        self._known, self._raw, self._odds = KeptColumns(), KeptColumns(), KeptColumns()
        self._by_class = KeptColumns()  # of a few pictures, which are asked one after the other
        self._at_hand = _AtHand()

    def __contains__(self, word: str) -> bool:
        """Whether anything is predicted of this word."""
        return word in self._head or (self._classes is not None and word in classes_of())

    def some(self, rows: NDArray[np.integer], whole: bool = False) -> "WordProbabilities":
        """What is known of some of the pictures, (M,) rows, as it is known of all.

        whole: read all words of each now, of which most will be asked for
        """
        found = copy(self)
        found._head, found.numbers = _some(self._head, rows, whole), self.numbers[rows]
        found._classes = None if self._classes is None else _some(self._classes, rows, whole)
        found._known, found._raw = self._known.rows(rows), self._raw.rows(rows)
        found._odds = self._odds.rows(rows)
        found._by_class, found._at_hand = KeptColumns(), _AtHand()
        return found

    def read_of(self, rows: Sequence[int]) -> None:
        """Read of these pictures together what `at` is asked for next, by this thread."""
        self._at_hand.keep(rows, self.some(np.array(rows, np.int64)) if rows else None)

    def raised_rows(self, words: Iterable[str]) -> NDArray[np.int64]:
        """The rows of pictures of which captions say more of one of these words than is predicted."""
        head, rows = self._head, [np.zeros(0, np.int64)]
        every = {form for word in words for form in (word, *self.forms(word))}
        while isinstance(head, BesidePredicted):
            rows += [head.raised_by(word)[0].astype(np.int64) for word in sorted(every)]
            head = head.predicted
        return np.unique(np.concatenate(rows))

    @property
    def predicted_head(self) -> WordColumns:
        """What the lexical head says, without captions beside it."""
        head = self._head
        while isinstance(head, BesidePredicted):
            head = head.predicted
        return head

    @property
    def head(self) -> WordColumns:
        """What the lexical head, and captions that are certain, say of each word."""
        return self._head

    @property
    def class_columns(self) -> WordColumns | None:
        """The probabilities of ImageNet's classes, by their names; None where they are not known."""
        return self._classes

    @property
    def known(self) -> Collection[str]:
        """Every word of which something is predicted; those of classes may hold blanks."""
        return self._head.words if self._classes is None else {**self._head.words, **classes_of()}.keys()

    def shown(self, word: str, least: float) -> int:
        """How many pictures show a word with a probability of at least `least`, all together or by classes
        alone; nothing is kept for later."""
        return int(((self._merged(word) >= least) | (self.by_classes(word) >= least)).sum())

    def classes_behind(self, word: str, row: int) -> dict[str, float]:
        """The classes that make a word probable of one picture, the surest first."""
        names = () if self._classes is None else classes_of().get(word, ())
        if not names:
            return {}
        words, place = self._near(row)
        assert words._classes is not None, "they are known of all pictures, or of none"
        columns = {name: words._by_class.get(name, words._classes.column) for name in names}
        found = {name: float(column[place]) for name, column in columns.items()}
        return dict(sorted(((name, p) for name, p in found.items() if p > 0), key=lambda one: -one[1]))

    def of(self, word: str) -> NDArray[np.float64]:
        """(N,) the calibrated probability of each word: that two or more of five people say it, or another of
        its forms, of each picture; above 0, below 1. Without a calibration as `uncalibrated`."""
        return self._known.get(word, self._merged)

    def at(self, word: str, row: int) -> float:
        """How probable a word is of one picture, as `of` says of all."""
        at_hand = self._at_hand.at(word, row)
        if at_hand is not None:
            return at_hand
        known = self._known.find(word)
        return float(known[row] if known is not None else self.some(np.array([row])).of(word)[0])

    def _near(self, row: int) -> tuple["WordProbabilities", int]:
        """Words in which a picture stands among few, and its place there."""
        held = self._at_hand
        if held.words is not None and row in held.places:
            return held.words, held.places[row]
        return self.some(np.array([row])), 0

    @property
    def least_of_hits(self) -> float:
        """The least probability of a picture that is found by more than a guess."""
        return FLOOR_UNCALIBRATED if self.calibration is None else FLOOR

    def floor(self, likely: NDArray[np.floating]) -> float:
        """The least probability of a picture that fits a text; infinite where none does.

        likely: (N,) of each picture the largest probability of a word of it
        """
        if self.calibration is None:
            return FLOOR_UNCALIBRATED
        best = likely if len(likely) <= SEVERAL else np.partition(likely, -SEVERAL)[-SEVERAL:]
        surest = float(best.max(initial=0.0))
        if surest < ALONE and best.sum() < EXPECTED:
            return np.inf
        if surest >= GUESS:
            return FLOOR
        return max(float(np.sort(best)[-GUESSES:].min()), EXPECTED / SEVERAL)

    def fitting(self, likely: Mapping[str, float]) -> list[str]:
        """Of the words of a picture those by which it may fit a text: those that are probable enough in any
        case, or where there are none, with other pictures."""
        alone = [word for word, value in likely.items() if value >= self.least_of_hits]
        if alone or self.calibration is None:
            return alone
        return [word for word, value in likely.items() if value >= EXPECTED / SEVERAL]

    def names_classes(self, word: str) -> bool:
        """Whether a word, or another form of it, names a class of ImageNet's, and these are known."""
        return self._classes is not None and any(form in classes_of() for form in self.forms(word))

    def named(self, word: str, least: float = NAMED) -> NDArray[np.float64]:
        """(N,) the probability of the classes that the word, or another form of it, names; 0 for all pictures
        where none is of them by `least`."""
        found = self._of_classes(self.forms(word))
        return found if found.max(initial=0.0) >= least else np.zeros_like(found)

    def names(self, word: str, row: int) -> bool:
        """Whether the word, or another form of it, names the classes of one picture by NAMED_TOO."""
        of_classes = {
            name: p for form in self.forms(word) for name, p in self.classes_behind(form, row).items()
        }
        return sum(of_classes.values()) >= NAMED_TOO

    def uncalibrated(self, word: str) -> NDArray[np.float64]:
        """(N,) the probability that a caption of each picture holds the word: above 0, below 1."""
        return self._raw.get(word, self._both)

    def is_certain(self, word: str, row: int) -> bool:
        """Whether a person's caption of a picture, or a file's, says a word, or another form of it."""
        head = self._head
        return isinstance(head, CertainColumns) and any(row in head.rows(one) for one in self.forms(word))

    def forms(self, word: str) -> tuple[str, ...]:
        """The forms of a word that have one probability, itself among them."""
        return (word,) if self.calibration is None else self.calibration.forms(word)

    def by_head(self, word: str) -> NDArray[np.float64]:
        """(N,) what the lexical head, or a person's caption, says of the word; 0 for words not stored."""
        return self._head.column(word)

    def by_classes(self, word: str) -> NDArray[np.float64]:
        """(N,) the probability of the classes that are called so, or are a kind of it."""
        return self._of_classes((word,))

    def _of_classes(self, words: Sequence[str]) -> NDArray[np.float64]:
        if self._classes is None:
            return np.zeros(self._head.count)
        names = dict.fromkeys(name for word in words for name in classes_of().get(word, ()))
        return np.minimum(self._classes.total(names), 1)

    def odds(self, word: str) -> NDArray[np.float64]:
        """(N,) log p/(1 - p) of `uncalibrated`."""
        return self._odds.get(word, self._log_odds)

    def _log_odds(self, word: str) -> NDArray[np.float64]:
        likely = self.uncalibrated(word)
        found: NDArray[np.float64] = np.log(likely) - np.log1p(-likely)
        return found

    def _both(self, word: str) -> NDArray[np.float64]:
        unsaid = 1 - self.by_head(word)
        if self._classes is not None and word in classes_of():
            unsaid *= 1 - self.class_share(word) * self.by_classes(word)
        np.subtract(1, unsaid, out=unsaid)
        return np.clip(unsaid, self.least, SURE, out=unsaid)

    def _merged(self, word: str) -> NDArray[np.float64]:
        if self.calibration is None:
            return self.uncalibrated(word)
        forms = self.calibration.forms(word)
        unsaid, classes = np.ones(self._head.count), self._of_classes(forms)
        for form in forms:
            unsaid *= 1 - self.by_head(form)
        merged = np.full(self._head.count, self.least)
        every = np.flatnonzero((unsaid < 1) | (classes > 0))  # of all others nothing is kept
        for first in range(0, len(every), _AT_ONCE):
            held = every[first : first + _AT_ONCE]
            found = self.calibration.of_head(word, 1 - unsaid[held])
            found = 1 - (1 - found) * (1 - self.calibration.share(word) * classes[held])
            merged[held] = np.clip(found, self.least, SURE)
        return merged

    def class_share(self, word: str) -> float:
        """Of the probability of a word's classes how much counts beside the word as it is spelt."""
        return CLASS_SHARE if word in self._head and corpus.rates().get(word, 0.0) >= RARE else CLASS_ALONE


def _some(columns: WordColumns, rows: NDArray[np.integer], whole: bool) -> WordColumns:
    if isinstance(columns, BesidePredicted):
        return SomeBeside(columns, _some(columns.predicted, rows, whole), rows)
    if isinstance(columns, StoredColumns) and whole:
        return WholeRows(columns, rows)
    if isinstance(columns, StoredColumns) and len(rows) <= max(_FEW, columns.count // _ONE_OF):
        return FewColumns(columns, rows)
    return SomeColumns(columns, rows)

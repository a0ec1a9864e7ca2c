"""The likelihood of one text, by word probabilities, for mode `words`: of all pictures exactly or roughly, or
of some exactly.

Of very many pictures all are compared roughly, by a compiled kernel, and exactly those alone that may be
among the best: hits and scores are the same to the bit.
"""

from collections.abc import Callable, Mapping
from functools import cached_property, reduce

import numpy as np
from numpy.typing import NDArray

from ...text import STOP_WORDS
from .. import corpus
from ..predicted import NAMED, NAMED_TOO, SEVERAL, WordProbabilities
from ..rough import Asked, Rough, rough_likelihoods
from ..rough_sums import Fitting, Roughly, best_of, reached_by
from ..word_weights import learnt_weight

NUMBER = 1.1  # times the number of the picture; learnt with the weights of words, see word_weights
# A picture of which a word is so probable fits, too, where a caption of it says a word of the text: by that
# alone one in four hundred words that no caption of Flickr8k val holds finds a picture.
AGREED = 0.1
_MOST_ALIKE = 1024  # pictures that are as likely as the likeliest
_ONE_RAISED_OF = 16  # where captions tell more of so many, comparing all exactly takes no longer
Readings = Mapping[str, float]  # words that a word is read as, with weights


class TextLikelihood:
    """What a text's words say of N pictures; each part is found when it is first asked for.

    asked: its words of which something is predicted, with what each is read as
    captioned:  finds (N,) of which pictures a caption says one of its words
    named: a word that names classes finds pictures where one is of them by so much
    """

    def __init__(
        self,
        words: WordProbabilities,
        asked: Mapping[str, Readings],
        captioned: Callable[[], NDArray[np.bool_]],
        named: float = NAMED,
    ) -> None:
        self.words, self.asked, self._find_captioned, self._named = words, asked, captioned, named
        self._last: tuple[NDArray[np.integer], WordProbabilities] | None = None

    def scores(self) -> NDArray[np.float32]:
        """(N,) see PreparedLikelihood.scores; a new array."""
        return scored(self.words, self.asked)

    @cached_property
    def surest(self) -> NDArray[np.float64]:
        """(N,) how probable the likeliest word that says what is seen is of each picture; 0 where no word is
        known."""
        return _surest(self.words, self.asked)

    def surest_of(self, rows: NDArray[np.integer]) -> NDArray[np.float64]:
        """(M,) the same of some pictures."""
        known = self.__dict__.get("surest")
        return _surest(self._some(rows), self.asked) if known is None else known[rows]

    @cached_property
    def named(self) -> NDArray[np.float64] | None:
        """(N,) how probable the classes are that a word that says what is seen names; 0 where none is named
        surely of any picture. None: no word names a class."""
        found: NDArray[np.float64] | None = None
        for word, read in telling_words(self.asked).items():
            known = word in read  # then no other word that it is read as names classes for it
            readings = {one: weight for one, weight in read.items() if weight == 1 or not known}
            if any(map(self.words.names_classes, readings)):
                named = likeliest(readings, lambda word: self.words.named(word, self._named))
                found = named if found is None else np.maximum(found, named)
        return found

    def fits(self) -> NDArray[np.bool_]:
        """(N,) see PreparedLikelihood.fits; a new array."""
        found = self._fit(self.surest, slice(None), self.words.floor(self.surest), AGREED)
        return found if self.named is None else found | (self.named >= NAMED_TOO)

    @cached_property
    def captioned(self) -> NDArray[np.bool_]:
        """(N,) of which pictures a caption says one of the words."""
        return self._find_captioned()

    def _fit(
        self,
        surest: NDArray[np.floating],
        rows: NDArray[np.integer] | slice,
        floor: float | np.floating,
        agreed: float | np.floating,
    ) -> NDArray[np.bool_]:
        """(M,) which of some pictures fit by their words. floor, agreed: the least of `surest`, (M,), for
        that; the latter where a caption says a word, too"""
        found: NDArray[np.bool_] = surest >= floor
        return found if floor <= agreed else found | ((surest >= agreed) & self.captioned[rows])

    @cached_property
    def floor(self) -> float:
        """The least probability of a word of a picture that fits, see WordProbabilities.floor."""
        rough = self.rough
        if rough is None:
            return self.words.floor(self.surest)
        rows = np.flatnonzero(rough.surest >= reached_by(rough.surest, SEVERAL) - 2 * rough.surest_off)
        if len(rows) > _MOST_ALIKE:  # of equal ones each is as good as another
            rows = rows[np.argsort(-rough.surest[rows], kind="stable")[:_MOST_ALIKE]]
        return self.words.floor(self.surest_of(rows))

    @cached_property
    def rough(self) -> Rough | None:
        """The same of each picture, roughly, and exactly of those whose captions tell more of the words than
        is predicted; None where all have to be compared exactly."""
        rows = self.words.raised_rows(word for readings in self.asked.values() for word in readings)
        if len(rows) > len(self.words.numbers) // _ONE_RAISED_OF:
            return None
        telling = telling_words(self.asked)
        read = [Asked(r, weight_of(word, r), word in telling) for word, r in self.asked.items()]
        found = rough_likelihoods(self.words, read, NUMBER)
        if found is not None and len(rows):
            some = self.words.some(rows)
            surest = _surest(some, self.asked)
            found.scores[rows] = scored(some, self.asked)
            found.surest[rows] = np.log(surest) - np.log1p(-surest)
        return found

    def best(self, top: int, least: float, allowed: NDArray[np.bool_] | None) -> list[tuple[int, float]]:
        """The best of those that fit, see PreparedMode.best."""
        if self.rough is not None:
            return best_of(self.roughly(self.rough), self.fitting(self.rough), top, least, allowed)
        fits = self.fits()
        rows = np.flatnonzero(fits if allowed is None else fits & allowed)
        scores = scored(self.words.some(rows), self.asked)
        kept = np.flatnonzero(scores >= float(least))
        order = kept[np.argsort(-scores[kept], kind="stable")][:top]
        return [(int(rows[place]), float(scores[place])) for place in order]

    def roughly(self, rough: Rough) -> Roughly:
        """The scores, and those of some pictures exactly."""
        return Roughly(rough.scores, rough.off, lambda rows: scored(self._some(rows), self.asked))

    def fitting(self, rough: Rough) -> Fitting:
        """Which pictures fit."""
        return Fitting(lambda sure: self._may_fit(rough, sure), self.fits_of)

    def probable(self, rough: Rough, least: float) -> Fitting:
        """Of which pictures a word that says what is seen is as probable as `least`."""
        odds, off = _odds(least), rough.surest_off
        return Fitting(
            lambda sure: rough.surest >= np.float32(odds + (off if sure else -off)),
            lambda rows: self.surest_of(rows) >= least,
        )

    def fits_of(self, rows: NDArray[np.integer]) -> NDArray[np.bool_]:
        """(M,) as `fits`, of some pictures."""
        found = self._fit(self.surest_of(rows), rows, self.floor, AGREED)
        return found if self.named is None else found | (self.named[rows] >= NAMED_TOO)

    def _some(self, rows: NDArray[np.integer]) -> WordProbabilities:
        """The words of some pictures; kept, for they are asked for one after the other."""
        last = self._last
        if last is None or last[0] is not rows:
            last = self._last = rows, self.words.some(rows)
        return last[1]

    def _may_fit(self, rough: Rough, sure: bool) -> NDArray[np.bool_]:
        """(N,) which pictures fit as far as is known roughly. sure: those alone that do"""
        off = rough.surest_off if sure else -rough.surest_off
        floor, agreed = np.float32(_odds(self.floor) + off), np.float32(_odds(AGREED) + off)
        found = self._fit(rough.surest, slice(None), floor, agreed)
        return found if self.named is None else found | (self.named >= NAMED_TOO)


def _odds(probability: float) -> float:
    return float(np.log(probability) - np.log1p(-probability)) if probability < 1 else np.inf


def _surest(words: WordProbabilities, asked: Mapping[str, Readings]) -> NDArray[np.float64]:
    if not asked:
        return np.zeros(len(words.numbers))
    return reduce(np.maximum, (likeliest(readings, words.of) for readings in telling_words(asked).values()))


def telling_words(asked: Mapping[str, Mapping[str, float]]) -> Mapping[str, Mapping[str, float]]:
    """Of the words of a text those that say what is seen; all of them where none does."""
    return {word: readings for word, readings in asked.items() if word not in STOP_WORDS} or asked


def scored(words: WordProbabilities, asked: Mapping[str, Mapping[str, float]]) -> NDArray[np.float32]:
    """(N,) the score of a text's words, each with what it is read as, of every picture."""
    if not asked:
        return np.zeros(len(words.numbers), np.float32)
    total = NUMBER * words.numbers
    for word, readings in asked.items():
        total += weight_of(word, readings) * added_by(words, readings)
    return (total / len(asked)).astype(np.float32)


def added_by(words: WordProbabilities, readings: Mapping[str, float]) -> NDArray[np.float64]:
    """(N,) what a word of the text adds: log p/(1 - p); where probabilities are calibrated, the mean of
    the calibrated one's, of any form of the word, and of the word's own as it is spelt. On Flickr8k val,
    1.4 % more captions find their picture among the first ten than by the latter alone.

    Where a word is read as others the text does not leave these out, so the log(1 - p) of each goes from
    the number of the picture; and where these only resemble it, each that is probable adds to it.
    """
    if list(readings.values()) == [1.0]:
        added = words.odds(*readings)
    else:
        left_out = reduce(np.add, (np.log1p(-words.uncalibrated(word)) for word in readings))
        added = np.log(together(readings, words.uncalibrated)) - left_out
    if words.calibration is None:
        return added
    found = together(readings, words.of)
    return np.asarray((added + np.log(found) - np.log1p(-found)) / 2, np.float64)


def weight_of(word: str, readings: Mapping[str, float]) -> float:
    """How much a word tells; one that is read as several forms as much as the commonest of them, so that it
    finds the same in each."""
    alike = [form for form, weight in readings.items() if weight == 1.0]
    return learnt_weight(max(alike, key=lambda form: (corpus.rates().get(form, 0.0), form), default=word))


def together(
    readings: Mapping[str, float], probability: Callable[[str], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """(N,) the probability that one of the readings holds, each by its weight, as if they were independent;
    of other forms of one word the largest."""
    if all(weight == 1 for weight in readings.values()):
        return likeliest(readings, probability)
    return np.asarray(1 - reduce(np.multiply, (1 - w * probability(word) for word, w in readings.items())))


def likeliest(
    readings: Mapping[str, float], probability: Callable[[str], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """(N,) the largest of the readings' probabilities, each by its weight."""
    found, *others = (
        probability(word) if weight == 1 else weight * probability(word) for word, weight in readings.items()
    )
    for other in others:
        found = np.maximum(found, other)
    return found

"""Learning a calibration of word probabilities from captions that people wrote.

    fitted = fit_calibration(words, classes, captions, named)
    fitted.calibration.write(...), fitted.error

The forms of a word are taken together. Their probability p becomes sigmoid(a * logit(p) + b) with a and b of
each word's own, drawn to those of all words together (Platt 1999, with normal priors): how near, is chosen by
predicting pictures that were held out. Where captions of further pictures tell how often words are used, a
word that is predicted more often is drawn to less. High probabilities of unusual words are bent, see
word_bends. Classes come in beside it by a share of each word's own.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ..counting import counted
from ..image_classes import classes_of
from ..retrieval import WordMatrix, corpus
from ..retrieval.calibrated import Calibration, WordGroup, calibrated, logit
from ..retrieval.index.columns import Columns
from ..retrieval.lemmas import lemma
from ..retrieval.predicted import RARE
from .calibration import (
    Threshold,
    WordPairs,
    at_threshold,
    calibration_error,
    right_pictures,
    word_pairs,
)
from .word_bends import bends_of, learn_bends

# Pictures below which a calibration is doubtful: learnt from 60, 125, 250 and 500 of Flickr8k val its error
# on others is .012, .012, .011 and .009, and the fewer there are, the fewer words are measured.
FEW = 250
FOLDS = 5
SPREADS = tuple(product((0.3, 0.7), (0.0, 0.2)))  # of offsets, and of slopes: standard deviations
_TURN = -1.0  # the logit about which a word's slope turns
_NEVER = 0.1  # pictures that a word counts for beside those that it is used of, so that 0 has a logarithm
_STEPS = 25
_SURE_CLASS = 0.05  # what a less probable class says is not counted for words that only classes know
_HELD = 2.0  # so many certain pictures hold a word's share to that of all words

Table = NDArray[np.float64]


@dataclass(frozen=True)
class Fitted:
    """A calibration, and what it is worth on pictures that it was not learnt from.

    spreads:     of offsets and slopes, as chosen
    pictures:    it was learnt from; words: that these measures are of
    before:      the expected calibration error without it; error: with it
    thresholds:  "p >= t" of held-out pictures
    """

    calibration: Calibration
    spreads: tuple[float, float]
    pictures: int
    words: int
    before: float
    error: float
    thresholds: list[Threshold]

    @property
    def doubts(self) -> Iterator[str]:
        """What a person should know before relying on it, a sentence each."""
        if self.pictures < FEW:
            yield (
                f"{counted(self.pictures, 'pictures')} tell little of single words: only "
                f"{counted(self.words, 'words')} could be measured. Take 500 captioned pictures, "
                "or more, where there are as many."
            )
        if self.error > self.before:
            yield (
                "With this calibration probabilities are further from what people say than without it: "
                f"{self.error:.3f}, before {self.before:.3f}. Learn it from other pictures, or from more."
            )


@dataclass(frozen=True)
class _Evidence:
    """N pictures and G groups of forms.

    likely:  (N, G) the probability that any form is used; classes: (N, G) that of their classes
    right:   (N, G) whether two or more people used it
    often:   (G,) whether captions often use it
    share:   (G,) of further pictures those of which two or more people used it; None: there are none
    """

    forms: list[tuple[str, ...]]
    likely: Table
    classes: Table
    right: NDArray[np.bool_]
    often: NDArray[np.bool_]
    share: Table | None

    @property
    def usual(self) -> Table:
        """(G,) log of how often each word is used of such pictures, by how often it is predicted; 0 where
        that is not known."""
        if self.share is None:
            return np.zeros(len(self.forms))
        expected = self.share * len(self.likely)
        usual: Table = np.log((expected + _NEVER) / (self.likely.sum(0) + _NEVER))
        return usual

    def of(self, rows: NDArray[np.int64]) -> "_Evidence":
        """The same of some pictures."""
        return replace(self, likely=self.likely[rows], classes=self.classes[rows], right=self.right[rows])


@dataclass(frozen=True)
class _Map:
    """slope, offset, bend, share: (G,) of each group; alone: the share of words that only classes know"""

    slope: Table
    offset: Table
    bend: Table
    share: Table
    alone: float

    def applied(self, evidence: _Evidence) -> Table:
        """(N, G) calibrated."""
        found = _by_head(evidence.likely, self.slope, self.offset, self.bend)
        return 1 - (1 - found) * (1 - self.share * evidence.classes)


def fit_calibration(
    words: WordMatrix,
    classes: WordMatrix | None,
    captions: Sequence[Sequence[str]],
    named: Callable[[list[WordGroup], float], Calibration],
    others: Sequence[Sequence[str]] = (),
    thresholds: Sequence[float] = (0.5, 0.8),
) -> Fitted:
    """Learn it from N pictures.

    words, classes: what is predicted of them, as libraries keep it
    captions:       of each picture those that people wrote, several
    others:         captions of further pictures of the same kind, which say how often words are used of them
    named:          makes the calibration of its groups, and of the share of words that only classes know
    errors:         BadSetting for too few captions, see word_pairs
    """
    evidence = _evidence(words, classes, captions, others)
    group_of = {form: place for place, forms in enumerate(evidence.forms) for form in forms}

    def pairs(table: Table) -> WordPairs:
        nothing = np.zeros(len(captions))
        return word_pairs(lambda word: table[:, group_of[word]] if word in group_of else nothing, captions)

    before = pairs(evidence.likely)
    measured = np.array(sorted({group_of[word] for word in before.words if word in group_of}), np.int64)
    held_out = {spreads: _held_out(evidence, spreads, bent=False) for spreads in SPREADS}
    chosen = min(SPREADS, key=lambda one: _surprise(held_out[one][:, measured], evidence.right[:, measured]))
    after = pairs(_held_out(evidence, chosen, bent=True))
    found = _fit(evidence, chosen, bent=True)
    numbers = np.stack([found.slope, found.offset, found.share, found.bend], axis=1).tolist()
    groups = [WordGroup(forms, *own) for forms, own in zip(evidence.forms, numbers, strict=True)]
    return Fitted(
        named(groups, found.alone),
        chosen,
        len(captions),
        len(after.words),
        calibration_error(before),
        calibration_error(after),
        [at_threshold(after, at) for at in thresholds],
    )


def _evidence(
    words: WordMatrix,
    classes: WordMatrix | None,
    captions: Sequence[Sequence[str]],
    others: Sequence[Sequence[str]],
) -> _Evidence:
    of_base = defaultdict(list)
    for word in words.words:
        of_base[lemma(word)].append(word)
    forms = [tuple(sorted(group)) for group in of_base.values()]
    head, seen = Columns(words), None if classes is None else Columns(classes)
    likely, by_class = np.zeros((2, len(captions), len(forms)))
    right = np.zeros(likely.shape, bool)
    right_for = right_pictures(captions)
    for place, (base, group) in enumerate(of_base.items()):
        likely[:, place] = 1 - np.prod([1 - head.column(word) for word in group], axis=0)
        right[right_for.get(base, []), place] = True
        if seen is not None:
            names = {name for word in group for name in classes_of().get(word, ())}
            total = sum((seen.column(name) for name in sorted(names)), np.zeros(len(captions)))
            by_class[:, place] = np.minimum(total, 1)
    often = [any(corpus.rates().get(word, 0.0) >= RARE for word in group) for group in forms]
    known = right_pictures(others)
    share = np.array([len(known.get(base, ())) / len(others) for base in of_base]) if others else None
    return _Evidence(forms, likely, by_class, right, np.array(often), share)


def _held_out(evidence: _Evidence, spreads: tuple[float, float], bent: bool) -> Table:
    """(N, G) of each picture by what was learnt from the others."""
    found = np.zeros(evidence.likely.shape)
    for own, others in _folds(len(found)):
        found[own] = _fit(evidence.of(others), spreads, bent).applied(evidence.of(own))
    return found


def _folds(count: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Some pictures and all others, each picture once among the first."""
    fold = np.random.default_rng(0).permutation(count) % FOLDS
    for number in range(FOLDS):
        yield np.flatnonzero(fold == number), np.flatnonzero(fold != number)


def _surprise(probability: Table, right: NDArray[np.bool_]) -> float:
    """The mean of -log of what was given to what is so."""
    given = np.where(right, probability, 1 - probability)
    return float(-np.log(np.maximum(given, 1e-4)).mean())


def _fit(evidence: _Evidence, spreads: tuple[float, float], bent: bool) -> _Map:
    slope, offset = _platt(evidence, *spreads)
    bend = np.ones(len(slope))
    if bent:
        held_out = _held_out(evidence, spreads, bent=False)
        bend = bends_of(evidence.right, evidence.forms, learn_bends(held_out, evidence.right, evidence.forms))
    found = _by_head(evidence.likely, slope, offset, bend)
    return _Map(slope, offset, bend, *_shares(found, evidence))


def _by_head(likely: Table, slope: Table, offset: Table, bend: Table) -> Table:
    return np.where(likely > 0, calibrated(likely, slope, offset, bend), 0.0)


def _platt(evidence: _Evidence, of_offsets: float, of_slopes: float) -> tuple[Table, Table]:
    """(G,) slopes and offsets, by Newton's method on those of all words and on each word's own in turn."""
    row, group = np.nonzero(evidence.likely > 0)
    x, right = logit(evidence.likely[row, group]), evidence.right[row, group]
    count, turned, usual = len(evidence.forms), x - _TURN, evidence.usual
    table = np.stack([x, np.ones_like(x), usual[group]])
    both, own = np.array([1.0, 0.0, 0.0]), np.zeros((2, count))  # of all; slope and offset of each
    tight = np.array([1 / max(of_slopes, 1e-3) ** 2, 1 / of_offsets**2])
    for _ in range(_STEPS):
        apart = own[0][group] * turned + own[1][group]
        error, weight = _missing(both @ table + apart, right)
        hessian = (table * weight) @ table.T + 1e-6 * np.eye(3)
        both = both + np.linalg.solve(hessian, table @ error)
        error, weight = _missing(both @ table + apart, right)
        first = np.stack([np.bincount(group, part, count) for part in (error * turned, error)])
        first -= own * tight[:, None]
        aa, ab, bb = (np.bincount(group, weight * turned**n, count) for n in (2, 1, 0))
        aa, bb = aa + tight[0], bb + tight[1]
        step = np.stack([bb * first[0] - ab * first[1], aa * first[1] - ab * first[0]]) / (aa * bb - ab**2)
        own = own + np.clip(step, [[-0.5], [-1.0]], [[0.5], [1.0]])
    slope = np.maximum(both[0] + own[0], 0.05)
    return slope, both[1] + both[2] * usual + own[1] - own[0] * _TURN


def _missing(odds: Table, right: NDArray[np.bool_]) -> tuple[Table, Table]:
    """Of each pair what is missing to what is so, and the weight of its second derivative."""
    with np.errstate(over="ignore"):  # see calibrated
        found = 1 / (1 + np.exp(-odds))
    return right - found, found * (1 - found) + 1e-9


def _shares(by_head: Table, evidence: _Evidence) -> tuple[Table, float]:
    """(G,) how much of its classes' probability each word is given beside the head's, by expectation and
    maximisation; and how much a word is given which only classes know.

    What no caption says cannot be learnt: such a word has the share of all others, or where captions seldom
    say it, that of words which only classes know.
    """
    used: NDArray[np.bool_] = np.any(evidence.right, axis=0)
    row, group = np.nonzero((evidence.classes > 0) & used)
    head, classes = by_head[row, group], evidence.classes[row, group]
    right, count = evidence.right[row, group], len(used)
    share, common = np.full(count, 0.1), 0.1
    for _ in range(4 * _STEPS):
        own = share[group]
        fires = own * classes / np.maximum(1 - (1 - head) * (1 - own * classes), 1e-9)
        fires = np.where(right, fires, 0)
        there = fires + (1 - fires) * classes * (1 - own) / (1 - own * classes)
        fired, present = (np.bincount(group, part, count) for part in (fires, there))
        common = float(fired.sum() / max(present.sum(), 1e-9))
        share = (fired + _HELD * common) / (present + _HELD)
    certain = classes >= _SURE_CLASS
    alone = float(right[certain].sum() / max(classes[certain].sum(), 1e-9)) if certain.any() else 0.5
    alone = min(alone, 1.0)
    unsaid = np.where(evidence.often, common, alone)
    return np.where(used, np.clip(share, 0, 1), unsaid), alone

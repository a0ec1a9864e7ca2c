"""Whether word probabilities mean what they say: calibration, and what a threshold finds.

    pairs = word_pairs(gallery.predicted.of, captions)
    calibration_error(pairs), at_threshold(pairs, 0.8).precision

A picture is right for a word if two or more of its human captions hold the word or another of its forms. The
words are those that stand in the captions of at least 5 pictures and that at least 5 and at most 200 pictures
are right for; stop words are left out. A word that the model does not know has the probability 0 everywhere.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..counting import counted
from ..errors import BadSetting
from ..retrieval import corpus
from ..retrieval.inflections import number_forms
from ..retrieval.lemmas import lemma
from ..text import STOP_WORDS, word_set

LEAST_PICTURES, MOST_PICTURES = 5, 200
LEAST_CAPTIONS = 2  # of a picture that a word is right for
LEAST_P = 0.05  # of a pair that counts for the calibration
BINS = 10


@dataclass(frozen=True, eq=False)
class WordPairs:
    """Every pair of one of W words and one of N pictures.

    words:         W, ascending
    probabilities: (N, W) float32
    right:         (N, W) bool
    """

    words: tuple[str, ...]
    probabilities: NDArray[np.float32]
    right: NDArray[np.bool_]


@dataclass(frozen=True)
class Bin:
    """Pairs of about the same probability.

    mean:  their mean probability
    right: the share of them that is right
    """

    pairs: int
    mean: float
    right: float


@dataclass(frozen=True)
class Threshold:
    """What "p >= at" finds, all words together.

    precision: of the pairs found, the share that is right; 1 where none is found
    recall:    of the pairs that are right, the share that is found
    words:     how many words find anything
    spread:    the precisions that a tenth, half and nine tenths of these words stay below
    """

    at: float
    precision: float
    recall: float
    words: int
    spread: tuple[float, float, float]


def word_pairs(
    probability: Callable[[str], NDArray[np.floating]],
    captions: Sequence[Sequence[str]],
    least: int = LEAST_PICTURES,
) -> WordPairs:
    """The pairs of a split.

    probability: of a word, (N,) for the pictures; 0 for a word that is not known
    captions:    of each picture those that people wrote
    least:       in captions of so many pictures a word stands, and for so many it is right
    errors:      BadSetting for another number of pictures, or no word to measure by
    """
    right_for = right_pictures(captions)
    held = Counter(word for own in captions for word in frozenset().union(*map(word_set, own)))
    words = [
        word
        for word in sorted(held.keys() - STOP_WORDS)
        if held[word] >= least and least <= len(right_for.get(lemma(word), ())) <= MOST_PICTURES
    ]
    if not words:
        raise BadSetting("No word stands in the captions of enough pictures to measure its probabilities.")
    columns = [probability(word) for word in words]
    if len(columns[0]) != len(captions):
        raise BadSetting(
            f"{counted(len(columns[0]), 'rows')} of probabilities, captions of "
            f"{counted(len(captions), 'pictures')}."
        )
    right = np.zeros((len(captions), len(words)), bool)
    for column, word in enumerate(words):
        right[right_for[lemma(word)], column] = True
    return WordPairs(tuple(words), np.stack(columns, axis=1).astype(np.float32), right)


def right_pictures(captions: Sequence[Sequence[str]]) -> dict[str, list[int]]:
    """The pictures that each base form is right for, by row."""
    found: dict[str, list[int]] = {}
    for row, own in enumerate(captions):
        counts = Counter(form for caption in own for form in {lemma(word) for word in word_set(caption)})
        for form, count in counts.items():
            if count >= LEAST_CAPTIONS:
                found.setdefault(form, []).append(row)
    return found


def reliability(pairs: WordPairs, bins: int = BINS, least: float = LEAST_P) -> list[Bin]:
    """The pairs with p >= least in bins of equal width from 0 to 1; empty bins are left out."""
    chosen = pairs.probabilities >= least
    p, right = pairs.probabilities[chosen].astype(np.float64), pairs.right[chosen]
    place = np.minimum((p * bins).astype(np.int64), bins - 1)
    return [
        Bin(int(own.sum()), float(p[own].mean()), float(right[own].mean()))
        for own in (place == number for number in range(bins))
        if own.any()
    ]


def calibration_error(pairs: WordPairs, bins: int = BINS, least: float = LEAST_P) -> float:
    """Expected calibration error: |mean probability - share that is right| of a bin, the mean over all pairs
    with p >= least; 0 where there is none (Naeini et al. 2015)."""
    found = reliability(pairs, bins, least)
    total = sum(one.pairs for one in found)
    return sum(one.pairs * abs(one.mean - one.right) for one in found) / total if total else 0.0


def at_threshold(pairs: WordPairs, at: float) -> Threshold:
    """Precision and recall of "p >= at"."""
    found = pairs.probabilities >= at
    hits, counts = (found & pairs.right).sum(0), found.sum(0)  # (W,)
    some = counts > 0
    spread = np.quantile(hits[some] / counts[some], (0.1, 0.5, 0.9)) if some.any() else np.ones(3)
    low, middle, high = spread.tolist()
    precision = float(hits.sum() / counts.sum()) if some.any() else 1.0
    return Threshold(
        at, precision, float(hits.sum() / pairs.right.sum()), int(some.sum()), (low, middle, high)
    )


def absent_words(captions: Sequence[Sequence[str]], count: int = 200) -> list[str]:
    """Words that no caption of a split holds in any form: the commonest of COCO's captions, stop words and
    what is no word of letters left out.

    errors: BadSetting where there are fewer than `count`
    """
    present = {lemma(word) for own in captions for caption in own for word in word_set(caption)}
    absent = (
        word
        for word in sorted(corpus.rates(), key=lambda word: (-corpus.rates()[word], word))
        if word.isalpha()
        and len(word) > 2
        and word not in STOP_WORDS
        and not present & {lemma(form) for form in number_forms(word, corpus.rates())}
    )
    found = [word for word, _ in zip(absent, range(count), strict=False)]
    if len(found) < count:
        raise BadSetting(
            f"Only {counted(len(found), 'words are')} in no caption of the split; {count} are needed."
        )
    return found

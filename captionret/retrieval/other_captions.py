"""What captions say beside what is predicted: those of a captioner that sees with another CNN than the
one whose features the words are predicted from.

Of n captions k hold a word: by them alone its probability is q = (k + SMOOTHING r) / (n + SMOOTHING), r being
its rate in all captions. As far as q is above r, in odds, what is predicted is raised; TRUST is how far.
"""

from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..text import word_set, words
from . import corpus
from .calibrated import SURE
from .index.columns import BesidePredicted, ProbabilityColumns, Raised

# Chosen by benchmarks/caption_words.py on Flickr8k val, where one or two of each picture's captions by people
# were a captioner's, and the others asked for it. TRUST is held lower than the best, for few are as good.
SMOOTHING = 1.0
TRUST = 0.3
ALONE = 0.5  # of q, for a word of which nothing is predicted
_LEAST = 1e-4  # probabilities below it count as it
_KEPT = 256  # words whose counts are kept at hand


@dataclass(frozen=True, eq=False)
class OtherCaptions:
    """The captions of N pictures, counted by their words.

    others: (N,) of which pictures a captioner with other eyes gives them
    texts:  (N,) how many there are of each
    count:  of a word, (N,) how many of them hold it
    """

    others: NDArray[np.bool_]
    texts: NDArray[np.int64]
    count: Callable[[str], NDArray[np.int64]]


class WithOtherCaptions(BesidePredicted):
    """Predicted words of N pictures, and with them what such captions say; see ProbabilityColumns. `numbers`
    stay as they were predicted."""

    def __init__(self, predicted: ProbabilityColumns, captions: OtherCaptions) -> None:
        super().__init__(predicted)
        self._captions = captions
        self._known = lru_cache(_KEPT)(self._find)

    def __contains__(self, word: str) -> bool:
        """Whether anything is predicted of this word, or such a caption holds it."""
        return word in self._predicted or len(self._known(word)[0]) > 0

    def raised_by(self, word: str) -> tuple[NDArray[np.int64], Raised]:
        """The pictures of which such captions say a word, and how probable they make it."""
        rows, share = self._known(word)
        if word not in self._predicted:
            return rows, lambda _, places: ALONE * share[places]
        return rows, lambda predicted, places: _raised(word, predicted, share[places])

    def _find(self, word: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The rows of pictures of which such captions say a word, and how probable it is by them alone."""
        phrase = words(word)
        if len(phrase) != 1:  # of several words nothing is counted
            return np.zeros(0, np.int64), np.zeros(0)
        counts = self._captions.count(phrase[0])
        rows = np.flatnonzero((counts > 0) & self._captions.others)
        return rows, by_captions(word, counts[rows], self._captions.texts[rows])


def raised(
    predicted: Mapping[str, float], captions: Sequence[str], known: Container[str]
) -> dict[str, float]:
    """The word probabilities of one picture that asks, with what such captions of it say.

    known: the words of which something is predicted of other pictures

    >>> found = raised({"dog": 0.5, "a": 0.9}, ["a dog on a surfboard"], {"a", "dog", "on"})
    >>> found["dog"] > 0.5, round(found["surfboard"], 2)
    (True, 0.25)
    """
    counts = Counter(word for caption in captions for word in word_set(caption))
    found = dict(predicted)
    for word, count in counts.items():
        share = by_captions(word, np.array([count]), np.array([len(captions)]))
        if word in known:
            found[word] = float(_raised(word, np.array([found.get(word, 0.0)]), share)[0])
        else:
            found[word] = float(ALONE * share[0])
    return found


def by_captions(word: str, counts: NDArray[np.integer], texts: NDArray[np.integer]) -> NDArray[np.float64]:
    """How probable a word is by captions alone; counts: how many of the `texts` hold it."""
    found: NDArray[np.float64] = (counts + SMOOTHING * _rate(word)) / (texts + SMOOTHING)
    return found


def _raised(word: str, predicted: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.float64]:
    """What is predicted of a word, raised as far as captions are trusted."""
    odds = _logit(predicted) + TRUST * (_logit(share) - _logit(np.array(_rate(word))))
    found: NDArray[np.float64] = 1 / (1 + np.exp(-odds))
    return found


def _rate(word: str) -> float:
    """The share of captions that hold a word; of the rarest for one that is not counted."""
    return float(np.exp(-corpus.weight(word)))


def _logit(p: NDArray[np.float64]) -> NDArray[np.float64]:
    p = np.clip(p, _LEAST, SURE)
    found: NDArray[np.float64] = np.log(p / (1 - p))
    return found

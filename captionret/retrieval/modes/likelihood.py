"""Mode `words`: how probable it is that a person says the query's words of a picture.

Each word of a picture's caption is a question of its own, so the log-likelihood of a text is a sum over its
words of log p/(1 - p), and over all words of log(1 - p), a number per picture. An inverted index answers it.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...records import Explanation, WordReason
from ...text import STOP_WORDS, words
from .. import corpus
from ..classes import classes_of
from ..index.columns import Columns
from ..index.sparse import WordMatrix
from ..protocols import GalleryContents, Mode, PreparedMode
from ..query import EncodedQuery
from .explain import by_share
from .lexical import is_text
from .words import no_words

# Chosen on Flickr8k val, by recall of the picture among the first ten of a caption (a word that head and
# classes know), and by words that no caption of the split holds (FLOOR).
CLASS_SHARE = 0.2  # of a class's probability that a word which the lexical head knows gains by it
CLASS_ALONE = 0.6  # of it that a word is given which only classes know, or of which the head learnt little
RARE = 3e-4  # the head learnt little of a word that stands in a smaller share of captions, see corpus
FLOOR = 0.06  # a picture fits a text if one of its words is at least so probable
_MOST_CUT, _SURE = 0.01, 0.999  # a word that is not stored is a third as probable as the least stored one
_PHRASE = 3  # words of the longest names of classes that are looked for


class LikelihoodMode(Mode):
    """Word probabilities of the lexical head and of ImageNet's classes, asked for a text's likelihood.

    Pictures are compared with pictures as the mode `pictures` does.
    """

    accepts = frozenset({"image", "text"})
    bounded, relative = False, True  # the score of a text is a log-likelihood
    uses_classes = understands = True

    def __init__(self, name: str, about: str, pictures: Mode) -> None:
        self.name, self.about, self.pictures = name, about, pictures

    def required_parts(self, gallery: GalleryContents) -> frozenset[str]:
        """Word probabilities."""
        return frozenset({"word_probabilities"})

    def prepare(self, gallery: GalleryContents) -> "PreparedLikelihood":
        """Index the gallery's word probabilities; BadSetting where it has none."""
        words = WordProbabilities(gallery.word_probabilities, gallery.classes)
        return PreparedLikelihood(words, self.pictures, gallery)


class WordProbabilities:
    """What the lexical head and ImageNet's classes say of N pictures, merged word by word when asked for.

    numbers: (N,) the sum over the head's words of log(1 - p)
    """

    def __init__(self, head: WordMatrix, classes: WordMatrix | None) -> None:
        self._head, self._classes = Columns(head), None if classes is None else Columns(classes)
        least = float(head.weights.min()) if len(head.weights) else _MOST_CUT
        self.least = min(least, _MOST_CUT) / 3  # of a word that is not stored
        # float32 would give a picture other bits where its row stands elsewhere
        added = np.log1p(-np.minimum(head.weights.astype(np.float64), _SURE))
        self.numbers = np.bincount(head.owners(), added, len(head)).astype(np.float64)
        self._known: dict[str, NDArray[np.float64]] = {}

    def __contains__(self, word: str) -> bool:
        """Whether anything is predicted of this word."""
        return word in self._head or (self._classes is not None and word in classes_of())

    def of(self, word: str) -> NDArray[np.float64]:
        """(N,) the probability that a caption of each picture holds the word: above 0, below 1."""
        if word not in self._known:
            found = 1 - (1 - self.by_head(word)) * (1 - self._share(word) * self.by_classes(word))
            self._known[word] = np.clip(found, self.least, _SURE)
        return self._known[word]

    def by_head(self, word: str) -> NDArray[np.float64]:
        """(N,) what the lexical head, or a person's caption, says of the word; 0 for words not stored."""
        return self._head.column(word)

    def by_classes(self, word: str) -> NDArray[np.float64]:
        """(N,) the probability of the classes that are called so, or are a kind of it."""
        total = np.zeros(self._head.count)
        if self._classes is not None:
            for name in classes_of().get(word, ()):
                total += self._classes.column(name)
        return np.minimum(total, 1)

    def _share(self, word: str) -> float:
        return CLASS_SHARE if word in self._head and corpus.rates().get(word, 0.0) >= RARE else CLASS_ALONE


class PreparedLikelihood(PreparedMode):
    """The word probabilities of one gallery."""

    def __init__(self, words: WordProbabilities, pictures: Mode, gallery: GalleryContents) -> None:
        self.words, self._mode, self._gallery = words, pictures, gallery

    def scores(self, query: EncodedQuery) -> NDArray[np.float32]:
        """(N,) float32: of a text the natural log of its likelihood by the number of its words; of a picture,
        or of a text beside one, as the mode for pictures.

        errors: NoWords for a query without a word
        """
        if not is_text(query):
            return self._pictures.scores(query)
        asked = self._asked(query)
        if not asked:
            return np.zeros(len(self.words.numbers), np.float32)
        total = self.words.numbers + np.sum([_log_odds(column) for column in asked.values()], axis=0)
        scores: NDArray[np.float32] = (total / len(asked)).astype(np.float32)
        return scores

    def fits(self, query: EncodedQuery) -> NDArray[np.bool_] | None:
        """(N,) whether one of a text's words that say what is seen is as probable as FLOOR of each picture.
        To a text of which no word is known, none fits."""
        if not is_text(query):
            return None
        asked = self._asked(query)
        telling = [column for word, column in asked.items() if word not in STOP_WORDS] or [*asked.values()]
        if not telling:
            return np.zeros(len(self.words.numbers), np.bool_)
        found: NDArray[np.bool_] = np.max(telling, axis=0) >= FLOOR
        return found

    def why(self, query: EncodedQuery, row: int) -> tuple[str, ...]:
        """The words of the text that are probable of this picture, the surest first."""
        if not is_text(query):
            return self._pictures.why(query, row)
        sure = {word: float(column[row]) for word, column in self._asked(query).items()}
        shown = [word for word, value in sure.items() if value >= FLOOR]
        return tuple(sorted(shown, key=lambda word: (word in STOP_WORDS, -sure[word], word)))

    def explain(self, query: EncodedQuery, row: int) -> Explanation:
        """Each word's probability and what it adds, with the word that it was read as; the rest is the number
        of the picture."""
        if not is_text(query):
            return self._pictures.explain(query, row)
        asked = self._asked(query)
        if not asked:
            return Explanation()
        reasons = [
            WordReason(
                word,
                1.0,
                float(column[row]),
                1.0,
                float(_log_odds(column[row : row + 1])[0]) / len(asked),
                self._read_as(query, word, row),
            )
            for word, column in asked.items()
        ]
        return Explanation(by_share(reasons), rest=float(self.words.numbers[row]) / len(asked))

    def _asked(self, query: EncodedQuery) -> dict[str, NDArray[np.float64]]:
        """The words of a text of which something is predicted, each with its probability in every picture,
        (N,): that of its best reading."""
        read = words(query.text or "")
        if not read:
            raise no_words(query)
        found = {}
        for word in dict.fromkeys(_with_phrases(read)):
            columns = [weight * self.words.of(one) for one, weight in self._readings(query, word).items()]
            if columns:
                found[word] = np.maximum(np.max(columns, axis=0), self.words.least)
        return found

    def _readings(self, query: EncodedQuery, word: str) -> dict[str, float]:
        """The words that a query's word is read as, of which something is predicted, with their weights."""
        read = query.read_as(word)
        readings = {word: 1.0} if read is None else {one.word: one.weight for one in read.readings}
        return {one: weight for one, weight in readings.items() if one in self.words}

    def _read_as(self, query: EncodedQuery, word: str, row: int) -> str:
        """The reading that is the most probable in a picture; "" where it is the word itself."""
        readings = self._readings(query, word)
        best = max(readings, key=lambda one: (readings[one] * self.words.of(one)[row], one == word))
        return "" if best == word else best

    @cached_property
    def _pictures(self) -> PreparedMode:
        return self._mode.prepare(self._gallery)


def _log_odds(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.log(probabilities / (1 - probabilities))
    return found


def _with_phrases(read: tuple[str, ...]) -> Iterable[str]:
    """The words, then the names of classes that several of them make: "sea lion"."""
    yield from read
    known: Mapping[str, tuple[str, ...]] = classes_of()
    for length in range(2, _PHRASE + 1):
        phrases = (" ".join(read[first : first + length]) for first in range(len(read) - length + 1))
        yield from (phrase for phrase in phrases if phrase in known)

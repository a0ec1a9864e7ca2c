"""Mode `words`: how probable it is that a person says the query's words of a picture.

Each word of a picture's caption is a question of its own, so the log-likelihood of a text is a sum over its
words of log p/(1 - p), and over all words of log(1 - p), a number per picture. An inverted index answers it.
Words hang together, so each has a weight that was learnt, see captionret.retrieval.word_weights.
"""

from collections.abc import Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...records import Explanation, WordReason
from ...text import STOP_WORDS, words
from ..asked import asked_words
from ..predicted import GUESS, NAMED, WordProbabilities
from ..protocols import GalleryContents, Mode, PreparedMode
from ..query import EncodedQuery
from .caption_words import CaptionWords
from .explain import by_share
from .lexical import is_text
from .of_queries import OfQueries
from .text_likelihood import NUMBER, TextLikelihood, added_by, telling_words, weight_of
from .words import no_words

# A picture is more than a guess, if one word is at least so probable: else three of four are wrong.
SURE = GUESS


class LikelihoodMode(Mode):
    """Word probabilities of the lexical head and of ImageNet's classes, asked for a text's likelihood.

    Pictures are compared with pictures as the mode `pictures` does.
    named: as TextLikelihood's
    """

    accepts = frozenset({"image", "text"})
    symmetric, bounded, relative = False, False, True  # the score of a text is a log-likelihood
    uses_classes = True
    understands = True

    def __init__(self, name: str, about: str, pictures: Mode, named: float = NAMED) -> None:
        self.name, self.about, self.pictures, self.named = name, about, pictures, named

    def required_parts(self, gallery: GalleryContents) -> frozenset[str]:
        """Word probabilities."""
        return frozenset({"word_probabilities"})

    def prepare(self, gallery: GalleryContents) -> "PreparedLikelihood":
        """Index the gallery's word probabilities; BadSetting where it has none."""
        return PreparedLikelihood(gallery.predicted, self, gallery)


class PreparedLikelihood(PreparedMode):
    """The word probabilities of one gallery."""

    finds_best = True

    def __init__(self, words: WordProbabilities, mode: LikelihoodMode, gallery: GalleryContents) -> None:
        self.words, self._mode, self._gallery = words, mode, gallery
        self.caption_words = CaptionWords(gallery)
        self._texts = OfQueries[TextLikelihood]()  # asked for again for what is weak, and for reasons

    def scores(self, query: EncodedQuery) -> NDArray[np.float32]:
        """(N,) float32: of a text the natural log of its likelihood, each word weighted by how much it tells,
        by the number of its words; of a picture, or of a text beside one, as the mode for pictures.

        errors: NoWords for a query without a word
        """
        if not is_text(query):
            return self._pictures.scores(query)
        return self.text(query).scores()

    def best(
        self, query: EncodedQuery, top: int, least: float, allowed: NDArray[np.bool_] | None
    ) -> list[tuple[int, float]] | None:
        """Of a text the best of those that fit: of very many those alone are compared exactly that may be
        among them. errors: as scores"""
        return self.text(query).best(top, least, allowed) if is_text(query) else None

    def fits(self, query: EncodedQuery) -> NDArray[np.bool_] | None:
        """(N,) whether one of a text's words that say what is seen is probable enough of each picture, or
        less probable and in a caption, or names what it is classed as. To a text of which no word is
        known, none fits."""
        return self.text(query).fits() if is_text(query) else None

    def weak(self, query: EncodedQuery, rows: NDArray[np.integer]) -> NDArray[np.bool_] | None:
        """(M,) whether none of a text's words that say what is seen is as probable of a picture as SURE, or
        names what it is classed as."""
        if not is_text(query):
            return None
        text = self.text(query)
        weak = text.surest_of(rows) < SURE
        return weak if text.named is None else weak & (text.named[rows] < self._mode.named)

    def knows(self, query: EncodedQuery) -> bool:
        """Whether anything is predicted of a word of the text that says what is seen."""
        return any(word not in STOP_WORDS for word in self.text(query).asked)

    def why(self, query: EncodedQuery, row: int) -> tuple[str, ...]:
        """The words that are probable of this picture, or name what it is classed as, of the text or what
        these are read as, the surest first."""
        if not is_text(query):
            return self._pictures.why(query, row)
        sure: dict[str, float] = {}
        for readings in self.text(query).asked.values():
            word, value = self._best(readings, row)
            sure[word] = max(value, sure.get(word, 0.0))
        shown = {*self.words.fitting(sure), *(word for word in sure if self.words.names(word, row))}
        return tuple(sorted(shown, key=lambda word: (word in STOP_WORDS, -sure[word], word)))

    def by_caption(self, query: EncodedQuery, row: int) -> tuple[str, ...]:
        """The words of a text that a caption of the picture says, where none is probable enough alone."""
        if not is_text(query):
            return ()
        telling = telling_words(self.text(query).asked).values()
        likely = max((self._best(readings, row)[1] for readings in telling), default=0.0)
        return self.caption_words.at(query, row) if likely < self.words.least_of_hits else ()

    def explain(self, query: EncodedQuery, row: int) -> Explanation:
        """Each word's probability and what it adds, with the word that it was read as; the rest is the number
        of the picture."""
        if not is_text(query):
            return self._pictures.explain(query, row)
        asked = self.text(query).asked
        if not asked:
            return Explanation()
        count, shown = len(asked), self.words.some(np.array([row]))
        reasons = []
        for word, readings in asked.items():
            best, value = self._best(readings, row)
            weight = weight_of(word, readings)
            added = weight * float(added_by(shown, readings)[0]) / count
            reasons.append(WordReason(word, 1.0, value, weight, added, "" if best == word else best))
        return Explanation(by_share(reasons), rest=NUMBER * float(self.words.numbers[row]) / count)

    def text(self, query: EncodedQuery) -> TextLikelihood:
        """What the words of a text say. errors: NoWords"""
        return self._texts.get(query, lambda: self._text(query))

    def _text(self, query: EncodedQuery) -> TextLikelihood:
        if not words(query.text or ""):
            raise no_words(query)
        asked = asked_words(self.words, query)
        return TextLikelihood(self.words, asked, lambda: self.caption_words.any(query), self._mode.named)

    def _best(self, readings: Mapping[str, float], row: int) -> tuple[str, float]:
        """The likeliest reading of one picture, and how probable it is by its weight."""
        values = {word: weight * self.words.at(word, row) for word, weight in readings.items()}
        best = max(values, key=lambda word: values[word])
        return best, values[best]

    @cached_property
    def _pictures(self) -> PreparedMode:
        return self._mode.pictures.prepare(self._gallery)

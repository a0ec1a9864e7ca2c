"""A query as retrieval sees it: whatever is known of a picture, a text, or both."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from ..text import content_words, words
from .language import ParsedQuery
from .noun_meanings import noun_meanings
from .understanding import Understood, as_read

_LEAST = 1e-6  # a weight below it is rounding, not a word


@dataclass(frozen=True, slots=True, eq=False)
class EncodedQuery:
    """A query with all that is known of it. Which parts are there decides which modes can answer.

    caption:  the query picture's generated caption; None where no picture is asked for
    text:     the query text; None where none was given
    sha256:   of the query picture's content, by which it is left out of its own answer; None without a
              picture
    captions: all generated captions of the picture, the best first; where not given, the one
    word_probabilities:   for each word the probability that a caption of the picture holds it; None where
                          nothing is predicted
    feature:  (D,) the backbone's pooled feature of the picture
    vectors:  (D,) unit rows: where the whole query, picture and text, stands in each embedding space, by the
              mode that compares there
    classes:  how much the text is about each of ImageNet's classes, by name; empty where nobody looked
    usual:    (K, D) unit rows, where texts usually lie in the space of mode embedding: pictures that are near
              to all of them are hubs; None where that is not known
    feedback: what was liked and disliked; it is in feature and vectors already, words and word probabilities
              are weighted by each mode, see apply_feedback
    parsed:   the query text as it was read: conditions and filters that the pictures have to meet; None for
              a text that is taken as it is
    understood: what each word of the text and its conditions means in the gallery's words; None where words
              are compared as they are spelt
    """

    caption: str | None = None
    text: str | None = None
    sha256: str | None = None
    captions: tuple[str, ...] = ()
    word_probabilities: Mapping[str, float] | None = None
    feature: np.ndarray | None = None
    vectors: Mapping[str, np.ndarray] = field(default_factory=dict)
    classes: Mapping[str, float] = field(default_factory=dict)
    usual: np.ndarray | None = None
    feedback: "Feedback | None" = None
    parsed: ParsedQuery | None = None
    understood: tuple[Understood, ...] | None = None

    @property
    def parts(self) -> frozenset[str]:
        """Of "image" and "text" those it has."""
        return frozenset(
            name for name, value in (("image", self.caption), ("text", self.text)) if value is not None
        )

    @property
    def lists(self) -> bool:
        """Whether nothing is asked for but filters, so that all that they leave is an answer."""
        return not self.parts and self.parsed is not None and bool(self.parsed.filters)

    @property
    def nothing_known(self) -> bool:
        """Whether it is a text of which no word that says what is seen is known."""
        if self.understood is None or self.parts != {"text"}:
            return False
        asked = set(content_words(words(self.text or "")))
        found = [one.known for one in self.understood if one.word in asked]
        return bool(found) and not any(found)

    @property
    def beyond_words(self) -> bool:
        """Whether it is a text of common words of which none is known as it is spelt, or in another form:
        only a space, or classes, may tell what they are."""
        asked = set(content_words(words(self.text or "")))
        read = [one for one in self.understood or () if one.word in asked]
        return self.parts == {"text"} and bool(read) and all(one.common for one in read)

    def read_as(self, word: str) -> Understood | None:
        """What a word of the text is read as; None where it is taken as it is spelt."""
        return next((one for one in self.understood or () if one.word == word), None)

    @property
    def meant(self) -> str:
        """The text with errors of typing corrected, see as_read."""
        return as_read(self.text or "", self.understood or ())

    @property
    def meanings(self) -> tuple[str, ...]:
        """What a dictionary says of a text that is a noun which captions seldom hold, where a space of
        sentences reads it, see noun_meanings."""
        return noun_meanings(self.meant) if self.text and "embedding" in self.vectors else ()

    @property
    def texts(self) -> tuple[str, ...]:
        """The caption and the text, those of them that are there."""
        return tuple(part for part in (self.caption, self.text) if part is not None)

    @property
    def all_captions(self) -> tuple[str, ...]:
        """Every caption of the picture."""
        return self.captions or (() if self.caption is None else (self.caption,))

    def apply_feedback(
        self, own: Mapping[str, float], read: "Callable[[EncodedQuery], Mapping[str, float]]"
    ) -> Mapping[str, float]:
        """The words of this query as weighted by feedback; `own` where there is none.

        own:  the weight of each word that the query itself holds, as a mode reads it
        read: how that mode reads the words of another query
        """
        return own if self.feedback is None else self.feedback.apply_feedback(own, read)


@dataclass(frozen=True, slots=True, eq=False)
class Feedback:
    """Pictures that a person liked and disliked, and how much a, b, c the query itself, the liked and the
    disliked count."""

    liked: tuple[EncodedQuery, ...]
    disliked: tuple[EncodedQuery, ...]
    weights: tuple[float, float, float]

    def apply_feedback(
        self, own: Mapping[str, float], read: Callable[[EncodedQuery], Mapping[str, float]]
    ) -> dict[str, float]:
        """(a own + b mean of the liked - c mean of the disliked) / (a + b), by word; words at or below 0 are
        left out.

        The quotient (a alone, where nothing is liked) keeps the weight of a word that the query and all liked
        pictures hold at 1: probabilities stay probabilities, and Jaccard similarity does not take more than 1
        for a word that the other side does not hold.
        """
        a, b, c = self.weights
        total = {word: a * weight for word, weight in own.items()}
        for others, share in ((self.liked, b), (self.disliked, -c)):
            for other in others:
                for word, weight in read(other).items():
                    total[word] = total.get(word, 0.0) + share / len(others) * weight
        whole = a + (b if self.liked else 0.0)
        return {word: total[word] / whole for word in sorted(total) if whole and total[word] / whole > _LEAST}

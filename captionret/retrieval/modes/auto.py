"""Mode `auto`: the best that can be done with what a gallery holds, for a text, a picture, or both.

A text is compared by the shipped space, by its likelihood under the word probabilities, and by the classes
that it names; pictures that are near to usual texts, hubs, count less. A picture is compared by the words in
which it differs from others, by the shipped space and by captions, or as a gallery's own hybrid says. What a
gallery does not hold is left out.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...records import Explanation
from ...text import STOP_WORDS, content_words, words
from .. import corpus
from ..index.columns import WordColumns
from ..predicted import RARE
from ..protocols import GalleryContents, Mode, PreparedMode
from ..query import EncodedQuery
from .fusion import HybridMode, PreparedHybrid, standardised
from .hubs import ROWS, nearness
from .lexical import is_text
from .likelihood import LikelihoodMode, PreparedLikelihood

# Learnt on Flickr8k val, for a caption's picture among the first ten (2,000 captions): 74.4 % with all,
# 68.7 % by the space alone, 67.5 % by words alone.
EMBEDDING, WORDS = 1.0, 0.85
HUBS = 0.2  # less by this, where a picture is by a standard deviation nearer to usual texts than most are
# For a picture. On Flickr8k val the words alone are the best mode for pictures; the space and captions add
# little to them, more of either takes from it.
PICTURES: Mapping[str, float] = {"words": 1.0, "embedding": 0.2, "multi-caption-union": 0.05}
# Divided by the number of words that say what is seen. The best on val, by 0.1; Caltech-101's labels, which
# were in view, gain more by it.
CLASSES = 1.2
KNOWN = 0.85  # less by this share for words that captions often say
LEAST_CLASS = 1e-3  # less probable classes are all alike
# A picture fits a text also where it is as near in the space, or of the classes named as probably: so are the
# nearest pictures of one in fifty words that no caption of Flickr8k val holds.
NEAR, NAMED = 0.5, 0.45
# The same where no word of the text is known, so that only classes can tell: set by judgement.
NAMED_ALONE = 0.2
# A picture is shown as a guess for words of which nothing was learnt (beyond_words) where the classes that
# these name are so much more probable than of most pictures, in log-probability: on Flickr8k val nine in ten
# words that captions hold and nobody learnt find some picture then, and one in seven a right one among ten.
# The scores of the sample photographs' own words were in view, too, when this and HINTED_SELDOM were set.
HINTED = 0.4
# The same for words that captions hold too seldom to be learnt: of those that no caption of val holds
# one in twenty finds a picture then.
SELDOM, HINTED_SELDOM = 1e-4, 2.5


class AutoMode(Mode):
    """Chooses by itself among the modes given."""

    accepts = frozenset({"image", "text"})
    symmetric, bounded, relative = False, False, True
    composite = True
    uses_classes = understands = True
    adaptive = True

    def __init__(
        self,
        name: str,
        about: str,
        embedding: Mode,
        words: LikelihoodMode,
        captions: Mode,
        pictures: HybridMode,
    ) -> None:
        """captions: for a text where nothing else can answer; pictures: for pictures"""
        self.name, self.about = name, about
        self.embedding, self.words, self.captions, self.pictures = embedding, words, captions, pictures

    def required_parts(self, gallery: GalleryContents) -> frozenset[str]:
        """All that it makes use of; it answers without any of them, too."""
        own = (self.embedding, self.words, self.pictures)
        return frozenset().union(*(mode.required_parts(gallery) for mode in own))

    def prepare(self, gallery: GalleryContents) -> "PreparedAuto":
        """Prepare the modes whose parts the gallery holds."""
        return PreparedAuto(self, gallery)


class PreparedAuto(PreparedMode):
    """One gallery by the modes that it allows."""

    def __init__(self, mode: AutoMode, gallery: GalleryContents) -> None:
        held, self._count = gallery.parts, len(gallery)
        self._mode, self._gallery = mode, gallery
        self._embedding = mode.embedding.prepare(gallery) if mode.embedding.name in held else None
        self._words: PreparedLikelihood | None = None
        self._classes: WordColumns | None = None
        if "word_probabilities" in held:
            self._words = mode.words.prepare(gallery)
            self._classes = gallery.predicted.class_columns
        # where texts usually lie, and what pictures lose by being near to them
        self._usual: tuple[NDArray[np.float32], NDArray[np.float64]] | None = None

    @cached_property
    def _pictures(self) -> PreparedHybrid:
        """Of no use to a text, which need not wait for it."""
        return self._mode.pictures.prepared_for_pictures(self._gallery, self._gallery.parts)

    @cached_property
    def _captions(self) -> PreparedMode:
        """For texts in a gallery of captions alone."""
        return self._mode.captions.prepare(self._gallery)

    def _beside_pictures(self, query: EncodedQuery) -> PreparedMode:
        """For queries that are not a text alone: the modes for pictures, or where none takes this one, as
        of a text with liked pictures in a gallery of captions alone, the mode for captions."""
        return self._pictures if self._taking(query) else self._captions

    def _taking(self, query: EncodedQuery) -> tuple[str, ...]:
        """The modes for pictures that take this query; in a gallery of captions alone none takes a text."""
        if query.caption is None and self._embedding is None and self._words is None:
            return ()
        return self._pictures.compared(query)

    def scores(self, query: EncodedQuery) -> NDArray[np.float32]:
        """(N,) float32: a weighted sum of standardised scores; in a gallery of captions alone, the score of
        the mode for captions. errors: as the modes it is made of"""
        if not is_text(query):
            if not self._taking(query):
                return self._captions.scores(query)
            return self._pictures.scores(query)
        added = self._added(query)
        total: NDArray[np.float32] = np.sum([one for _, one in added], axis=0).astype(np.float32)
        return total

    def fits(self, query: EncodedQuery) -> NDArray[np.bool_] | None:
        """(N,) of a text whether its words are probable enough of each picture, or it is near enough, or of a
        class that the text names. With pictures that are disliked alone it is the text that has to fit."""
        query = _without_disliked(query)
        if not is_text(query):
            return None
        if self._words is None:
            return None if self._embedding is not None else self._captions.scores(query) > 0
        found = self._words.fits(query)
        assert found is not None
        found |= self._near_or_named(query)
        if self._classes is None or not query.classes:
            return found
        named = self._named(query)
        if query.beyond_words or _seldom(query.meant):
            found |= named >= (HINTED if query.beyond_words else HINTED_SELDOM)
        return found

    def weak(self, query: EncodedQuery, rows: NDArray[np.integer]) -> NDArray[np.bool_] | None:
        """(M,) of a text whether its words are a guess of some pictures, and neither the space nor classes
        say more."""
        query = _without_disliked(query)
        if not is_text(query) or self._words is None:
            return None
        weak = self._words.weak(query, rows)
        assert weak is not None
        found: NDArray[np.bool_] = weak & ~self._near_or_named(query)[rows]
        return found

    def _near_or_named(self, query: EncodedQuery) -> NDArray[np.bool_]:
        """(N,) whether each picture is as near to a text as NEAR, or of classes that the text names."""
        assert self._words is not None
        found = np.zeros(self._count, np.bool_)
        if self._embedding is not None and query.vectors:
            found |= self._embedding.scores(query) >= NEAR
        if self._classes is not None and query.classes:
            named = sum(weight * self._classes.column(name) for name, weight in query.classes.items())
            found |= np.asarray(named) >= (NAMED if self._words.knows(query) else NAMED_ALONE)
        return found

    def why(self, query: EncodedQuery, row: int) -> tuple[str, ...]:
        """The words that are probable of the picture, or shared with its caption."""
        if not is_text(query):
            return self._beside_pictures(query).why(query, row)
        return (self._words or self._captions).why(query, row)

    def explain(self, query: EncodedQuery, row: int) -> Explanation:
        """What each mode adds."""
        if not is_text(query):
            if not self._taking(query):
                return self._captions.explain(query, row)
            return self._pictures.explain(query, row)
        return Explanation(parts=tuple((name, float(added[row])) for name, added in self._added(query)))

    def compared(self, query: EncodedQuery) -> tuple[str, ...]:
        """The modes that add to the score of this query, and "classes"."""
        if not is_text(query):
            return self._taking(query) or ("captions",)
        adding = {
            "embedding": self._embedding is not None and bool(query.vectors),
            "words": self._words is not None,
            "classes": self._classes is not None and bool(query.classes),
        }  # see _added; to score every picture for that would take as long as the answer
        return tuple(name for name, adds in adding.items() if adds) or ("captions",)

    def _added(self, query: EncodedQuery) -> list[tuple[str, NDArray[np.float64]]]:
        """What each mode adds to the score of a text, by name."""
        found: list[tuple[str, NDArray[np.float64]]] = []
        if self._embedding is not None and query.vectors:
            near = EMBEDDING * standardised(self._embedding.scores(query))
            found.append(("embedding", near - self._near_usual(query)))
        if self._words is not None:
            found.append(("words", WORDS * standardised(self._words.scores(query))))
        if self._classes is not None and query.classes:
            found.append(("classes", _class_weight(query.meant) * self._named(query)))
        return found or [("captions", self._captions.scores(query).astype(np.float64))]

    def _near_usual(self, query: EncodedQuery) -> NDArray[np.float64]:
        """(N,) what pictures lose by being near to usual texts."""
        if query.usual is None or self._embedding is None:
            return np.zeros(self._count)
        if self._usual is None or self._usual[0] is not query.usual:
            self._usual = query.usual, HUBS * standardised(self._nearness(query.usual))
        return self._usual[1]

    def _nearness(self, usual: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N,) how near each picture is to these places; of very many, a block is read at a time."""
        name = self._mode.embedding.name
        table = self._gallery.vector_table(name)
        if table is None:
            return nearness(self._gallery.vectors(name), usual)
        starts = range(0, self._count, ROWS)
        return np.concatenate(
            [nearness(table.rows(table.places[start : start + ROWS]), usual) for start in starts]
        )

    def _named(self, query: EncodedQuery) -> NDArray[np.float64]:
        """(N,) the mean log-probability of the classes that the text names, from the gallery's mean."""
        assert self._classes is not None
        total = np.zeros(self._classes.count)
        for name, weight in query.classes.items():
            total += weight * np.log(np.maximum(self._classes.column(name), LEAST_CLASS))
        return total - (total.mean() if len(total) else 0.0)


def _without_disliked(query: EncodedQuery) -> EncodedQuery:
    """The query as one without feedback, where nothing was liked that it could be about, too."""
    feedback = query.feedback
    return query if feedback is None or feedback.liked else replace(query, feedback=None)


def _seldom(text: str) -> bool:
    """Whether captions hardly ever hold a word of it that says what is seen."""
    return all(corpus.rates().get(word, 0.0) < SELDOM for word in content_words(words(text)))


def _class_weight(text: str) -> float:
    """How much classes count for a text: more, where it has few words, and words that captions seldom say."""
    telling = [word for word in dict.fromkeys(words(text)) if word not in STOP_WORDS]
    if not telling:
        return 0.0
    often = sum(corpus.rates().get(word, 0.0) >= RARE for word in telling) / len(telling)
    return CLASSES * (1 - KNOWN * often) / len(telling)

"""Mode `auto`: the best that can be done with what a gallery holds, for a text, a picture, or both.

A text is compared by the shipped space, by its likelihood under the word probabilities, and by the classes
that it names; pictures that are near to usual texts, hubs, count less. A picture is compared by the words in
which it differs from others, by the shipped space and by captions, or as a gallery's own hybrid says. What a
gallery does not hold is left out.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from ...records import Explanation
from ..index.halves import EXACT_UP_TO
from ..protocols import GalleryContents, Mode, PreparedMode
from ..query import EncodedQuery
from ..rough_sums import Fitting, Roughly, best_of, summed
from .fusion import HybridMode, PreparedHybrid, standardised
from .hubs import nearness, nearness_of
from .lexical import is_text
from .likelihood import LikelihoodMode, PreparedLikelihood
from .named_classes import NamedClasses
from .near import NEAR, near_enough, near_fitting
from .of_queries import OfQueries

# Learnt on Flickr8k val, for a caption's picture among the first ten (1,000 captions): 78.5 % with all,
# 76.5 % without words; and for nouns that were hidden from the lexical head.
EMBEDDING, WORDS = 1.0, 0.7
HUBS = 0.1  # less by this, where a picture is by a standard deviation nearer to usual texts than most are
# For a picture. On Flickr8k val the words alone are the best mode for pictures; the space and captions add
# little to them, more of either takes from it.
PICTURES: Mapping[str, float] = {"words": 1.0, "embedding": 0.4, "multi-caption-union": 0.05}


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

    finds_best = True

    def __init__(self, mode: AutoMode, gallery: GalleryContents) -> None:
        held, self._count = gallery.parts, len(gallery)
        self._mode, self._gallery = mode, gallery
        self._embedding = mode.embedding.prepare(gallery) if mode.embedding.name in held else None
        self._words: PreparedLikelihood | None = None
        self._classes: NamedClasses | None = None
        if "word_probabilities" in held:
            self._words = mode.words.prepare(gallery)
            columns = gallery.predicted.class_columns
            self._classes = None if columns is None else NamedClasses(columns)
        self._predicts = self._words is not None and gallery.predicted.of_pictures
        # where texts usually lie, and what pictures lose by being near to them
        self._usual: tuple[NDArray[np.float32], NDArray[np.float64]] | None = None
        # what is known roughly of very many pictures
        self._roughly = OfQueries[list[tuple[str, Roughly]] | None]()
        self._nearly = OfQueries[Roughly]()

    @cached_property
    def _pictures(self) -> PreparedHybrid:
        """Of no use to a text, which need not wait for it."""
        alike: frozenset[str] = frozenset() if self._predicts else frozenset({"word_probabilities"})
        return self._mode.pictures.prepared_for_pictures(self._gallery, self._gallery.parts - alike)

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
        if query.caption is None and self._embedding is None and not self._predicts:
            return ()
        return self._pictures.compared(query)

    def scores(self, query: EncodedQuery) -> NDArray[np.float32]:
        """(N,) float32: a weighted sum of standardised scores; in a gallery of captions alone, the score of
        the mode for captions. errors: as the modes it is made of"""
        if not is_text(query):
            return self._beside_pictures(query).scores(query)
        added = self._added(query)
        total: NDArray[np.float32] = np.sum([one for _, one in added], axis=0).astype(np.float32)
        return total

    def best(
        self, query: EncodedQuery, top: int, least: float, allowed: NDArray[np.bool_] | None
    ) -> list[tuple[int, float]] | None:
        """Of a text the best of very many pictures: those alone are compared exactly that may be among
        them. Means and deviations are taken of what is known roughly."""
        many = self._many(query)
        if many is None:
            return None
        return best_of(summed([one for _, one in many]), self._fitting(query), top, least, allowed)

    def _many(self, query: EncodedQuery) -> list[tuple[str, Roughly]] | None:
        """What each mode adds to the score of a text of each of very many pictures, roughly, as _added says
        exactly; None where all are compared exactly."""
        by_words = self._words
        if self._count <= EXACT_UP_TO or by_words is None or not is_text(query):
            return None
        return self._roughly.get(query, lambda: self._added_roughly(by_words, query))

    def _added_roughly(
        self, by_words: PreparedLikelihood, query: EncodedQuery
    ) -> list[tuple[str, Roughly]] | None:
        text = by_words.text(query)
        if text.rough is None:
            return None
        found: list[tuple[str, Roughly]] = []
        if self._embedding is not None and query.vectors:
            near = self._near(query).standardised(EMBEDDING)
            found.append(("embedding", near.less(self._near_usual(query))))
        found.append(("words", text.roughly(text.rough).standardised(WORDS)))
        if self._classes is not None and query.classes:
            named = self._classes.added(query)
            found.append(("classes", Roughly(named, 0.0, lambda rows: named[rows])))
        return found

    def _near(self, query: EncodedQuery) -> Roughly:
        """How near each picture is to a text in the space."""
        embedding = self._embedding
        assert embedding is not None
        return self._nearly.get(query, lambda: embedding.roughly(query))

    def _fitting(self, query: EncodedQuery) -> Fitting:
        """As fits, of very many pictures."""
        assert self._words is not None
        text = self._words.text(query)
        assert text.rough is not None
        by_words, by_classes = text.fitting(text.rough), self._by_classes(query)

        def with_classes(found: NDArray[np.bool_], rows: NDArray[np.integer] | slice) -> NDArray[np.bool_]:
            return found if by_classes is None else found | by_classes[rows]

        if self._embedding is None or not query.vectors:
            return Fitting(
                lambda sure: with_classes(by_words.roughly(sure), slice(None)),
                lambda rows: with_classes(by_words.exactly(rows), rows),
            )
        probable = partial(text.probable, text.rough)
        by_near = near_fitting(query.meant, self._near(query), lambda: text.captioned, probable)
        return Fitting(
            lambda sure: with_classes(by_words.roughly(sure) | by_near.roughly(sure), slice(None)),
            lambda rows: with_classes(by_words.exactly(rows) | by_near.exactly(rows), rows),
        )

    def fits(self, query: EncodedQuery) -> NDArray[np.bool_] | None:
        """(N,) of a text whether its words are probable enough of each picture, or it is near enough, or of a
        class that the text names. With pictures that are disliked alone it is the text that has to fit."""
        query = _without_disliked(query)
        if not is_text(query):
            return None
        if self._words is None:
            return None if self._embedding is not None else self._captions.scores(query) > 0
        found, by_classes = self._words.fits(query), self._by_classes(query)
        assert found is not None
        if self._embedding is not None and query.vectors:
            text = self._words.text(query)
            near = self._embedding.scores(query)
            found |= near_enough(query.meant, near, lambda: text.captioned, lambda p: text.surest >= p)
        return found if by_classes is None else found | by_classes

    def weak(self, query: EncodedQuery, rows: NDArray[np.integer]) -> NDArray[np.bool_] | None:
        """(M,) of a text whether its words are a guess of some pictures, and neither the space nor classes
        say more."""
        query = _without_disliked(query)
        if not is_text(query) or self._words is None:
            return None
        weak = self._words.weak(query, rows)
        assert weak is not None
        weak = weak & ~self._is_near(query, rows)
        if self._classes is None or not query.classes:
            return weak
        return np.asarray(weak & ~self._classes.named(query, self._words.knows(query))[rows])

    def _is_near(self, query: EncodedQuery, rows: NDArray[np.integer]) -> NDArray[np.bool_]:
        """(M,) whether each of some pictures is as near to a text as NEAR."""
        if self._embedding is None or not query.vectors:
            return np.zeros(len(rows), np.bool_)
        if self._count <= EXACT_UP_TO:
            return np.asarray(self._embedding.scores(query)[rows] >= NEAR)
        return np.asarray(self._near(query).exactly(rows) >= NEAR)

    def _by_classes(self, query: EncodedQuery) -> NDArray[np.bool_] | None:
        """(N,) which pictures fit a text by the classes that it names; None where it names none."""
        if self._classes is None or not query.classes:
            return None
        assert self._words is not None
        return self._classes.fits(query, self._words.knows(query))

    def why(self, query: EncodedQuery, row: int) -> tuple[str, ...]:
        """The words that are probable of the picture, or that its caption says."""
        if not is_text(query):
            return self._beside_pictures(query).why(query, row)
        if self._words is None:
            return self._captions.why(query, row)
        return self._words.why(query, row) or self.by_caption(query, row)

    def by_caption(self, query: EncodedQuery, row: int) -> tuple[str, ...]:
        """As mode words has it."""
        return () if self._words is None else self._words.by_caption(query, row)

    def explain(self, query: EncodedQuery, row: int) -> Explanation:
        """What each mode adds."""
        if not is_text(query):
            if not self._taking(query):
                return self._captions.explain(query, row)
            return self._pictures.explain(query, row)
        many = self._many(query)
        if many is not None:
            one = np.array([row])
            return Explanation(parts=tuple((name, float(part.exactly(one)[0])) for name, part in many))
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
            found.append(("classes", self._classes.added(query)))
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
        return nearness_of(table, usual)


def _without_disliked(query: EncodedQuery) -> EncodedQuery:
    """The query as one without feedback, where nothing was liked that it could be about, too."""
    feedback = query.feedback
    return query if feedback is None or feedback.liked else replace(query, feedback=None)

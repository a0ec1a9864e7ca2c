"""Modes that compare what is predicted of images: for each word the probability that a caption of the image
holds it.

One caption throws away what a captioner knows; its word probabilities keep it. A text counts as word
probabilities of 1.
"""

from collections.abc import Callable, Mapping
from math import sqrt
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...errors import BadSetting
from ...records import Explanation, WordReason
from ...text import word_set
from .. import corpus
from ..index.cosine import CosineIndex
from ..index.sparse import WordMatrix
from ..protocols import GalleryContents, Mode, PreparedMode
from ..query import EncodedQuery
from .explain import by_share
from .words import JaccardWords, no_words

LEAST = 0.01  # less probable words have no part in these modes, whatever a library keeps
_SHOWN = 8  # words of a reason; an image has some forty word probabilities


class Index(Protocol):
    """How word probabilities are compared."""

    def scores(self, query: Mapping[str, float]) -> NDArray[np.float32]:
        """(N,) float32."""
        ...

    def shares(self, query: Mapping[str, float], row: Mapping[str, float]) -> dict[str, float]:
        """What each word of either side adds to the score of one row."""
        ...


class LexicalIndex(Index, Protocol):
    """The same for pictures; `for_texts` says how texts are."""

    def for_texts(self) -> Index: ...  # noqa: D102


class LexicalMode(Mode):
    """Word probabilities compared by one of two measures."""

    accepts = frozenset({"image", "text"})
    understands = True

    def __init__(
        self,
        name: str,
        about: str,
        index: Callable[[WordMatrix], "LexicalIndex"],
    ) -> None:
        self.name, self.about, self.index = name, about, index

    def required_parts(self, gallery: GalleryContents) -> frozenset[str]:
        """Word probabilities."""
        return frozenset({"word_probabilities"})

    def prepare(self, gallery: GalleryContents) -> "PreparedLexical":
        """Index the gallery's word probabilities; BadSetting where it has none."""
        return PreparedLexical(self, gallery.word_probabilities.at_least(LEAST))


class PreparedLexical(PreparedMode):
    """The word probabilities of one gallery."""

    def __init__(self, mode: LexicalMode, word_probabilities: WordMatrix) -> None:
        self.mode, self.word_probabilities = mode, word_probabilities
        self.index = mode.index(word_probabilities)
        self.finds_best = isinstance(self.index, JaccardWords)

    def scores(self, query: EncodedQuery) -> np.ndarray:
        """(N,) float32; NoWords for a query without any word, BadSetting for a picture of which nothing is
        predicted."""
        return self._index(query).scores(self._probabilities(query))

    def best(
        self, query: EncodedQuery, top: int, least: float, allowed: NDArray[np.bool_] | None
    ) -> list[tuple[int, float]] | None:
        """The best rows, where probabilities are compared by Jaccard similarity. errors: as scores"""
        if not isinstance(self.index, JaccardWords):
            return None
        return self.index.best(self._probabilities(query), top, least, allowed)

    def why(self, query: EncodedQuery, row: int) -> tuple[str, ...]:
        """The words that made the match, the most telling first."""
        return tuple(
            reason.word
            for reason in self.explain(query, row).words[:_SHOWN]
            if reason.share > 0 and reason.query and reason.image
        )

    def explain(self, query: EncodedQuery, row: int) -> Explanation:
        """Every word of both sides with its probabilities."""
        ours, theirs = self._probabilities(query), self.word_probabilities.row(row)
        index = self._index(query)
        shares = index.shares(ours, theirs)
        reasons = [
            WordReason(word, ours.get(word, 0.0), theirs.get(word, 0.0), corpus.weight(word), share)
            for word, share in shares.items()
        ]
        whole = float(index.scores(ours)[row])
        return Explanation(by_share(reasons), rest=whole - sum(shares.values()))

    def certainty(self) -> NDArray[np.float64] | None:
        """(N,) of expected cosine how far each image is from the mean one: of one that is near to it, nothing
        is known for sure."""
        return self.index.index.lengths if isinstance(self.index, ExpectedCosine) else None

    def _index(self, query: EncodedQuery) -> "Index":
        return self.index.for_texts() if is_text(query) else self.index

    def _probabilities(self, query: EncodedQuery) -> Mapping[str, float]:
        probabilities = query.apply_feedback(self._own(query), self._own)
        if not probabilities:
            raise no_words(query)
        return probabilities

    def _own(self, query: EncodedQuery) -> Mapping[str, float]:
        if query.caption is not None and query.word_probabilities is None:
            raise BadSetting(
                f"Mode {self.mode.name!r} compares word probabilities, and nothing is predicted of the "
                "query picture. Choose another mode."
            )
        predicted = query.word_probabilities or {}
        kept = {word: value for word, value in predicted.items() if value >= np.float16(LEAST)}
        return kept | self._words(query)

    def _words(self, query: EncodedQuery) -> dict[str, float]:
        """The text's words as they are spelt; in place of one that no picture is known by, what it is read
        as."""
        found: dict[str, float] = {}
        for word in sorted(word_set(query.text or "")):
            read = query.read_as(word)
            if read is None or read.exact or not read.known:
                found[word] = 1.0
            else:
                for one in read.readings:
                    found[one.word] = max(found.get(one.word, 0.0), one.weight)
        return found


def is_text(query: EncodedQuery) -> bool:
    """Whether a query is a text and no more: it says what is there, not what is not."""
    return query.caption is None and query.feedback is None


class ExpectedCosine:
    """Cosine of the square roots of probability times idf, both taken from the mean image.

    The square root is Hellinger's: it makes 0.1 against 0.2 matter as much as it should beside 0.8 against
    0.9. Taking the mean away leaves what an image shows more, or less, than others: that both may hold "a"
    and "man" says nothing.
    """

    STEADY = 50  # images' worth of the corpus's word rates that steady the mean of a small gallery
    POWER = 1.0  # see CosineIndex

    def __init__(self, word_probabilities: WordMatrix) -> None:
        values = np.sqrt(
            word_probabilities.weights.astype(np.float32)
            * np.fromiter(
                map(corpus.weight, word_probabilities.words), np.float32, len(word_probabilities.words)
            )[word_probabilities.ids]
        )
        rows = WordMatrix(
            word_probabilities.words,
            word_probabilities.starts,
            word_probabilities.ids,
            values.astype(np.float32),
        )
        sums = np.bincount(rows.ids, values.astype(np.float64), len(rows.words))  # (V,)
        usual = np.array([sqrt(corpus.rates().get(word, 0.0) * corpus.weight(word)) for word in rows.words])
        means = (sums + self.STEADY * usual) / (len(rows) + self.STEADY)
        centre = dict(zip(rows.words, means.tolist(), strict=True))
        self.index = CosineIndex(rows, centre, power=self.POWER)

    def for_texts(self) -> "TextCosine":
        """The same for texts."""
        return TextCosine(self.index)

    def scores(self, query: Mapping[str, float]) -> NDArray[np.float32]:
        """(N,) float32 from -1 to 1."""
        return self.index.scores(_roots(query))

    def shares(self, query: Mapping[str, float], row: Mapping[str, float]) -> dict[str, float]:
        """What each word adds; below 0 where one side holds it and the other less than most."""
        return self.index.shares(_roots(query), _roots(row))


class ExpectedProduct(ExpectedCosine):
    """The same product, divided by less than the length of the gallery's image, so that images of which much
    is sure come first among those that look alike. It is no longer the same either way round."""

    # Chosen on Flickr8k val: NDCG@10 by sbert is 62.9 at 1, 63.6 at .6 (0.5.0's lexical head; with the mean
    # of three heads 64.8 and 65.5).
    POWER = 0.6


class TextCosine:
    """The cosine of a text as it is with pictures taken from the mean image.

    A text names some of what is seen. Were the mean taken away from it, too, all other words would count as
    absent, and pictures of which little is predicted would come first.
    """

    def __init__(self, index: CosineIndex) -> None:
        self.index = index

    def scores(self, query: Mapping[str, float]) -> NDArray[np.float32]:
        """(N,) float32 from -1 to 1."""
        return self.index.scores_of_words(_roots(query))

    def shares(self, query: Mapping[str, float], row: Mapping[str, float]) -> dict[str, float]:
        """What each word of the text adds; below 0 where the picture holds it less than most."""
        added = self.index.shares_of_words(_roots(query), _roots(row))
        return dict.fromkeys(row, 0.0) | added


def _roots(probabilities: Mapping[str, float]) -> dict[str, float]:
    return {word: sqrt(weight * corpus.weight(word)) for word, weight in probabilities.items()}

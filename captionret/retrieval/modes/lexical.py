"""Modes that compare what is predicted of images: for each word the probability that a caption of the image
holds it.

One caption throws away what a captioner knows; its word probabilities keep it. A text counts as word
probabilities of 1.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import sqrt
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ...errors import BadSetting
from ...records import Explanation, WordReason
from ...text import word_set
from .. import corpus
from ..index.best import KERNEL
from ..index.cosine import CosineIndex
from ..index.sparse import WordMatrix, WordWeights
from ..index.stored_words import StoredWeights, StoredWords
from ..index.word_postings import LIKELY
from ..protocols import GalleryContents, Mode, PreparedMode
from ..query import EncodedQuery
from .explain import by_share
from .words import JaccardWords, no_words

_SHOWN = 8  # words of a reason; an image has some forty word probabilities


class Index(Protocol):
    """How word probabilities are compared."""

    def scores(self, query: Mapping[str, float]) -> NDArray[np.float32]:
        """(N,) float32."""
        ...

    def best(
        self, query: Mapping[str, float], top: int, least: float, allowed: NDArray[np.bool_] | None
    ) -> list[tuple[int, float]] | None:
        """The best rows, see PreparedMode.best; None where all have to be scored."""
        ...

    def shares(self, query: Mapping[str, float], row: Mapping[str, float]) -> dict[str, float]:
        """What each word of either side adds to the score of one row."""
        ...


class LexicalIndex(Index, Protocol):
    """The same for pictures; `for_texts` says how texts are."""

    def for_texts(self) -> Index:
        """The one that compares texts."""


class LexicalMode(Mode):
    """Word probabilities compared by one of two measures."""

    accepts = frozenset({"image", "text"})
    understands = True

    def __init__(
        self,
        name: str,
        about: str,
        index: Callable[[WordMatrix], "LexicalIndex"],
        stored: Callable[[StoredWords], "LexicalIndex"],
    ) -> None:
        """index: of likely words, row by row; stored: the same index of words that are kept by word"""
        self.name, self.about, self.index, self.stored = name, about, index, stored

    def required_parts(self, gallery: GalleryContents) -> frozenset[str]:
        """Word probabilities."""
        return frozenset({"word_probabilities"})

    def prepare(self, gallery: GalleryContents) -> "PreparedLexical":
        """Index the gallery's word probabilities; BadSetting where it has none."""
        kept = gallery.stored_words
        if kept is not None:
            return PreparedLexical(self, self.stored(kept), partial(kept.row, least=LIKELY))
        likely = gallery.word_probabilities.at_least(LIKELY)
        return PreparedLexical(self, self.index(likely), likely.row)


class PreparedLexical(PreparedMode):
    """The likely words of one gallery: less probable ones have no part in these modes."""

    def __init__(
        self, mode: LexicalMode, index: LexicalIndex, row: Callable[[int], Mapping[str, float]]
    ) -> None:
        """row: gives those of one image"""
        self.mode, self.index, self._row = mode, index, row
        self.finds_best = KERNEL is not None

    def scores(self, query: EncodedQuery) -> np.ndarray:
        """(N,) float32; NoWords for a query without any word, BadSetting for a picture of which nothing is
        predicted."""
        return self._index(query).scores(self._probabilities(query))

    def best(
        self, query: EncodedQuery, top: int, least: float, allowed: NDArray[np.bool_] | None
    ) -> list[tuple[int, float]] | None:
        """The best rows; None where all have to be scored. errors: as scores"""
        return self._index(query).best(self._probabilities(query), top, least, allowed)

    def why(self, query: EncodedQuery, row: int) -> tuple[str, ...]:
        """The words that made the match, the most telling first."""
        return tuple(
            reason.word
            for reason in by_share(self._reasons(query, row))[:_SHOWN]
            if reason.share > 0 and reason.query and reason.image
        )

    def explain(self, query: EncodedQuery, row: int) -> Explanation:
        """Every word of both sides with its probabilities."""
        reasons = self._reasons(query, row)
        whole = float(self._index(query).scores(self._probabilities(query))[row])
        return Explanation(by_share(reasons), rest=whole - sum(one.share for one in reasons))

    def _reasons(self, query: EncodedQuery, row: int) -> list[WordReason]:
        ours, theirs = self._probabilities(query), self._row(row)
        return [
            WordReason(word, ours.get(word, 0.0), theirs.get(word, 0.0), corpus.weight(word), share)
            for word, share in self._index(query).shares(ours, theirs).items()
        ]

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
        kept = {word: value for word, value in predicted.items() if value >= np.float16(LIKELY)}
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
        words, ids = word_probabilities.words, word_probabilities.ids
        values = np.sqrt(word_probabilities.weights.astype(np.float32) * corpus.weights(words)[ids])
        rows = WordMatrix(words, word_probabilities.starts, ids, values)
        sums = np.bincount(ids, values.astype(np.float64), len(words)).astype(np.float64)
        centre = self._centre(words, sums, len(rows))
        self.index = CosineIndex(rows, centre, power=self.POWER)

    @classmethod
    def of_stored(cls, stored: StoredWords) -> Self:
        """The same of words that are kept by word."""
        words = tuple(stored.head.words)
        idf, sums = corpus.weights(words), np.zeros(len(words))
        for ids, _, likely in stored.likely_entries():
            # exact in any order: float32 from 2^-7 to 2^2 are multiples of 2^-30, their sum is below 2^23
            sums += np.bincount(ids, np.sqrt(likely * idf[ids]).astype(np.float64), len(words))
        centre = cls._centre(words, sums, stored.count)
        own = np.fromiter(centre.values(), np.float32, len(words))
        with_centre, squares = np.zeros(stored.count), np.zeros(stored.count)
        for ids, rows, likely in stored.likely_entries():
            values = np.sqrt(likely * idf[ids])
            with_centre += np.bincount(rows, (values * own[ids]).astype(np.float64), stored.count)
            squares += np.bincount(rows, (values * values).astype(np.float64), stored.count)
        index = cls.__new__(cls)
        lists = StoredWeights(stored, _weigh_root)
        index.index = CosineIndex.about(lists, centre, with_centre, squares, cls.POWER)
        return index

    @classmethod
    def _centre(cls, words: Sequence[str], sums: NDArray[np.float64], count: int) -> dict[str, float]:
        """The mean image, by word; sums: (V,) over `count` images."""
        usual = np.array([sqrt(corpus.rates().get(word, 0.0) * corpus.weight(word)) for word in words])
        return dict(zip(words, ((sums + cls.STEADY * usual) / (count + cls.STEADY)).tolist(), strict=True))

    def for_texts(self) -> "TextCosine":
        """The same for texts."""
        return TextCosine(self.index)

    def scores(self, query: Mapping[str, float]) -> NDArray[np.float32]:
        """(N,) float32 from -1 to 1."""
        return self.index.scores(_roots(query))

    def best(
        self, query: Mapping[str, float], top: int, least: float, allowed: NDArray[np.bool_] | None
    ) -> list[tuple[int, float]] | None:
        """None: what a query does not hold counts, too, so all have to be scored."""
        return None

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

    def best(
        self, query: Mapping[str, float], top: int, least: float, allowed: NDArray[np.bool_] | None
    ) -> list[tuple[int, float]] | None:
        """The best rows, see CosineIndex."""
        return self.index.best_of_words(_roots(query), top, least, allowed)

    def shares(self, query: Mapping[str, float], row: Mapping[str, float]) -> dict[str, float]:
        """What each word of the text adds; below 0 where the picture holds it less than most."""
        added = self.index.shares_of_words(_roots(query), _roots(row))
        return dict.fromkeys(row, 0.0) | added


def stored_jaccard(stored: StoredWords) -> JaccardWords:
    """Jaccard similarity by idf of words that are kept by word."""

    def weigh(word: str, likely: NDArray[np.float32]) -> NDArray[np.float32]:
        return likely * np.float32(corpus.weight(word))

    weights = WordWeights(corpus.idf(), corpus.rarest())
    return JaccardWords.of_lists(StoredWeights(stored, weigh), stored.totals(), weights)


def _weigh_root(word: str, likely: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = np.sqrt(likely * np.float32(corpus.weight(word)))
    return found


def _roots(probabilities: Mapping[str, float]) -> dict[str, float]:
    return {word: sqrt(weight * corpus.weight(word)) for word, weight in probabilities.items()}

"""Modes that compare the words of captions: Jaccard similarity in its forms, tf-idf, BM25."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...errors import NoWords
from ...records import Explanation, WordReason
from ...text import STOP_WORDS, word_set, words
from .. import corpus
from ..index.cosine import BM25Index, CosineIndex
from ..index.jaccard import JaccardIndex
from ..index.soft_jaccard import SoftJaccardIndex
from ..index.sparse import WordMatrix
from ..index.stored import (
    CaptionIndex,
    StoredIndex,
    StoredSets,
    idf_jaccard,
    set_jaccard,
    stored_bm25,
    tfidf_cosine,
)
from ..lemmas import lemma
from ..protocols import GalleryContents, Mode, PreparedMode
from ..query import EncodedQuery
from .explain import by_share

Bag = Mapping[str, float]  # what a mode reads of a caption: a weight for each of its words


class Index(Protocol):
    """How a mode compares bags of words."""

    def scores(self, query: Bag) -> np.ndarray:
        """(N,) float32: the similarity of the query to each row."""
        ...

    def shares(self, query: Bag, row: Bag) -> dict[str, float]:
        """What each word of either side adds to the score of one row."""
        ...

    def weight(self, word: str) -> float:
        """How much a word counts."""
        ...


class WordMode(Mode):
    """The captions' words, read in one way (`bag`) and compared in one way (`index`)."""

    accepts = frozenset({"image", "text"})

    def __init__(
        self,
        name: str,
        about: str,
        bag: Callable[[str], Bag],
        index: Callable[[WordMatrix], Index],
        stored: Callable[[CaptionIndex], Index] | None = None,
        *,
        symmetric: bool = True,
        bounded: bool = True,
    ) -> None:
        """stored: the same index of captions whose postings are kept; None: there is none
        symmetric: an image finds another as the other finds it; bounded: scores end at 1, the score of an
        equal caption."""
        self.name, self.about, self.bag, self.index, self.stored = name, about, bag, index, stored
        self.symmetric, self.bounded = symmetric, bounded

    def required_parts(self, gallery: GalleryContents) -> frozenset[str]:
        """Captions are enough."""
        return frozenset()

    def prepare(self, gallery: GalleryContents) -> "PreparedWords":
        """Take the index of the captions' words that is kept with the gallery, else make one. Captions repeat
        a lot, so each distinct one is read once."""
        kept = gallery.caption_index
        if kept is not None and self.stored is not None:
            count = kept.lemma_frequency if self.bag is lemmas else kept.frequency
            return PreparedWords(self, self.stored(kept), gallery.captions, count)
        bags = {caption: self.bag(caption) for caption in set(gallery.captions)}
        rows = [bags[caption] for caption in gallery.captions]
        plain = all(weight == 1 for bag in bags.values() for weight in bag.values())
        matrix = WordMatrix.of_sets([bag.keys() for bag in rows]) if plain else WordMatrix.of_rows(rows)
        frequencies = Counter(word for bag in rows for word in bag)
        return PreparedWords(self, self.index(matrix), gallery.captions, frequencies.__getitem__)


class PreparedWords(PreparedMode):
    """The word index of one gallery."""

    def __init__(
        self, mode: WordMode, index: Index, captions: Sequence[str], frequency: Callable[[str], int]
    ) -> None:
        """captions: of the gallery; frequency: says how many of them hold a word, as the mode reads it"""
        self.mode, self.index, self.captions, self.frequency = mode, index, captions, frequency
        self.finds_best = isinstance(index, StoredIndex) and index.finds_best

    def scores(self, query: EncodedQuery) -> np.ndarray:
        """(N,) float32; NoWords for a query without any word."""
        return self.index.scores(self._bag(query))

    def best(
        self, query: EncodedQuery, top: int, least: float, allowed: NDArray[np.bool_] | None
    ) -> list[tuple[int, float]] | None:
        """The best rows, where the index is one that is kept. errors: as scores"""
        if not isinstance(self.index, StoredIndex):
            return None
        return self.index.best(self._bag(query), top, least, allowed)

    def why(self, query: EncodedQuery, row: int) -> tuple[str, ...]:
        """The shared words: those that say what is seen before stop words, the rarest in the gallery
        first."""
        shared = self._bag(query).keys() & self.mode.bag(self.captions[row]).keys()
        return tuple(sorted(shared, key=lambda word: (word in STOP_WORDS, self.frequency(word), word)))

    def explain(self, query: EncodedQuery, row: int) -> Explanation:
        """Every word of both sides."""
        ours, theirs = self._bag(query), self.mode.bag(self.captions[row])
        shares = self.index.shares(ours, theirs)
        partners = self.index.partners(ours, theirs) if isinstance(self.index, SoftJaccardIndex) else {}
        for word in set(partners.values()) - ours.keys():
            del shares[word]  # its share stands under the query's word
        return Explanation(
            by_share(
                WordReason(
                    word,
                    ours.get(word, 0.0),
                    theirs.get(partners.get(word, word), 0.0),
                    self.index.weight(word),
                    share,
                    partners.get(word, ""),
                )
                for word, share in shares.items()
            )
        )

    def _bag(self, query: EncodedQuery) -> Bag:
        bag = query.apply_feedback(self._own(query), self._own)
        if not bag:
            raise no_words(query)
        return bag

    def _own(self, query: EncodedQuery) -> Bag:
        bags = [self.mode.bag(text) for text in query.texts]
        return {
            word: max(bag.get(word, 0.0) for bag in bags)
            for word in dict.fromkeys(word for bag in bags for word in bag)
        }


class JaccardWords(JaccardIndex):
    """The Jaccard index with what an explanation needs."""

    def for_texts(self) -> "JaccardWords":
        """Itself: texts are compared as pictures are."""
        return self

    def shares(self, query: Bag, row: Bag) -> dict[str, float]:
        """Each word's part of the numerator / the whole denominator."""
        both = sorted({*query, *row})
        union = sum(self.weight(word) * max(query.get(word, 0.0), row.get(word, 0.0)) for word in both)
        shared = {word: self.weight(word) * min(query.get(word, 0.0), row.get(word, 0.0)) for word in both}
        return {word: value / union if union else 0.0 for word, value in shared.items()}

    def weight(self, word: str) -> float:
        """How much a word counts."""
        return float(self.word_weights.of([word])[0])


class TfIdf(CosineIndex):
    """Cosine of counts times idf."""

    def __init__(self, rows: WordMatrix) -> None:
        idf = np.fromiter(map(self.weight, rows.words), np.float32, len(rows.words))
        super().__init__(
            WordMatrix(rows.words, rows.starts, rows.ids, rows.weights.astype(np.float32) * idf[rows.ids])
        )

    def scores(self, query: Bag) -> np.ndarray:
        """(N,) float32 from 0 to 1."""
        return super().scores(self._vector(query))

    def best(
        self, query: Bag, top: int, least: float, allowed: NDArray[np.bool_] | None
    ) -> list[tuple[int, float]] | None:
        """The best rows, see CosineIndex."""
        return super().best(self._vector(query), top, least, allowed)

    def shares(self, query: Bag, row: Bag) -> dict[str, float]:
        """What each word adds to the cosine."""
        return super().shares(self._vector(query), self._vector(row))

    def weight(self, word: str) -> float:
        """A word's idf."""
        return corpus.weight(word)

    def _vector(self, bag: Bag) -> dict[str, float]:
        return {word: count * self.weight(word) for word, count in bag.items()}


def jaccard_by_idf(rows: WordMatrix) -> JaccardWords:
    """Jaccard similarity in which a word counts as much as it is rare."""
    return JaccardWords(rows, corpus.idf(), corpus.rarest())


def bm25(rows: WordMatrix) -> BM25Index:
    """BM25 with the corpus's idf."""
    return BM25Index(rows, corpus.idf(), corpus.rarest())


def stored_sets(sizes: str) -> Callable[[CaptionIndex], Index]:
    """Jaccard similarity over kept postings; sizes: which words count, see CaptionPostings.of_each."""

    def index(captions: CaptionIndex) -> Index:
        return StoredSets(captions, lambda part: set_jaccard(JaccardWords, sizes, part), sizes)

    return index


def stored_idf(captions: CaptionIndex) -> Index:
    """`jaccard_by_idf` over kept postings."""
    return StoredIndex(captions, lambda part: idf_jaccard(JaccardWords, part))


def stored_tfidf(captions: CaptionIndex) -> Index:
    """`TfIdf` over kept postings."""
    return StoredIndex(captions, lambda part: tfidf_cosine(TfIdf, part))


def stored_okapi(captions: CaptionIndex) -> Index:
    """`bm25` over kept postings."""
    return StoredIndex(captions, lambda part: stored_bm25(captions, part))


def distinct(caption: str) -> Bag:
    """The set of words."""
    return dict.fromkeys(sorted(word_set(caption)), 1.0)


def content(caption: str) -> Bag:
    """The set of words that say what is seen."""
    return {word: 1.0 for word in distinct(caption) if word not in STOP_WORDS}


def lemmas(caption: str) -> Bag:
    """The set of those words' base forms."""
    return dict.fromkeys(sorted(map(lemma, content(caption))), 1.0)


def counted(caption: str) -> Bag:
    """How often each word stands there."""
    return {word: float(count) for word, count in sorted(Counter(words(caption)).items())}


def no_words(query: EncodedQuery) -> NoWords:
    """The error for a query that a mode finds no word in."""
    given = " and ".join(map(repr, query.texts)) or "nothing"
    if query.feedback is not None and query.feedback.disliked:
        return NoWords(
            f"Of the query ({given}) no word is left: what is disliked takes all away. Dislike other "
            "pictures, or give other weights."
        )
    return NoWords(
        f"The query holds no word to compare by (it is {given}). Ask with at least one word that says what "
        "is seen."
    )

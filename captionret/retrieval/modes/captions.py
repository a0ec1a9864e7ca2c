"""Modes that compare several captions of each image: the best pair, or all words together."""

from collections import Counter
from collections.abc import Mapping

import numpy as np

from ...records import Explanation, WordReason
from ...text import word_set
from ..index.sparse import WordMatrix
from ..protocols import GalleryContents, Mode, PreparedMode
from ..query import EncodedQuery
from .explain import by_share
from .words import JaccardWords, jaccard_by_idf, no_words


class MultiCaptionMode(Mode):
    """Jaccard similarity of several captions of each side.

    union: False: of the most similar pair; True: of the words of all captions together, weighted by idf
    """

    accepts = frozenset({"image", "text"})

    def __init__(self, name: str, about: str, union: bool) -> None:
        self.name, self.about, self.union = name, about, union

    def required_parts(self, gallery: GalleryContents) -> frozenset[str]:
        """Captions are enough."""
        return frozenset()

    def prepare(self, gallery: GalleryContents) -> "PreparedCaptions":
        """Index every caption of the gallery."""
        return PreparedCaptions(gallery, self.union)


class PreparedCaptions(PreparedMode):
    """Every caption of one gallery; a unit is one caption, or with `union` the words of all captions of an
    image."""

    def __init__(self, gallery: GalleryContents, union: bool) -> None:
        self.union = union
        self.captions = gallery.all_captions
        units = [self._units(captions) for captions in self.captions]
        # (N+1,)
        self.starts = np.concatenate([[0], np.cumsum([len(image) for image in units])]).astype(np.int64)
        rows = WordMatrix.of_sets([words for image in units for words in image])
        self.index = jaccard_by_idf(rows) if union else JaccardWords(rows)

    def scores(self, query: EncodedQuery) -> np.ndarray:
        """(N,) float32; NoWords for a query without any word."""
        if len(self.starts) == 1:
            self._query_units(query)
            return np.zeros(0, np.float32)
        pairs = [
            np.maximum.reduceat(self.index.scores(unit), self.starts[:-1])
            for unit in self._query_units(query)
        ]
        return np.asarray(np.max(pairs, axis=0), np.float32)

    def why(self, query: EncodedQuery, row: int) -> tuple[str, ...]:
        """The words that both sides hold, the rarest first."""
        ours, theirs = self._best_pair(query, row)
        return tuple(
            sorted(
                ours.keys() & theirs,
                key=lambda word: (-self.index.weight(word), self.index.frequency(word), word),
            )
        )

    def explain(self, query: EncodedQuery, row: int) -> Explanation:
        """The words of the pair that made the score."""
        ours, held = self._best_pair(query, row)
        theirs = dict.fromkeys(sorted(held), 1.0)
        shares = self.index.shares(ours, theirs)
        reasons = [
            WordReason(word, ours.get(word, 0.0), theirs.get(word, 0.0), self.index.weight(word), share)
            for word, share in shares.items()
        ]
        return Explanation(by_share(reasons))

    def _units(self, captions: tuple[str, ...]) -> list[frozenset[str]]:
        sets = [word_set(caption) for caption in captions]
        return [frozenset().union(*sets)] if self.union else sets

    def _query_units(self, query: EncodedQuery) -> list[Mapping[str, float]]:
        asked = word_set(query.text or "")
        units = (
            [unit | asked for unit in self._units(query.all_captions)]
            if query.caption is not None
            else [asked]
        )
        weighted = [query.apply_feedback(dict.fromkeys(sorted(unit), 1.0), self._shares) for unit in units]
        if not any(weighted):
            raise no_words(query)
        return weighted

    def _shares(self, other: EncodedQuery) -> dict[str, float]:
        """In what share of the units each word of a liked or disliked picture stands."""
        units = self._units(other.all_captions)
        counts = Counter(word for unit in units for word in unit)
        return {word: count / len(units) for word, count in sorted(counts.items())}

    def _best_pair(self, query: EncodedQuery, row: int) -> tuple[Mapping[str, float], frozenset[str]]:
        pairs = [
            (ours, theirs) for ours in self._query_units(query) for theirs in self._units(self.captions[row])
        ]
        return max(
            pairs, key=lambda pair: sum(self.index.shares(pair[0], dict.fromkeys(pair[1], 1.0)).values())
        )
